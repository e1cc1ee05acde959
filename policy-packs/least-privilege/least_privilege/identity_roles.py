"""Policies on identity across systems: who signs in to Airflow, whose tasks a role lets in, where systems disagree."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_airlock.gates.stack import listed
from pulumi_airlock.tokens import ACCESS, FORTIGATE_GATE, IDENTITY, MWAA_ENVIRONMENT, ZPA_GATE
from pulumi_policy import Severity

from .aws_iam import IDENTITY as IAM_IDENTITY
from .aws_iam import ROLE
from .controls import Soc2
from .documents import condition_keys, statements
from .identity import ENTRA_APPLICATION, ENTRA_ENTERPRISE, ENTRA_GROUP, OKTA_OIDC, OKTA_SAML
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Finding, Findings, path_text, resource_policy, setting, stack_policy, undecided, wrong

_MWAA = "https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html"

# Signing in to Airflow


_LOGIN = ("airflow:CreateWebLoginToken", "airflow:InvokeRestApi")
"""What brings a role of Airflow: in a browser, and over its REST API."""


def _actions(it: Subject, *wanted: str) -> Iterator[tuple[str, Any]]:
    """Each Allow statement that speaks of one of the actions, with its path; `UNKNOWN` where a document is unknown."""
    documents = [("policy", it.get("policy"))] if it.kind != ROLE else []
    documents += [
        (f"{path_text(path)}.policy", inline if inline is UNKNOWN else it.get(*path, "policy"))
        for path, inline in it.items("inlinePolicies")
        if it.kind == ROLE
    ]
    for path, document in documents:
        for position, statement in statements(document):
            if statement is UNKNOWN:
                yield path, UNKNOWN
            elif statement.get("Effect", "Allow") == "Allow" and any(
                one is not UNKNOWN and fnmatchcase(action.lower(), str(one).lower())
                for one in listed(statement.get("Action"))
                for action in wanted
            ):
                yield f"{path}.Statement[{position}]", statement


@resource_policy(
    "airflow-web-login-scoped",
    types=IAM_IDENTITY,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the environment and the role: `arn:aws:airflow:<region>:<account>:role/<environment>/<role>`.",
    url=_MWAA,
)
def web_login_scoped(it: Subject) -> Findings:
    """Who may sign in to Airflow signs in to named environments with named roles: `role/*` has Admin in it."""
    for path, statement in _actions(it, *_LOGIN):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        if "NotResource" in statement:
            yield wrong(it, f"{path}.NotResource", "signs in with every role but those")
        for resource in listed(statement.get("Resource")):
            if resource is UNKNOWN:
                yield undecided(it, f"{path}.Resource")
            elif re.search(r"[*?]", str(resource).split(":", 5)[-1]):
                yield wrong(it, f"{path}.Resource", f"is {resource}: any role or environment")


_ALLOWED = {"allowed": setting("Globs on resource names that may have it.", [])}


def _exempt(it: Subject) -> bool:
    return any(fnmatchcase(it.resource.name, pattern) for pattern in it.config["allowed"])


@resource_policy(
    "airflow-web-login-no-admin",
    types=IAM_IDENTITY,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Sign in as Op or less; name the few administrators' policies in `allowed`.",
    url=_MWAA,
    settings=_ALLOWED,
)
def web_login_no_admin(it: Subject) -> Findings:
    """Nobody signs in to Airflow as Admin, who may change roles, and with them everybody's rights."""
    if _exempt(it):
        return
    for path, statement in _actions(it, *_LOGIN):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        for resource in listed(statement.get("Resource")):
            if resource is UNKNOWN:
                yield undecided(it, f"{path}.Resource")
            elif str(resource).endswith("/Admin"):
                yield wrong(it, f"{path}.Resource", f"is {resource}")


@resource_policy(
    "airflow-no-cli-token",
    types=IAM_IDENTITY,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Use the REST API with a role of Airflow (`airflow:InvokeRestApi`); name the deployment's policies in `allowed`.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/airflow-cli-command-reference.html",
    settings=_ALLOWED,
)
def no_cli_token(it: Subject) -> Findings:
    """Nobody gets a token for Airflow's command line: it knows no roles, so that it is an administrator's."""
    if _exempt(it):
        return
    for path, statement in _actions(it, "airflow:CreateCliToken"):
        if statement is UNKNOWN:
            yield undecided(it, path)
        else:
            yield wrong(it, path, "allows airflow:CreateCliToken")


@resource_policy(
    "aws-iam-federation-audience",
    types=(ROLE,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Demand the client in a condition: `StringEquals` on `<issuer>:aud` (OIDC) or `SAML:aud`.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
)
def federation_audience(it: Subject) -> Findings:
    """A role that trusts an identity provider names the client: without it, whoever signs in to anything there has the role."""
    for position, statement in statements(it.get("assumeRolePolicy")):
        if statement is UNKNOWN:
            yield undecided(it, "assumeRolePolicy")
            continue
        actions = [str(one).lower() for one in listed(statement.get("Action")) if one is not UNKNOWN]
        federated = any(fnmatchcase(f"sts:assumerolewith{how}", one) for one in actions for how in ("webidentity", "saml"))
        trusted = isinstance(statement.get("Principal"), Mapping) and "Federated" in statement["Principal"]
        if statement.get("Effect", "Allow") != "Allow" or not (federated and trusted):
            continue
        if not any(key.endswith((":aud", ":sub", ":app_id")) for key in condition_keys(statement)):
            yield wrong(it, f"assumeRolePolicy.Statement[{position}]", "trusts every client of the provider")


# Across systems: what `airlock prove` finds, as policies

_ACROSS = (
    IDENTITY,
    ROLE,
    OKTA_OIDC,
    OKTA_SAML,
    "okta:group/group:Group",
    ENTRA_APPLICATION,
    ENTRA_ENTERPRISE,
    ENTRA_GROUP,
    "azuread:index/groupWithoutMembers:GroupWithoutMembers",
)
_BESIDE = (
    ACCESS,
    FORTIGATE_GATE,
    ZPA_GATE,
    MWAA_ENVIRONMENT,
    "okta:app/groupAssignment:GroupAssignment",
    "okta:index/appGroupAssignments:AppGroupAssignments",
    "azuread:index/appRoleAssignment:AppRoleAssignment",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/samlProvider:SamlProvider",
    "aws:mwaa/environment:Environment",
    "fortios:usergroup",
    "zpa:index/policyAccess*",
)


def _across(stack: Stack, *kinds: str) -> Iterator[Finding]:
    """The errors of some kinds, and what cannot be known."""
    from pulumi_airlock.errors import AirlockError
    from pulumi_airlock.identity.findings import Kind
    from pulumi_airlock.identity.findings import Severity as Level
    from pulumi_airlock.identity.proof import identity_findings  # not before a stack has identity: starting up counts

    wanted = {Kind[kind] for kind in kinds}
    try:
        found = identity_findings(stack)
    except AirlockError:
        return  # the declared access is not valid: the access-proof pack says so
    for one in found:
        resource = stack.find(one.urn)
        if one.severity is Level.ERROR and one.kind in wanted:
            yield wrong(resource, f"{one.kind.value}:", one.message)
        elif one.kind is Kind.UNKNOWN and resource is not None and resource.type == ROLE:
            yield undecided(resource, "assumeRolePolicy")


@stack_policy(
    "identity-no-orphan",
    types=_ACROSS,
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Declare a principal for it in the access file, or take it away.",
)
def no_orphan(stack: Stack, config: Config) -> Findings:
    """Every group, user group and role of tasks stands for a principal that the access file declares."""
    yield from _across(stack, "ORPHAN")


@stack_policy(
    "identity-declared-way",
    types=_ACROSS,
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_3,
    fix="Take the assignment or the trust away, or declare the role and the route to the web server.",
)
def declared_way(stack: Stack, config: Config) -> Findings:
    """A role of Airflow is reached by the groups that are declared to have it, where a route leads them, and by no other way."""
    yield from _across(stack, "NO_ROUTE", "SECOND_WAY")


@stack_policy(
    "identity-task-role-tagged",
    types=(ROLE, IDENTITY),
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Demand `aws:RequestTag/dag_id` and `aws:RequestTag/task_id` in the role's trust policy.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html",
)
def task_role_tagged(stack: Stack, config: Config) -> Findings:
    """A role that tasks assume lets in the tasks that say, in their session's tags, which DAG and task they are."""
    from pulumi_airlock.identity.read_aws import task_roles

    for role in task_roles(stack, frozenset()):
        if role.unknown:
            yield undecided(role.resource, "assumeRolePolicy")
        for admission in role.admissions:
            callers = [one.name for one in admission.callers if one.name in role.environments]
            if callers and (admission.dags is None or admission.tasks is None):
                yield wrong(role.resource, "assumeRolePolicy", "lets in every task of its environment, without session tags")


@stack_policy(
    "identity-no-drift",
    types=_ACROSS,
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Compile every system from the same access file, and give names in one place.",
)
def no_drift(stack: Stack, config: Config) -> Findings:
    """Every system says the same of a principal: its names, its DAGs and tasks, its permissions."""
    yield from _across(stack, "DRIFT", "WIDER", "NARROWER", "MISSING")
