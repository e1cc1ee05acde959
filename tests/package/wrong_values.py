"""Wrong values for everything that a component takes: one at a time, in a program that is right otherwise.

The programs are those that every component is made by; here their components are made in this process. What is wrong is of the
type that an argument has (a text that says nothing, a number out of all bounds, an empty list): other types are the type
checker's. A word that is none of a few is wrong as well, as Python alone would let it pass.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
from program import run
from pulumi.runtime import mocks
from pulumi.runtime.sync_await import _sync_await
from pulumi_airlock.access.values import parse_date, parse_duration
from pulumi_airlock.errors import InputError, Problem, Problems
from pulumi_airlock.offline.fixtures import Fixtures, load_fixtures
from pulumi_airlock.package.decode import Decoder
from pulumi_airlock.package.encode import encoded
from pulumi_airlock.package.shapes import Choice, Field, Form, Later, Many, OneOf, Plain, Row, Shape, Table, Text, fields_of
from pulumi_airlock.package.surface import COMPONENTS, find

Given = dict[str, Any]
_WRONG: Mapping[type, tuple[Any, ...]] = {
    str: ("not one!", ""),
    int: (-1.0, 0.0, 1e9),  # as they come
    float: (-1.0, 0.0, 1e9),
    bool: (),
}


@dataclass(frozen=True)
class Component:
    """One as a program asked for it."""

    kind: str
    name: str
    inputs: Given

    @property
    def fields(self) -> Mapping[str, Field]:
        """What it takes."""
        return fields_of(find(COMPONENTS[self.kind]).__init__)


class InProcess:
    """Makes components in this process; stands where the programs expect the package."""

    def __init__(self, fixtures: Path) -> None:
        self.asked: list[Component] = []
        self._fixtures = load_fixtures(fixtures)

    def program(self, file: Path) -> None:
        """Makes all of a program."""
        self._settled(lambda: run(self, file))

    def construct(self, component: str, name: str, **inputs: Any) -> "Made":
        """Makes a component."""
        self.asked.append(Component(component, name, inputs))
        return Made(self._make(self.asked[-1]))

    def faults(self, component: Component) -> Iterator[str]:
        """What is wrong with how its wrong values are taken: all that is not refused as the house does it.

        Where one is let pass as it may be right, no other is tried in its place.
        """
        passed = set[str]()
        for one in wrong(component):
            if one.path not in passed:
                found = self._fault(one)
                if found is None:
                    passed.add(one.path)
                elif found:
                    yield f"{one}: {found}"

    def refused(self, component: Component) -> tuple[Problem, ...]:
        """What a component's values are refused for; nothing where they are taken."""
        try:
            self._settled(lambda: self._make(component))
        except InputError as error:
            return error.problems
        return ()

    def _fault(self, one: "Wrong") -> str | None:
        """Empty where it is refused as it should be; None where it is let pass, and may be."""
        try:
            self._settled(lambda: self._make(one.component))
        except Exception as error:  # whatever it is: that is the question
            found = _refusal(error)
            if found is None:
                return f"{type(error).__name__}: {error}"
            lacking = [str(each) for each in found.problems if not (each.place and each.path and each.message)]
            return f"no place: {lacking}" if lacking else ""
        return "let pass" if one.surely else None

    def _make(self, component: Component) -> pulumi.ComponentResource:
        problems = Problems(component.name)
        decoder = _AnyWord(problems)
        inputs = {key: _plain(one) for key, one in component.inputs.items()}
        arguments = _sync_await(decoder.arguments(inputs, component.fields))
        problems.raise_any()
        made: pulumi.ComponentResource = find(COMPONENTS[component.kind])(component.name, **arguments)
        return made

    def _settled(self, program: Callable[[], Any]) -> None:
        pulumi.runtime.set_mocks(_Answers(self._fixtures), project="project", stack="test", preview=True)
        pulumi.runtime.set_all_config({"aws:region": "eu-central-1"})
        pulumi.runtime.test(lambda: program() and None)()


def _refusal(error: BaseException | None) -> InputError | None:
    """The refusal itself: what is only known in the update (a secret) is refused then, and the SDK says more around it."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return error


class Made:
    """A component, as programs refer to it."""

    def __init__(self, component: pulumi.ComponentResource) -> None:
        self.component, self._outputs = component, encoded(component)

    def __getitem__(self, output: str) -> Any:
        return self._outputs[output]

    def item(self, output: str, key: str) -> Any:
        return self._outputs[output][key]


def _plain(value: Any) -> Any:
    """As the SDK hands it over."""
    if isinstance(value, Made):
        return value.component
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _AnyWord(Decoder):
    """Lets a word pass that is none of a few, as Python does."""

    def _scalar(self, shape: Any, given: Any) -> Any:
        if isinstance(shape, Choice) and isinstance(given.value, str):
            return given.value
        return super()._scalar(shape, given)


class _Answers(mocks.Mocks):
    def __init__(self, fixtures: Fixtures) -> None:
        self._fixtures = fixtures

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return dict(self._fixtures.call(args.token, args.args) or {}), []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return "", dict(args.inputs)


# What is wrong

_NETWORKS = re.compile(r"[cC]idrs?(\[\d+\])?$|Ranges\[\d+\]$")
_PORT = re.compile(r"(^|\.)port$|Port$")


@dataclass(frozen=True)
class Wrong:
    """One wrong value."""

    path: str
    """Where it is: `issuers[0].kind`."""
    value: Any
    component: Component
    surely: bool
    """Whether it has to be refused: a word that is none of a few, a network or a port that is none. The rest may be right."""

    def __str__(self) -> str:
        return f"{self.component.kind} {self.component.name} with {self.path}={self.value!r}"


def wrong(component: Component) -> Iterator[Wrong]:
    """Every wrong value, each in the component as it is otherwise."""
    for path, value, inputs, surely in _fields(component.fields, component.inputs, ""):
        yield Wrong(path, value, Component(component.kind, component.name, inputs), surely)


_Found = tuple[str, Any, Any, bool]
"""Where it is, the wrong value itself, the whole in which it is, and whether it has to be refused."""


def _fields(fields: Mapping[str, Field], given: Mapping[str, Any], before: str) -> Iterator[_Found]:
    for name, one in fields.items():
        for path, value, whole, surely in _values(one.shape, given.get(name), f"{before}{name}"):
            yield path, value, {**given, name: whole}, surely


def _values(shape: Shape, given: Any, path: str) -> Iterator[_Found]:
    """Everything wrong in one place; `given`: what is right there, None where nothing is."""
    if isinstance(given, Made | pulumi.Output):
        return
    match shape:
        case OneOf():
            for one in shape.shapes:
                yield from _values(one, given if _fits(one, given) else None, path)
        case Form():
            if isinstance(given, Mapping) or _is_free(shape):
                yield from _fields(shape.fields, given or {}, f"{path}.")
            elif (made := _all_wrong(shape)) is not None:
                yield path, made, made, False
        case Many():
            yield path, [], [], False
            yield from _items([shape.of] * max(1, len(given or ())), list(given or ()), path)
        case Row():
            parts = list(given or ([{}] * len(shape.of) if all(map(_is_free, shape.of)) else ()))
            yield from _items(list(shape.of)[: len(parts)], parts, path)
        case Table():
            yield path, {}, {}, False
            yield from _entries(shape, dict(given or {}), path)
        case _:
            for value in _single(shape):
                yield path, value, value, _is_none(shape, path, value)


def _is_free(shape: Shape) -> bool:
    """Whether it is an object that has to have nothing in it."""
    return isinstance(shape, Form) and not any(one.required for one in shape.fields.values())


def _entries(shape: Table, given: Given, path: str) -> Iterator[_Found]:
    for key, one in (given or {"1" if shape.key is int else "none": None}).items():
        for each, value, whole, surely in _values(shape.of, one, f"{path}[{key}]"):
            yield each, value, {**given, key: whole}, surely
    if given and shape.key is str:
        one = next(iter(given.values()))
        yield f"{path}[not one!]", one, {"not one!": one}, False


def _items(shapes: Sequence[Shape], given: Sequence[Any], path: str) -> Iterator[_Found]:
    for number, shape in enumerate(shapes):
        right = given[number] if number < len(given) else None
        for each, value, whole, surely in _values(shape, right, f"{path}[{number}]"):
            yield each, value, [*given[:number], whole, *given[number + 1 :]], surely


def _single(shape: Shape) -> tuple[Any, ...]:
    if isinstance(shape, Later):
        return _WRONG[shape.of.of]
    if isinstance(shape, Plain):
        return _WRONG[shape.of]
    if isinstance(shape, Choice):
        return ("not one!",) if isinstance(shape.values[0], str) else ()
    if isinstance(shape, Text) and shape.read is parse_duration:
        return ("1m", "3000d")
    if isinstance(shape, Text) and shape.read is parse_date:
        return (date.min.isoformat(), date.max.isoformat())
    return ("/no/where",) if isinstance(shape, Text) and shape.read is Path else ()


def _is_none(shape: Shape, path: str, value: Any) -> bool:
    if isinstance(shape, Choice):
        return True
    if isinstance(shape, Plain) and shape.of is int and _PORT.search(path):
        return value < 0 or value > 65535
    return value == "not one!" and isinstance(shape, Plain) and bool(_NETWORKS.search(path))


def _fits(shape: Shape, given: Any) -> bool:
    if isinstance(shape, Form):
        return isinstance(given, Mapping) and set(given) - {"kind"} <= set(shape.fields)
    if isinstance(shape, Table):
        return isinstance(given, Mapping)
    return isinstance(given, list | tuple) if isinstance(shape, Many | Row) else not isinstance(given, Mapping | list | tuple)


def _all_wrong(form: Form) -> Given | None:
    """An object with everything wrong in it that it has to have; None where that is nothing that can be written."""
    made: Given = {"kind": form.kind} if form.kind else {}
    for name, one in form.fields.items():
        if not one.required:
            continue
        found = next((whole for _, _, whole, _ in _values(one.shape, None, "")), None)
        if found is None:
            return None
        made[name] = found
    return made
