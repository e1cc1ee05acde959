"""Checks a policy's configuration against the JSON Schema that its pack registered.

The keywords that configurations use (JSON Schema draft 7, the draft of the Pulumi engine's validator): types, enumerations,
bounds, lengths, patterns, items, properties, and the combinations. Keywords it does not know say nothing, as the draft asks.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Found = Iterator[tuple[str, str]]


def violations(schema: Any, value: Any, path: str = "") -> Found:
    """Every place where a value breaks a schema, as (path, message)."""
    if schema is False:
        yield path, "is not allowed"
    if not isinstance(schema, Mapping):
        return
    wanted = schema.get("type")
    if wanted is not None and not _is_of(value, wanted):
        yield path, f"{_shown(value)} is not of type {_shown(wanted)}"
        return
    for keyword, check in _CHECKS.items():
        if keyword in schema:
            yield from check(schema[keyword], value, path)
    if isinstance(value, Mapping):
        yield from _object(schema, value, path)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(schema["items"], item, f"{path}[{index}]")


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_of(value: Any, wanted: Any) -> bool:
    names = wanted if isinstance(wanted, list) else [wanted]
    return any(name not in _TYPES or _TYPES[name](value) for name in names)


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the protocol has no integers
    return json.dumps(value, default=str)


def _object(schema: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Found:
    properties = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in value:
            yield _join(path, name), "is required"
    additional = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            yield from violations(properties[name], item, _join(path, name))
        elif additional is False:
            yield _join(path, name), f"is not known: expected one of {', '.join(sorted(properties)) or 'nothing'}"
        else:
            yield from violations(additional, item, _join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _enum(allowed: Any, value: Any, path: str) -> Found:
    if not any(_same(value, one) for one in allowed):
        yield path, f"{_shown(value)} is not one of {', '.join(map(_shown, allowed))}"


def _same(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _bound(holds: Callable[[Any, Any], bool], words: str, measure: Callable[[Any], Any]) -> Callable[[Any, Any, str], Found]:
    def check(limit: Any, value: Any, path: str) -> Found:
        measured = measure(value)
        if measured is not None and not holds(measured, limit):
            yield path, f"{_shown(value)} {words} {_shown(limit)}"

    return check


def _number(value: Any) -> Any:
    return value if _is_number(value) else None


def _length_of(kind: type[str] | type[list[Any]]) -> Callable[[Any], Any]:
    return lambda value: len(value) if isinstance(value, kind) else None


def _pattern(pattern: Any, value: Any, path: str) -> Found:
    if isinstance(value, str) and re.search(str(pattern), value) is None:
        yield path, f"{_shown(value)} does not match the pattern {pattern}"


def _unique(wanted: Any, value: Any, path: str) -> Found:
    if wanted and isinstance(value, list) and len({_shown(item) for item in value}) != len(value):
        yield path, f"{_shown(value)} has the same item more than once"


def _all_of(schemas: Any, value: Any, path: str) -> Found:
    for schema in schemas:
        yield from violations(schema, value, path)


def _any_of(schemas: Any, value: Any, path: str) -> Found:
    if all(any(violations(schema, value, path)) for schema in schemas):
        yield path, f"{_shown(value)} matches none of the {len(schemas)} allowed forms"


def _one_of(schemas: Any, value: Any, path: str) -> Found:
    matching = sum(not any(violations(schema, value, path)) for schema in schemas)
    if matching != 1:
        yield path, f"{_shown(value)} matches {matching} of the {len(schemas)} forms of which it must match one"


def _not(schema: Any, value: Any, path: str) -> Found:
    if not any(violations(schema, value, path)):
        yield path, f"{_shown(value)} is of a form that is not allowed"


_CHECKS: Mapping[str, Callable[[Any, Any, str], Found]] = {
    "enum": _enum,
    "const": lambda wanted, value, path: _enum([wanted], value, path),
    "minimum": _bound(lambda value, limit: value >= limit, "is less than the minimum", _number),
    "maximum": _bound(lambda value, limit: value <= limit, "is more than the maximum", _number),
    "exclusiveMinimum": _bound(lambda value, limit: value > limit, "is not more than", _number),
    "exclusiveMaximum": _bound(lambda value, limit: value < limit, "is not less than", _number),
    "multipleOf": _bound(lambda value, step: float(value / step).is_integer(), "is not a multiple of", _number),
    "minLength": _bound(lambda length, limit: length >= limit, "is shorter than", _length_of(str)),
    "maxLength": _bound(lambda length, limit: length <= limit, "is longer than", _length_of(str)),
    "minItems": _bound(lambda length, limit: length >= limit, "has fewer items than", _length_of(list)),
    "maxItems": _bound(lambda length, limit: length <= limit, "has more items than", _length_of(list)),
    "pattern": _pattern,
    "uniqueItems": _unique,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
}
