"""The process that Pulumi runs for programs in other languages: it makes components from what they give.

A program names a component of its own where Python takes the object (`vpc: vpc`). On the wire that is a resource reference, a
URN; the components of one update are all made by one process, which knows the object of each.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider, main
from pulumi.resource import DependencyResource
from pulumi.runtime.rpc import ResourceModule, register_resource_module
from semver import VersionInfo

from ..access.errors import nearest, quoted
from ..errors import InputError, Problem, Problems
from .decode import Decoder, wire_path
from .encode import encoded
from .shapes import Field, fields_of
from .surface import COMPONENTS, PACKAGE, find, wire_name

_SNAKE_CASE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


def serve(schema: Path, version: str) -> None:
    """Serves the package until Pulumi ends it. `schema`: the file that `package.schema` writes."""
    # A provider among the inputs is only known as one to the SDK once its own SDK is imported.
    with suppress(ModuleNotFoundError):
        import_module("pulumiverse_fortios")
    main(AirlockProvider(schema.read_text(), version), sys.argv[1:])


class AirlockProvider(Provider):
    """Makes the package's components, and finds those that later ones refer to."""

    def __init__(self, schema: str, version: str) -> None:
        super().__init__(version, schema)
        self._made: dict[str, pulumi.ComponentResource] = {}
        """By their URNs."""
        register_resource_module(PACKAGE, "index", _References(self._made, VersionInfo.parse(version)))

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Makes a component. InputPropertiesError, with every problem at its property, for inputs that cannot be used."""
        state: dict[str, pulumi.Input[Any]] = {}
        # Whether inputs are known, and what they are, can only be awaited. The SDK awaits the URN before it looks at the state.
        return ConstructResult(self._make(_component(resource_type), name, inputs, options, state), state)

    async def _make(
        self,
        component: type[Any],
        name: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None,
        state: dict[str, pulumi.Input[Any]],
    ) -> str:
        fields = fields_of(component.__init__)
        problems = Problems(name)
        try:
            arguments = await Decoder(problems).arguments(inputs, fields)
            problems.raise_any()
            made: pulumi.ComponentResource = component(name, **arguments, opts=options)
        except InputError as error:
            raise _refused(name, error.problems, fields) from error
        state |= encoded(made)
        urn = await made.urn.future() or ""
        self._made[urn] = made
        return urn


class _References(ResourceModule):
    """How the SDK finds the component that a reference in a program means."""

    def __init__(self, made: Mapping[str, pulumi.ComponentResource], version: VersionInfo) -> None:
        self._made, self._version = made, version

    def version(self) -> VersionInfo:
        return self._version

    def construct(self, name: str, typ: str, urn: str) -> pulumi.Resource:
        return self._made.get(urn) or DependencyResource(urn)


def _component(resource_type: str) -> type[Any]:
    name = resource_type.removeprefix(f"{PACKAGE}:index:")
    if name not in COMPONENTS:
        raise ValueError(f"the package {PACKAGE} has no component {quoted(resource_type)}{nearest(name, COMPONENTS)}")
    found: type[Any] = find(COMPONENTS[name])
    return found


def _refused(name: str, problems: Iterable[Problem], fields: Mapping[str, Field]) -> pulumi.InputPropertiesError:
    """The problems as Pulumi tells them: each at its property, as the program writes it."""
    python = {one.name for one in fields.values()}
    details: list[Any] = []
    for one in problems:
        reason = _SNAKE_CASE.sub(lambda found: wire_name(found[0]) if found[0] in python else found[0], one.message)
        place = "" if one.place in ("", name) else f"{one.place}: "
        details.append({"property_path": wire_path(one.path), "reason": place + reason})
    return pulumi.InputPropertiesError("inputs that cannot be used", details)
