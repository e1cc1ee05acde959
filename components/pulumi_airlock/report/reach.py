"""What somebody can reach, and who can reach something, in the terminal and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import InputError, Problem
from ..gates import read_all
from ..gates.declaration import declared_access
from ..gates.stack import Stack
from ..proof.filters import HttpOperation
from ..proof.findings import Outcome
from ..proof.reach.exposure import Caller, Reach, Reached, Right
from ..proof.reach.reaching import reach
from ..proof.sets import Hosts, Intervals, Services
from ..proof.wording import listed
from .lines import console as standard_output
from .lines import write

_SHOWN = 4
"""Networks, names or services that a cell lists; of the others how many there are."""

_CALLERS = 20
"""Callers that a cell lists; JSON has all of them."""

_STYLES = {Right.ROUTE: ("✓", "green"), Right.OWN: ("·", "dim"), Right.UNCLEAR: ("?", "yellow"), Right.EXCESS: ("✗", "red")}


def reach_stack(
    stack: Stack, *, who: str | None = None, to: str | None = None, at: datetime | None = None, when: datetime | None = None
) -> Reach:
    """Everything that `who` can reach in a stack, or everybody who can reach `to`. InputError where it declares no access."""
    access = declared_access(stack)
    if access is None:
        fix = "declare it with AccessDeclaration(name, access)"
        raise InputError([Problem(stack.name, "", f"the stack declares no access: {fix}")])
    reading = read_all(stack)
    return reach(access, reading.environments, reading.filters, at=at or datetime.now(UTC), who=who, to=to, when=when)


def show_reach(answer: Reach, console: Console | None = None) -> None:
    """Shows an answer: one line for each thing that is let through, then what of it nothing declares, and by which rules."""
    out = console or standard_output()
    write(out, _title(answer), style="bold")
    if answer.rows:
        out.print(_table(answer), soft_wrap=not out.is_terminal)
    for one in answer.rows:
        if one.certain and one.right in (Right.EXCESS, Right.UNCLEAR):
            _show_excess(out, one)
    for unknown, rows in _in_doubt(answer).items():
        _show_doubt(out, unknown, rows)
    _show_summary(out, answer)


def _title(answer: Reach) -> str:
    when = f"at {answer.when:%Y-%m-%d %H:%M %Z}" if answer.when else f"from {answer.at:%Y-%m-%d %H:%M %Z} on"
    if answer.who is None:
        return f"Who can reach {answer.to}, {when}"
    return f"What {answer.who} can reach" + (f" of {answer.to}" if answer.to else "") + f", {when}"


def _table(answer: Reach) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    several = answer.who is None or len({one.callers for one in answer.rows}) > 1
    titles = ["", *(["who"] if several else []), "destination", "ports", *([] if answer.when else ["when"]), "by", "through"]
    for title in titles:
        table.add_column(title, overflow="fold")
    for one in answer.rows:
        sign, style = _STYLES[one.right]
        cells = [
            sign if one.certain else "?",
            *([_few([*map(_caller, one.callers)], _CALLERS)] if several else []),
            _destination(one),
            _ports(one.services) + _requests(one.operations),
            *([] if answer.when else [one.when.text]),
            _right(one),
            " → ".join(one.gates) or "no gate",
        ]
        table.add_row(*(Text(cell) for cell in cells), style=style if one.certain else "yellow")
    return table


def _caller(one: Caller) -> str:
    return one.name + (f" from {_hosts(one.sources)}" if one.sources is not None else "")


def _destination(one: Reached) -> str:
    return one.destination if one.named and one.whole else f"{one.destination}: {_hosts(one.hosts)}"


def _hosts(hosts: Hosts) -> str:
    return _few([*sorted(hosts.names.patterns), *_ranges(hosts)])


def _ranges(hosts: Hosts) -> Iterator[str]:
    """Networks; what is none, as `first–last`."""
    spans = [Hosts(v4=Intervals((one,))) for one in hosts.v4.spans] + [Hosts(v6=Intervals((one,))) for one in hosts.v6.spans]
    for one in spans:
        networks = list(one.networks())
        yield str(networks[0]) if len(networks) == 1 else f"{networks[0][0]}–{networks[-1][-1]}"


def _ports(services: Services) -> str:
    if services == Services.every():
        return "any"
    listed, rest = str(services).split(), str(services.complement()).split()
    return f"any but {_few(rest)}" if len(rest) < len(listed) else _few(listed)


def _requests(operations: Sequence[HttpOperation | None]) -> str:
    """Examples: which requests there are besides, rules and routes say."""
    if not operations:
        return ""
    shown = ["no HTTP" if one is None else f"{one.method} {one.path}" for one in operations]
    return f" ({_few(shown)})"


def _few(items: Sequence[str], most: int = _SHOWN) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _right(one: Reached) -> str:
    perhaps = "" if one.certain else "perhaps, "
    match one.right:
        case Right.ROUTE:
            return f"{perhaps}route {listed(one.routes)}"
        case Right.OWN:
            return f"{perhaps}need of the environment itself"
        case Right.UNCLEAR:
            return f"{perhaps}unclear: whether a route means this name"
        case _:
            return f"{perhaps}excess: no route"


def _show_excess(out: Console, one: Reached) -> None:
    """What lets through something that nothing declares."""
    rules = listed(dict.fromkeys(map(str, one.rules))) or "no gate: none stands on the path"
    what = (
        f"{listed(caller.name for caller in one.callers)} → {_destination(one)}, {_ports(one.services)}: let through by {rules}"
    )
    write(out, what, style="red" if one.right is Right.EXCESS else "yellow", indent=2)
    write(out, f"for example {one.witness}", style="cyan", indent=4)


def _in_doubt(answer: Reach) -> dict[tuple[str, ...], list[Reached]]:
    """What is not known → the rows that it decides."""
    found: dict[tuple[str, ...], list[Reached]] = {}
    for one in answer.rows:
        if not one.certain:
            doubtful = [row.rule for row in one.path if row.outcome is Outcome.UNKNOWN and row.rule is not None]
            reasons = tuple(dict.fromkeys(reason for rule in doubtful for reason in rule.unknown))
            found.setdefault(reasons or (f"which addresses {one.witness.host} has",), []).append(one)
    return found


def _show_doubt(out: Console, unknown: tuple[str, ...], rows: Sequence[Reached]) -> None:
    write(out, f"not known is {listed(unknown)}: it decides {_number(rows)}", style="yellow", indent=2)
    write(out, f"for example {rows[0].witness}", style="cyan", indent=4)


def _show_summary(out: Console, answer: Reach) -> None:
    if not answer.rows:
        nobody = f"Nobody can reach {answer.to}" if answer.who is None else f"{answer.who} can reach nothing"
        write(out, f"{nobody}{f' of {answer.to}' if answer.who and answer.to else ''}: a gate on every way refuses it.")
        return
    routes = len(dict.fromkeys(route for one in answer.rows for route in one.routes))
    declared = "no route declares it" if not routes else "1 route declares it" if routes == 1 else f"{routes} routes declare it"
    beyond = [one for one in answer.excess if one.certain]
    perhaps = [one for one in answer.rows if not one.certain]
    told = [declared, f"{_number(beyond)} without a route" if beyond else "", f"{_number(perhaps)} in doubt" if perhaps else ""]
    if beyond:
        write(out, f"✗ {'; '.join(filter(None, told))} (airlock prove says more)", style="bold red")
    elif perhaps:
        write(out, f"? {'; '.join(filter(None, told))} (airlock prove says more)", style="bold yellow")
    else:
        write(out, f"✓ {declared}; nothing beyond", style="green")


def _number(rows: Sequence[Reached]) -> str:
    return "1 line" if len(rows) == 1 else f"{len(rows)} lines"


def to_json(answer: Reach) -> dict[str, Any]:
    """An answer as plain data: every row with its exact hosts, services and times."""
    return {
        "at": answer.at.isoformat(),
        "who": answer.who,
        "to": answer.to,
        "when": answer.when.isoformat() if answer.when else None,
        "rows": [_row(one) for one in answer.rows],
    }


def _row(one: Reached) -> dict[str, Any]:
    following = one.when.next
    return {
        "callers": [
            {
                "name": caller.name,
                "kind": caller.kind.value,
                "environment": caller.environment,
                "sources": None if caller.sources is None else list(_listed(caller.sources)),
            }
            for caller in one.callers
        ],
        "destination": one.destination if one.named else None,
        "where": one.destination,
        "hosts": list(_listed(one.hosts)),
        "whole": one.whole,
        "ports": ["any"] if one.services == Services.every() else str(one.services).split(),
        "requests": [None if each is None else f"{each.method} {each.path}" for each in one.operations],
        "when": one.when.text,
        "next": [moment.isoformat() for moment in following] if following else None,
        "right": one.right.value,
        "routes": list(one.routes),
        "certain": one.certain,
        "gates": list(one.gates),
        "rules": [{"urn": rule.urn, "position": rule.position, "label": rule.label} for rule in one.rules],
        "witness": str(one.witness),
    }


def _listed(hosts: Hosts) -> Iterable[str]:
    yield from sorted(hosts.names.patterns)
    yield from map(str, hosts.networks())
