"""Many explanations at once in the terminal, and their JSON twin: the first witnesses of each outcome, then counts."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Stack
from ..proof.explanation.survey import Survey, survey
from ..proof.findings import Explanation, Outcome, Witness
from .explanation import explanation_to_json, refused_by
from .lines import console as standard_output
from .lines import write
from .rows import SIGNS, STYLES

_TITLES = {Outcome.ALLOW: "Allowed", Outcome.DENY: "Refused", Outcome.UNKNOWN: "Not certain"}


def survey_stack(stack: Stack, principal: str, destination: str, *, at: datetime, when: datetime | None = None) -> Survey:
    """What everybody that one text means can reach of all that another means, in a stack. Errors are those of `explain_stack`."""
    reading = read_all(stack)
    return survey(required_access(stack), reading.environments, reading.filters, principal, destination, at=at, when=when)


def show_survey(found: Survey, console: Console | None = None) -> None:
    """Shows the first pairs of each outcome with what decides them, then how many there are, and who refuses them."""
    out = console or standard_output()
    size = (
        f"{_of(len(found.callers), 'caller')} × {_of(len(found.destinations), 'destination and port', 'destinations and ports')}"
    )
    title = f"{found.principal} → {found.destination} at {found.when.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC: {size}"
    write(out, title, style="bold")
    write(out, _counts(found))
    out.print()
    for outcome, explained in found.first.items():
        if not explained:
            continue
        count = found.counts[outcome]
        shown = "" if count == len(explained) else f", the first {len(explained)}"
        write(out, f"{_TITLES[outcome]} ({count}{shown})", style=f"bold {STYLES[outcome]}")
        for one in explained:
            write(out, Text(f"{SIGNS[outcome]} ", style=STYLES[outcome]) + Text(_pair(one)), indent=2)
            write(out, _example(one.witness), style="dim", indent=4)
        out.print()
    if found.refusals:
        by = ", ".join(f"{gate} refuses {count}" for gate, count in found.refusals.items())
        write(out, f"{by} (a pair that several gates refuse counts for each).")
    write(out, "To see one of them gate by gate: airlock explain CALLER DESTINATION:PORT", style="dim")


def _counts(found: Survey) -> str:
    counts = found.counts
    parts = [f"{counts[Outcome.ALLOW]} allowed"]
    if found.excess:
        parts[0] += f" ({found.excess} of them declared by no route: excess)"
    parts.append(f"{counts[Outcome.DENY]} refused")
    if found.blocked:
        parts[1] += f" ({found.blocked} of them declared: blocked)"
    if counts[Outcome.UNKNOWN]:
        parts.append(f"{counts[Outcome.UNKNOWN]} not certain")
    if found.without_path:
        parts.append(f"{found.without_path} without a path")
    differ = f" In {found.partly} of them the answer differs between hosts, ports or requests." if found.partly else ""
    return f"{', '.join(parts)}.{differ}"


def _pair(one: Explanation) -> str:
    if one.routes:
        why = f"declared by {', '.join(one.routes)}"
    elif one.other_times:
        why = f"declared at other times by {', '.join(one.other_times)}"
    else:
        why = "declared by no route"
    refusing = refused_by(one.rows)
    return f"{one.principal} → {one.destination}: {f'refused by {refusing}; ' if refusing else ''}{why}"


def _example(one: Witness) -> str:
    who = f"{one.task} from {one.source}" if one.task else f"from {one.source}"
    host = f"[{one.host}]" if ":" in one.host else one.host
    return f"such as {who} → {host}:{one.port}/{one.protocol}"


def _of(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def survey_to_json(found: Survey) -> dict[str, Any]:
    """A survey as plain data: counts, refusals by gate, the first of each outcome explained, and every pair."""
    return {
        "principal": found.principal,
        "destination": found.destination,
        "when": found.when.isoformat(),
        "callers": list(found.callers),
        "destinations": list(found.destinations),
        "counts": {outcome.value: count for outcome, count in found.counts.items()},
        "excess": found.excess,
        "blocked": found.blocked,
        "differing": found.partly,
        "without_path": found.without_path,
        "refusals": dict(found.refusals),
        "first": {outcome.value: [explanation_to_json(one) for one in each] for outcome, each in found.first.items()},
        "pairs": [
            {
                "caller": one.caller,
                "destination": one.destination,
                "outcomes": [outcome.value for outcome in one.outcomes],
                "refused_by": list(one.refused_by),
                "excess": one.excess,
                "blocked": one.blocked,
            }
            for one in found.pairs
        ],
    }
