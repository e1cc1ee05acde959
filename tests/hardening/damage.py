"""Damage: a JSON tree, or a text, with pieces of it taken out, doubled, wrapped, or of another type."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from pulumi_airlock.gates.stack import UNKNOWN

GONE = object()
WRONG = [
    None,
    True,
    0,
    -1,
    70000,
    1.5,
    10**30,
    float("nan"),
    "",
    "x",
    "*",
    "443",
    "1-70000",
    "10.0.0.1/99",
    "0.0.0.0/0",
    "é\x00",
    "((",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
    UNKNOWN,
    [UNKNOWN],
    {"name": UNKNOWN},
]
PIECES = [
    "",
    "{",
    "}",
    "[",
    "]",
    ";",
    '"',
    "'",
    "$",
    "*",
    "/",
    "\\",
    "#",
    "\n",
    ":",
    ",",
    "=",
    "-1",
    "0",
    "\x00",
    "é",
    "~",
    "9" * 40,
]


def examples(usual: int) -> int:
    """How many cases a test tries: `make fuzz` takes many more of them."""
    return usual * int(os.environ.get("AIRLOCK_FUZZ", "1"))


def paths(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a tree; the tree itself aside."""
    entries = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        yield (*above, key)
        yield from paths(value, (*above, key))


def damaged(data: st.DataObject, tree: Any) -> Any:
    """The tree with one thing in it changed."""
    places = list(paths(tree))
    return _changed(tree, places[data.draw(st.integers(0, len(places) - 1))], data) if places else tree


def _changed(tree: Any, path: tuple[Any, ...], data: st.DataObject) -> Any:
    if not path:
        return _instead(tree, data)
    copy = dict(tree) if isinstance(tree, Mapping) else list(tree)
    found = _changed(tree[path[0]], path[1:], data)
    if found is GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = found
    return copy


def _instead(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, str) and len(value) > 100:
        return _within(value, data)
    ways = [GONE, [value], {"x": value}, [value, value]]
    return data.draw(st.sampled_from(ways) | st.sampled_from(WRONG))


def _within(text: str, data: st.DataObject) -> str:
    """A document in a property (JSON, a configuration), damaged within."""
    if text[0] in "[{" and data.draw(st.booleans()):
        try:
            return json.dumps(damaged(data, json.loads(text)), default=str)
        except ValueError:
            pass
    return cut(data, text)


def cut(data: st.DataObject, text: str) -> str:
    """The text with up to three pieces of it replaced."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[start + data.draw(st.integers(0, 15)) :]
    return text
