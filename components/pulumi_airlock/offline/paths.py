"""Property paths as the engine writes them: `a.b[0].c`, `a["x.y"]`, with `*` for any key or index (pulumi `property_path.go`)."""

import re
from collections.abc import Sequence
from typing import Any

Step = str | int
Path = tuple[Step, ...]

_TOKEN = re.compile(r"""\.?([^.\[\]"]+)|\[(\d+)\]|\[\*\]|\[["']((?:[^"'\\]|\\.)*)["']\]""")


def parse(text: str) -> Path:
    """The steps of a path."""
    steps: list[Step] = []
    for found in _TOKEN.finditer(text):
        name, index, quoted = found.groups()
        if name is not None:
            steps.append(name)
        elif index is not None:
            steps.append(int(index))
        else:
            steps.append("*" if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
    return tuple(steps)


def show(path: Sequence[Step]) -> str:
    """A path as text."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif re.fullmatch(r"[\w$/:*-]+", step):
            shown += f".{step}" if shown else step
        else:
            shown += f'["{step}"]'
    return shown


def covers(above: Path, below: Path) -> bool:
    """Whether `above` is `below` or a place that holds it."""
    return len(above) <= len(below) and all(one in ("*", other) for one, other in zip(above, below, strict=False))


def at(path: Path, value: Any) -> Any:
    """What is at a path; None where there is nothing."""
    for step in path:
        value = _at(value, step)
        if value is _ABSENT:
            return None
    return value


_ABSENT = object()


def reset(path: Path, old: Any, new: Any) -> Any:
    """`new` with the value at the path as it was in `old` (absent where it was absent). `new` itself stays as it is.

    This is `ignoreChanges`. As in the engine, an element whose surroundings are only in one of both stays as it is in `new`.
    """
    if not path:
        return old
    step, rest = path[0], path[1:]
    if step == "*":
        keys: Sequence[Any] = list(new) if isinstance(new, dict) else range(len(new)) if isinstance(new, list) else ()
        if isinstance(new, dict) and isinstance(old, dict) and not rest:
            keys = list(dict.fromkeys([*new, *old]))
        for key in keys:
            new = reset((key, *rest), old, new)
        return new
    before, now = _at(old, step), _at(new, step)
    if rest and (before is _ABSENT or now is _ABSENT):
        return new
    return _with(new, step, before if not rest else reset(rest, before, now))


def _at(value: Any, step: Step) -> Any:
    if isinstance(value, dict):
        return value.get(str(step), _ABSENT)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _ABSENT


def _with(value: Any, step: Step, item: Any) -> Any:
    if isinstance(value, dict):
        others = {key: kept for key, kept in value.items() if key != step}
        return others if item is _ABSENT else {**value, str(step): item}
    if isinstance(value, list) and isinstance(step, int) and step < len(value) and item is not _ABSENT:
        return [*value[:step], item, *value[step + 1 :]]
    return value
