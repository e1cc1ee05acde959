"""The ZPA tenants of a stack: which resources are in which, and what a reference in one of them means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...tokens import ZPA_GATE
from ..stack import UNKNOWN, Resource, Stack

_INDEX = "zpa:index/{0}:{1}"


def _token(name: str) -> str:
    return _INDEX.format(name, name[0].upper() + name[1:])


SEGMENT_KINDS = (
    "applicationSegment",
    "applicationSegmentBrowserAccess",
    "applicationSegmentInspection",
    "applicationSegmentPRA",
    "browserAccess",
)
SEGMENTS = tuple(_token(one) for one in SEGMENT_KINDS)
"""Application segments of every kind: they differ in what ZPA does with the traffic, not in what they hold."""
SEGMENT_GROUP, SERVER_GROUP, CONNECTOR_GROUP = _token("segmentGroup"), _token("serverGroup"), _token("connectorGroup")
MULTIMATCH = _token("applicationSegmentMultimatchBulk")
"""Sets `match_style` of many segments at once, beside the segments themselves."""
RULE_V1, RULE = _token("policyAccessRule"), _token("policyAccessRuleV2")
RULES = (RULE, RULE_V1)
FORWARDING = (_token("policyAccessForwardingRuleV2"), _token("policyAccessForwardingRule"))
TIMEOUTS = (_token("policyAccessTimeOutRuleV2"), _token("policyAccessTimeOutRule"))
REORDER, LOG, KEY = _token("policyAccessReorderRule"), _token("lSSConfigController"), _token("provisioningKey")

ACCESS_POLICIES = ("ACCESS_POLICY", "GLOBAL_POLICY")
"""What `policy_type` calls the access policy: the second is its older name."""


@dataclass(frozen=True, slots=True)
class Named:
    """One entry of a list of ids: the id, or `UNKNOWN`, and the resource that it is where the stack has it."""

    id: Any
    resource: Resource | None = None


@dataclass(eq=False)
class Tenant:
    """One ZPA tenant, or one microtenant of one: its segments and its rules."""

    provider: str
    """URN of the provider, or of the first of several for one customer."""
    customer: str
    """The customer id, as the provider has it; empty where the stack does not tell."""
    microtenant: str
    stack: Stack = field(repr=False)
    resources: list[Resource] = field(default_factory=list)
    components: list[Resource] = field(default_factory=list)
    """The ZpaGate components with resources in this tenant."""

    @property
    def name(self) -> str:
        """What to call it where no component does: its provider's name, unless that is the engine's own."""
        name = self.provider.rsplit("::", 1)[-1]
        return name if name and not name.startswith("default") else "zpa"

    @property
    def gate(self) -> str:
        """Its name as a gate."""
        return next((gate_name(one) for one in self.components), self.name)

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(one.type, []).append(one)
        return found

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], Resource]:
        return {(one.type, str(one.get("id"))): one for one in self.resources if isinstance(one.get("id"), str)}

    def of_type(self, *types: str) -> list[Resource]:
        """The tenant's resources of these types."""
        return [one for kind in types for one in self._by_type.get(kind, ())]

    def with_id(self, id_: str, *types: str) -> Resource | None:
        """The resource with this id."""
        return next((found for kind in types if (found := self._by_id.get((kind, id_)))), None)

    def named(self, resource: Resource, prop: str, ids: Iterable[Any], *types: str) -> list[Named]:
        """What some ids in a property refer to.

        Known ids by themselves; unknown ones by the property's dependencies, where these are exactly as many as are unknown:
        which of them is which then does not matter to a list that means any of its entries.
        """
        listed = list(ids)
        used = resource.refers_to(prop, *types)
        known = {one for one in listed if isinstance(one, str)}
        rest = [one for one in used if not (isinstance(id_ := one.get("id"), str) and id_ in known)]
        unknowns = sum(one is UNKNOWN for one in listed)
        fitting = iter(rest if len(rest) == unknowns else ())
        return [
            Named(UNKNOWN, next(fitting, None)) if one is UNKNOWN else Named(str(one), self.with_id(str(one), *types))
            for one in listed
        ]


def gate_name(component: Resource) -> str:
    """The name of a component's gate."""
    return str(component.get("gate", default=component.name) or component.name)


def tenants(stack: Stack) -> list[Tenant]:
    """The ZPA tenants that a stack has rules, segments or gates in, in the stack's order."""
    found: dict[tuple[str, str], Tenant] = {}
    for resource in stack.resources:
        if not resource.type.startswith("zpa:") or not resource.custom:
            continue
        customer, default = _tenant_of(stack.find(resource.provider))
        own = resource.get("microtenantId")
        microtenant = own if isinstance(own, str) and own not in ("", "0") else default
        # Two providers for one customer are one tenant, and their rules one policy.
        key = (customer or resource.provider, microtenant)
        tenant = found.setdefault(key, Tenant(resource.provider, customer, microtenant, stack))
        tenant.resources.append(resource)
        for above in resource.ancestors():
            if above.type == ZPA_GATE and above not in tenant.components:
                tenant.components.append(above)
    return [one for one in found.values() if one.components or one.of_type(*RULES, *SEGMENTS)]


def _tenant_of(provider: Resource | None) -> tuple[str, str]:
    """A provider's customer and microtenant, empty where they come from its environment or are not known."""
    if provider is None:
        return "", ""
    texts = [provider.get(key) for key in ("customerId", "zpaCustomerId", "microtenantId")]
    customer, older, microtenant = (one if isinstance(one, str) else "" for one in texts)
    return customer or older, microtenant


def id_lists(resource: Resource, prop: str) -> list[Any]:
    """The ids in a property of the form `[{ids: [...]}]`, or `[{id: [...]}]`; `UNKNOWN` for each that is not known."""
    found: list[Any] = []
    for entry in resource.get_list(prop):
        if not isinstance(entry, Mapping):
            found.append(UNKNOWN)
            continue
        given = entry.get("ids", entry.get("id"))
        if given is UNKNOWN:
            found.append(UNKNOWN)
        elif given is not None:
            found += given if isinstance(given, list | tuple) else [given]
    return found
