"""Writes the package's schema, of which Pulumi makes SDKs of all languages: `python -m pulumi_airlock.package.schema FILE`."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Set
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ..access.values import duration_text
from .documentation import Documentation, sentences
from .encode import Has, outputs_of
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
    fields_of,
    stands_for,
)
from .surface import COMPONENTS, PACKAGE, find, place_of, type_of

Json = dict[str, Any]

_PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}
_ANY: Final[Json] = {"$ref": "pulumi.json#/Any"}
_SHOWN_DEFAULTS: Final = (str, int, float, bool)


class Schema:
    """The schema as it is written."""

    def __init__(self) -> None:
        self._components = {name: find(place) for name, place in COMPONENTS.items()}
        self._inputs = {name: fields_of(one.__init__) for name, one in self._components.items()}
        self._outputs = {name: outputs_of(one) for name, one in self._components.items()}
        self._words = Documentation({one.name for fields in self._all_fields() for one in fields.values()})

    def document(self) -> Json:
        """All of it, as JSON has it."""
        return {
            "name": PACKAGE,
            "displayName": "Airlock",
            "version": version("pulumi-airlock"),
            "description": "Airflow behind network security: routes declared once, every gate compiled from them and proven.",
            "keywords": ["pulumi", "airflow", "network-security", "category/network", "kind/component"],
            "license": "Apache-2.0",
            "language": {one: {"respectSchemaVersion": True} for one in ("csharp", "go", "java", "nodejs", "python")},
            "resources": {type_of(name): self._resource(name) for name in self._components},
            "types": {type_of(name): self._type(form) for name, form in sorted(self._forms.items())},
        }

    def _all_fields(self) -> list[Mapping[str, Field]]:
        return [*self._inputs.values(), *(form.fields for form in self._forms.values())]

    # Names.

    @cached_property
    def _forms(self) -> dict[str, Form]:
        """Every object, by its name: where several have one, with the package that it is of in front."""
        named: dict[str, dict[Form, None]] = defaultdict(dict)
        fields = [one.shape for each in self._inputs.values() for one in each.values()]
        for shape in (*fields, *(one.shape for each in self._outputs.values() for one in each.values())):
            for form in _within(shape):
                named[form.name][form] = None
        found = {}
        for name, forms in named.items():
            for form in forms:
                found[name if len(forms) == 1 else f"{_package(form)}{name}"] = form
        return found

    @cached_property
    def _names(self) -> dict[Form, str]:
        return {form: name for name, form in self._forms.items()}

    # Parts.

    def _resource(self, name: str) -> Json:
        component, fields, outputs = self._components[name], self._inputs[name], self._outputs[name]
        # The SDK of TypeScript imports what a component names into its module, and so must not find its own name there.
        others = self._components.keys() - {name}
        return {
            "isComponent": True,
            "description": self._words.of(component),
            "inputProperties": {key: self._input(component, one, others) for key, one in fields.items()},
            "requiredInputs": [key for key, one in fields.items() if one.required],
            "properties": {key: self._output(one) for key, one in outputs.items()},
            "required": [key for key, one in outputs.items() if one.always],
        }

    def _type(self, form: Form) -> Json:
        properties = {key: self._input(form.make, one, self._components.keys()) for key, one in form.fields.items()}
        required = [key for key, one in form.fields.items() if one.required]
        if form.kind is not None:
            properties["kind"] = {"type": "string", "const": form.kind, "description": f"`{form.kind}`."}
            required.append("kind")
        return {"type": "object", "description": self._words.of(form.make), "properties": properties, "required": required}

    def _input(self, make: Any, one: Field, standing: Set[str]) -> Json:
        words = sentences(self._words.of_argument(make, one.name), _form_of_writing(one.shape), _default(one))
        return self._property(one.shape, words or self._of_its_type(one.shape), standing, secret=one.secret)

    def _of_its_type(self, shape: Shape) -> str:
        form = next(iter(_within(shape, deep=False)), None)
        return self._words.of(form.make) if form is not None else ""

    def _output(self, one: Has) -> Json:
        return self._property(one.shape, sentences(self._words.of_argument(one.owner, one.path[-1])), set(), secret=one.secret)

    def _property(self, shape: Shape, words: str, standing: Set[str], *, secret: bool) -> Json:
        found = self._spec(shape, standing) | ({"description": words} if words else {})
        return found | ({"secret": True} if secret else {})

    def _spec(self, shape: Shape, standing: Set[str]) -> Json:
        """`standing`: the components that may stand for what they are, or have."""
        match shape:
            case Plain(of=of):
                return {"type": _PLAIN[of]}
            case Choice(values=values):
                return {"type": _PLAIN[type(values[0])]}
            case Text():
                return {"type": "string"}
            case Later(of=of):
                return self._spec(of, standing)
            case Many(of=of):
                return {"type": "array", "items": self._spec(of, standing)}
            case Row(of=several):
                alike = len(set(several)) == 1
                return {"type": "array", "items": self._spec(several[0], standing) if alike else _ANY}
            case Table(of=of):
                return {"type": "object", "additionalProperties": self._spec(of, standing)}
            case Form() | Handle() | OneOf():
                return self._choice(shape, standing)
            case Live() | Anything():
                return dict(_ANY)

    def _choice(self, shape: Form | Handle | OneOf, standing: Set[str]) -> Json:
        found: list[Json] = []
        for one in shape.shapes if isinstance(shape, OneOf) else (shape,):
            if isinstance(one, Form):
                found.append({"$ref": f"#/types/{type_of(self._names[one])}"})
            if isinstance(one, Form | Handle):
                found += [{"$ref": f"#/resources/{type_of(name)}"} for name in self._having(one.of) if name in standing]
            else:
                found.append(self._spec(one, standing))
        distinct = [one for position, one in enumerate(found) if one not in found[:position]]
        return distinct[0] if len(distinct) == 1 else {"oneOf": distinct}

    def _having(self, wanted: type) -> list[str]:
        """The components that are what is wanted, or have it."""
        return [name for name, one in self._components.items() if stands_for(one, wanted)]


def _within(shape: Shape, *, deep: bool = True) -> list[Form]:
    """The forms in a shape, and in their fields."""
    match shape:
        case Form(fields=fields):
            below = [each for one in fields.values() for each in _within(one.shape)] if deep else []
            return [shape, *below]
        case Many(of=of) | Table(of=of):
            return _within(of, deep=deep)
        case Row(of=several) | OneOf(shapes=several):
            return [each for one in several for each in _within(one, deep=deep)]
        case _:
            return []


def _package(form: Form) -> str:
    """`Mwaa` of `environments.mwaa.tasks:TaskProvider`."""
    return place_of(form.make).partition(":")[0].split(".")[1].capitalize()


def _form_of_writing(shape: Shape) -> str:
    match shape:
        case Choice(values=values):
            return f"One of {', '.join(f'`{one}`' for one in values)}."
        case Text(words=words):
            return words
        case _:
            return ""


def _default(one: Field) -> str:
    value = one.default
    if one.required or value is None or value == "":
        return ""
    if isinstance(value, _SHOWN_DEFAULTS):
        return f"Default: `{json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value}`."
    return f"Default: `{duration_text(value)}`." if hasattr(value, "total_seconds") else ""


def write(path: Path) -> None:
    """Writes the schema into a file."""
    path.write_text(json.dumps(Schema().document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
