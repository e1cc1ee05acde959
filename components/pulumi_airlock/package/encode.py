"""What a component has, as outputs in the other languages."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from inspect import get_annotations, isfunction
from types import NoneType
from typing import Any, get_args

import pulumi

from ..access.values import duration_text
from .shapes import Anything, Choice, Form, InexpressibleError, Later, Many, Plain, Row, Shape, Table, Text, attributes, shape_of
from .surface import FLATTENED, SECRETS, wire_name


@dataclass(frozen=True, slots=True)
class Has:
    """One output."""

    path: tuple[str, ...]
    """The attribute; of one that is flattened, also its field."""
    shape: Shape
    owner: type
    """The class that says what it is."""
    always: bool
    """Whether it is there in any case."""

    @property
    def secret(self) -> bool:
        """Whether it is one."""
        return self.path[-1] in SECRETS


def outputs_of(component: type) -> dict[str, Has]:
    """A component's outputs, by their names on the wire. What other languages have nothing for is none."""
    found: dict[str, Has] = {}
    flat: dict[str, Has] = {}
    for name, annotation in attributes(component).items():
        if isfunction(vars(component).get(name)):
            continue
        of = next((one for one in (annotation, *get_args(annotation)) if is_dataclass(one)), None)
        always = NoneType not in get_args(annotation)
        if name in FLATTENED and isinstance(of, type):
            flat |= _fields(name, of, always)
        elif not is_dataclass(of) or of not in (annotation, *_members(annotation)):
            _note(found, wire_name(name), (name,), annotation, component, always)
    return {**flat, **found}


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; of a list or a map there are none."""
    members = get_args(annotation)
    return members if NoneType in members else ()


def _fields(attribute: str, of: Any, always: bool) -> dict[str, Has]:
    found: dict[str, Has] = {}
    # Where an SDK is imported for types alone, annotations are text.
    annotations = get_annotations(of, eval_str=True, locals={"pulumi": pulumi})
    for one in fields(of):
        annotation = annotations[one.name]
        there = always and NoneType not in get_args(annotation)
        _note(found, wire_name(FLATTENED[attribute] + one.name), (attribute, one.name), annotation, of, there)
    return found


def _note(found: dict[str, Has], name: str, path: tuple[str, ...], annotation: Any, owner: type, always: bool) -> None:
    try:
        shape = shape_of(annotation)
    except InexpressibleError:
        return
    if _can_be_read(shape):
        found[name] = Has(path, shape, owner, always)


def _can_be_read(shape: Shape) -> bool:
    """Whether a value of this shape can be taken apart again: what functions make cannot."""
    match shape:
        case Plain() | Choice() | Text() | Later() | Anything():
            return True
        case Many(of=of) | Table(of=of):
            return _can_be_read(of)
        case Row(of=several):
            return all(map(_can_be_read, several))
        case Form():
            return shape.make is shape.of and all(_can_be_read(one.shape) for one in shape.fields.values())
        case _:
            return False


def encoded(component: pulumi.ComponentResource) -> dict[str, pulumi.Input[Any]]:
    """A component's outputs as they are now, by their names on the wire."""
    found: dict[str, pulumi.Input[Any]] = {}
    for name, one in outputs_of(type(component)).items():
        value: Any = component
        for part in one.path:
            value = getattr(value, part, None)
        value = _value(one.shape, value)
        if value is not None:
            found[name] = pulumi.Output.secret(value) if one.secret else value
    return found


def _value(shape: Shape, value: Any) -> Any:
    match shape:
        case _ if value is None or isinstance(value, pulumi.Output):
            return value
        case Many(of=of):
            return [_value(of, one) for one in value]
        case Row(of=several):
            return [_value(of, one) for of, one in zip(several, value, strict=True)]
        case Table(of=of) if isinstance(value, Mapping):
            return {str(key): _value(of, one) for key, one in value.items()}
        case Form(fields=known):
            taken = {name: _value(one.shape, getattr(value, one.name)) for name, one in known.items()}
            return {name: one for name, one in taken.items() if one is not None}
        case Text():
            return duration_text(value) if isinstance(value, timedelta) else _as_text(value)
        case _:
            return value


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
