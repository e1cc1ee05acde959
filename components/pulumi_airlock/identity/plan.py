"""What one declaration means in each system: names, roles, conditions. Pure; components compile it, the proof compares with it.

| declared | Okta, Entra | Airflow | AWS | ZPA | FortiGate | Zscaler |
|---|---|---|---|---|---|---|
| people's group | a group | role and its base role | a role to sign in with, per environment | a SCIM group | a user group | |
| workloads | | | a role to assume, with session tags | | | a group of their environment |
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ..access.model import Access, Principal, Role, Route
from ..errors import Problems
from .patterns import iam_patterns

ROLE_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
"""A role's name (IAM API Reference, CreateRole, `RoleName`)."""
SOURCE_IDENTITY: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""What a session may say of who is behind it (STS API Reference, AssumeRole, `SourceIdentity`)."""
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9$_.+!*'(),-]{6,100}")
"""A client's id of one's own choice (Okta, Apps API, `client_id`)."""
USER_GROUP_LENGTH: Final = 35
"""Characters of a FortiGate user group's name (FortiOS, `user.group`)."""
SESSION: Final = (900, 3600)
"""Seconds that a task's session lasts, at least and at most.

At least: STS API Reference, AssumeRole, `DurationSeconds`. At most: a task comes from its environment's role, and a role that is
assumed from a role lasts an hour, whatever its own maximum says (IAM User Guide, "Role chaining").
"""
MAX_SESSION_DURATION: Final = 3600
"""Of every role that is made: the least that IAM takes (CreateRole, `MaxSessionDuration`: 3600–43200)."""
TAGS: Final = ("dag_id", "task_id")
"""The session tags that a task's session must have, and no others."""
TRUST_POLICY_LENGTH: Final = 2048
"""Characters of a trust policy without white space (IAM, "IAM and AWS STS quotas", `Role trust policy length`)."""
_ARN_LENGTH: Final = 100
BUILT_IN: Final = ("Admin", "Op", "User", "Viewer", "Public")
"""Airflow's own roles, the most powerful first (FAB auth manager, "Access Control")."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the declaration is compiled to: what the access file does not say."""

    environments: tuple[str, ...] = ()
    """The Airflow environments, as principals name them."""
    web_servers: Mapping[str, str] = field(default_factory=dict)
    """Destination → the environment whose web server it is."""
    prefix: str = "airflow-"
    """In front of the names of AWS roles and of the provider's clients."""
    user_groups: Mapping[str, str] = field(default_factory=dict)
    """The provider's group → its user group on the FortiGate, where the names differ."""
    scim_groups: Mapping[str, str] = field(default_factory=dict)
    """The provider's group → what ZPA calls it after SCIM provisioning, where the names differ."""
    zscaler_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Environment → its groups at Zscaler (Cloud Connector group, machine group, location); the environment's name without it."""


@dataclass(frozen=True, slots=True)
class People:
    """A group of the identity provider, and what it is elsewhere."""

    principal: str
    group: str
    role: str | None
    """The Airflow role."""
    environments: tuple[str, ...]
    """Those whose web server a route leads them to."""
    routed: bool
    """Whether any route of theirs holds."""
    scim_group: str
    user_group: str


@dataclass(frozen=True, slots=True)
class Workload:
    """Workloads of one principal, and what they are elsewhere."""

    principal: str
    service_account: str
    environments: tuple[str, ...]
    dags: tuple[str, ...]
    """Patterns of IAM on the session tag `dag_id`."""
    tasks: tuple[str, ...]
    """The same on `task_id`."""
    role_name: str
    """The AWS role that they assume."""
    session: int
    """Seconds that they ask for: the shortest session of their routes, within `SESSION`."""
    zscaler_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """An Airflow role in one environment: who gets it, and the AWS role that signs them in."""

    environment: str
    role: str
    base: str
    """Airflow's built-in role, the only kind that MWAA's web login knows."""
    groups: tuple[str, ...]
    role_name: str
    """The AWS role."""
    client: str
    """The provider's client: the audience that the AWS role trusts."""

    @property
    def key(self) -> str:
        """`finance/finance-users`: environment and role."""
        return f"{self.environment}/{self.role}"


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """One declaration in every system."""

    people: tuple[People, ...]
    workloads: tuple[Workload, ...]
    logins: tuple[Login, ...]
    roles: tuple[Role, ...]
    """Airflow's roles that somebody has, with base role and DAG-level permissions."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The identity provider's groups, each once."""
        return tuple(dict.fromkeys(one.group for one in self.people))


def plan_identity(access: Access, place: Place, name: str = "identity") -> IdentityPlan:
    """The plan. InputError with everything that some system would refuse; `name` says whose input it is."""
    problems = Problems(name)
    _check_place(access, place, problems)
    people = tuple(_people(access, place, problems))
    workloads = tuple(_workloads(access, place, problems))
    logins = tuple(_logins(access, place, people, problems))
    _check_roles(access, problems)
    _check_unlike({one.principal: one.role_name for one in workloads}, {one.key: one.role_name for one in logins}, problems)
    problems.raise_any()
    named = {one.role for one in access.principals if one.role}
    return IdentityPlan(people, workloads, logins, tuple(one for one in access.roles if one.name in named))


def in_force(access: Access, today: date | None) -> tuple[Route, ...]:
    """The routes that are not expired; all of them where no day is given: what is compiled must not depend on the day."""
    return tuple(route for route in access.routes if today is None or not route.expired(today))


def people_of(access: Access, place: Place, today: date | None = None) -> tuple[People, ...]:
    """The people of an access file, on a day."""
    return tuple(_people(access, place, Problems(""), today))


def _people(access: Access, place: Place, problems: Problems, today: date | None = None) -> Iterator[People]:
    routes = in_force(access, today)
    for one in access.principals:
        if one.group is None:
            continue
        mine = [route for route in routes if one.name in route.from_]
        reached = dict.fromkeys(place.web_servers[where] for route in mine for where in route.to if where in place.web_servers)
        user_group = place.user_groups.get(one.group, one.group)
        if len(user_group) > USER_GROUP_LENGTH:
            problems.add(
                f'user_groups["{one.group}"]',
                f"{user_group!r} has {len(user_group)} characters, and a FortiGate takes {USER_GROUP_LENGTH}: shorten it",
            )
        yield People(
            one.name,
            one.group,
            one.role,
            tuple(reached),
            bool(mine),
            place.scim_groups.get(one.group, one.group),
            user_group,
        )


def _workloads(access: Access, place: Place, problems: Problems) -> Iterator[Workload]:
    for one in access.principals:
        if one.is_people:
            continue
        account = one.service_account or one.name
        where = f'principals["{one.name}"]'
        if not SOURCE_IDENTITY.fullmatch(account):
            problems.add(
                f"{where}.serviceAccount", f"{account!r}: AWS takes 2 to 64 letters, digits and _+=,.@- as source identity"
            )
        role_name = f"{place.prefix}{account}"
        _check_role_name(f"{where}.serviceAccount", role_name, problems)
        homes = (one.environment,) if one.environment is not None else place.environments
        sessions = [
            int(length.total_seconds())
            for route in access.routes
            if one.name in route.from_ and (length := route.session_length()) is not None
        ]
        dags = _patterns(f"{where}.dags", one.dags, problems)
        tasks = _patterns(f"{where}.tasks", one.tasks, problems)
        size = sum(len(pattern) + 3 for pattern in (*dags, *tasks)) + len(homes) * _ARN_LENGTH + 400
        if size > TRUST_POLICY_LENGTH:
            problems.add(
                f"{where}.dags",
                f"about {size} characters of trust policy, and IAM takes {TRUST_POLICY_LENGTH}: use fewer globs",
            )
        yield Workload(
            one.name,
            account,
            homes,
            dags,
            tasks,
            role_name,
            min(max(min(sessions, default=SESSION[1]), SESSION[0]), SESSION[1]),
            tuple(dict.fromkeys(name for home in homes for name in place.zscaler_groups.get(home, (home,)))),
        )


def _patterns(path: str, globs: Sequence[str], problems: Problems) -> tuple[str, ...]:
    found: list[str] = []
    for position, glob in enumerate(globs):
        try:
            found += iam_patterns(glob)
        except ValueError as error:
            problems.add(f"{path}[{position}]", str(error))
    return tuple(dict.fromkeys(found))


def _logins(access: Access, place: Place, people: Sequence[People], problems: Problems) -> Iterator[Login]:
    wanted: dict[tuple[str, str], list[str]] = {}
    for one in people:
        if one.role is None:
            continue
        for environment in one.environments:
            wanted.setdefault((environment, one.role), []).append(one.group)
    declared = {role.name: role for role in access.roles}
    for (environment, role), groups in wanted.items():
        if role not in declared:
            problems.add(
                f'roles["{role}"]',
                f"principals have the role {role!r}, and `roles` does not say what it is in Airflow: declare it, with its base",
            )
            continue
        name = f"{place.prefix}{environment}-{role}"
        _check_role_name(f'roles["{role}"].name', name, problems)
        yield Login(environment, role, declared[role].base, tuple(dict.fromkeys(groups)), name, name)


def _check_role_name(path: str, name: str, problems: Problems) -> None:
    if not ROLE_NAME.fullmatch(name):
        size = f" ({len(name)} characters)" if len(name) > 64 else ""
        problems.add(path, f"the AWS role would be {name!r}{size}: IAM takes up to 64 letters, digits and _+=,.@-")


def _check_unlike(workloads: Mapping[str, str], logins: Mapping[str, str], problems: Problems) -> None:
    """No two AWS roles of one name."""
    seen: dict[str, str] = {}
    for whose, name in (*workloads.items(), *logins.items()):
        # IAM does not tell case apart in names.
        other = seen.setdefault(name.lower(), whose)
        if other != whose:
            problems.add(
                f'principals["{whose}"].serviceAccount', f"the AWS role {name!r} would be that of {other!r} too: rename one"
            )


def _check_roles(access: Access, problems: Problems) -> None:
    """A role that is called like a built-in one is that one."""
    for role in access.roles:
        if role.name in BUILT_IN and role.base != role.name:
            problems.add(
                f'roles["{role.name}"].base',
                f"{role.base}: {role.name} is a role of Airflow itself, which its members would have: write base: {role.name}",
            )


def _check_place(access: Access, place: Place, problems: Problems) -> None:
    destinations = {one.name for one in access.destinations}
    groups = {one.group for one in access.principals if one.group is not None}
    for destination, environment in place.web_servers.items():
        path = f'web_servers["{destination}"]'
        if destination not in destinations:
            problems.add(path, f"no destination {destination!r} in the access file")
        if environment not in place.environments:
            problems.add(path, f"no environment {environment!r}; the environments are {_listed(place.environments)}")
    for one in access.principals:
        if one.environment is not None and one.environment not in place.environments:
            problems.add(
                f'principals["{one.name}"].environment',
                f"{one.environment!r} is none of the environments given: {_listed(place.environments)}",
            )
    for argument, given in (("user_groups", place.user_groups), ("scim_groups", place.scim_groups)):
        for group in given:
            if group not in groups:
                problems.add(
                    f'{argument}["{group}"]', f"no principal has the group {group!r}; groups are {_listed(sorted(groups))}"
                )
    for environment in place.zscaler_groups:
        if environment not in place.environments:
            problems.add(f'zscaler_groups["{environment}"]', f"no environment {environment!r}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def principal_pairs(principal: Principal) -> tuple[tuple[str, str], ...]:
    """Globs on DAG and task ids, as pairs: what a principal is."""
    return tuple((dag, task) for dag in principal.dags for task in principal.tasks)
