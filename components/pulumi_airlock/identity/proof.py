"""Finds where identity differs between the access file and the systems, and between one system and another. Pure.

Nothing is said of a stack that has no groups, clients, sign-in roles or `Identity` component: there is nothing to compare.
A group whose name is not known before the update is not called an orphan.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from ..access.model import Access
from ..gates.declaration import declared_access
from ..gates.stack import Stack
from .findings import IdentityFinding, Kind, Severity, sound
from .plan import People, Place, people_of
from .prove_machines import machine_findings
from .prove_people import people_findings
from .prove_roles import role_findings
from .prove_tasks import task_findings
from .read import IdentityReading, read_identity

__all__ = ["IdentityFinding", "Kind", "Severity", "identity_findings", "prove_identity", "sound"]

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1}


def identity_findings(stack: Stack, *, at: datetime | None = None) -> tuple[IdentityFinding, ...]:
    """What is wrong with identity in a stack, errors first; nothing where it declares no access, or says nothing of identity.

    AccessError where the declared access is not valid.
    """
    reading = read_identity(stack)
    if reading.empty:
        return ()
    access = declared_access(stack)
    return () if access is None else prove_identity(access, reading, (at or datetime.now(UTC)).astimezone(UTC).date())


def prove_identity(access: Access, reading: IdentityReading, today: date) -> tuple[IdentityFinding, ...]:
    """Every finding, errors first, each once. Deterministic."""
    place = place_of(reading)
    people = people_of(access, place, today)
    found = [
        *people_findings(access, reading, people),
        *role_findings(access, reading, people),
        *task_findings(access, reading),
        *machine_findings(access, reading),
        *_of_the_declaration(access, reading, people),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: _ORDER[one.severity]))


def place_of(reading: IdentityReading) -> Place:
    """What the stack's components say that the access file does not."""
    return Place(
        environments=tuple(dict.fromkeys(name for told in reading.told for name in told.mapping("environments"))),
        web_servers={where: environment for told in reading.told for where, environment in told.web_servers.items()},
        user_groups=_table(reading, "userGroups"),
        scim_groups=_table(reading, "scimGroups"),
    )


def _table(reading: IdentityReading, key: str) -> dict[str, str]:
    return {one: to for told in reading.told for one, to in told.mapping(key).items() if isinstance(to, str)}


def _of_the_declaration(access: Access, reading: IdentityReading, people: tuple[People, ...]) -> Iterator[IdentityFinding]:
    """What the access file says against itself, as far as identity goes."""
    had = {one.role for one in access.principals}
    reached = {one.role for one in people if one.environments}
    for role in access.roles:
        if role.name not in had:
            yield _warning(
                Kind.UNUSED, role.name, f'role "{role.name}" is declared, and no principal has it', "take it out of `roles`"
            )
        elif reading.told and role.name not in reached and any(one.role == role.name for one in people):
            yield _warning(
                Kind.UNUSED,
                role.name,
                f'nobody can sign in with role "{role.name}": no route leads its people to a web server',
                "write the route to the web server, or take the role from the principal",
            )
        if role.dags and role.base not in ("Public",):
            yield _warning(
                Kind.WIDER,
                role.name,
                f'role "{role.name}" names DAGs, and its base {role.base} already shows every DAG: the names limit nothing',
                "write base: Public, or leave dags out",
            )
    yield from _shared(people)
    for one in people:
        if one.environments and one.role is None:
            where = ", ".join(one.environments)
            yield _warning(
                Kind.MISSING,
                one.group,
                f'group "{one.group}" reaches the web server of {where}, and has no role in Airflow: nobody of it can sign in',
                f'give principal "{one.principal}" a role, or take the route away',
            )


def _shared(people: tuple[People, ...]) -> Iterator[IdentityFinding]:
    holders: dict[tuple[str, str], list[str]] = {}
    for one in people:
        for environment in one.environments:
            if one.role is not None:
                holders.setdefault((one.role, environment), []).append(one.group)
    told: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (role, environment), groups in holders.items():
        if len(set(groups)) > 1:
            told.setdefault((role, tuple(dict.fromkeys(groups))), []).append(environment)
    for (role, names), environments in told.items():
        yield _warning(
            Kind.SHARED,
            role,
            f'role "{role}" is reachable from {len(names)} groups ({", ".join(names)}) in {", ".join(environments)}',
            "one group a role makes it plain who has it; leave it if both are meant",
        )


def _warning(kind: Kind, name: str, message: str, fix: str) -> IdentityFinding:
    return IdentityFinding(Severity.WARNING, kind, "access", name, "", message, fix)
