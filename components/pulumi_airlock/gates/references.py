"""Names that lead nowhere, and objects that nothing names: undefined and unused references, over all gates and the access file.

What is not known is never called undefined: a name that is computed may be any, and so may that of an object.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from importlib import import_module
from typing import Any

from ..access.draft import Draft
from ..access.errors import nearest
from ..access.findings import Finding
from ..access.model import Access
from ..access.rules.places import unused
from ..proof.missing import missing_gates
from . import GATES, read_all
from .stack import Resource, Stack


class Fault(Enum):
    """What is wrong with a reference."""

    UNDEFINED = "undefined"
    """Something names what no resource of the stack defines, and the gate does not bring along."""
    UNUSED = "unused"
    """Something is defined, and nothing of the stack that has an effect names it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference that leads nowhere, or one object that nothing refers to. No failure: something to look at."""

    fault: Fault
    gate: str
    """The gate's name; `access` for the access file."""
    what: str
    """What is named (`address`, `service group`, `security group`, `destination`)."""
    name: str
    """The name that is not defined, or of the object that nothing uses."""
    urn: str
    """The resource that names it, or that nothing uses."""
    position: str
    """Where in the resource, or in the access document, the name stands; empty for the whole resource."""
    message: str
    """The finding, and what would be right."""
    nearest: str = ""
    """The most similar name that is defined, if one is similar."""


def references(stack: Stack) -> tuple[Reference, ...]:
    """Every undefined and unused reference of a stack: the access file's first, then gate by gate, undefined ones first.

    AccessError where the stack declares an access that is not valid.
    """
    from .declaration import declared_access

    access = declared_access(stack)
    found = [] if access is None else list(_of_access(access, stack))
    package = __name__.rpartition(".")[0].rpartition(".")[0]
    for name in GATES:
        find: Any = getattr(import_module(f"{package}.{name}"), "references", None)
        found += sorted(find(stack), key=lambda one: one.fault is Fault.UNUSED) if find is not None else []
    return tuple(dict.fromkeys(found))


def near(name: str, names: list[str]) -> str:
    """The most similar of some names; empty where none is similar."""
    return nearest(name, names).partition('did you mean "')[2].removesuffix('"?')


def hint(name: str, names: list[str]) -> str:
    """`; did you mean "warehouse"?`, or nothing."""
    similar = near(name, names)
    return f'; did you mean "{similar}"?' if similar else ""


def _of_access(access: Access, stack: Stack) -> Iterator[Reference]:
    urn = next((one.urn for one in stack.resources if one.get("document") is not None), "")
    reading = read_all(stack)
    gates = sorted({one.gate for one in reading.filters})
    for gate in missing_gates(access, reading.filters):
        where = f"zones.{gate.zones[0]}.gates"
        yield Reference(Fault.UNDEFINED, "access", "gate", gate.gate, urn, where, gate.message, near(gate.gate, gates))
    here = sorted(one.name for one in reading.environments)
    yield from _environments(access, here, urn)
    draft = Draft.of(access)
    for finding in unused(draft, date.min):
        yield _unused(access, finding, urn)


def _environments(access: Access, here: list[str], urn: str) -> Iterator[Reference]:
    listed = {one.name for one in access.environments}
    for index, principal in enumerate(access.principals):
        name = principal.environment
        if name is not None and name not in here and name not in listed:
            message = f'principal {principal.name} runs in environment "{name}", which the stack does not have{hint(name, here)}'
            where = f"principals[{index}].environment"
            yield Reference(Fault.UNDEFINED, "access", "environment", name, urn, where, message, near(name, here))
    routed = {name for route in access.routes for name in route.from_}
    homes = {one.environment for one in access.principals if one.name in routed and not one.is_people}
    for index, environment in enumerate(access.environments):
        where, name = f"environments[{index}].name", environment.name
        if name not in here:
            message = f'environment "{name}" is not in the stack{hint(name, here)}'
            yield Reference(Fault.UNDEFINED, "access", "environment", name, urn, where, message, near(name, here))
        elif None not in homes and name not in homes:
            message = (
                f'no route leads out of environment "{name}": its tasks may reach nothing; write their routes, or take it out'
            )
            yield Reference(Fault.UNUSED, "access", "environment", name, urn, where, message)


def _unused(access: Access, finding: Finding, urn: str) -> Reference:
    section, key = str(finding.loc[0]), finding.loc[1]
    name = str(key) if section == "zones" else getattr(access, section)[key].name
    what = section.removesuffix("s")
    return Reference(Fault.UNUSED, "access", what, name, urn, finding.path, finding.message)


def texts(value: Any) -> Iterator[str]:
    """Every text anywhere in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def depended_on(resource: Resource) -> Iterator[str]:
    """URNs of what a resource's properties were computed from."""
    for urns in resource.property_dependencies.values():
        yield from urns
