"""Proposals as text: the entries of an access file, with what speaks for each beside it; by themselves, or put into a file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ..access.writing import written
from ..errors import InputError, Problem
from .evidence import Evidence, Learnt
from .proposing import Proposal, Proposed
from .seen import at

_SECTION = re.compile(r"([A-Za-z]\w*):(.*)")
_SECTIONS = ("principals", "zones", "destinations", "routes")
_Entries = dict[str, list[list[str]]]
"""Section → its new entries, each as lines without the section's indent."""


def fragment(proposed: Proposed, learnt: Learnt, *, whole: bool) -> str:
    """The entries alone, for a person to look through; a whole access file if `whole`."""
    lines = ["# Proposed by `airlock learn`. Nobody has confirmed it: give each route its reason, narrow it, or leave it out."]
    lines += [f"# {one}" for one in span(learnt)]
    if whole:
        lines.append("apiVersion: airlock/v1")
    entries = _entries(proposed)
    for section in _SECTIONS:
        if entries[section] or whole:
            empty = "{}" if section == "zones" else "[]"
            lines += ["", f"{section}:" if entries[section] else f"{section}: {empty}"]
            lines += [f"  {line}" for entry in entries[section] for line in entry]
    return "\n".join([*lines, *_comments(proposed)]) + "\n"


def merged(text: str, path: str, proposed: Proposed) -> str:
    """A file's text with the entries at the end of their sections; all that was there stays as it is.

    InputError where a section is written in a way that nothing can be added to by lines.
    """
    lines = text.rstrip("\n").split("\n")
    for section, entries in _entries(proposed).items():
        if entries:
            _insert(lines, section, entries, path)
    return "\n".join([*lines, *_comments(proposed)]) + "\n"


def span(learnt: Learnt) -> Iterator[str]:
    """Of which time the logs are."""
    if learnt.first and learnt.last:
        yield f"Seen from {learnt.first:%Y-%m-%d %H:%M} to {learnt.last:%Y-%m-%d %H:%M} UTC, by {len(learnt.tasks)} tasks."


def _insert(lines: list[str], section: str, entries: Sequence[Sequence[str]], path: str) -> None:
    heads = [(number, found) for number, line in enumerate(lines) if (found := _SECTION.fullmatch(line))]
    begin, head = next(((number, found) for number, found in heads if found[1] == section), (None, None))
    if begin is None or head is None:
        lines += ["", f"{section}:", *(f"  {line}" for entry in entries for line in entry)]
        return
    rest = head[2].partition(" #")[0].strip()
    if rest not in ("", "[]", "{}"):
        message = f"{section} is written in one line: write each entry on a line of its own, and it can be added to"
        raise InputError([Problem(f"{path}:{begin + 1}", section, message)])
    if rest:
        lines[begin] = f"{section}:"
    end = next((number for number, _ in heads if number > begin), len(lines))
    while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    first = next((line for line in lines[begin + 1 : end] if line.strip() and not line.lstrip().startswith("#")), "  -")
    indent = " " * (len(first) - len(first.lstrip()))
    lines[end:end] = [f"{indent}{line}" for entry in entries for line in entry]


def _entries(proposed: Proposed) -> _Entries:
    return {
        "principals": [_entry(one) for one in proposed.principals],
        "zones": [[f"{written(name)}: {written(zone)}"] for name, zone in proposed.zones.items()],
        "destinations": [_entry(one) for one in proposed.destinations],
        "routes": [[f"# evidence: {said(one.evidence)}", *_entry(one.route)] for one in proposed.routes],
    }


def _entry(one: BaseModel) -> list[str]:
    return [f"- {written(one)}"]


def _comments(proposed: Proposed) -> Iterator[str]:
    if proposed.refused:
        yield from ("", "# NOT proposed: the access file's own rules refuse it")
    for one in proposed.refused:
        yield f"#   {one.route.from_[0]} to {one.route.to[0]}: {said(one.evidence)}"
        yield from (f"#     {why}" for why in one.refused)
    if proposed.outside:
        yield from ("", "# OUTSIDE the windows of its routes: at these times nothing declares it")
    for each in proposed.outside:
        seen = each.evidence
        first, last = (f"{at(int(minute)):%Y-%m-%d %H:%M}" for minute in (each.minutes[0], each.minutes[-1]))
        how = "named by the log" if seen.weighed is None else "by time alone"
        often = f"in {len(each.minutes):,} of {_many(len(seen.minutes), 'minute')}, from {first} to {last} UTC, {how}"
        yield f"#   {seen.task or seen.principal} to {seen.target}: {often}"
        yield from (f"#     route {route.name}: window {written(route.window)}" for route in each.routes if route.window)
    if proposed.unclear:
        yield from (
            "",
            "# NOT proposed: nothing tells these tasks apart from others that ran at the same times, on the same workers",
        )
    for found in proposed.unclear:
        others = ", ".join(map(str, found.others[:4])) + (" …" if len(found.others) > 4 else "")
        yield f"#   {found.task} to {found.target}: {said([found])}; as well {others}"


def said(evidence: Sequence[Evidence]) -> str:
    """What speaks for a route, in short."""
    connections = sum(one.connections for one in evidence)
    last = max(one.last for one in evidence)
    weighed = [one.weighed for one in evidence if one.weighed is not None]
    parts = [_many(connections, "connection")]
    if len({one.task for one in evidence}) > 1:
        parts.append(f"by {len({one.task for one in evidence})} tasks")
    if weighed:
        parts.append(f"in {sum(one.hit for one in weighed):,} of {_many(sum(one.runs for one in weighed), 'run')}")
    parts.append(f"last {last:%Y-%m-%d}")
    if not weighed:
        return ", ".join([*parts, "named by the log"])
    alone = sum(one.alone for one in weighed)
    mixed = " or named by the log" if len(weighed) < len(evidence) else ""
    return ", ".join([*parts, f"by time alone{mixed} ({_many(alone, 'run')} with no other task on the worker)"])


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


# --- for programs


def to_json(proposed: Proposed, learnt: Learnt) -> Mapping[str, Any]:
    """All of it as plain data."""
    return {
        "seen": {"first": learnt.first and learnt.first.isoformat(), "last": learnt.last and learnt.last.isoformat()},
        "principals": [_plain(one) for one in proposed.principals],
        "zones": {name: _plain(zone) for name, zone in proposed.zones.items()},
        "destinations": [_plain(one) for one in proposed.destinations],
        "routes": [_proposal(one) for one in proposed.routes],
        "refused": [{**_proposal(one), "why": list(one.refused)} for one in proposed.refused],
        "unclear": [{**_evidence(one), "others": list(map(str, one.others))} for one in proposed.unclear],
        "outside": [
            {
                **_evidence(one.evidence),
                "routes": [route.name for route in one.routes],
                "minutes": len(one.minutes),
                "first": at(int(one.minutes[0])).isoformat(),
                "last": at(int(one.minutes[-1])).isoformat(),
            }
            for one in proposed.outside
        ],
        "unexplained": {str(target): count for target, count in learnt.unexplained.items()},
        "declared": proposed.declared,
        "notOfWorkers": learnt.not_of_workers,
        "workersWithoutAddress": list(learnt.lost),
    }


def _plain(one: BaseModel) -> Any:
    return one.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _proposal(one: Proposal) -> dict[str, Any]:
    return {"route": _plain(one.route), "evidence": [_evidence(found) for found in one.evidence]}


def _evidence(one: Evidence) -> dict[str, Any]:
    who = str(one.task) if one.task is not None else one.principal
    found: dict[str, Any] = {"who": who, "to": str(one.target), "connections": one.connections, "last": one.last.isoformat()}
    if one.weighed is None:
        return {**found, "how": "exact"}
    weighed = one.weighed
    return {
        **found,
        "how": "time",
        "runs": weighed.runs,
        "hit": weighed.hit,
        "alone": weighed.alone,
        "share": round(weighed.share, 3),
    }
