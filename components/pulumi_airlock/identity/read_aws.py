"""Reads AWS roles: which sign in to Airflow and as what, and which an environment's tasks may assume and as whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

from ..environments.mwaa.read import environment_name
from ..gates.aws_network.links import ENVIRONMENT
from ..gates.stack import UNKNOWN, Resource, Stack, listed
from ..tokens import IDENTITY
from .documents import (
    Principal,
    allows,
    names_resource,
    principals,
    required_globs,
    required_values,
    statements,
    texts,
)
from .plan import BUILT_IN
from .read_provider import CLIENTS, OKTA_CLIENTS

ROLE: Final = "aws:iam/role:Role"
_INLINE: Final = "aws:iam/rolePolicy:RolePolicy"
_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_POLICY: Final = "aws:iam/policy:Policy"
_SAML: Final = "aws:iam/samlProvider:SamlProvider"
_USERS: Final = ("aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy")
_USER_ATTACHMENTS: Final = (
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)
_LOGIN: Final = ("airflow:CreateWebLoginToken", "airflow:InvokeRestApi")
"""What brings a role of Airflow: in a browser, and over its REST API (MWAA User Guide, "Apache Airflow REST API")."""
_ASSUME: Final = "sts:AssumeRole"
_FEDERATED: Final = ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")


@dataclass(frozen=True, slots=True)
class SignIn:
    """An AWS role, or what else of IAM, that may sign in to Airflow."""

    name: str
    """The role's name; its resource's where that is not known."""
    resource: Resource
    grants: frozenset[tuple[str, str]]
    """(Environment, built-in role of Airflow) that it may sign in as."""
    clients: tuple[str, ...]
    """URNs of the clients whose people it lets in."""
    audiences: tuple[str, ...]
    """Clients that it names and that the stack does not make."""
    others: tuple[str, ...]
    """Whom else it lets in: principals of AWS, services, anybody, every client of a provider."""
    unknown: tuple[str, ...]
    what: str = "AWS role"
    """What it is, for messages."""


@dataclass(frozen=True, slots=True)
class Admission:
    """One statement of a trust policy that lets tasks in."""

    callers: tuple[Principal, ...]
    dags: tuple[str, ...] | None
    """Globs on the session tag `dag_id`; None: none is demanded."""
    tasks: tuple[str, ...] | None
    """Globs on the session tag `task_id`; None: none is demanded."""


@dataclass(frozen=True, slots=True)
class TaskRole:
    """An AWS role that tasks of an environment may assume."""

    name: str
    resource: Resource
    admissions: tuple[Admission, ...]
    environments: Mapping[str, str]
    """Caller (an ARN) → the environment whose tasks run with that role."""
    unknown: tuple[str, ...]


# People


def sign_ins(stack: Stack, environments: Mapping[str, str]) -> Iterator[SignIn]:
    """Whatever of IAM may sign in to Airflow; `environments`: MWAA's names of them → their own."""
    known = {**{_mwaa_name(one): environment_name(one) for one in stack.of_type(*ENVIRONMENT)}, **environments}
    attached = _Attached(stack)
    for role in stack.of_type(ROLE):
        grants: set[tuple[str, str]] = set()
        unknown: list[str] = []
        for place, document in attached.documents(role):
            more, whole = _granted_by(document, known)
            grants |= more
            unknown += [] if whole else [place]
        if grants:
            clients, audiences, others, doubts = _trusted_people(stack, role)
            yield SignIn(role_name(role), role, frozenset(grants), clients, audiences, others, (*unknown, *doubts))
    for resource, document in attached.of_users():
        grants, _ = _granted_by(document, known)
        if grants:
            yield SignIn(resource.name, resource, frozenset(grants), (), (), ("a user of IAM",), (), "IAM policy")


def _granted_by(document: Any, environments: Mapping[str, str]) -> tuple[set[tuple[str, str]], bool]:
    """What a document signs in as, and whether all of it is known."""
    grants: set[tuple[str, str]] = set()
    whole = True
    for statement in statements(document):
        if statement is UNKNOWN:
            whole = False
        elif any(allows(statement, action) for action in _LOGIN):
            grants |= _granted(statement, environments)
    return grants, whole


def _mwaa_name(environment: Resource) -> str:
    name = environment.get("name")
    return name if isinstance(name, str) else environment.name


def _granted(statement: Mapping[str, Any], environments: Mapping[str, str]) -> set[tuple[str, str]]:
    """What a statement signs in as. An environment that the stack does not have counts where its name is written out."""
    found = {
        (environment, base)
        for mwaa_name, environment in environments.items()
        for base in BUILT_IN
        if names_resource(statement, f"role/{mwaa_name}/{base}")
    }
    for arn in texts(listed(statement.get("Resource"))):
        kind, _, rest = arn.rpartition(":")[2].partition("/")
        mwaa_name, _, base = rest.partition("/")
        if kind == "role" and mwaa_name not in environments and not set("*?") & set(rest) and base in BUILT_IN:
            found.add((mwaa_name, base))
    return found


def _trusted_people(stack: Stack, role: Resource) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(Clients of the stack, audiences that are none, others, what is not known) whom a role lets in."""
    linked = list(_linked_clients(role))
    by_id = {value: one.urn for one in stack.of_type(*CLIENTS) if isinstance(value := one.get("clientId"), str)}
    audiences: list[str] = []
    others: list[str] = []
    unknown: list[str] = []
    for statement in statements(role.get("assumeRolePolicy")):
        if statement is UNKNOWN:
            unknown.append(f"{role.name}.assumeRolePolicy")
            continue
        if not any(allows(statement, action) for action in (*_FEDERATED, _ASSUME)):
            continue
        wanted = required_values(statement, ":aud")
        others += _others(statement, wanted is None)
        for audience in wanted or ():
            if audience in by_id:
                linked.append(by_id[audience])
            elif not audience.startswith("https://signin.aws.amazon.com"):
                audiences.append(audience)
    return tuple(dict.fromkeys(linked)), tuple(audiences), tuple(others), tuple(unknown)


def _others(statement: Mapping[str, Any], any_client: bool) -> Iterator[str]:
    """Whom a statement lets in beside the people of named clients."""
    persons = required_values(statement, ":sub")
    for principal in principals(statement):
        if principal.kind != "Federated":
            yield principal.name or "somebody who is not known yet"
        elif any_client and persons:
            yield f"{', '.join(persons)} of {principal.name or 'a provider'}"
        elif any_client:
            yield f"every client of {principal.name or 'a provider'}"


def _linked_clients(role: Resource) -> Iterator[str]:
    """Clients that the trust policy was computed from: their id, or, for SAML, their metadata."""
    yield from (one.urn for one in role.refers_to("assumeRolePolicy", *CLIENTS))
    for provider in role.refers_to("assumeRolePolicy", _SAML):
        yield from (one.urn for one in provider.refers_to("samlMetadataDocument", *OKTA_CLIENTS))


class _Attached:
    """The permissions of roles: inline, separate, attached."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def documents(self, role: Resource) -> Iterator[tuple[str, Any]]:
        """Each document that says what a role may do, with its place."""
        for position, entry in enumerate(role.get_list("inlinePolicies")):
            yield f"{role.name}.inlinePolicies[{position}]", entry.get("policy") if isinstance(entry, Mapping) else entry
        for one in self._of(role, _INLINE):
            yield f"{one.name}.policy", one.get("policy")
        for one in self._of(role, _ATTACHMENT):
            yield from ((f"{policy.name}.policy", document) for policy, document in self._attached(one))

    def of_users(self) -> Iterator[tuple[Resource, Any]]:
        """Each document that says what users of IAM may do, with the resource that gives it to them."""
        for one in self.stack.of_type(*_USERS):
            yield one, one.get("policy")
        for one in self.stack.of_type(*_USER_ATTACHMENTS):
            if not one.type.endswith(":PolicyAttachment") or one.get_list("users") or one.get_list("groups"):
                yield from ((one, document) for _, document in self._attached(one))

    def _attached(self, attachment: Resource) -> Iterator[tuple[Resource, Any]]:
        """The documents of an attached policy, as far as the stack has it; administrators may do everything."""
        for policy in attachment.refers_to("policyArn", _POLICY) or self._by_arn(attachment.get("policyArn")):
            yield policy, policy.get("policy")
        if str(attachment.get("policyArn")).endswith(":aws:policy/AdministratorAccess"):
            yield attachment, {"Statement": {"Action": "*", "Resource": "*"}}

    def _of(self, role: Resource, type_: str) -> Iterator[Resource]:
        """What refers to the role, and what names it without: a state, or a name that somebody wrote."""
        yield from self.stack.referring_to(role, "role", type_)
        names = {value for value in (role.get("name"), role.get("id")) if isinstance(value, str)}
        for name in sorted(names):
            yield from self._named.get((type_, name), ())

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], tuple[Resource, ...]]:
        """(Type, role as it is written) → what is attached to no role of the stack by dependency."""
        found: dict[tuple[str, str], list[Resource]] = {}
        for one in self.stack.of_type(_INLINE, _ATTACHMENT):
            name = one.get("role")
            if isinstance(name, str) and not one.refers_to("role", ROLE):
                found.setdefault((one.type, name), []).append(one)
        return {key: tuple(listed) for key, listed in found.items()}

    def _by_arn(self, arn: Any) -> tuple[Resource, ...]:
        return tuple(one for one in self.stack.of_type(_POLICY) if isinstance(arn, str) and one.get("arn") == arn)


# Tasks


def task_roles(stack: Stack, told: frozenset[str]) -> Iterator[TaskRole]:
    """Every role that an environment's tasks may assume, and those that a component made for them (`told`, by name)."""
    callers = dict(_execution_roles(stack))
    for role in stack.of_type(ROLE):
        name = role_name(role)
        admissions, unknown = [], []
        for statement in statements(role.get("assumeRolePolicy")):
            if statement is UNKNOWN:
                unknown.append(f"{role.name}.assumeRolePolicy")
            elif allows(statement, _ASSUME):
                admissions.append(
                    Admission(
                        tuple(principals(statement)),
                        required_globs(statement, "aws:RequestTag/dag_id"),
                        required_globs(statement, "aws:RequestTag/task_id"),
                    )
                )
        let_in = any(one.name in callers for each in admissions for one in each.callers)
        linked = bool(unknown) and any(_is_execution_role(stack, one) for one in role.refers_to("assumeRolePolicy", ROLE))
        if name in told or let_in or linked:
            yield TaskRole(name, role, tuple(admissions), callers, tuple(unknown))


def _execution_roles(stack: Stack) -> Iterator[tuple[str, str]]:
    """ARN of the role that an environment's tasks run with → the environment: as components say, and as environments have it."""
    for one in stack.of_type(*ENVIRONMENT):
        arn = one.get("executionRoleArn")
        if isinstance(arn, str):
            yield arn, environment_name(one)
    for told in stack.of_type(IDENTITY):
        found = told.get("executionRoles", default={})
        for environment, arn in found.items() if isinstance(found, Mapping) else ():
            if isinstance(arn, str):
                yield arn, str(environment)


def _is_execution_role(stack: Stack, role: Resource) -> bool:
    return any(role in one.refers_to("executionRoleArn") for one in stack.of_type(*ENVIRONMENT))


def role_name(role: Resource) -> str:
    """The name of a role; its resource's where it has none yet."""
    name = role.get("name")
    return name if isinstance(name, str) else role.name


def broad(caller: Principal) -> bool:
    """Whether a principal stands for a whole account, or for anybody."""
    return caller.kind == "*" or caller.name.endswith(":root") or caller.name.isdecimal() or fnmatchcase(caller.name, "*[*]*")
