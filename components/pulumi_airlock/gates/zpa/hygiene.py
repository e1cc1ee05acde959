"""Ids in a tenant's configuration that no resource of the stack has, and objects that no rule comes to."""

from collections.abc import Iterable, Iterator

from ..references import Fault, Reference, depended_on
from ..stack import UNKNOWN, Resource, Stack
from .applications import Applications
from .callers import Directory
from .conditions import APP, APP_GROUP, Conditions, operands
from .tenant import (
    CONNECTOR_GROUP,
    FORWARDING,
    LOG,
    RULES,
    SEGMENT_GROUP,
    SEGMENTS,
    SERVER_GROUP,
    TIMEOUTS,
    Named,
    Tenant,
    id_lists,
    tenants,
)

_WHAT = {SEGMENT_GROUP: "segment group", SERVER_GROUP: "server group", CONNECTOR_GROUP: "connector group"}
_OBJECTS = (*SEGMENTS, SEGMENT_GROUP, SERVER_GROUP, CONNECTOR_GROUP)
"""What has an effect only where something else names it."""
_POLICIES = (*RULES, *FORWARDING, *TIMEOUTS)


def references(stack: Stack) -> Iterator[Reference]:
    """Undefined ids of every ZPA tenant of the stack, and objects that nothing in effect names."""
    for tenant in tenants(stack):
        one = _Tenant(tenant)
        yield from one.undefined()
        yield from one.unused()


class _Tenant:
    """One tenant under the magnifying glass."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._conditions = Conditions(tenant, Applications(tenant), Directory(tenant))

    # Undefined

    def undefined(self) -> Iterator[Reference]:
        """Ids that no resource of the tenant has."""
        for rule in self._tenant.of_type(*_POLICIES):
            for number in range(len(rule.get_list("conditions"))):
                for one in operands(rule, number):
                    if one.kind in (APP, APP_GROUP):
                        what = "application segment" if one.kind == APP else "segment group"
                        place = one.where.removeprefix(f"{rule.name}.")
                        yield from self._lost(rule, what, self._conditions.named(rule, one), place)
        for segment in self._tenant.of_type(*SEGMENTS):
            yield from self._lost_ids(segment, "serverGroups", SERVER_GROUP)
            group = segment.get("segmentGroupId")
            if isinstance(group, str):
                named = self._tenant.named(segment, "segmentGroupId", [group], SEGMENT_GROUP)
                yield from self._lost(segment, "segment group", named, "segmentGroupId")
        for servers in self._tenant.of_type(SERVER_GROUP):
            yield from self._lost_ids(servers, "appConnectorGroups", CONNECTOR_GROUP)

    def _lost_ids(self, resource: Resource, prop: str, kind: str) -> Iterator[Reference]:
        named = self._tenant.named(resource, prop, id_lists(resource, prop), kind)
        yield from self._lost(resource, _WHAT[kind], named, prop)

    def _lost(self, resource: Resource, what: str, named: Iterable[Named], position: str) -> Iterator[Reference]:
        for one in named:
            if one.resource is not None or one.id is UNKNOWN or not str(one.id):
                continue
            gate = self._tenant.gate
            message = f"{resource.name}.{position} names {what} {one.id}, which no resource of {gate} is"
            yield Reference(Fault.UNDEFINED, gate, what, str(one.id), resource.urn, position, message)

    # Unused

    def unused(self) -> Iterator[Reference]:
        """Objects that no rule, log receiver or other resource leads to."""
        objects = {one.urn: one for one in self._tenant.of_type(*_OBJECTS)}
        waiting = [
            one
            for one in self._tenant.stack.resources
            if one.urn not in objects and one.custom and (one.type in (*_POLICIES, LOG) or not one.type.startswith("zpa:"))
        ]
        reached: dict[str, None] = {}
        while waiting:
            following = []
            for one in waiting:
                for named in self._named_by(one, objects):
                    if named.urn not in reached and named is not one:
                        reached[named.urn] = None
                        following.append(named)
            waiting = following
        for urn, one in objects.items():
            if urn not in reached:
                yield self._left_over(one)

    def _named_by(self, one: Resource, objects: dict[str, Resource]) -> Iterator[Resource]:
        for urn in depended_on(one):
            if urn in objects:
                yield objects[urn]
        if one.type in _POLICIES:
            yield from self._of_rule(one)
        elif one.type in SEGMENTS:
            yield from self._of_ids(one, "serverGroups", SERVER_GROUP)
        elif one.type == SERVER_GROUP:
            yield from self._of_ids(one, "appConnectorGroups", CONNECTOR_GROUP)
        elif one.type == LOG:
            yield from self._of_ids(one, "connectorGroups", CONNECTOR_GROUP)
        elif one.type == SEGMENT_GROUP:
            yield from (app.resource for app in self._conditions.applications.in_group(one)[0])
        app = self._conditions.applications.by_urn.get(one.urn)
        if app is not None and app.group is not None:
            yield app.group

    def _of_rule(self, rule: Resource) -> Iterator[Resource]:
        chosen = [branch.chosen for branch in self._conditions.branches(rule)]
        if None in chosen:  # no condition on segments: it is for all of them
            yield from (app.resource for app in self._conditions.applications.all)
        for number in range(len(rule.get_list("conditions"))):
            for one in operands(rule, number):
                if one.kind in (APP, APP_GROUP):
                    yield from (named.resource for named in self._conditions.named(rule, one) if named.resource is not None)

    def _of_ids(self, one: Resource, prop: str, kind: str) -> Iterator[Resource]:
        named = self._tenant.named(one, prop, id_lists(one, prop), kind)
        yield from (each.resource for each in named if each.resource is not None)

    def _left_over(self, one: Resource) -> Reference:
        what, name = _WHAT.get(one.type, "application segment"), one.get("name")
        shown = name if isinstance(name, str) else one.name
        message = (
            f'{what} "{shown}" has no effect: no rule comes to it; take it out, unless something outside of the stack needs it'
        )
        return Reference(Fault.UNUSED, self._tenant.gate, what, shown, one.urn, "", message)
