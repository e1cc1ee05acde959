"""Going through logs: every line is read once, what is equal is counted, and each distinct connection is decided once.

The cost is one look at every line, and one pass over routes and rules for each distinct connection. What is kept does not grow
with the logs: when there are too many distinct ones, those so far are decided and booked.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from ..logs import Connection, Reader, Unreadable, flow, fortigate, gcp, lss, nss
from ..proof.filters import Action
from .declaring import Declared
from .expected import ZPA, Expected, Way
from .findings import Ledger, Verdict
from .judging import OF_NO_TASK, PEOPLE, Judge, Judged
from .logged import Logged
from .model import Line, Row, Tally, Verification
from .packets import Packet, Packets

MOST = 50_000
"""Distinct connections that wait to be decided."""
SHOWN = 2000
"""Characters of a line that are kept."""
REASONS = 100
"""Reasons for not judging lines that are told apart."""
UNREADABLE = 20
"""Unreadable lines that are kept."""
_PACKETS = frozenset({flow.VPC, flow.TGW, fortigate.FORMAT, gcp.FIREWALL, gcp.FLOW})
_ZSCALER = frozenset({lss.FORMAT, nss.FIREWALL, nss.WEB})

_Key = TypeVar("_Key", Packet, Judged)


class Verifier:
    """A verification under way: `read` each log, then `result`."""

    def __init__(self, expected: Expected, *, at: datetime, since: datetime | None = None, log_format: str = "") -> None:
        """`at`: when lines that tell no time are judged; `since`: what began before is not looked at.

        `log_format`: the custom format of flow logs without a head. ValueError where it is none.
        """
        self._expected, self._at, self._since, self._format = expected, at, since, log_format
        Reader(log_format)
        declared = Declared(expected)
        self._declared = declared
        self._packets, self._judge = Packets(expected, declared), Judge(expected, declared)
        self._ledger = Ledger(_rows(expected, declared))
        self._waiting: dict[Packet | Judged, Tally] = {}
        self._result = Verification([], [])
        self._untimed = 0
        self._logged = Logged()
        self._open: list[tuple[Packet, Verdict, Tally]] = []

    def read(self, name: str, lines: Iterable[str], progress: Callable[[int], None] | None = None) -> None:
        """Every line of one log. `progress` is told the number of lines so far, now and then."""
        reader, number = Reader(self._format), 0
        for number, line in enumerate(lines, 1):
            for found in reader.line(number, line):
                if isinstance(found, Connection):
                    self._connection(found, name, number, line)
                else:
                    self._other(found, name)
            if progress is not None and number % 8192 == 0:
                progress(number)
        self._result.lines += number

    def _other(self, found: Unreadable, name: str) -> None:
        if found.session is not None:
            self._judge.learn(found.session)
        if found.understood:
            self._skip(f"no connections: {found.why}")
            return
        result = self._result
        result.unreadable_count += 1
        if len(result.unreadable) < UNREADABLE:
            result.unreadable.append((Line(name, found.number, found.line[:SHOWN]), found.why))

    def _connection(self, one: Connection, name: str, number: int, line: str) -> None:
        formats = self._result.formats
        formats[one.format] = formats.get(one.format, 0) + 1
        time = one.time if one.time is not None and 1970 <= one.time.year <= 2200 else None
        if time is None:
            self._untimed += 1
        elif self._since is not None and time < self._since:
            self._skip("before --since")
            return
        key: Packet | Judged | str
        if one.format in _ZSCALER:
            key = self._judge.judged(one)
            self._logged.span(key.kind, time)
        else:
            key = self._packets.packet(one) if one.format in _PACKETS else f"of {one.format}, which sees no way to Zscaler"
        if isinstance(key, str):
            self._skip(key)
            return
        tally = self._waiting.get(key)
        if tally is None:
            if len(self._waiting) >= MOST:
                self._decide()
            tally = self._waiting[key] = Tally(example=Line(name, number, line.strip()[:SHOWN]))
        tally.count += 1
        if time is not None:
            if tally.first is None or time < tally.first:
                tally.first = time
            if tally.last is None or time > tally.last:
                tally.last = time

    def _book(self, key: Packet | Judged, verdict: Verdict, tally: Tally) -> None:
        """Books a verdict at once, or leaves it to the end of all logs."""
        if isinstance(key, Judged):
            self._logged.note(key, self._declared)
        elif verdict.unless_logged is not None and len(self._open) < MOST:
            self._open.append((key, verdict, tally))
            return
        self._ledger.add(verdict, tally)

    def _close(self) -> None:
        """What only the gate's own log tells of: it shows a flow, or the flow went around it."""
        for key, verdict, tally in self._open:
            blame = verdict.unless_logged
            around = blame is not None and self._logged.misses(key, tally)
            self._ledger.add(Verdict((blame,)) if around and blame is not None else verdict, tally)
        self._open.clear()

    def _skip(self, why: str) -> None:
        skipped = self._ledger.skipped
        why = why if why in skipped or len(skipped) < REASONS else "for other reasons"
        skipped[why] = skipped.get(why, 0) + 1

    def _decide(self) -> None:
        """Decides what waits, and books it."""
        for key, tally in self._waiting.items():
            verdict: Verdict = (
                self._packets.judge(key) if isinstance(key, Packet) else self._judge.judge(key, tally.first or self._at)
            )
            self._book(key, verdict, tally)
        self._result.decided += len(self._waiting)
        self._waiting.clear()

    def result(self) -> Verification:
        """What all the logs show together."""
        self._decide()
        self._close()
        result, ledger = self._result, self._ledger
        result.rows = [row for row in ledger.rows.values() if row.environment != PEOPLE or row.seen.count]
        for row in result.rows:
            seen = ledger.routes.get((row.environment, row.component, row.gate), set())
            row.missing = tuple(one for one in row.routes if one not in seen)
        result.findings, result.more_findings = ledger.findings(), ledger.more
        result.skipped = dict(sorted(ledger.skipped.items(), key=lambda pair: -pair[1]))
        result.notices = self._notices()
        return result

    def _notices(self) -> list[str]:
        found = []
        if self._untimed:
            found.append(f"{self._untimed} connections tell no time: they are judged as of {self._at:%Y-%m-%d %H:%M} UTC")
        gates = {row.gate for row in self._result.rows}
        if not self._expected.kinds:
            found.append("the stack has no gate of Zscaler: there is nothing to be seen going through it")
        for gate in sorted(gates & self._expected.kinds.keys()):
            if not any(row.seen.count for row in self._result.rows if row.gate == gate):
                log = "LSS log (user activity)" if self._expected.kinds[gate] == ZPA else "NSS log (firewall, web)"
                found.append(f"no {log} of {gate} shows anything of this stack: was it given?")
        return found


def _rows(expected: Expected, declared: Declared) -> list[Row]:
    """What there is to be seen: every component of every environment at each gate of Zscaler on its routes."""
    rows: dict[tuple[str, str, str], Row] = {}
    for way in expected.ways:
        routes, rules = _compiled(expected, declared, way)
        if routes or way.location or way.port:
            place = (way.environment, way.component, way.gate)
            rows.setdefault(place, Row(*place, through=str(way), routes=routes, rules=() if routes else rules))
    for gate in expected.gates(ZPA):
        _inbound(expected, declared, gate, rows)
    return list(rows.values())


def _compiled(expected: Expected, declared: Declared, way: Way) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The routes that a component has through a gate, and the names of the rules for its location that let something through."""
    behind = declared.through(way.gate, declared.workloads(way.environment))
    routes = dict.fromkeys(one.route.name for one in behind)
    urns = {rule.source.urn for one in expected.of_gate(way.gate) for rule in one.rules if rule.action is Action.ALLOW}
    bound = [urn for urn in urns if way.location and way.location.lower() in expected.bound.get(urn, ())]
    names = sorted({expected.names[urn] for urn in bound if urn in expected.names})
    if way.component in OF_NO_TASK:
        return (), tuple(names)
    compiled = frozenset().union(*(expected.routes.get(name.lower(), ()) for name in names))
    return tuple(one for one in routes if one in compiled or not compiled), tuple(names)


def _inbound(expected: Expected, declared: Declared, gate: str, rows: dict[tuple[str, str, str], Row]) -> None:
    """The web servers that people reach by way of a gate."""
    for environment in expected.environments:
        behind = [
            one
            for one in declared.through(gate, declared.people)
            if (addresses := one.match.hosts.addresses()) and environment.sources.covers_addresses(addresses)
        ]
        if behind:
            place = (environment.name, "webserver", gate)
            routes = tuple(dict.fromkeys(one.route.name for one in behind))
            rows.setdefault(place, Row(*place, through="App Connectors, for people", routes=routes))
