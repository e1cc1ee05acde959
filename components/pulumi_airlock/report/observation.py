"""Lines of a device's log, explained: who can have made the connection, whether they may, whether the device agrees.

Which filters of a stack are the device's own, the resources that they come from tell.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ..access.model import Access
from ..errors import AirlockError, InputError, Problem
from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Stack
from ..logs import Connection, Unreadable, envoy, flow, fortigate, gcp, hubble, lss, nss, proxy, read
from ..proof.explanation.observing import Agreement, Observation, observe
from ..proof.filters import Environment, Filter, Kind, Source
from ..proof.sets import Hosts, Services

if TYPE_CHECKING:
    from ..verify.expected import Expected

_OURS = {
    fortigate.FORMAT: (re.compile(r"fortios|fortimanager", re.IGNORECASE), (Kind.PERMISSION, Kind.ROUTING)),
    flow.VPC: (re.compile(r"aws:(ec2|vpc)/", re.IGNORECASE), (Kind.PERMISSION,)),
    flow.TGW: (re.compile(r"aws:(ec2|ec2transitgateway)/", re.IGNORECASE), (Kind.ROUTING,)),
    gcp.FIREWALL: (re.compile(r"gcp:compute/"), (Kind.PERMISSION,)),
    gcp.FLOW: (re.compile(r"gcp:compute/"), (Kind.PERMISSION, Kind.ROUTING)),
    lss.FORMAT: (re.compile(r"zpa:index", re.IGNORECASE), (Kind.PERMISSION,)),
    nss.FIREWALL: (re.compile(r"zia:index", re.IGNORECASE), (Kind.PERMISSION,)),
    nss.WEB: (re.compile(r"zia:index", re.IGNORECASE), (Kind.PERMISSION,)),
    hubble.FORMAT: (re.compile(r"kubernetes:(cilium\.io|networking\.k8s\.io|policy\.networking\.k8s\.io)/"), (Kind.PERMISSION,)),
    envoy.FORMAT: (re.compile(r"envoy|istio|tcpproxy", re.IGNORECASE), (Kind.PERMISSION, Kind.TOKEN)),
    proxy.FORMAT: (re.compile(r"tcpproxy", re.IGNORECASE), (Kind.PERMISSION, Kind.TOKEN)),
}
"""Format → types of resources whose filters write such lines, and the kinds of decisions that these lines show."""


IMPLICIT = "0"
"""A FortiGate's implicit deny."""
_CLOUD = frozenset({lss.FORMAT, nss.FIREWALL, nss.WEB})
"""Formats in which a caller is known by more, and an address may be one after NAT."""
_SOME = 10
"""Which address of an environment stands for it: one that AWS does not keep for itself."""
_STRANGER = "its location, and its address, are none of an environment's: the stack has nothing to do with it"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log, and what it means for a stack."""

    number: int
    connection: Connection | None
    """None: the line cannot be read."""
    observation: Observation | None
    """None: the stack has nothing to do with it."""
    rule: Source | None = None
    """The rule of the stack that the line names."""
    problem: str = ""
    """Why the line, or the connection, cannot be explained."""
    note: str = ""
    """How the line was understood."""


def explain_log(stack: Stack, lines: Iterable[str], *, at: datetime, log_format: str = "") -> Iterator[Line]:
    """Every line of a log, explained. InputError where the stack declares no access, or `log_format` is none.

    A connection is judged at the time at which it was made, or at `at` where the line tells no time.
    """
    reading, access = read_all(stack), required_access(stack)
    explainer = _Explainer(stack, access, reading.environments, reading.filters, at)
    try:
        for number, found in read(lines, log_format):
            yield Line(number, None, None, problem=found.why) if isinstance(found, Unreadable) else explainer.line(number, found)
    except ValueError as error:
        if isinstance(error, AirlockError):
            raise
        raise InputError([Problem("", "--log-format", str(error))]) from None


def explain_source(stack: Stack, source: str, destination: str, *, at: datetime, when: datetime | None = None) -> Observation:
    """Everybody who can connect from an address, and whether they can reach something. Errors are those of `explain_stack`."""
    reading = read_all(stack)
    return observe(required_access(stack), reading.environments, reading.filters, source, destination, at=at, when=when or at)


class _Explainer:
    """What is the same for all lines."""

    def __init__(
        self, stack: Stack, access: Access, environments: Sequence[Environment], filters: Sequence[Filter], at: datetime
    ) -> None:
        self._stack = stack
        self._access, self._environments, self._filters, self._at = access, environments, filters, at
        self._inside = Hosts.union(one.sources.addresses() for one in environments)

    def line(self, number: int, connection: Connection) -> Line:
        cloud = connection.format in _CLOUD
        asked = self._by_cloud(connection) if cloud else (*self._forward(connection), ())
        if asked is None:
            return Line(number, connection, None, problem=_STRANGER)
        one, note, callers = asked
        if one.time is None:
            note = " ".join(filter(None, [note, "The line tells no time: it is judged as of now."]))
        pattern, kinds = _OURS[one.format]
        device = [each for each in self._filters if each.kind in kinds and any(map(pattern.search, _urns(each)))]
        try:
            found = observe(
                self._access,
                self._environments,
                self._filters,
                one.source,
                one.named if cloud else one.where,
                at=self._at,
                when=one.time or self._at,
                allowed=one.allowed,
                group=one.group,
                device=device,
                callers=callers,
            )
        except InputError as error:
            return Line(number, one, None, problem=str(error), note=note)
        if callers and one.allowed is False:
            # Whoever was refused may be in none of the groups: nothing says that the stack lets them in.
            found = replace(found, agreement=Agreement.UNKNOWN)
        return Line(number, one, found, _named(one, device), note=note)

    @cached_property
    def _expected(self) -> "Expected":
        from ..verify.expected import expected_of  # here: most logs are of a device that has nothing to do with it

        return expected_of(self._stack)

    def _by_cloud(self, one: Connection) -> tuple[Connection, str, tuple[str, ...]] | None:
        """A line of Zscaler's as from an address of the environment; who it can be, where none tells. None: nobody here."""
        if one.source and self._inside.covers_addresses(Hosts.from_cidr(one.source)):
            return one, "", ()
        name = (one.location if one.format != lss.FORMAT else one.user).lower()
        way = next((each for each in self._expected.ways if name and each.location.lower() == name), None)
        home = next((each for each in self._environments if way is not None and each.name == way.environment), None)
        if way is not None and home is not None and home.sources.v4:
            first, last = home.sources.v4.spans[0]
            address = str(ipaddress.IPv4Address(min(first + _SOME, last)))
            said = (
                f"It came by {way.location}, which is that of {way.environment} ({way.component}): explained as from {address}."
            )
            return one._replace(source=address), said, ()
        people = tuple(each.name for each in self._access.principals if each.is_people)
        if one.format != lss.FORMAT or not people:
            return None
        return one._replace(source=""), f"{one.user or 'The caller'} is a person; the log does not tell their groups.", people

    def _forward(self, one: Connection) -> tuple[Connection, str]:
        """A flow log has a record for each direction: of answers, the connection that they answer."""
        if one.format not in (flow.VPC, flow.TGW, gcp.FLOW) or one.source_port is None or not self._answers(one):
            return one, ""
        asked = replace_ends(one)
        return asked, f"The record is of the answers; it is explained as the connection {asked}."

    def _answers(self, one: Connection) -> bool:
        source, destination = Hosts.from_cidr(one.source), Hosts.from_cidr(one.destination)
        if not self._inside.covers_addresses(destination) or (one.port and one.port < 1024):
            return False
        service = Services.of(one.protocol, one.source_port or 0, one.source_port or 0)
        return any(
            Hosts.from_cidrs(each.cidrs).covers_addresses(source)
            and bool(Services.union(Services.of(*port) for port in each.services()) & service)
            for each in self._access.destinations
        )


def replace_ends(one: Connection) -> Connection:
    """The connection seen from its other end."""
    return one._replace(source=one.destination, source_port=one.port, destination=one.source, port=one.source_port or 0)


def _urns(one: Filter) -> Iterator[str]:
    yield one.urn
    yield from (rule.source.urn for rule in one.rules)


def _named(one: Connection, device: Sequence[Filter]) -> Source | None:
    """The rule of the stack that a line names, by its name, else by its number."""
    sources = [rule.source for each in device for rule in each.rules]
    by_name = [each for each in sources if one.rule and f'"{one.rule}"' in each.label]
    numbers = (f"policy {one.rule_id} ", f"rule {one.rule_id} ")
    by_number = [each for each in sources if one.rule_id and each.label.startswith(numbers)]
    return next(iter(by_name or by_number), None)
