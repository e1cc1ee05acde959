"""What a program in another language gave, as the arguments of a component: checked, every problem at once, and put into Python.

Values come from the SDK's runtime: plain ones, unknown ones, outputs (of several values at once, where one of them depends on a
resource or is a secret), and components of this process. Numbers come as floats, whatever they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi.output import UNKNOWN, Unknown

from ..access.errors import nearest, quoted
from ..errors import InputError, Problems
from .shapes import (
    Anything,
    Choice,
    Field,
    Form,
    Handle,
    Later,
    Live,
    Many,
    OneOf,
    Plain,
    Row,
    Shape,
    Table,
    Text,
    of_type,
    stands_for,
)
from .surface import wire_name

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class _Wrong:
    """Stands for a value that a problem was noted of."""


_WRONG = _Wrong()
_UNKNOWN = "is not known before the update; what this decides must be known at preview: write it, or let configuration say it"
_UNKNOWN_ITEMS = "is not known before the update, as one of its items is not: give them one by one"
_SECRET = "is a secret, and would be written down in plain: it can be none"  # noqa: S105  # a message


@dataclass(frozen=True, slots=True)
class _Given:
    """A value, and where it stands."""

    value: Any
    path: str
    output: pulumi.Output[Any] | None = None
    """The same value as an output, where what it was part of is one: it depends on resources."""
    secret: bool = False

    def at(self, key: str | int, path: str) -> "_Given":
        """One of its parts."""
        return replace(self, value=self.value[key], path=path, output=None if self.output is None else self.output[key])

    @property
    def shown(self) -> str:
        """The value in a message, as the program has it: every number comes as a float."""
        if self.secret:
            return "a secret"
        if isinstance(self.value, pulumi.Resource):
            return f"a component ({type(self.value).__name__})"
        whole = isinstance(self.value, float) and self.value.is_integer()
        return quoted(int(self.value) if whole else self.value)

    def parts(self) -> "list[_Given]":
        """The items of a list."""
        return [self.at(position, f"{self.path}[{position}]") for position in range(len(self.value))]


class Decoder:
    """Decodes the inputs of one component; what is wrong is noted in `problems`."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    async def arguments(self, inputs: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
        """The arguments, by their names in Python."""
        return await self._fields(_Given(dict(inputs), ""), fields)

    async def _fields(self, given: _Given, fields: Mapping[str, Field], kind: str | None = None) -> dict[str, Any]:
        before = f"{given.path}." if given.path else ""
        known = {*fields, "kind"} if kind else set(fields)
        for key in sorted(given.value.keys() - known):
            self._problems.add(f"{before}{key}", f"unknown input {quoted(key)}{nearest(key, known)}")
        found: dict[str, Any] = {}
        for name, one in fields.items():
            if given.value.get(name) is not None:
                value = await self._one(one.shape, given.at(name, before + name))
                found[one.name] = pulumi.Output.secret(value) if one.secret and not isinstance(value, _Wrong) else value
            elif one.required:
                self._problems.add(before + name, "is missing")
        return found

    async def _one(self, shape: Shape, given: _Given) -> Any:
        """A value where there is room for one."""
        value = await self._value(shape, given)
        if isinstance(value, _Several):
            return value[0] if len(value) == 1 else self._wrong(given, f"has {len(value)} of what is one here")
        return value

    async def _value(self, shape: Shape, given: _Given) -> Any:
        if isinstance(shape, Later):
            return self._later(shape, given)
        later = next((one for one in shape.shapes if isinstance(one, Later)), None) if isinstance(shape, OneOf) else None
        raw, given = given, await _opened(given)
        if isinstance(given.value, Unknown):
            if later is not None:
                return self._later(later, raw)
            several = isinstance(shape, Many | Row | Table)
            return self._wrong(given, _UNKNOWN_ITEMS if several else _UNKNOWN)
        match shape:
            case OneOf():
                return await self._one_of(shape, given)
            case Form() | Handle():
                return await self._object(shape, given)
            case Many() | Row():
                return await self._list(shape, given)
            case Table():
                return await self._table(shape, given)
            case Live(of=of):
                fix = "pass a provider, or a component of this package; of other resources there is the option dependsOn"
                return given.value if isinstance(given.value, of) else self._wrong(given, f"is no {of.__name__}: {fix}")
            case Anything():
                return await self._anything(given)
            case Plain() | Choice() | Text():
                return self._scalar(shape, given)

    async def _anything(self, given: _Given) -> Any:
        """JSON: every part of it has to be known."""
        shape = Anything()
        if isinstance(given.value, dict):
            return {key: await self._value(shape, given.at(key, f"{given.path}.{key}")) for key in given.value}
        if isinstance(given.value, list):
            return [await self._value(shape, one) for one in given.parts()]
        return self._wrong(given, _SECRET) if given.secret else given.value

    def _later(self, shape: Later, given: _Given) -> Any:
        """Handed on as it is, with what it depends on; what is known is checked now."""
        output = given.value if isinstance(given.value, pulumi.Output) else given.output
        if output is None:
            return _unknown() if isinstance(given.value, Unknown) else self._scalar(shape.of, given)
        return output.apply(lambda value: _converted(shape.of, value, given.path))

    def _scalar(self, shape: Plain | Choice | Text, given: _Given) -> Any:
        if given.secret:
            return self._wrong(given, _SECRET)
        if isinstance(shape, Text):
            return self._text(shape.read, given)
        of = shape.of if isinstance(shape, Plain) else type(shape.values[0])
        value = _as(of, given.value)
        if isinstance(value, _Wrong):
            return self._wrong(given, _no(of, given))
        if isinstance(shape, Choice) and value not in shape.values:
            return self._wrong(given, f"{given.shown}: write {' or '.join(map(str, shape.values))}")
        return value

    def _text(self, read: Callable[[str], Any], given: _Given) -> Any:
        if not isinstance(given.value, str):
            return self._wrong(given, _no(str, given))
        try:
            return read(given.value)
        except InputError as error:
            for one in error.problems:
                self._problems.add(given.path, ": ".join(part for part in (one.place, one.path, one.message) if part))
            return _WRONG
        except ValueError as error:
            return self._wrong(given, str(error))

    async def _list(self, shape: Many | Row, given: _Given) -> Any:
        if not isinstance(given.value, list | pulumi.ComponentResource):
            return self._wrong(given, f"{given.shown} is no list")
        if isinstance(shape, Row):
            if not isinstance(given.value, list) or len(given.value) != len(shape.of):
                return self._wrong(given, f"write exactly {len(shape.of)}")
            return tuple([await self._one(of, one) for of, one in zip(shape.of, given.parts(), strict=True)])
        parts = given.parts() if isinstance(given.value, list) else [given]
        found: list[Any] = []
        for one in parts:
            value = await self._value(shape.of, one)
            # A component may have several of what is wanted: both tunnels of a VPN.
            found += value if isinstance(value, _Several) else [value]
        return shape.make(found)

    async def _table(self, shape: Table, given: _Given) -> Any:
        if not isinstance(given.value, dict):
            return self._wrong(given, f"{given.shown} is no map")
        found = {}
        for key in given.value:
            one = given.at(key, f'{given.path}["{key}"]')
            if shape.key is int and not key.isdecimal():
                self._wrong(one, f"{quoted(key)}: the key is to be a number")
                continue
            found[shape.key(key)] = await self._one(shape.of, one)
        return found

    async def _object(self, shape: Form | Handle, given: _Given) -> Any:
        if isinstance(given.value, pulumi.Resource):
            return self._handed(shape.of, given)
        if isinstance(shape, Handle):
            return self._wrong(given, f"{given.shown} is no {shape.of.__name__}: pass the component that has it")
        if not isinstance(given.value, dict):
            return self._wrong(given, f"{given.shown} is no object of {', '.join(shape.fields)}")
        before = len(self._problems)
        arguments = await self._fields(given, shape.fields, shape.kind)
        if len(self._problems) > before:
            return _WRONG
        try:
            return shape.make(**arguments)
        except InputError as error:
            for one in error.problems:
                self._problems.add(f"{given.path}.{wire_path(one.path)}", one.message)
            return _WRONG
        except ValueError as error:
            return self._wrong(given, str(error))

    def _handed(self, wanted: type, given: _Given) -> Any:
        """What a component of the program has of the wanted type."""
        component = given.value
        if wanted in type(component).__mro__:
            return component
        if not isinstance(component, pulumi.ComponentResource):
            return self._wrong(given, "is no component that this provider has made in this update")
        name = of_type(type(component), wanted)
        if name is None:
            return self._wrong(given, f"{type(component).__name__} has no {wanted.__name__}")
        value = getattr(component, name)
        value = value() if callable(value) else value
        if value is None:
            return self._wrong(given, f"this {type(component).__name__} has no {wire_name(name)}")
        return _Several(value) if isinstance(value, list | tuple) else value

    async def _one_of(self, shape: OneOf, given: _Given) -> Any:
        chosen = _chosen(shape, given)
        if chosen is None:
            kinds = sorted({one.kind for one in shape.shapes if isinstance(one, Form) and one.kind})
            fix = f"; say kind: {' or '.join(kinds)}" if kinds and isinstance(given.value, dict) else ""
            return self._wrong(given, f"{given.shown} is nothing that is taken here{fix}")
        return await self._value(chosen, given)

    def _wrong(self, given: _Given, message: str) -> _Wrong:
        self._problems.add(given.path, message)
        return _WRONG


class _Several(list[Any]):
    """All of what a component has of a type."""


async def _opened(given: _Given) -> _Given:
    """The value behind an output; its parts still depend on what it depends on."""
    while isinstance(given.value, pulumi.Output):
        output: pulumi.Output[Any] = given.value
        secret = given.secret or await output.is_secret()
        given = replace(given, value=await output.future(with_unknowns=True), output=output, secret=secret)
        if given.value is None and not await output.is_known():
            given = replace(given, value=UNKNOWN)
    return given


def _chosen(shape: OneOf, given: _Given) -> Shape | None:
    """The shape that a value has; where none fits, the one that tells best what is wrong."""
    value = given.value
    if isinstance(value, pulumi.Resource):
        objects = (one for one in shape.shapes if isinstance(one, Form | Handle))
        fitting = [one for one in objects if stands_for(type(value), one.of)]
        return fitting[0] if fitting else next((one for one in shape.shapes if isinstance(one, Many | Table)), None)
    if isinstance(value, dict):
        return _object_of(shape, value)
    if isinstance(value, list):
        return next((one for one in shape.shapes if isinstance(one, Many | Row)), None)
    return next((one for one in shape.shapes if isinstance(one, Plain | Choice | Text | Later | Anything)), None)


def _object_of(shape: OneOf, value: Mapping[str, Any]) -> Shape | None:
    forms = [one for one in shape.shapes if isinstance(one, Form)]
    named = [one for one in forms if one.kind is not None and one.kind == value.get("kind")]
    if named:
        return named[0]
    able = [one for one in forms if one.kind is None]
    fitting = [one for one in able if _fits(one, value)]
    if fitting:
        return fitting[0]
    tables = [one for one in shape.shapes if isinstance(one, Table)]
    if tables:
        return tables[0]
    return max(able, key=lambda one: len(one.fields.keys() & value.keys()), default=None)


def _fits(form: Form, value: Mapping[str, Any]) -> bool:
    required = {name for name, one in form.fields.items() if one.required}
    return required <= value.keys() <= form.fields.keys()


def _as(of: type, value: Any) -> Any:
    """A value of a plain type; `_WRONG` where it is none. Every number comes as a float."""
    if of is bool or isinstance(value, bool):
        return value if of is bool and isinstance(value, bool) else _WRONG
    if of is str:
        return value if isinstance(value, str) else _WRONG
    if not isinstance(value, int | float) or (of is int and not float(value).is_integer()):
        return _WRONG
    return of(value)


def _no(of: type, given: _Given) -> str:
    quotes = ": write it in quotes" if of is str and isinstance(given.value, int | float | bool) else ""
    return f"{given.shown} is not {_WORDS[of]}{quotes}"


def _converted(shape: Plain, value: Any, path: str) -> Any:
    found = _as(shape.of, value)
    if isinstance(found, _Wrong):
        raise pulumi.InputPropertyError(path, f"is not {_WORDS[shape.of]}")
    return found


def _unknown() -> pulumi.Output[Any]:
    """An output of which nothing is known, not even what it depends on."""
    output: pulumi.Output[Any] = pulumi.Output.from_input(UNKNOWN)
    return output


def wire_path(path: str) -> str:
    """A path of Python names as the program has it: `scale.max_workers` → `scale.maxWorkers`; keys of maps stay as they are."""
    outside, bracket, rest = path.partition("[")
    key, closing, after = rest.partition("]")
    named = ".".join(map(wire_name, outside.split(".")))
    return named + bracket + key + closing + (wire_path(after) if after else "")
