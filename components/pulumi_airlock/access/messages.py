"""What pydantic finds wrong, in this library's words: path, offending value, and what would be right."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from .errors import MisplacedError, join_path, nearest, quoted

_EXPECTED = {
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping of names",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "bool_type": "true or false",
    "date_type": "a day, as in 2027-06-30",
}
Located = tuple[tuple[str | int, ...], str]
"""A location within a document, and a message."""


def located_problems(error: ValidationError, model: type[BaseModel]) -> Iterator[Located]:
    """Each problem with its location. An unknown key is located at the key, anything else at the value or where it is missing."""
    listed = error.errors(include_url=False)
    within = {one["loc"][:-1] for one in listed}
    for one in listed:
        if one["type"] == "too_short" and one["loc"] in within:
            continue  # what is in the list is wrong: it is not empty
        loc = tuple(part for part in one["loc"] if part != "[key]")
        cause = (one.get("ctx") or {}).get("error")
        if isinstance(cause, MisplacedError):
            for field, message in cause.problems:
                yield ((*loc, field) if field else loc), message
        else:
            yield loc, _message(one, cause, model, loc)


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """(path, message) of each problem."""
    return [(join_path(loc), message) for loc, message in located_problems(error, model)]


def _message(one: Any, cause: object, model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    kind, value = one["type"], one.get("input")
    if isinstance(cause, Exception):
        return str(cause)
    if kind == "missing":
        return "is missing, and required"
    if kind == "extra_forbidden":
        return f"unknown key {quoted(str(loc[-1]))}{nearest(str(loc[-1]), field_names(model, loc[:-1]))}"
    if kind in ("literal_error", "enum"):
        expected = one["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        near = nearest(value, expected.split(", ")) if isinstance(value, str) else ""
        hint = near if "did you mean" in near else ""
        return f"{quoted(value)} is not one of {expected}{hint}"
    if kind == "too_short":
        return "is empty: write at least one"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {_kind_of(value)}{_fix(kind, value)}"
    message: str = one["msg"]
    return f"{quoted(value)}: {message[:1].lower()}{message[1:]}"


def _kind_of(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool | int | float):
        return quoted(value) if isinstance(value, bool) else f"the number {quoted(value)}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _fix(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'; put it in quotes: "{quoted(value)}"'
    if kind == "tuple_type" and isinstance(value, str) and value:
        return f"; write [{value if value.isalnum() else quoted(value)}]"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "on", "true", "y"):
        return "; write true"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("no", "off", "false", "n"):
        return "; write false"
    return ""


def field_names(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys, as files write them, that are known at a location of a model."""
    current: type[BaseModel] | None = model
    for part in loc:
        if current is None:
            return []
        field = _field(current, part) if isinstance(part, str) else None
        if field is not None:
            current = _inner(field.annotation)
    return [field.alias or name for name, field in current.model_fields.items()] if current else []


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((field for name, field in model.model_fields.items() if key in (name, field.alias)), None)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model that a field's type holds, whatever it is wrapped in."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner(argument)
        if found is not None:
            return found
    return None
