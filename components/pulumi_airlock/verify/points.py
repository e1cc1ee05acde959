"""One connection against sets of hosts, services and times: yes, no, or not to be told from a line of a log."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..proof.sets import Hosts, Services
from ..proof.times import DagRun, Once, Times, Weekly, Window


class Held(IntEnum):
    """Whether a set holds a point; the order makes `min` an "and" and `max` an "or"."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Host:
    """A destination as a log shows it: its address, its name, or both."""

    address: str
    name: str
    may: Hosts = field(default_factory=Hosts)
    """The addresses that the name is declared to have."""
    perhaps: frozenset[str] = frozenset()
    """Names that the address may belong to, where the log shows no name: declared ones without addresses."""

    def held(self, hosts: Hosts) -> Held:
        """Whether a set holds it, by its name or by its address."""
        if self.name and self.name in hosts.names:
            return Held.YES
        if self.address:
            return Held.YES if _within(self.address, hosts) else self._by_unknown_name(hosts)
        if not self.may:
            # A name of which no address is known may have any.
            return Held.YES if _all_addresses(hosts) else Held.MAYBE if hosts.addresses() else Held.NO
        if hosts.covers_addresses(self.may):
            return Held.YES
        return Held.MAYBE if (hosts & self.may).addresses() else Held.NO

    def _by_unknown_name(self, hosts: Hosts) -> Held:
        return Held.MAYBE if not self.name and any(one in hosts.names for one in self.perhaps) else Held.NO

    def __str__(self) -> str:
        return self.name or self.address


@lru_cache(maxsize=8192)
def _number(address: str) -> tuple[int, int]:
    found = ipaddress.ip_address(address)
    return found.version, int(found)


def _within(address: str, hosts: Hosts) -> bool:
    version, number = _number(address)
    return number in (hosts.v4 if version == 4 else hosts.v6)


def _all_addresses(hosts: Hosts) -> bool:
    return hosts.covers_addresses(Hosts.every_v4())


def address_in(address: str, hosts: Hosts) -> bool:
    """Whether an address, as a log shows it, is in a set."""
    return bool(address) and _within(address, hosts)


@lru_cache(maxsize=8192)
def service(protocol: str, port: int) -> Services:
    """The service of a connection; that of a protocol which has no number here is empty, and in no rule."""
    try:
        return Services.of(protocol, port, port) if protocol in ("tcp", "udp", "sctp") else Services.of(protocol)
    except ValueError:
        return Services()


def serves(services: Services, one: Services) -> bool:
    """Whether a set of services holds one."""
    return bool(one) and services.cells.covers(one.cells)


def holds(times: Times, moment: datetime) -> bool:
    """Whether a rule or a route holds at an instant. While a DAG runs: a log does not say, so it does."""
    return all(any(_open(window, moment) for window in windows) for windows in times)


def _open(window: Window, moment: datetime) -> bool:
    if isinstance(window, DagRun):
        return True
    if isinstance(window, Once):
        return (window.start is None or window.start <= moment) and (window.end is None or moment < window.end)
    return _in_week(window, moment)


def _in_week(window: Weekly, moment: datetime) -> bool:
    local = moment.astimezone(_zone(window.timezone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any(first <= minute < end for first, end in window.spans)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class Clock:
    """Classes of instants: those at which the same windows are open. Few, where instants are many."""

    def __init__(self, times: Iterable[Times]) -> None:
        self._times = tuple(dict.fromkeys(one for one in times if one))
        self._of = lru_cache(maxsize=8192)(self._class)

    def class_of(self, moment: datetime | None) -> int:
        """A number for the windows that are open at an instant."""
        if not self._times or moment is None:
            return 0
        return self._of(int(moment.timestamp()) // 60, moment)

    def _class(self, minute: int, moment: datetime) -> int:
        return sum(1 << place for place, one in enumerate(self._times) if holds(one, moment))
