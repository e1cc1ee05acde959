"""What differs between two values of a field, in a few words."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from ...access.model import HttpAccess
from ...access.window import Window
from ..filters import HttpOperation, Match, Who
from ..sets import Hosts
from ..times import DagRun, Once, Times, Weekly
from ..wording import listed
from .calendar import weekly_text

_LONGEST = 120


def match_changes(old: Match, new: Match) -> Iterator[str]:
    """What differs between two boxes, a phrase for each field."""
    yield from _who_changes(old.who, new.who)
    if old.hosts != new.hosts:
        yield f"hosts {changed_hosts(old.hosts, new.hosts)}"
    if old.services != new.services:
        yield f"services {_cut(str(old.services))} → {_cut(str(new.services))}"
    if old.operations != new.operations:
        yield f"requests {_operations(old.operations)} → {_operations(new.operations)}"
    if old.times != new.times:
        common = set(old.times) & set(new.times)
        before, after = (tuple(one for one in times if one not in common) for times in (old.times, new.times))
        yield f"window {times_text(before)} → {times_text(after)}"


def _who_changes(old: Who, new: Who) -> Iterator[str]:
    for name in ("environments", "groups", "principals", "outside", "workloads"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            label = "all environments but" if name == "outside" else name
            yield f"{label} {_names(before)} → {_names(after)}"
    if old.sources != new.sources:
        before_sources, after_sources = (Hosts.every() if one is None else one for one in (old.sources, new.sources))
        yield f"sources {changed_hosts(before_sources, after_sources)}"


def changed_hosts(old: Hosts, new: Hosts) -> str:
    """Both, or what came and what went where the whole is too long to read."""
    whole = f"{old} → {new}"
    if len(whole) <= _LONGEST:
        return whole
    parts = [f"without {_cut(str(old - new))}" if old - new else "", f"with {_cut(str(new - old))}" if new - old else ""]
    return " and ".join(filter(None, parts))


def times_text(times: Times) -> str:
    """A conjunction of windows in words."""
    return " and ".join(sorted(" or ".join(sorted(map(_window_text, found))) or "never" for found in times)) or "always"


def _window_text(window: Weekly | Once | DagRun) -> str:
    if isinstance(window, DagRun):
        return f"while {window.dag} runs"
    if isinstance(window, Weekly):
        return weekly_text(window.spans, window.timezone)
    parts = [
        f"from {window.start:%Y-%m-%d %H:%M}" if window.start else "",
        f"until {window.end:%Y-%m-%d %H:%M}" if window.end else "",
    ]
    return " ".join(filter(None, parts)) or "always"


def field_changes(old: object, new: object, fields: Sequence[str]) -> list[str]:
    """The fields of two records that differ, as `name old → new`."""
    pairs = ((name.rstrip("_"), getattr(old, name), getattr(new, name)) for name in fields)
    return [f"{name} {_cut(value_text(one))} → {_cut(value_text(other))}" for name, one, other in pairs if one != other]


def value_text(value: Any) -> str:
    """A value of the access file, on one line."""
    if value is None or value == ():
        return "none"
    if isinstance(value, Window):
        return f"while {value.dagrun} runs" if value.dagrun else weekly_text(value.spans(), value.timezone)
    if isinstance(value, HttpAccess):
        return f"{' '.join(value.methods)} {' '.join(value.paths)}"
    if isinstance(value, BaseModel):
        shown = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return ", ".join(f"{key} {value_text(one)}" for key, one in shown.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    return str(value)


def _operations(operations: Iterable[HttpOperation] | None) -> str:
    return "any" if operations is None else listed(sorted(map(str, operations))) or "none"


def _names(names: Iterable[str] | None) -> str:
    return "any" if names is None else listed(sorted(names)) or "none"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
