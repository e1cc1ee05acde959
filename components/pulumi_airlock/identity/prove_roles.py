"""Airflow roles: who gets them, by which way, and whether a route leads there."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..access import globs
from ..access.model import Access, Role
from .findings import IdentityFinding, Kind, Severity
from .plan import BUILT_IN, People
from .read import IdentityReading, Told
from .read_aws import SignIn


def role_findings(access: Access, reading: IdentityReading, people: tuple[People, ...]) -> Iterator[IdentityFinding]:
    """What is found about the roles of Airflow."""
    bases = {role.name: role.base for role in access.roles}
    by_client: dict[str, set[str | None]] = {}
    for one in reading.assignments:
        for client in one.clients:
            by_client.setdefault(client, set()).add(one.group)
    others = frozenset(name for told in reading.told for name in told.listed("otherRoles"))
    for role in reading.sign_ins:
        if role.name not in others:
            yield from _sign_in(role, reading, people, bases, by_client)
    for told in reading.told:
        yield from _mapping(told, people, bases)
        yield from _dag_permissions(told, access)


def _sign_in(
    role: SignIn,
    reading: IdentityReading,
    people: tuple[People, ...],
    bases: Mapping[str, str],
    by_client: Mapping[str, set[str | None]],
) -> Iterator[IdentityFinding]:
    entry = _login_told(role, reading)
    yield from _too_much(role, entry)
    for group in sorted({group for client in role.clients for group in by_client.get(client, ())}, key=str):
        yield from _of_group(role, group, people, bases, entry)
    for other in role.others:
        yield _error(
            Kind.SECOND_WAY,
            role,
            f'{role.what} "{role.name}" signs in as {_as(role)}, and lets in {other}: no group of the provider decides who',
            "trust the identity provider's client of this role alone",
        )
    for audience in role.audiences:
        # A client that is made elsewhere (OIDC), or whose id is the component's own choice (Okta).
        if audience != entry.get("client"):
            yield _error(
                Kind.SECOND_WAY,
                role,
                f'AWS role "{role.name}" signs in as {_as(role)} for client {audience}, whose groups nothing here declares',
                "declare the route to the web server and let Identity make the role, or take it away",
            )
    if not (entry or role.clients or role.audiences or role.others):
        yield _unknown(role, f'AWS role "{role.name}" signs in as {_as(role)}, and whom it lets in is not known')
    for place in role.unknown:
        if not place.endswith("assumeRolePolicy"):
            yield _unknown(role, f'what AWS role "{role.name}" may do is not known before the update ({place})')


def _login_told(role: SignIn, reading: IdentityReading) -> Mapping[str, Any]:
    """What a component says of the role; empty where it is none of a component's."""
    for told in reading.told:
        for entry in told.mapping("logins").values():
            if isinstance(entry, Mapping) and entry.get("awsRole") == role.name:
                return entry
    return {}


def _too_much(role: SignIn, entry: Mapping[str, Any]) -> Iterator[IdentityFinding]:
    """Sign-ins beyond the one that the role is for."""
    if not entry:
        return
    meant = (str(entry.get("environment")), str(entry.get("base")))
    beyond = [f"{base} in {environment}" for environment, base in _sorted(role) if (environment, base) != meant]
    if beyond:
        yield _error(
            Kind.WIDER,
            role,
            f'AWS role "{role.name}" is for {meant[1]} in {meant[0]}, and also signs in as {_some(beyond)}',
            f"allow airflow:CreateWebLoginToken on role/{meant[0]}/{meant[1]} alone",
        )


def _of_group(
    role: SignIn, group: str | None, people: tuple[People, ...], bases: Mapping[str, str], entry: Mapping[str, Any]
) -> Iterator[IdentityFinding]:
    """A group's sign-ins by one AWS role, against what is declared of it."""
    mine = [one for one in people if one.group == group]
    if group is None:
        yield _unknown(role, f'a group that is not known here gets "{role.name}" ({_as(role)})')
        return
    if not mine:
        yield _error(
            Kind.SECOND_WAY,
            role,
            f'group "{group}", which no principal declares, signs in by AWS role "{role.name}" as {_as(role)}',
            "take the assignment away, or declare a principal with this group and a route to the web server",
        )
        return
    unrouted, foreign = [], []
    for environment, base in _sorted(role):
        fitting = [one for one in mine if bases.get(one.role or "") == base and _meant(one, entry)]
        if not fitting:
            foreign.append(f"{base} in {environment}")
        elif not any(environment in one.environments for one in fitting):
            unrouted.append(f"{base} in {environment}")
    if unrouted:
        yield _error(
            Kind.NO_ROUTE,
            role,
            f'group "{group}" signs in by AWS role "{role.name}" as {_some(unrouted)}, and no route leads it there',
            "declare the route, or take the assignment away",
        )
    if foreign:
        has = ", ".join(sorted({one.role or "none" for one in mine}))
        yield _error(
            Kind.SECOND_WAY,
            role,
            f'group "{group}" signs in by AWS role "{role.name}" as {_some(foreign)}; its declared role is {has}',
            "take the assignment away, or declare the role for the group's principal",
        )


def _meant(one: People, entry: Mapping[str, Any]) -> bool:
    """Whether an AWS role is for the Airflow role that people have; one that no component made is for any with its base."""
    return not entry or entry.get("role") == one.role


def _mapping(told: Told, people: tuple[People, ...], bases: Mapping[str, str]) -> Iterator[IdentityFinding]:
    """The groups and roles in the artifact for Airflow, against the access file."""
    wanted: dict[str, set[str]] = {}
    for one in people:
        if one.role is not None and one.environments:
            wanted.setdefault(one.group, set()).update((one.role, bases.get(one.role, one.role)))
    declared = {one.group for one in people}
    mapped = told.resource.get("airflow", "rolesMapping", default={})
    for group, roles in mapped.items() if isinstance(mapped, Mapping) else ():
        beyond = sorted(set(map(str, roles)) - wanted.get(str(group), set())) if isinstance(roles, list) else []
        if beyond:
            why = "has no route to a web server" if group in declared and group not in wanted else "does not have"
            yield IdentityFinding(
                Severity.ERROR,
                Kind.NO_ROUTE if why.startswith("has no") else Kind.SECOND_WAY,
                "airflow",
                str(group),
                told.resource.urn,
                f'Airflow gives group "{group}" {", ".join(beyond)}, which the access file\'s {group} {why}',
                "give the Identity component the same access file as the declaration",
            )


def _dag_permissions(told: Told, access: Access) -> Iterator[IdentityFinding]:
    """Permissions on DAGs in the artifact for Airflow, against the access file."""
    given = told.resource.get("airflow", "dagPermissions", default={})
    declared = {role.name: role for role in access.roles}
    for name, permissions in given.items() if isinstance(given, Mapping) else ():
        for beyond in _beyond(permissions, declared.get(str(name))):
            yield IdentityFinding(
                Severity.ERROR,
                Kind.WIDER,
                "airflow",
                str(name),
                told.resource.urn,
                f'role "{name}" {beyond}, which `roles` does not declare',
                "give the Identity component the same access file as the declaration",
            )


def _beyond(permissions: Any, role: Role | None) -> Iterator[str]:
    for glob, actions in permissions.items() if isinstance(permissions, Mapping) else ():
        for action in actions if isinstance(actions, list) else ():
            allowed = [one for one, may in role.dags.items() if action in may] if role else []
            if not globs.includes(allowed, str(glob)):
                yield f"{action} DAGs {glob}"


def _sorted(role: SignIn) -> list[tuple[str, str]]:
    return sorted(role.grants, key=lambda one: (one[0], BUILT_IN.index(one[1])))


def _as(role: SignIn) -> str:
    return _some([f"{base} in {environment}" for environment, base in _sorted(role)])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _error(kind: Kind, role: SignIn, message: str, fix: str) -> IdentityFinding:
    return IdentityFinding(Severity.ERROR, kind, "aws", role.name, role.resource.urn, message, fix)


def _unknown(role: SignIn, message: str) -> IdentityFinding:
    fix = "prove again from the state after the update"
    return IdentityFinding(Severity.WARNING, Kind.UNKNOWN, "aws", role.name, role.resource.urn, message, fix)
