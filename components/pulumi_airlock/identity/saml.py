"""Gates that people sign in at by SAML (a FortiGate's portal): what the identity provider has to know of them, and they of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi

from ..access.model import Access
from ..errors import Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlService:
    """A gate as a SAML service provider. Groups with a route through it are assigned to its application, and no others."""

    gate: str
    """The gate's name, as zones write it."""
    audience: str
    """Its entity id (a FortiGate's `SamlIdentity.metadata_url`)."""
    login_url: str
    """Where assertions are posted (a FortiGate's `SamlIdentity.login_url`)."""
    user_attribute: str = "username"
    """The attribute of an assertion that names the person; Entra has names of its own."""
    group_attribute: str = "group"
    """The attribute of an assertion that lists the groups; Entra has names of its own."""


@dataclass(frozen=True, slots=True)
class SamlSignOn:
    """What the gate has to be told of the identity provider."""

    entity_id: pulumi.Output[str]
    sign_on_url: pulumi.Output[str]
    certificate: pulumi.Output[str]
    """What assertions are signed with: to be put on the device."""
    user_attribute: str
    group_attribute: str


@dataclass(frozen=True, slots=True)
class AssignedService:
    """A service, and the groups whose routes pass it."""

    service: SamlService
    groups: tuple[str, ...]


def assigned(access: Access, services: Sequence[SamlService], problems: Problems) -> tuple[AssignedService, ...]:
    """Each service with its groups; notes what is wrong with it."""
    return tuple(_assigned(access, services, problems))


def _assigned(access: Access, services: Sequence[SamlService], problems: Problems) -> Iterator[AssignedService]:
    gates = {gate for zone in access.zones.values() for gate in zone.gates}
    seen: set[str] = set()
    for position, one in enumerate(services):
        path = f"saml_services[{position}]"
        if one.gate not in gates:
            problems.add(f"{path}.gate", f"no zone names a gate {one.gate!r}; gates are {', '.join(sorted(gates)) or 'none'}")
        if one.gate in seen:
            problems.add(f"{path}.gate", f"a second service for {one.gate!r}: a gate has one")
        seen.add(one.gate)
        if not one.login_url.startswith("https://") or "*" in one.login_url:
            problems.add(f"{path}.login_url", f"{one.login_url!r}: write one https:// address, without *")
        if not one.audience.strip():
            problems.add(f"{path}.audience", "empty: write the gate's entity id")
        groups = groups_through(access, one.gate)
        if one.gate in gates and not groups:
            problems.add(f"{path}.gate", f"no route of people passes {one.gate!r}: nobody would sign in there")
        yield AssignedService(one, groups)


def groups_through(access: Access, gate: str) -> tuple[str, ...]:
    """The groups of people with a route through a gate."""
    behind = {one.name for one in access.destinations if gate in access.zones[one.zone].gates}
    routed = {name for route in access.routes if behind & set(route.to) for name in route.from_}
    return tuple(dict.fromkeys(one.group for one in access.principals if one.group is not None and one.name in routed))
