"""What can cross to other languages: Python's annotations as shapes, by which the schema is written, and values are carried."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, TypeAlias, Union, cast, get_args, get_origin

import pulumi

from ..access.model import Access
from ..access.values import parse_date, parse_duration
from ..tunnels import clouds
from .access_text import read_access
from .surface import FORMS, HANDED_OVER, SECRETS, find, place_of, wire_name


class InexpressibleError(TypeError):
    """An annotation that other languages have nothing for."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Text, a number or a truth value."""

    of: type
    """`str`, `int`, `float` or `bool`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Something that is written as text."""

    read: Callable[[str], Any]
    """Raises ValueError for what it is not."""
    words: str
    """How it is written, for the documentation; empty where the name says it."""


@dataclass(frozen=True, slots=True)
class Later:
    """A value that may be unknown until the update."""

    of: Plain


@dataclass(frozen=True, slots=True)
class Many:
    """A list of any length."""

    of: "Shape"
    make: Callable[[Iterable[Any]], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A list of a given length."""

    of: "tuple[Shape, ...]"


@dataclass(frozen=True, slots=True)
class Table:
    """A map. Its keys are text, or numbers that are written as text."""

    key: type
    of: "Shape"


@dataclass(frozen=True, slots=True)
class Field:
    """One argument of a form."""

    name: str
    """In Python."""
    shape: "Shape"
    default: Any
    """`inspect.Parameter.empty` where it has to be given."""

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty

    @property
    def secret(self) -> bool:
        """Whether it is one."""
        return self.name in SECRETS


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """An object: what is called with its fields makes the value. A component that has such a value stands for it."""

    name: str
    """Its type's in the schema."""
    make: Callable[..., Any]
    fields: Mapping[str, Field]
    """By their names on the wire."""
    of: type
    """What is made."""
    kind: str | None = None
    """What its property `kind` says, where fields alone do not tell it from another."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A component itself, or what only a component has."""

    of: type


@dataclass(frozen=True, slots=True)
class OneOf:
    """Several shapes, told apart by what they look like."""

    shapes: "tuple[Shape, ...]"


@dataclass(frozen=True, slots=True)
class Live:
    """A resource that the package does not make: a provider."""

    of: type


@dataclass(frozen=True, slots=True)
class Anything:
    """JSON, as it comes."""


Shape: TypeAlias = Plain | Choice | Text | Later | Many | Row | Table | Form | Handle | OneOf | Live | Anything

_PLAIN = (str, int, float, bool)


def _cloud(name: str) -> clouds.Cloud:
    known = {one.name.lower(): one for one in (clouds.AWS, clouds.GOOGLE)}
    if name not in known:
        raise ValueError(f"{name!r}: write {' or '.join(known)}")
    return known[name]


_TEXTS: Mapping[type, Text] = {
    Access: Text(read_access, "The access file: its text, or the path of it from the program's directory."),
    Path: Text(Path, "A path from the program's directory."),
    clouds.Cloud: Text(_cloud, "`aws` or `google`."),
    date: Text(parse_date, "A date, `2027-06-30`."),
    timedelta: Text(parse_duration, "A length of time: `15m`, `12h`, `30d`."),
}


def shape_of(annotation: Any) -> Shape:
    """The shape of an annotation, without None. InexpressibleError where there is none."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _union(inner)
    if origin is Literal:
        return Choice(inner)
    if origin is pulumi.Output:
        return _later(inner[0])
    if origin is tuple and inner[-1] is not Ellipsis:
        return Row(tuple(shape_of(one) for one in inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if inner[0] not in (str, int):
            raise InexpressibleError(f"a map by {inner[0]}")
        return Table(inner[0], shape_of(inner[1]))
    if isinstance(origin, type) and issubclass(origin, Collection | Iterable):
        if issubclass(origin, frozenset | set):
            raise InexpressibleError("a set")
        return Many(shape_of(inner[0]), tuple if origin is tuple else list)
    return _single(annotation)


def _single(annotation: Any) -> Shape:
    if annotation is Any:
        return Anything()
    if annotation in _PLAIN:
        return Plain(annotation)
    if annotation in _TEXTS:
        return _TEXTS[annotation]
    if not inspect.isclass(annotation):
        raise InexpressibleError(f"{annotation}")
    place = place_of(annotation)
    if place in HANDED_OVER:
        return Handle(annotation)
    if place in FORMS:
        of = cast(Any, annotation)
        forms = tuple(_form(find(one), of) for one in FORMS[place])
        return forms[0] if len(forms) == 1 else OneOf(forms)
    if is_dataclass(annotation):
        return _form(cast(Any, annotation), annotation)
    if issubclass(annotation, pulumi.ComponentResource) and annotation is not pulumi.ComponentResource:
        return Handle(annotation)
    if issubclass(annotation, pulumi.ProviderResource) or annotation is pulumi.Resource:
        return Live(annotation)
    raise InexpressibleError(place)


def _union(members: Sequence[Any]) -> Shape:
    left = [one for one in members if one is not NoneType]
    if Path in left:
        left.remove(str)  # a path is written as text either way
    later = next((one for one in left if get_origin(one) is Awaitable), None)
    found: list[Shape] = []
    if later is not None:
        (of,) = get_args(later)
        left = [one for one in left if one not in (of, later) and not _is_output(one)]
        found.append(_later(of))
    # A resource of another package is given by its id: as an object, it would bind this package to that one's schema.
    left = [one for one in left if not _is_foreign(one)]
    found += [shape_of(one) for one in left]
    flat = [each for one in found for each in (one.shapes if isinstance(one, OneOf) else (one,))]
    return flat[0] if len(flat) == 1 else OneOf(tuple(flat))


def _is_output(member: Any) -> bool:
    return get_origin(member) is pulumi.Output or getattr(member, "__forward_arg__", "") == "Output[T]"


def _is_foreign(member: Any) -> bool:
    return (
        inspect.isclass(member) and issubclass(member, pulumi.CustomResource) and not issubclass(member, pulumi.ProviderResource)
    )


def _later(of: Any) -> Shape:
    if of is Any:
        return Anything()
    if of not in _PLAIN:
        raise InexpressibleError(f"Output[{of}]")
    return Later(Plain(of))


@cache
def _form(make: Any, of: Any) -> Form:
    """The form of what is called with its fields: a dataclass, or a function that makes the type."""
    name = of.__name__ if make is of or len(FORMS.get(place_of(of), ())) == 1 else _pascal(make.__name__)
    return Form(name, make, fields_of(make), of, _kind(make))


def _pascal(name: str) -> str:
    camel = wire_name(name)
    return camel[:1].upper() + camel[1:]


def _kind(make: Any) -> str | None:
    """The class variable by which forms with the same fields are told apart."""
    said = inspect.get_annotations(make).get("kind") if inspect.isclass(make) else None
    return str(make.kind) if get_origin(said) is ClassVar else None


def fields_of(make: Callable[..., Any], skipped: Collection[str] = ("self", "name", "opts")) -> dict[str, Field]:
    """What something is called with, by the names of the wire. What has a default and no shape is left out.

    InexpressibleError, with the name, for an argument that has to be given and has no shape.
    """
    left_out = skipped if inspect.isfunction(make) and make.__name__ == "__init__" else ()
    found: dict[str, Field] = {}
    for one in inspect.signature(make).parameters.values():
        if one.name in left_out:
            continue
        try:
            shape = shape_of(_evaluated(one.annotation, make.__module__))
        except InexpressibleError as error:
            if one.default is inspect.Parameter.empty:
                raise InexpressibleError(f"{make.__qualname__}.{one.name}: {error}") from error
            continue
        found[wire_name(one.name)] = Field(one.name, shape, one.default)
    return found


def _evaluated(annotation: Any, module: str) -> Any:
    """An annotation that is written as text, as where the SDK is only imported for types."""
    return eval(annotation, {**vars(sys.modules[module]), "pulumi": pulumi}) if isinstance(annotation, str) else annotation  # noqa: S307


def attributes(component: type) -> dict[str, Any]:
    """What a component has: public annotations, properties, and methods without arguments, each with its type."""
    found = {name: one for name, one in inspect.get_annotations(component).items() if not name.startswith("_")}
    for name, one in vars(component).items():
        function = one.fget if isinstance(one, property) else one
        if not name.startswith("_") and inspect.isfunction(function) and len(inspect.signature(function).parameters) == 1:
            found[name] = function.__annotations__.get("return")
    return found


def stands_for(component: type, wanted: type) -> bool:
    """Whether a component is what is wanted, or has it."""
    return wanted in component.__mro__ or of_type(component, wanted) is not None


def of_type(component: type, wanted: type) -> str | None:
    """The attribute of a component that has what is wanted, or several of it; None where it has no such thing."""
    for name, annotation in attributes(component).items():
        members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        for one in members:
            if one is wanted or (get_origin(one) in (tuple, list) and get_args(one)[0] is wanted):
                return name
    return None
