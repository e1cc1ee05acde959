"""Which ZIA resources are one tenant's, and by which gates it is called: those of one provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...tokens import ZIA_GATE
from ..stack import UNKNOWN, Resource, Stack
from .kinds import ACTIVATION, IDS, kind_of


@dataclass(frozen=True, eq=False)
class Found:
    """What a list of a rule names: objects of the stack, and what of the list is not known here."""

    objects: tuple[Resource, ...]
    reasons: tuple[str, ...]
    given: bool
    """Whether the list says anything: ZIA takes an empty one for any."""


@dataclass(frozen=True, eq=False)
class Tenant:
    """A tenant's resources, and the components that make some of them."""

    stack: Stack
    provider: str
    resources: tuple[Resource, ...]
    components: tuple[Resource, ...]

    @property
    def names(self) -> list[tuple[str, str]]:
        """(Gate, URN): the components' names; without any the provider's, or `zia`."""
        told = [(str(one.get("gate", default=one.name) or one.name), one.urn) for one in self.components]
        if told:
            return told
        explicit = self.stack.find(self.provider)
        name = explicit.name if explicit is not None and not explicit.name.startswith("default") else "zia"
        return [(name, self.provider or self.resources[0].urn)]

    @cached_property
    def _kinds(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(kind_of(one.type), []).append(one)
        return found

    def of_kind(self, *kinds: str) -> list[Resource]:
        """Resources of these kinds, kind by kind, in the stack's order."""
        return [one for kind in kinds for one in self._kinds.get(kind, ())]

    def named_by(self, rule: Resource, prop: str, kind: str) -> Found:
        """The objects that a list of ids names: by property dependency where the ids are not known yet, else by the ids."""
        values = rule.get_list(prop)
        linked = [one for one in rule.refers_to(prop) if kind_of(one.type) == kind]
        if rule.get(prop) is UNKNOWN:
            return Found(tuple(linked), () if len(linked) == 1 else (f"{rule.name}.{prop}",), True)
        by_id = self._ids.get(kind, {})
        found = {one.urn: one for value in values if value is not UNKNOWN and (one := by_id.get(_number(value))) is not None}
        foreign = [value for value in values if value is not UNKNOWN and _number(value) not in by_id]
        pending = sum(value is UNKNOWN for value in values)
        waiting = [one for one in linked if one.urn not in found]
        found |= {one.urn: one for one in waiting if pending}
        reasons = [f"{rule.name}.{prop} ({value}: not in the stack)" for value in foreign]
        reasons += [f"{rule.name}.{prop}"] if pending != (len(waiting) if pending else 0) else []
        return Found(tuple(found.values()), tuple(reasons), bool(values))

    @cached_property
    def _ids(self) -> dict[str, dict[str, Resource]]:
        """Kind → id → object."""
        found: dict[str, dict[str, Resource]] = {}
        for kind, prop in IDS.items():
            for one in self.of_kind(kind):
                for value in (one.get(prop), one.get("id")):
                    if value is not UNKNOWN and value is not None:
                        found.setdefault(kind, {})[_number(value)] = one
        return found

    @cached_property
    def activated(self) -> frozenset[str] | None:
        """URNs of what activations wait for; None where the tenant's stack has no activation."""
        found: set[str] = set()
        activations = self.of_kind(ACTIVATION)
        for one in activations:
            if one.get("status") in ("ACTIVE", UNKNOWN):
                found |= _waits_for(one)
        return frozenset(found) if activations else None


def tenants(stack: Stack) -> Iterator[Tenant]:
    """The stack's tenants, each with at least one resource."""
    grouped: dict[str, list[Resource]] = {}
    for one in stack.resources:
        if kind_of(one.type) and one.custom:
            grouped.setdefault(one.provider, []).append(one)
    gates = stack.of_type(ZIA_GATE)
    for provider, resources in grouped.items():
        parents = {one.parent for one in resources}
        yield Tenant(stack, provider, tuple(resources), tuple(gate for gate in gates if gate.urn in parents))


def _waits_for(resource: Resource) -> set[str]:
    """Everything that a resource is made after; a component that it waits for stands for its children."""
    found: set[str] = set()
    left = [*resource.dependencies]
    while left:
        urn = left.pop()
        if urn in found:
            continue
        found.add(urn)
        above = resource.stack.find(urn)
        if above is not None:
            left += above.dependencies
            left += () if above.custom else [one.urn for one in above.stack.children(above)]
    return found


def _number(value: object) -> str:
    """An id as text, whether it travels as a number or as text."""
    return f"{value:.0f}" if isinstance(value, float) else str(value)
