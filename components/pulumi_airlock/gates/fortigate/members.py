"""Who is in a user group: which groups of the identity provider, and of whom the stack does not tell.

A user group has members (SAML, LDAP, RADIUS servers, single users of the device) and matches (a group on one of these servers).
Of a server that has a match, the matched groups are in it; of one that has none, everybody whom it signs in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..stack import UNKNOWN, Resource
from .device import LOCAL_USERS, SAML, SERVERS, USER_GROUP, Device, Reference, kind_of, prop


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a user group, as far as they are known."""

    groups: frozenset[str]
    """Groups of the identity provider that are in it."""
    doubts: tuple[str, ...] = ()
    """Properties by which others may be in it, too: people of whom the stack does not tell who they are."""


def members(device: Device, reference: Reference) -> Members:
    """Who is in the user group that a policy names.

    What its own matches say; where it has none, or the stack not the group, what a component says of the name; else it is called
    the same as the identity provider's.
    """
    name = reference.name if isinstance(reference.name, str) else _own_name(reference.resource)
    told = _told(device, name)
    assumed = frozenset({told if told is not None else str(reference.name)})
    resource = reference.resource
    if resource is None or kind_of(resource) != USER_GROUP:
        return Members(assumed)
    read = [_Match(device, resource, one, told).read() for one in _matches(resource)]
    groups = frozenset[str]().union(*(called for _, called, _ in read))
    doubts = [doubt for _, _, found in read for doubt in found]
    doubts += [
        f"{resource.name}.matches: none of {one}'s groups, so everybody whom it signs in" for one in wholes(device, resource)
    ]
    doubts += [f"{resource.name}.members: {one} is a user of the device itself" for one in singles(device, resource)]
    if UNKNOWN in (one.name for one in _listed(device, resource) if one.resource is None):
        doubts.append(f"{resource.name}.members")
    if not read and not doubts:
        return Members(assumed) if name else Members(frozenset(), (f"{resource.name}.name",))
    return Members(groups, tuple(dict.fromkeys(doubts)))


def wholes(device: Device, group: Resource) -> list[str]:
    """The servers of which everybody is in a user group: its members for which it has no match."""
    matched = {_Match(device, group, one, None).server()[0] for one in _matches(group)}
    servers = [one for one in _listed(device, group) if one.resource is not None and kind_of(one.resource) in SERVERS]
    return [] if "" in matched else [str(one.token) for one in servers if one.token not in matched]


def singles(device: Device, group: Resource) -> list[str]:
    """The users of the device itself that are in a user group."""
    listed = _listed(device, group)
    return [str(one.token) for one in listed if one.resource is not None and kind_of(one.resource) in LOCAL_USERS]


def _listed(device: Device, group: Resource) -> list[Reference]:
    return device.references(group, "members", *SERVERS, *LOCAL_USERS)


def _matches(resource: Resource) -> list[Any]:
    found = prop(resource, "matches") if resource.get("matches") is not None else resource.get("match")
    if found is UNKNOWN:
        return [UNKNOWN]
    return list(found) if isinstance(found, list | tuple) else [] if found is None else [found]


def _own_name(resource: Resource | None) -> str:
    name = resource.get("name") if resource is not None else None
    return name if isinstance(name, str) else ""


def _told(device: Device, name: str) -> str | None:
    """The group of the identity provider that a component says a user group stands for."""
    found = (one.get("userGroups", name) for one in device.components if name)
    return next((one for one in found if isinstance(one, str)), None)


class _Match:
    """One match of a user group."""

    def __init__(self, device: Device, resource: Resource, match: Any, told: str | None) -> None:
        self._device, self._resource, self._told = device, resource, told
        self._match: Mapping[str, Any] = match if isinstance(match, Mapping) else {}
        self._known = isinstance(match, Mapping)

    def read(self) -> tuple[str, frozenset[str], list[str]]:
        """(Its server, empty where it is not known; the groups that it lets in; what is not known of them.)"""
        server, resource = self.server()
        where = f"{self._resource.name}.matches"
        value = self._match.get("groupName", UNKNOWN) if self._known else UNKNOWN
        if value is UNKNOWN:
            # Made by a component with a value that is not known yet: it says itself whom it means.
            ours = any(one in self._device.components for one in self._resource.ancestors())
            return (server, frozenset({self._told}), []) if ours and self._told else (server, frozenset(), [where])
        group, foreign = self._called(str(value)), self._foreign(server, resource)
        if foreign is None:
            return server, frozenset(), [f"{where}: which identity provider {server or 'its server'} stands for"]
        return server, frozenset({f"{value} of {server}" if foreign else group}), []

    def server(self) -> tuple[str, Resource | None]:
        """Its server's name, empty where that is not known, and the server where the stack has it."""
        name = self._match.get("serverName", UNKNOWN) if self._known else UNKNOWN
        if isinstance(name, str):
            return name, self._device.named(name, *SERVERS)
        used = [one for key in ("matches", "match") for one in self._resource.refers_to(key) if kind_of(one) in SERVERS]
        only = used[0] if len(used) == 1 else None
        return Reference(UNKNOWN, only).token or "", only

    def _called(self, value: str) -> str:
        """The group of the identity provider that an assertion calls this."""
        for component in self._device.components:
            values = component.get("saml", "groups", default={})
            for group, called in values.items() if isinstance(values, Mapping) else ():
                if called == value:
                    return str(group)
        return value

    def _foreign(self, server: str, resource: Resource | None) -> bool | None:
        """Whether a server is another identity provider's than the access file's, so that equal names mean other people.

        Told by the gate's own server; without one, every server is taken for the one. None: not known.
        """
        ours = [one for one in self._device.components if isinstance(one.get("saml"), Mapping)]
        if not ours or any(server == one.get("saml", "server") for one in ours):
            return False
        if resource is None or kind_of(resource) != SAML:
            return None if resource is None else True
        ids = [one.get("saml", "entityId") for one in ours]
        mine = resource.get("idpEntityId")
        if mine is UNKNOWN or any(one is UNKNOWN for one in ids):
            return None
        return mine not in ids
