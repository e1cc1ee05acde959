"""One rule of a security group or network ACL, whichever resource wrote it.

Protocol and ports as services, peers as addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Action, Match, Rule, Source, Who
from ...proof.sets import Hosts, Services, protocol_number
from ..stack import UNKNOWN

_WITH_PORTS = frozenset({6, 17})
_ICMP = frozenset({1, 58})


@dataclass(frozen=True)
class Reach:
    """The services a rule speaks of; with `reasons`, it may mean all of them, or fewer."""

    services: Services
    reasons: tuple[str, ...] = ()


def read_services(protocol: Any, first: Any, last: Any, where: str) -> Reach:
    """The services of `protocol`, `from_port`, `to_port` as AWS means them.

    `-1` and `all` are every protocol, whatever the ports say; ports count for TCP and UDP alone, and -1 or none is all
    of them. For ICMP the two are type and code: a rule for one type is a part of ICMP that services do not tell apart, so it
    may or may not match. (EC2 API Reference, "IpPermission"; VPC User Guide, "Custom network ACLs".)
    """
    if protocol is UNKNOWN or protocol is None:
        return Reach(Services.every(), (f"{where}.protocol",))
    if str(protocol).lower() in ("-1", "all", "-1.0"):
        return Reach(Services.every())
    try:
        number = protocol_number(int(protocol) if isinstance(protocol, float) else protocol)
    except (ValueError, OverflowError):
        return Reach(Services.every(), (f"{where}.protocol ({protocol!r})",))
    whole = Services.of(number)
    if number not in _WITH_PORTS and number not in _ICMP:
        return Reach(whole)
    low, high = _integer(first), _integer(last)
    if low is UNKNOWN or high is UNKNOWN:
        return Reach(whole, (f"{where}.fromPort–toPort",))
    if number in _ICMP:
        return Reach(whole) if low in (None, -1) else Reach(whole, (f"{where}: ICMP type {low} alone",))
    if low in (None, -1) and high in (None, -1):
        return Reach(whole)
    try:
        return Reach(Services.of(number, 0 if low is None else low, 65535 if high is None else high))
    except (ValueError, TypeError):
        return Reach(whole, (f"{where}.fromPort–toPort ({first!r}–{last!r})",))


def _integer(value: Any) -> Any:
    """A port as a number: Pulumi's wire has doubles, YAML programs have text. UNKNOWN stays, and so does what is none."""
    if value is UNKNOWN or value is None:
        return value
    try:
        return int(value)
    except (TypeError, ValueError):
        return UNKNOWN


@dataclass(frozen=True)
class Peer:
    """The other end of a rule: addresses, or tasks of environments, surely; `maybe`, with reasons, where it cannot be told."""

    hosts: Hosts = Hosts()  # noqa: RUF009  # frozen
    environments: frozenset[str] = frozenset()
    maybe: Hosts = Hosts()  # noqa: RUF009
    maybe_anyone: bool = False
    """Inbound, the peer may be anyone at all: a group that is not known."""
    reasons: tuple[str, ...] = ()


def rules_outward(action: Action, peer: Peer, reach: Reach, source: Source) -> Iterator[Rule]:
    """The rules of one entry whose peer is the destination: one of what is known, one of what may be."""
    if peer.hosts:
        yield Rule(action, Match(hosts=peer.hosts, services=reach.services), source, reach.reasons)
    if peer.maybe:
        yield Rule(action, Match(hosts=peer.maybe, services=reach.services), source, (*peer.reasons, *reach.reasons))


def rules_inward(action: Action, peer: Peer, reach: Reach, source: Source) -> Iterator[Rule]:
    """The rules of one entry whose peer is who calls."""
    known = [Who(sources=peer.hosts)] if peer.hosts else []
    if peer.environments:
        known.append(Who(environments=peer.environments))
    for who in known:
        yield Rule(action, Match(who=who, services=reach.services), source, reach.reasons)
    doubtful = Who() if peer.maybe_anyone else Who(sources=peer.maybe)
    if peer.maybe_anyone or peer.maybe:
        yield Rule(action, Match(who=doubtful, services=reach.services), source, (*peer.reasons, *reach.reasons))
