"""The component's resources: what stands at the identity provider and at AWS, and how they hang together."""

import json
from typing import Any

import pulumi_aws as aws
import pytest
from identity_helpers import (
    ACCOUNT,
    CLIENTS,
    ISSUERS,
    access,
    environments,
    errors,
    execution_role,
    found,
    make_identity,
    of_type,
    run,
    whole,
)
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.identity import Entra, IdentityEnvironment, Oidc, Okta


def statement(resource: Resource, prop: str = "assumeRolePolicy") -> dict[str, Any]:
    (only,) = json.loads(resource.get(prop))["Statement"]
    return only


def roles(stack: Stack) -> dict[str, Resource]:
    return of_type(stack, "iam/role:Role")


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("kind", ["okta", "entra", "oidc"])
def test_what_is_compiled_is_what_is_declared(kind: str, preview: bool) -> None:
    stack = whole(kind, preview=preview)
    assert errors(stack) == []
    unknown = [str(one) for one in found(stack)]
    # An application of Entra has no id before it is there; all else is known at preview.
    assert not unknown or (kind == "entra" and preview), unknown
    identity = stack.of_type("airlock:index:Identity")[0]
    assert all(one.parent == identity.urn for one in stack.resources if one.type.split(":")[0] in ("aws", "okta", "azuread"))


def test_tasks_say_which_dag_and_task_they_are_and_come_from_their_environment() -> None:
    made = roles(whole())
    trust = statement(made["identity-tasks-var-engine"])
    assert trust["Principal"] == {"AWS": [execution_role("risk")]}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    assert trust["Condition"] == {
        "StringLike": {"aws:RequestTag/dag_id": ["var_*"], "aws:RequestTag/task_id": ["load_a*", "load_b*"]},
        "StringEquals": {"sts:SourceIdentity": "var-sa"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["dag_id", "task_id"]},
    }
    assert made["identity-tasks-var-engine"].get("maxSessionDuration") == 3600


def test_a_principal_of_every_environment_may_come_from_each() -> None:
    def change(document: dict[str, Any]) -> None:
        del next(one for one in document["principals"] if one["name"] == "ledger-close")["environment"]

    stack = whole(declared=access(change=change), compiled=access(change=change))
    assert statement(roles(stack)["identity-tasks-ledger-close"])["Principal"]["AWS"] == [
        execution_role("finance"),
        execution_role("risk"),
    ]
    assert errors(stack) == []


def test_tasks_roles_may_do_nothing_by_themselves() -> None:
    stack = whole()
    attached = [one.name for one in stack.resources if one.type.startswith("aws:iam/rolePolicy")]
    assert all(one.startswith("identity-sign-in-") for one in attached)


@pytest.mark.parametrize("kind", ["okta", "entra", "oidc"])
def test_people_sign_in_with_one_role_of_one_environment(kind: str) -> None:
    stack = whole(kind, preview=False)
    policies = of_type(stack, "iam/rolePolicy:RolePolicy")
    allowed = statement(policies["identity-sign-in-finance-op"], "policy")
    assert allowed["Action"] == ["airflow:CreateWebLoginToken"]
    assert allowed["Resource"] == [f"arn:aws:airflow:eu-central-1:{ACCOUNT}:role/finance/Op"]
    trust = statement(roles(stack)["identity-sign-in-finance-op"])
    issuer = ISSUERS[kind].removeprefix("https://")
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
    (client,) = trust["Condition"]["StringEquals"].values()
    clients = {"okta": "airflow-finance-op", "oidc": CLIENTS["finance/op"]}
    if kind == "entra":
        clients["entra"] = of_type(stack, "index/application:Application")["identity-sign-in-finance-op"].get("clientId")
    assert client == clients[kind]
    (provider,) = of_type(stack, "iam/openIdConnectProvider:OpenIdConnectProvider").values()
    assert client in provider.get("clientIdLists")


def test_okta_lets_in_the_assigned_groups_alone() -> None:
    stack = whole()
    for client in of_type(stack, "app/oAuth:OAuth").values():
        assert client.get("implicitAssignment") is False
        assert client.get("pkceRequired") is True
        assert client.get("omitSecret") is True
        assert client.get("grantTypes") == ["authorization_code"]
        assert client.get("wildcardRedirect") == "DISABLED"
    one = of_type(stack, "app/oAuth:OAuth")["identity-sign-in-finance-finance"]
    assert one.get("groupsClaim") == {"type": "FILTER", "filterType": "REGEX", "name": "groups", "value": "^(airflow-finance)$"}
    (assigned,) = [
        one
        for one in of_type(stack, "app/groupAssignment:GroupAssignment").values()
        if one.name.endswith("finance-finance-airflow-finance")
    ]
    assert [found.name for found in assigned.refers_to("appId")] == ["identity-sign-in-finance-finance"]
    assert [found.name for found in assigned.refers_to("groupId")] == ["identity-airflow-finance"]


def test_clients_that_sign_have_no_secret() -> None:
    keys = "https://gateway.bank.example/jwks.json"
    stack = whole(provider=Okta(jwks_uri=keys))
    for client in of_type(stack, "app/oAuth:OAuth").values():
        assert (client.get("tokenEndpointAuthMethod"), client.get("jwksUri")) == ("private_key_jwt", keys)


def test_entra_gives_no_token_to_whoever_is_not_assigned_and_nobody_a_secret() -> None:
    stack = whole("entra")
    assert all(
        one.get("appRoleAssignmentRequired") is True for one in of_type(stack, "index/servicePrincipal:ServicePrincipal").values()
    )
    assert all(one.get("preventDuplicateNames") is True for one in of_type(stack, "index/group:Group").values())
    application = of_type(stack, "index/application:Application")["identity-sign-in-risk-op"]
    assert application.get("web", "implicitGrant") == {"accessTokenIssuanceEnabled": False, "idTokenIssuanceEnabled": False}
    assert application.get("groupMembershipClaims") == ["ApplicationGroup"]
    assignment = of_type(stack, "index/appRoleAssignment:AppRoleAssignment")["identity-sign-in-risk-op-airflow-operators"]
    assert assignment.get("appRoleId") == application.get("appRoles", 0, "id")
    assert not of_type(stack, "index/applicationPassword:ApplicationPassword")


def test_membership_is_left_alone_unless_it_is_given() -> None:
    assert not of_type(whole(), "index/groupMemberships:GroupMemberships")
    stack = whole(provider=Okta(members={"airflow-risk": ["00u1"]}))
    (one,) = of_type(stack, "index/groupMemberships:GroupMemberships").values()
    assert (one.get("users"), one.get("trackAllUsers")) == (["00u1"], True)


@pytest.mark.parametrize(("kind", "type_"), [("okta", "group/group:Group"), ("entra", "index/group:Group")])
def test_groups_that_somebody_else_makes_are_assigned_and_not_made(kind: str, type_: str) -> None:
    provider = {"okta": Okta, "entra": Entra}[kind](existing_groups={"airflow-risk": "from-the-directory"})
    stack = whole(kind, provider=provider)
    assert {one.get("name") or one.get("displayName") for one in of_type(stack, type_).values()} == {
        "airflow-finance",
        "airflow-operators",
    }
    assert errors(stack) == []


def test_gates_and_airflow_are_told_the_same_names() -> None:
    given: dict[str, Any] = {}

    def program() -> None:
        given["identity"] = make_identity(access=access(), user_groups={"airflow-risk": "RISK"}, zscaler_groups={"risk": ["cc"]})

    run(program)
    identity = given["identity"]
    assert identity.user_groups == {
        "airflow-finance": "airflow-finance",
        "airflow-risk": "RISK",
        "airflow-operators": "airflow-operators",
    }
    assert identity.scim_groups["airflow-risk"] == "airflow-risk"
    assert identity.zscaler_groups == {"ledger-close": ("finance",), "var-sa": ("cc",)}
    assert {one["name"] for one in identity.airflow_roles} == {"finance"}
    assert "def dag_policy" in identity.airflow_policy


def test_an_execution_role_that_is_not_known_yet_leaves_the_rest_known() -> None:
    def program() -> None:
        tasks = aws.iam.Role("risk-tasks", assume_role_policy="{}")
        AccessDeclaration("access", access())
        given = {**environments(), "risk": IdentityEnvironment(tasks.arn, callback_urls=["https://risk.bank.example/cb"])}
        make_identity(access=access(), environments=given)

    stack = run(program)
    made = roles(stack)
    assert made["identity-tasks-var-engine"].get("assumeRolePolicy") is UNKNOWN
    assert made["identity-tasks-ledger-close"].get("assumeRolePolicy") is not UNKNOWN
    assert made["identity-sign-in-risk-op"].get("assumeRolePolicy") is not UNKNOWN
    (told,) = found(stack)
    assert (told.severity.value, told.kind.value, told.name) == ("warning", "not known", "airflow-var-sa")
    assert '"var-engine" lets in is not known before the update' in told.message


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"provider": Entra()}, "Entra is given, and the access file says okta"),
        ({"provider": Okta(existing_groups={"nobody": "1"})}, 'provider.existing_groups["nobody"]'),
        ({"provider": Okta(jwks_uri="http://x")}, "keys are fetched over https alone"),
        (
            {"environments": {one: IdentityEnvironment(execution_role(one)) for one in ("finance", "risk")}},
            "callback_urls: empty",
        ),
        (
            {"environments": {**environments(), "risk": IdentityEnvironment("x", callback_urls=["https://*.example/cb"])}},
            "callback_urls[0]: 'https://*.example/cb': write one https:// address",
        ),
        ({"owner": " "}, "owner: empty"),
        ({"account_id": "1"}, "is no AWS account"),
        ({"region": "mars"}, "is no AWS region"),
        ({"prefix": "air flow "}, "IAM takes up to 64"),
    ],
)
def test_what_no_system_would_take_is_refused_before_anything_is_made(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: make_identity(access=access(), **given))
    assert says in str(caught.value)


def test_a_client_for_each_role_is_demanded_of_a_provider_made_elsewhere() -> None:
    shared = Oidc(client_ids={"finance/finance": "c", "finance/op": "c", "risk/tax": "d"})
    with pytest.raises(InputError) as caught:
        run(lambda: make_identity(kind="oidc", access=access("oidc"), provider=shared))
    text = str(caught.value)
    assert "AWS could not tell their people apart" in text
    assert 'client_ids["risk/op"]: is missing' in text
    assert 'client_ids["risk/tax"]: no such login' in text
