"""Lines of a device's log, explained: who can have made the connection, whether they may, whether the device agrees.

Which filters of a stack are the device's own, the resources that they come from tell.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ..access.model import Access
from ..errors import AirlockError, InputError, Problem
from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Stack
from ..logs import Connection, Unreadable, envoy, flow, fortigate, gcp, hubble, lss, nss, proxy, read
from ..proof.explanation.observing import Agreement, Likely, Observation, Suspects, observe
from ..proof.filters import Environment, Filter, Kind, Source
from ..proof.findings import Explanation, Outcome
from ..proof.sets import Hosts, Services
from ..proof.wording import listed
from .explanation import explanation_to_json, refused_by
from .lines import console as standard_output
from .lines import write
from .plain import plain
from .rows import STYLES, show_path

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


_IMPLICIT = "0"
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


# --- in the terminal


def show_line(line: Line, console: Console | None = None, *, numbered: bool = False, urns: bool = False) -> None:
    """Shows one line: whether device and stack agree, who can have made the connection, and why it is allowed or refused."""
    out = console or standard_output()
    label = f"line {line.number}: " if numbered else ""
    if line.connection is None:
        write(out, line.problem, style="bold yellow", label=label)
        out.print()
        return
    _show_connection(out, line, line.connection, label)
    if line.observation is None:
        write(out, line.problem, label="Problem:    ", style="yellow")
        out.print()
        return
    found = line.observation
    write(out, _agreement(line, found), label="Stack:      ")
    if found.passed:
        gates = listed(f"{row.gate} ({row.filter.name})" for row in found.passed)
        text = f"It came as far as the device, although {gates} should have refused it before: drift there as well."
        write(out, text, label="Also:       ", style="bold red")
    if mend := _mend(line, found):
        write(out, mend, label="What to do: ")
    _show_suspects(out, found)
    for number, one in enumerate(found.suspects):
        _show_answer(out, found, one, urns, whole=number == 0)


def show_source(found: Observation, console: Console | None = None, *, urns: bool = False) -> None:
    """Shows who can connect from an address, and why each of them can, or cannot."""
    out = console or standard_output()
    _show_suspects(out, found, "Address:    ")
    for number, one in enumerate(found.suspects):
        _show_answer(out, found, one, urns, whole=number == 0)


def source_to_json(found: Observation) -> dict[str, Any]:
    """The same as plain data."""
    return {"source": found.source, "destination": found.destination, "when": found.when.isoformat(), **_who(found)}


def _who(found: Observation) -> dict[str, Any]:
    suspects = [
        {"callers": list(each.callers), "likely": plain(each.likely), "explanation": explanation_to_json(each.explanation)}
        for each in found.suspects
    ]
    return {"environments": list(found.environments), "suspects": suspects}


def _show_connection(out: Console, line: Line, one: Connection, label: str) -> None:
    verdict = {True: "allowed", False: "refused", None: "seen"}[one.allowed]
    style = {True: "green", False: "red", None: "default"}[one.allowed]
    number = _number(one)
    rule = " ".join(filter(None, [number, f'"{one.rule}"' if one.rule else ""]))
    device = f" at {one.device}" if one.device else ""
    said = f"{one} was {verdict}{device}{f' by {rule}' if rule else ''} ({one.format}: {one.action or 'no action'})"
    write(out, said, style=f"bold {style}", label=label)
    if one.detail:
        write(out, one.detail, label="Device:     ")
    if one.user or one.group:
        write(out, " in group ".join(filter(None, [one.user, one.group])), label="Signed in:  ")
    if one.location or one.application:
        place = [f"location {one.location}" if one.location else "", f"segment {one.application}" if one.application else ""]
        write(out, ", ".join(filter(None, place)), label="There:      ")
    if line.note:
        write(out, line.note, label="Note:       ")


def _deciding(found: Observation) -> Source | None:
    """The rule by which the stack decides at the device."""
    row = next((row for row in found.rows if row.outcome is Outcome.DENY), None) or next(reversed(found.rows), None)
    return row.source if row else None


def _agreement(line: Line, found: Observation) -> Text:
    """Whether the device did as the stack says."""
    deciding = _deciding(found)
    by = f" by {deciding}" if deciding is not None else ""
    if found.agreement is Agreement.UNKNOWN and not found.rows:
        return Text("has no gate on this path that writes such lines: there is nothing to compare with.")
    said = {
        Agreement.AGREES: f"says the same{by}.",
        Agreement.STRICTER: f"allows this{by}, and the device refused it: drift, or not applied yet.",
        Agreement.LOOSER: f"refuses this{by}, and the device let it through: drift, or not applied yet.",
        Agreement.UNKNOWN: "cannot be compared: the line does not say, callers are treated differently, or something is unknown.",
    }[found.agreement]
    apart = found.agreement in (Agreement.STRICTER, Agreement.LOOSER)
    return Text(f"{said}{_about_rule(line, deciding)}", style="bold red" if apart else "")


def _about_rule(line: Line, deciding: Source | None) -> str:
    """What the rule that the line names is in the stack."""
    one = line.connection
    if one is None or not (one.rule or one.rule_id) or (one.format == fortigate.FORMAT and one.rule_id == _IMPLICIT):
        return ""
    if line.rule is not None:
        return "" if line.rule == deciding else f" The line names {line.rule}."
    number = _number(one)
    if not one.rule and one.format == gcp.FIREWALL:  # a priority is what the stack writes
        return f" The stack has no {number}: made by hand, or by another tool."
    if not one.rule:
        return f" Which one {number} is, the stack does not tell: numbers are the device's."
    return f" The stack has no {' '.join(filter(None, [number, _quoted(one.rule)]))}: made by hand, or by another tool."


def _number(one: Connection) -> str:
    word = "rule" if one.format == gcp.FIREWALL else "policy"
    return f"{word} {one.rule_id}" if one.rule_id else ""


def _quoted(name: str) -> str:
    return f'"{name}"'


def _mend(line: Line, found: Observation) -> str:
    """What to do where device and stack differ."""
    deciding, one = _deciding(found), line.connection
    device = one.device if one is not None and one.device else "the device"
    if found.agreement is Agreement.STRICTER:
        return (
            f"Look whether {device} has {deciding or 'the rule'}, and nothing before it that refuses; "
            "apply the stack again if it does not (`pulumi up --refresh`)."
        )
    if found.agreement is Agreement.LOOSER:
        rule = _quoted(one.rule) if one is not None and one.rule else "the rule that let it through"
        if line.rule is not None:
            return (
                f"Apply the stack, which no longer lets it through (`pulumi up --refresh`), or look how {device} differs from it."
            )
        return f"Take {rule} away on {device}, or declare what it is for: the proof does not know of it."
    if one is not None and one.allowed is False and not found.rows:
        return f"Look at {_quoted(one.rule) if one.rule else 'the rules'} on {device}: below is what the gates of the stack do."
    return ""


_WORDS = {
    Likely.MEANT: "a route declares it then",
    Likely.OTHER_TIMES: "a route declares it at other times",
    Likely.UNDECLARED: "no route declares it",
}


def _show_suspects(out: Console, found: Observation, label: str = "Made by:    ") -> None:
    where = f"a task of {listed(found.environments)}" if found.environments else "somebody outside the environments"
    write(out, f"{found.source} is {where}." if found.source else "Somebody of these:", label=label)
    first = True
    for likely in Likely:
        same = [one for one in found.suspects if one.likely is likely]
        if not same:
            continue
        names = [name for one in same for name in one.callers]
        routes = dict.fromkeys(name for one in same for name in (*one.explanation.routes, *one.explanation.other_times))
        said = f"{_WORDS[likely]} ({', '.join(routes)})" if routes else _WORDS[likely]
        how = {Likely.MEANT: "likely", Likely.OTHER_TIMES: "perhaps"}.get(likely, "that can be" if first else "or")
        write(out, f"{how} {listed(names, 6)}: {said}", indent=12)
        first = False
    out.print()


def _show_answer(out: Console, found: Observation, one: Suspects, urns: bool, *, whole: bool) -> None:
    explanation = one.explanation
    same = f" The same holds for {listed(one.callers[1:], 6)}." if len(one.callers) > 1 else ""
    write(out, Text(explanation.message, style=STYLES[explanation.outcome]) + Text(same))
    if refusing := refused_by(explanation.rows):
        write(out, refusing, label="Refused by: ")
    if explanation.outcome is not Outcome.ALLOW or not explanation.routes:
        write(out, explanation.advice, label="What to do: ")
    if explanation.outcome is Outcome.DENY and (who := _asked_for(explanation)):
        source = f"--source {found.source} " if found.source else ""
        command = f"airlock explain {who} {found.destination} {source}--at {found.when.isoformat(timespec='seconds')}"
        write(out, f"{command} says what would have to change.", label="More:       ", style="dim")
    out.print()
    if whole:
        show_path(out, explanation.rows, 2, urns)
        out.print()


def _asked_for(explanation: Explanation) -> str:
    """The caller as a command line takes it; empty where it is no declared one."""
    task = explanation.witness.task
    return task if "/" in task else explanation.principal if task else ""


def line_to_json(line: Line) -> dict[str, Any]:
    """A line as plain data: the connection, who can have made it, whether device and stack agree; or the problem."""
    found: dict[str, Any] = {"line": line.number}
    if line.connection is not None:
        found["connection"] = plain(line.connection)
    if line.problem:
        found["problem"] = line.problem
    if line.note:
        found["note"] = line.note
    if line.observation is not None:
        one = line.observation
        found["agreement"] = plain(one.agreement)
        found["rule"] = plain(line.rule) if line.rule else None
        found["passed"] = plain(one.passed)
        found |= _who(one)
    return found
