"""Objects of a tenant that no rule of the stack names, and ids that no object of the stack has: not unused, perhaps, but to
look at.
"""

from collections.abc import Iterator

from ..references import Fault, Reference, depended_on
from ..stack import UNKNOWN, Resource, Stack
from .kinds import CATEGORY, DESTINATIONS, IDS, SERVICE, SERVICE_GROUP, SOURCES, URL_RULE, kind_of
from .tenant import Tenant, tenants

_WHAT = {
    SERVICE: "network service",
    SERVICE_GROUP: "network service group",
    DESTINATIONS: "destination group",
    SOURCES: "source group",
    CATEGORY: "URL category",
}
_CUSTOM = "CUSTOM_"


def references(stack: Stack) -> Iterator[Reference]:
    """Custom categories that a URL rule names and the stack does not have; objects that nothing with an effect names."""
    for tenant in tenants(stack):
        gate = tenant.names[0][0]
        yield from _undefined(tenant, gate)
        yield from _unused(tenant, gate)


def _undefined(tenant: Tenant, gate: str) -> Iterator[Reference]:
    """Ids of other objects are numbers that the tenant gave out: one that is not here may be one of somebody else's."""
    known = {one.get("categoryId") for one in tenant.of_kind(CATEGORY)}
    for rule in tenant.of_kind(URL_RULE):
        for position, name in enumerate(rule.get_list("urlCategories")):
            if isinstance(name, str) and name.startswith(_CUSTOM) and name not in known and UNKNOWN not in known:
                where = f"urlCategories[{position}]"
                message = f'{rule.name}.{where} names URL category "{name}", which no resource of {gate} defines'
                yield Reference(Fault.UNDEFINED, gate, "URL category", name, rule.urn, where, message)


def _unused(tenant: Tenant, gate: str) -> Iterator[Reference]:
    used = {urn for one in tenant.stack.resources if one.custom for urn in depended_on(one)}
    named = {value for one in tenant.resources for value in _ids(one)}
    for one in tenant.of_kind(*_WHAT):
        kind = kind_of(one.type)
        value = one.get(IDS[kind])
        if one.urn in used or (value is not None and value is not UNKNOWN and str(value) in named):
            continue
        name = str(one.get("name", default=one.get("configuredName", default=one.name)) or one.name)
        message = (
            f'{_WHAT[kind]} "{name}" has no effect: no rule of the stack names it; '
            "take it out, unless something outside of the stack needs it"
        )
        yield Reference(Fault.UNUSED, gate, _WHAT[kind], name, one.urn, "", message)


def _ids(one: Resource) -> Iterator[str]:
    """Every id in the lists of a resource's properties."""
    for value in one.properties.values():
        if isinstance(value, list | tuple):
            yield from (str(item) for item in value if isinstance(item, int | str))
