"""A trail as plain data: what `airlock audit --json` prints."""

from datetime import datetime
from typing import Any

from ..audit.timeline import Entry, Run
from .timeline import Shown, notes, why
from .visible import visible


def trail_to_json(shown: Shown) -> dict[str, Any]:
    """The same as plain data."""
    trail = shown.trail
    return {
        "question": {
            "from": _iso(shown.question.start),
            "until": _iso(shown.question.end),
            "to": shown.question.to or None,
            "run": shown.question.run or None,
            "who": shown.question.who or None,
        },
        "reached": [
            {
                "task": row.label,
                "environment": visible(row.who.environment) or None,
                "principal": visible(row.who.principal) or None,
                "identityAssurance": visible(row.who.assurance) or None,
                "agent": visible(row.who.agent_id) or None,
                "destination": visible(row.destination),
                "runs": [visible(one.correlation or one.who.run_id) for one in row.runs],
                "sessions": len(row.sessions),
                "bytesIn": row.bytes_in,
                "bytesOut": row.bytes_out,
                "first": _iso(row.first),
                "last": _iso(row.last),
                "seenBy": list(row.seen_by),
            }
            for row in shown.reached()
        ],
        "keptOut": [
            {
                "task": one.label,
                "agent": visible(one.run.who.agent_id) or None,
                "destination": visible(one.destination) or None,
                "what": one.entry.what.value,
                "kind": one.entry.kind or None,
                "gate": visible(one.entry.gate) or None,
                "rule": visible(one.entry.rule) or None,
                "why": why(one.entry),
                "count": one.count,
                "first": _iso(one.entry.time),
                "last": _iso(one.entries[-1].time),
                "file": one.entry.place.file,
                "line": one.entry.place.number,
            }
            for one in shown.denied()
        ],
        "runs": [
            {**_who(run), "outcome": run.outcome or None, "entries": [_entry(one) for one in run.all()]} for run in shown.runs
        ],
        "lines": trail.lines,
        "formats": trail.formats,
        "notShown": {visible(name): count for name, count in trail.skipped.items()},
        "ofNoKnownLog": {"count": trail.strange_count, "first": str(trail.strange) if trail.strange else None},
        "notes": notes(shown),
        "lost": trail.lost,
        "unreadable": {
            "count": trail.unread_count,
            "first": [
                {"file": one.place.file, "line": one.place.number, "why": visible(one.why), "text": visible(one.text)}
                for one in trail.unread
            ],
        },
    }


def _who(run: Run) -> dict[str, Any]:
    who = run.who
    return {
        "task": visible(who.task) or None,
        "run": visible(who.run_id) or None,
        "try": who.try_number or None,
        "mapIndex": who.map_index if who.map_index >= 0 else None,
        "environment": visible(who.environment) or None,
        "principal": visible(who.principal) or None,
        "identityAssurance": visible(who.assurance) or None,
        "agent": visible(who.agent_id) or None,
        "correlation": visible(run.correlation) or None,
    }


def _entry(one: Entry) -> dict[str, Any]:
    found = {
        "time": _iso(one.time),
        "what": one.what.value,
        "by": one.by,
        "destination": one.destination,
        "target": one.target,
        "gate": one.gate,
        "rule": one.rule,
        "kind": one.kind,
        "text": one.text,
        "session": one.session,
        "client": one.client,
        "joinedBy": one.joined,
        "bytesIn": one.bytes_in,
        "bytesOut": one.bytes_out,
        "ends": _iso(one.ends),
        "file": one.place.file,
    }
    kept = {
        key: visible(value) if isinstance(value, str) else value for key, value in found.items() if value not in ("", None, 0)
    }
    return kept | {"line": one.place.number}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
