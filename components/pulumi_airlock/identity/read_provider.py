"""Reads Okta's and Entra's groups and assignments: which group gets tokens of which client."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..gates.stack import UNKNOWN, Resource, Stack

OKTA_GROUP: Final = "okta:group/group:Group"
ENTRA_GROUPS: Final = ("azuread:index/group:Group", "azuread:index/groupWithoutMembers:GroupWithoutMembers")
OKTA_CLIENTS: Final = ("okta:app/oAuth:OAuth", "okta:app/saml:Saml")
OKTA_ASSIGNMENT: Final = "okta:app/groupAssignment:GroupAssignment"
OKTA_ASSIGNMENTS: Final = "okta:index/appGroupAssignments:AppGroupAssignments"
ENTRA_APPLICATIONS: Final = (
    "azuread:index/application:Application",
    "azuread:index/applicationRegistration:ApplicationRegistration",
)
ENTRA_ENTERPRISE: Final = "azuread:index/servicePrincipal:ServicePrincipal"
ENTRA_ASSIGNMENT: Final = "azuread:index/appRoleAssignment:AppRoleAssignment"
CLIENTS: Final = (*OKTA_CLIENTS, *ENTRA_APPLICATIONS)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the identity provider."""

    system: str
    """`okta` or `entra`."""
    name: str | None
    """None where it is not known."""
    resource: Resource


@dataclass(frozen=True, slots=True)
class Assignment:
    """A group that gets tokens of a client."""

    group: str | None
    """None where it is not known which."""
    clients: tuple[str, ...]
    """URNs of the clients; empty where the client is none of this stack."""
    resource: Resource


def groups(stack: Stack) -> Iterator[Group]:
    """Every group that the stack makes."""
    for one in stack.of_type(OKTA_GROUP):
        yield Group("okta", _text(one.get("name")), one)
    for one in stack.of_type(*ENTRA_GROUPS):
        yield Group("entra", _text(one.get("displayName")), one)


def group_ids(known: tuple[Group, ...]) -> dict[str, str]:
    """Id → name, as far as both are known: Entra's tokens and assertions name a group by its object id."""
    ids = {one.resource.get(prop): one.name for one in known for prop in ("objectId", "id") if one.name is not None}
    return {id_: name for id_, name in ids.items() if isinstance(id_, str)}


def assignments(stack: Stack, known: tuple[Group, ...], existing: Mapping[str, str]) -> Iterator[Assignment]:
    """Every assignment of a group to a client; `existing` are groups that somebody else makes: id → name."""
    finder = _Finder(stack, known, existing)
    for one in stack.of_type(OKTA_ASSIGNMENT):
        clients = finder.clients(one, "appId", OKTA_CLIENTS)
        yield from (Assignment(name, clients, one) for name in finder.groups(one, "groupId", [one.get("groupId")]))
    for one in stack.of_type(OKTA_ASSIGNMENTS):
        clients = finder.clients(one, "appId", OKTA_CLIENTS)
        ids = [entry.get("id") if isinstance(entry, Mapping) else entry for entry in one.get_list("groups")]
        yield from (Assignment(name, clients, one) for name in finder.groups(one, "groups", ids))
    for one in stack.of_type(ENTRA_ASSIGNMENT):
        enterprise = finder.resources(one, "resourceObjectId", (ENTRA_ENTERPRISE,))
        clients = tuple(urn for service in enterprise for urn in finder.clients(service, "clientId", ENTRA_APPLICATIONS))
        yield from (
            Assignment(name, clients, one) for name in finder.groups(one, "principalObjectId", [one.get("principalObjectId")])
        )


class _Finder:
    """Follows an id to its resource: by property dependency, else by the id itself, as a state has it."""

    def __init__(self, stack: Stack, known: tuple[Group, ...], existing: Mapping[str, str]) -> None:
        self.stack = stack
        self.existing = existing
        self.names = {group.resource.urn: group.name for group in known}
        self.group_types = (OKTA_GROUP, *ENTRA_GROUPS)

    def resources(self, resource: Resource, prop: str, types: tuple[str, ...]) -> tuple[Resource, ...]:
        """The resources that a property refers to."""
        return resource.refers_to(prop, *types) or tuple(self._by_id(resource.get(prop), types))

    def _by_id(self, value: Any, types: tuple[str, ...]) -> Iterator[Resource]:
        if isinstance(value, str):
            for one in self.stack.of_type(*types):
                if value in (one.get("id"), one.get("objectId"), one.get("clientId")):
                    yield one

    def clients(self, resource: Resource, prop: str, types: tuple[str, ...]) -> tuple[str, ...]:
        """URNs of the clients that a property refers to."""
        return tuple(one.urn for one in self.resources(resource, prop, types))

    def groups(self, resource: Resource, prop: str, ids: list[Any]) -> Iterator[str | None]:
        """Names of the groups that a property refers to; None for each that is not known."""
        linked = resource.refers_to(prop, *self.group_types)
        yield from (self.names.get(one.urn) for one in linked)
        for value in ids:
            if value is UNKNOWN or value is None:
                if not linked:
                    yield None
                continue
            here = tuple(self._by_id(value, self.group_types))
            if any(one in linked for one in here):
                continue
            yield from (self.names.get(one.urn) for one in here)
            if not here:
                yield self.existing.get(str(value))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
