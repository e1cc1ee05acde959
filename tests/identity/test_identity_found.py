"""What somebody changes beside the component, or in the access file alone, is found, with the resource named."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_azuread as azuread
import pulumi_okta as okta
import pytest
from identity_helpers import ACCOUNT, access, entry, errors, execution_role, found, run, whole
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.identity import Identity, prove_identity, read_identity
from pulumi_airlock.identity.findings import Kind, Severity

ISSUER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/bank.okta.example"
LOGIN = "arn:aws:airflow:eu-central-1:123456789012:role"


def trust(principal: Any = None, **condition: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": principal or {"AWS": execution_role("finance")},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def web_trust(audience: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": ISSUER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"bank.okta.example:aud": audience}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def login(*resources: str) -> str:
    statement = {"Effect": "Allow", "Action": "airflow:CreateWebLoginToken", "Resource": [f"{LOGIN}/{one}" for one in resources]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sign_in(name: str, policy: str, trusted: Any) -> None:
    role = aws.iam.Role(name, name=name, assume_role_policy=trusted)
    aws.iam.RolePolicy(name, role=role.id, policy=policy)


# People


def orphaned_group(identity: Identity) -> None:
    okta.group.Group("contractors", name="contractors")


def assigned_stranger(identity: Identity) -> None:
    group = okta.group.Group("contractors", name="contractors")
    client = okta.app.OAuth("side-door", label="x", type="web", grant_types=["authorization_code"], client_id="side-door")
    okta.app.GroupAssignment("sneak", app_id=client.id, group_id=group.id)
    sign_in("side-door", login("finance/Admin"), client.client_id.apply(web_trust))


def analysts_in_finance(identity: Identity) -> None:
    """A declared group gets its own role, where no route leads it."""
    client = okta.app.OAuth("finance-risk", label="x", type="web", grant_types=["authorization_code"], client_id="finance-risk")
    okta.app.GroupAssignment("too-far", app_id=client.id, group_id=identity.group_ids["airflow-risk"])
    sign_in("finance-risk", login("finance/Viewer"), web_trust("finance-risk"))


def analysts_as_admin(identity: Identity) -> None:
    client = okta.app.OAuth("risk-admin", label="x", type="web", grant_types=["authorization_code"], client_id="risk-admin")
    okta.AppGroupAssignments("too-much", app_id=client.id, groups=[{"id": identity.group_ids["airflow-risk"]}])
    sign_in("risk-admin", login("risk/Admin"), web_trust("risk-admin"))


def every_role(identity: Identity) -> None:
    aws.iam.RolePolicy("wide", role=identity.login_role_arns["risk/risk"].apply(lambda _: "airflow-risk-risk"), policy=login("*"))


def administrators(identity: Identity) -> None:
    role = aws.iam.Role("people", name="people", assume_role_policy=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    aws.iam.RolePolicyAttachment("people", role=role.name, policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")


def unknown_client(identity: Identity) -> None:
    sign_in("elsewhere", login("finance/Op"), web_trust("made-elsewhere"))


def every_client(identity: Identity) -> None:
    document = json.loads(web_trust("x"))
    del document["Statement"][0]["Condition"]
    sign_in("everybody", login("finance/Op"), json.dumps(document))


def one_person(identity: Identity) -> None:
    document = json.loads(web_trust("x"))
    document["Statement"][0]["Condition"] = {"StringEquals": {"bank.okta.example:sub": "00u-boss"}}
    sign_in("boss", login("finance/Op"), json.dumps(document))


def any_audience(identity: Identity) -> None:
    document = json.loads(web_trust("x"))
    document["Statement"][0]["Condition"] = {"StringLike": {"bank.okta.example:aud": "airflow-*"}}
    sign_in("pattern", login("finance/Op"), json.dumps(document))


def user_of_iam(identity: Identity) -> None:
    user = aws.iam.User("robot", name="robot")
    aws.iam.UserPolicy("robot", user=user.name, policy=login("finance/User"))


def attached_to_users(identity: Identity) -> None:
    policy = aws.iam.Policy("sign-in", policy=login("risk/*"))
    aws.iam.GroupPolicyAttachment("to-users", group="everybody", policy_arn=policy.arn)


def over_the_api(identity: Identity) -> None:
    sign_in(
        "api", login("finance/Op").replace("CreateWebLoginToken", "InvokeRestApi"), trust({"Service": "lambda.amazonaws.com"})
    )


def by_saml(identity: Identity) -> None:
    """A group's own role by a second door is as declared; another group's is not."""
    app = okta.app.Saml("aws", label="AWS")
    okta.app.GroupAssignment("aws-risk", app_id=app.id, group_id=identity.group_ids["airflow-risk"])
    provider = aws.iam.SamlProvider("okta", saml_metadata_document=app.metadata)
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/okta"},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    }
    sign_in("by-saml", login("risk/Viewer", "risk/User"), provider.arn.apply(lambda _: json.dumps({"Statement": [statement]})))


# Tasks


def foreign_role(identity: Identity) -> None:
    aws.iam.Role("snowflake", name="snowflake", assume_role_policy=trust())


CASES: dict[str, tuple[Callable[[Identity], None], Kind, str, tuple[str, ...]]] = {
    "an orphaned group": (orphaned_group, Kind.ORPHAN, "contractors", ('group "contractors"', "declared by no principal")),
    "a stranger's way in": (
        assigned_stranger,
        Kind.SECOND_WAY,
        "side-door",
        ('"contractors", which no principal', "Admin in finance"),
    ),
    "a role with no route": (
        analysts_in_finance,
        Kind.NO_ROUTE,
        "finance-risk",
        ('group "airflow-risk"', "Viewer in finance", "no route leads it there"),
    ),
    "more than the declared role": (
        analysts_as_admin,
        Kind.SECOND_WAY,
        "risk-admin",
        ("Admin in risk", "its declared role is risk"),
    ),
    "every role": (every_role, Kind.WIDER, "identity-sign-in-risk-risk", ("also signs in as Admin in finance", "and 5 more")),
    "administrators of the account": (administrators, Kind.SECOND_WAY, "people", (f"lets in arn:aws:iam::{ACCOUNT}:root",)),
    "a client that nobody declares": (unknown_client, Kind.SECOND_WAY, "elsewhere", ("for client made-elsewhere",)),
    "every client of the provider": (
        every_client,
        Kind.SECOND_WAY,
        "everybody",
        ("every client of", "oidc-provider/bank.okta.example"),
    ),
    "one person": (one_person, Kind.SECOND_WAY, "boss", ("00u-boss of",)),
    "clients by a pattern": (any_audience, Kind.SECOND_WAY, "pattern", ("every client of",)),
    "a user of IAM": (user_of_iam, Kind.SECOND_WAY, "robot", ('IAM policy "robot"', "User in finance", "a user of IAM")),
    "over the REST API": (over_the_api, Kind.SECOND_WAY, "api", ("Op in finance", "lambda.amazonaws.com")),
    "a role beside the declared ones": (foreign_role, Kind.ORPHAN, "snowflake", ("tasks of finance", "no declared principal's")),
}


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_change_is_found_and_the_resource_named(name: str, preview: bool) -> None:
    change, kind, resource, says = CASES[name]
    wrong = errors(whole(beside=change, preview=preview))
    mine = [one for one in wrong if one.kind is kind and one.urn.endswith(f"::{resource}")]
    assert mine, [str(one) for one in wrong]
    text = "\n".join(map(str, mine))
    for part in says:
        assert part in text, text
    assert all(one.fix for one in wrong)


def test_what_is_there_for_something_else_is_left_alone() -> None:
    def beside(identity: Identity) -> None:
        orphaned_group(identity)
        foreign_role(identity)
        administrators(identity)

    assert errors(whole(beside=beside, other_groups=["contractors"], other_roles=["snowflake", "people"])) == []


def test_a_policy_attached_to_users_is_a_way_in_where_it_is_known() -> None:
    (one,) = errors(whole(beside=attached_to_users))
    assert (one.kind, one.urn.rpartition("::")[2]) == (Kind.SECOND_WAY, "to-users")
    assert "Admin in risk, Op in risk, User in risk, Viewer in risk and 1 more" in one.message


def test_a_way_by_saml_is_followed_to_the_groups_too() -> None:
    (one,) = errors(whole(beside=by_saml, preview=False))
    assert (one.kind, one.urn.rpartition("::")[2]) == (Kind.SECOND_WAY, "by-saml")
    assert 'group "airflow-risk" signs in by AWS role "by-saml" as User in risk; its declared role is risk' in one.message


@pytest.mark.parametrize("kind", ["okta", "oidc", "entra"])
def test_a_sign_in_role_that_trusts_another_client_is_found(kind: str) -> None:
    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        mine = args.name == "identity-sign-in-risk-op" and "assume_role_policy" in args.props
        changed = {"assume_role_policy": web_trust("another-client")} if mine else {}
        return pulumi.ResourceTransformationResult({**args.props, **changed}, args.opts)

    wrong = errors(whole(kind, opts=pulumi.ResourceOptions(transformations=[transform])))
    assert [(one.kind, one.urn.rpartition("::")[2]) for one in wrong] == [(Kind.SECOND_WAY, "identity-sign-in-risk-op")]
    assert "for client another-client" in wrong[0].message


def test_an_orphaned_group_of_entra_is_found() -> None:
    (one,) = errors(
        whole("entra", beside=lambda _: azuread.Group("contractors", display_name="airflow-rsk", security_enabled=True))
    )
    assert (one.kind, one.system) == (Kind.ORPHAN, "entra")
    assert 'did you mean "airflow-risk"?' in one.message


def assigned_in_entra(identity: Identity) -> None:
    application = azuread.Application("side", display_name="side")
    service = azuread.ServicePrincipal("side", client_id=application.client_id)
    azuread.AppRoleAssignment(
        "side",
        app_role_id="00000000-0000-0000-0000-000000000000",
        principal_object_id=identity.group_ids["airflow-risk"],
        resource_object_id=service.object_id,
    )
    sign_in("side", login("finance/Viewer"), application.client_id.apply(web_trust))


@pytest.mark.parametrize("preview", [True, False])
def test_an_assignment_in_entra_is_followed_to_the_role(preview: bool) -> None:
    wrong = errors(whole("entra", beside=assigned_in_entra, preview=preview))
    assert [(one.kind, one.urn.rpartition("::")[2]) for one in wrong] == [(Kind.NO_ROUTE, "side")]


# Trust of tasks' roles, changed by a transform as somebody's hand would

TAGS = {"aws:RequestTag/dag_id": ["ledger_*"], "aws:RequestTag/task_id": ["*"]}
WAYS = {
    "without tags": (trust(), Kind.UNTAGGED, "without the session tag dag_id"),
    "without a task": (trust(StringLike={"aws:RequestTag/dag_id": "ledger_*"}), Kind.UNTAGGED, "without the session tag task_id"),
    "if there is a tag": (trust(StringLikeIfExists=TAGS), Kind.UNTAGGED, "dag_id"),
    "one of all tags": (trust(**{"ForAllValues:StringLike": TAGS}), Kind.UNTAGGED, "dag_id"),
    "more DAGs": (trust(StringLike={**TAGS, "aws:RequestTag/dag_id": ["ledger_*", "fin*"]}), Kind.WIDER, "lets in fin"),
    "every DAG": (trust(StringLike={**TAGS, "aws:RequestTag/dag_id": "*"}), Kind.WIDER, "which the principal does not cover"),
    "fewer DAGs": (trust(StringLike={**TAGS, "aws:RequestTag/dag_id": "ledger_a*"}), Kind.NARROWER, "does not let in ledger_"),
    "one literal DAG": (trust(StringEquals=TAGS), Kind.NARROWER, "does not let in ledger_"),
    "another environment": (
        trust({"AWS": [execution_role("finance"), execution_role("risk")]}, StringLike=TAGS),
        Kind.WIDER,
        "tasks of environment risk",
    ),
    "the account": (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, StringLike=TAGS), Kind.WIDER, "anybody of arn:aws:iam"),
    "anybody": (trust("*", StringLike=TAGS), Kind.WIDER, "by anybody"),
    "a service": (trust({"Service": "lambda.amazonaws.com"}, StringLike=TAGS), Kind.WIDER, "lambda.amazonaws.com"),
}


def with_trust(document: str) -> Stack:
    """The stack as it is, with another trust policy on the role of `ledger-close`."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        changed = {"assume_role_policy": document} if args.name == "identity-tasks-ledger-close" else {}
        assert not changed or "assume_role_policy" in args.props
        return pulumi.ResourceTransformationResult({**args.props, **changed}, args.opts)

    return whole(opts=pulumi.ResourceOptions(transformations=[transform]))


@pytest.mark.parametrize("name", WAYS)
def test_trust_that_is_not_the_declared_one_is_found(name: str) -> None:
    document, kind, says = WAYS[name]
    wrong = errors(with_trust(document))
    mine = [one for one in wrong if one.kind is kind and one.urn.endswith("::identity-tasks-ledger-close")]
    assert any(says in one.message for one in mine), [str(one) for one in wrong]


def test_trust_written_in_other_words_is_the_declared_one() -> None:
    two = {"aws:requesttag/dag_id": ["ledger_*"], "AWS:RequestTag/task_id": ["*", "load"]}
    assert errors(with_trust(trust(stringlike=two))) == []


# The access file says something else than what was compiled


def changed(change: Callable[[dict[str, Any]], object]) -> list[Any]:
    return errors(whole(declared=access(change=change)))


def test_a_group_that_lost_its_route_still_signs_in() -> None:
    def no_route(document: dict[str, Any]) -> None:
        entry(document, "routes", "risk-ui")["from"] = ["operators"]

    wrong = changed(no_route)
    assert {(one.kind, one.system) for one in wrong} == {(Kind.NO_ROUTE, "aws"), (Kind.NO_ROUTE, "airflow")}
    assert any('Airflow gives group "airflow-risk" Viewer' in one.message for one in wrong)


def test_an_expired_route_is_none() -> None:
    def over(document: dict[str, Any]) -> None:
        entry(document, "routes", "risk-ui")["expires"] = "2020-01-01"

    assert {one.kind for one in changed(over)} == {Kind.NO_ROUTE}


def test_a_principal_that_left_the_file_is_an_orphan_everywhere() -> None:
    def gone(document: dict[str, Any]) -> None:
        document["principals"] = [one for one in document["principals"] if one["name"] not in ("analysts", "var-engine")]
        entry(document, "routes", "risk-ui")["from"] = ["operators"]

    wrong = changed(gone)
    assert {(one.kind, one.system, one.urn.rpartition("::")[2]) for one in wrong} == {
        (Kind.ORPHAN, "okta", "identity-airflow-risk"),
        (Kind.SECOND_WAY, "aws", "identity-sign-in-risk-risk"),
        (Kind.ORPHAN, "aws", "identity-tasks-var-engine"),
        (Kind.SECOND_WAY, "airflow", "identity"),
    }


def test_what_was_never_compiled_is_missing() -> None:
    def more(document: dict[str, Any]) -> None:
        document["principals"] += [
            {"name": "tax", "environment": "risk", "dags": ["tax_*"]},
            {"name": "clerks", "group": "airflow-tax"},
        ]

    assert {(one.kind, one.name) for one in changed(more)} == {(Kind.MISSING, "tax"), (Kind.MISSING, "airflow-tax")}


def test_permissions_on_dags_beyond_the_declared_ones_are_found() -> None:
    def less(document: dict[str, Any]) -> None:
        entry(document, "roles", "finance")["dags"] = {"ledger_*": ["can_read"], "finreport_*": ["can_read"]}

    (one,) = changed(less)
    assert (one.kind, one.system, one.message) == (
        Kind.WIDER,
        "airflow",
        'role "finance" can_edit DAGs ledger_*, which `roles` does not declare',
    )


def test_what_only_looks_strange_is_a_warning() -> None:
    def strange(document: dict[str, Any]) -> None:
        document["roles"].append({"name": "unused", "base": "Viewer"})
        entry(document, "roles", "risk")["dags"] = {"var_*": ["can_read"]}
        document["principals"] += [
            {"name": "interns", "group": "airflow-interns", "role": "risk"},
            {"name": "guests", "group": "airflow-guests"},
        ]
        entry(document, "routes", "risk-ui")["from"] += ["interns", "guests"]

    stack = whole(declared=access(change=strange), compiled=access(change=strange))
    assert errors(stack) == []
    told = {(one.kind, one.name) for one in found(stack)}
    assert told == {
        (Kind.UNUSED, "unused"),
        (Kind.WIDER, "risk"),
        (Kind.SHARED, "risk"),
        (Kind.MISSING, "airflow-guests"),
    }
    assert all(one.severity is Severity.WARNING for one in found(stack))


# Stacks without identity


def test_a_stack_that_says_nothing_of_identity_is_not_judged() -> None:
    def program() -> None:
        AccessDeclaration("access", access())
        aws.iam.Role("lambda", assume_role_policy=trust({"Service": "lambda.amazonaws.com"}))

    assert found(run(program)) == []


def test_groups_without_a_component_are_compared_too() -> None:
    def program() -> None:
        AccessDeclaration("access", access())
        okta.group.Group("risk", name="airflow-risk")
        okta.group.Group("old", name="airflow-old")

    stack = run(program)
    assert [(one.kind, one.name) for one in errors(stack)] == [(Kind.ORPHAN, "airflow-old")]
    missing = {one.name for one in found(stack) if one.kind is Kind.MISSING}
    assert missing == {"airflow-finance", "airflow-operators"}


PROPERTIES = [
    "name",
    "displayName",
    "groupId",
    "appId",
    "groups",
    "principalObjectId",
    "resourceObjectId",
    "clientId",
    "assumeRolePolicy",
    "inlinePolicies",
    "policy",
    "role",
    "matches",
    "userGroups",
    "scimGroups",
    "conditions",
    "webServers",
    "environments",
    "executionRoles",
    "logins",
    "workloads",
    "airflow",
    "otherGroups",
    "provider",
]
TYPES = [
    "okta:group/group:Group",
    "okta:app/groupAssignment:GroupAssignment",
    "okta:index/appGroupAssignments:AppGroupAssignments",
    "azuread:index/group:Group",
    "azuread:index/appRoleAssignment:AppRoleAssignment",
    "azuread:index/servicePrincipal:ServicePrincipal",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "fortios:user/group:Group",
    "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2",
    "airlock:index:ZpaGate",
    "airlock:index:FortigateGate",
    "airlock:index:Identity",
    "aws:mwaa/environment:Environment",
]


def test_strange_resources_raise_nothing() -> None:
    values: list[Any] = [
        None,
        UNKNOWN,
        "x",
        3,
        [],
        {},
        [UNKNOWN],
        [None],
        {"a": UNKNOWN},
        '{"Statement": 3}',
        '{"Statement": [{"Action": 3}]}',
        "[",
    ]
    for number, value in enumerate(values):
        stack = Stack(
            Resource(f"urn:pulumi:s::p::{type_}::r{number}-{at}", type_, dict.fromkeys(PROPERTIES, value))
            for at, type_ in enumerate(TYPES)
        )
        prove_identity(access(), read_identity(stack), date(2026, 11, 26))
