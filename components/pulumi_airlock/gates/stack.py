"""A neutral view of a stack's resources, for readers: the same from a policy pack, the offline engine, or a file.

Property names are the wire's (camelCase). An unknown value is `UNKNOWN`, secrets are their values, and links between resources
are property dependencies, which are known at preview where ids are not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final

from ..proof.filters import Source
from ..proof.sets import is_network


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown.UNKNOWN
"""A value that is not known before the update. Compare with `is`."""


def listed(value: Any) -> list[Any]:
    """The values of a field that takes one wherever it takes several; of one that is not set, none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping; an empty one instead of anything else."""
    return value if isinstance(value, Mapping) else {}


def cidrs(value: Any) -> tuple[str, ...]:
    """The CIDRs in a list of what a component registered; whatever else stands there is left out."""
    return tuple(one for one in listed(value) if isinstance(one, str) and is_network(one))


def port_number(value: Any) -> int | None:
    """The port that a value is: `443`, `443.0` (as the wire has numbers) or `"443"`. None for anything else, `UNKNOWN` too."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:6])
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if 0 <= value <= 65535 else None


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource: what a gate's reader may look at."""

    urn: str
    type: str
    properties: Mapping[str, Any]
    custom: bool = True
    parent: str = ""
    provider: str = ""
    """URN of its explicit or default provider resource; empty where the source does not tell."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Top-level property → URNs of the resources that its value was computed from."""
    place: str = ""
    """The line of the program that led to it, `…/bank/__main__.py:31`; empty where the source does not tell."""
    stack: "Stack" = field(repr=False, default=None)  # type: ignore[assignment]  # set by Stack, never None afterwards

    @property
    def name(self) -> str:
        """The resource's name: the last part of its URN."""
        return self.urn.rsplit("::", 1)[-1]

    def get(self, *path: str | int, default: Any = None) -> Any:
        """The value at a path of keys and indexes.

        `UNKNOWN` where it, or anything above it, is unknown; `default` where it is absent or null.
        """
        value: Any = self.properties
        for step in path:
            if value is UNKNOWN:
                return UNKNOWN
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return default
        return default if value is None else value

    def get_list(self, *path: str | int) -> list[Any]:
        """The list at a path: empty where absent.

        `[UNKNOWN]` where the whole list is unknown, so that a loop meets the unknown.
        """
        value = self.get(*path, default=[])
        if value is UNKNOWN:
            return [UNKNOWN]
        return list(value) if isinstance(value, list | tuple) else [value]

    def refers_to(self, prop: str, *types: str) -> tuple["Resource", ...]:
        """The resources that a top-level property was computed from, of the given types if any are given."""
        found = (self.stack.find(urn) for urn in self.property_dependencies.get(prop, ()))
        return tuple(one for one in found if one is not None and (not types or one.type in types))

    def ancestors(self) -> Iterator["Resource"]:
        """The parent, its parent, and so on up to the stack."""
        above = self.stack.find(self.parent)
        while above is not None:
            yield above
            above = self.stack.find(above.parent)

    def at(self, *path: str | int, label: str = "", through: Iterable["Resource"] = ()) -> Source:
        """This resource, or a place within it, as the source of a rule."""
        position = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        return Source(self.urn, position, label, tuple(one.urn for one in through))


class Stack:
    """All resources of a stack, with their links. Building it costs O(resources); every lookup is O(1) or O(answer)."""

    def __init__(self, resources: Iterable[Resource], name: str = "", project: str = "") -> None:
        self.name = name
        self.project = project
        self.resources: tuple[Resource, ...] = tuple(resources)
        for resource in self.resources:
            object.__setattr__(resource, "stack", self)
        self._by_urn = {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        grouped: dict[str, list[Resource]] = {}
        for resource in self.resources:
            grouped.setdefault(resource.type, []).append(resource)
        return {kind: tuple(found) for kind, found in grouped.items()}

    @cached_property
    def _referrers(self) -> Mapping[str, tuple[tuple[Resource, str], ...]]:
        found: dict[str, list[tuple[Resource, str]]] = {}
        for resource in self.resources:
            for prop, urns in resource.property_dependencies.items():
                for urn in urns:
                    found.setdefault(urn, []).append((resource, prop))
        return {urn: tuple(pairs) for urn, pairs in found.items()}

    def find(self, urn: str) -> Resource | None:
        """The resource with this URN, if there is one."""
        return self._by_urn.get(urn)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Every resource of the given types, in the stack's order, type by type."""
        return tuple(resource for kind in types for resource in self._by_type.get(kind, ()))

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that a resource of the stack has."""
        return tuple(self._by_type)

    def referring_to(self, resource: Resource, prop: str, *types: str) -> tuple[Resource, ...]:
        """The resources (of the given types, if any) whose top-level property `prop` was computed from `resource`."""
        return tuple(
            one for one, used in self._referrers.get(resource.urn, ()) if used == prop and (not types or one.type in types)
        )

    def children(self, resource: Resource) -> tuple[Resource, ...]:
        """The resources whose parent is `resource`."""
        return tuple(one for one in self.resources if one.parent == resource.urn)
