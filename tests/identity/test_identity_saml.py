"""Applications for gates that people sign in at: who is assigned, what an assertion says, and what the gate is told."""

from typing import Any

import pytest
from identity_helpers import access, entry, errors, make_identity, of_type, run, whole
from pulumi_airlock.errors import InputError
from pulumi_airlock.identity import SamlService

PORTAL = "https://firewall.bank.example:1003"
EDGE = SamlService(gate="edge", audience=f"{PORTAL}/remote/saml/metadata/", login_url=f"{PORTAL}/remote/saml/login/")


def behind_another_gate(document: dict[str, Any]) -> None:
    """The analysts' web server is not behind the device."""
    document["zones"]["other"] = {"gates": ["elsewhere"]}
    entry(document, "destinations", "ui-risk").update(zone="other")
    entry(document, "routes", "risk-ui")["from"] = ["analysts"]


@pytest.mark.parametrize("preview", [True, False])
def test_okta_tells_the_gate_the_groups_whose_routes_pass_it(preview: bool) -> None:
    changed = access(change=behind_another_gate)
    stack = whole(declared=changed, compiled=changed, preview=preview, saml_services=[EDGE])
    assert errors(stack) == []
    (made,) = of_type(stack, "app/saml:Saml").values()
    assert (made.get("audience"), made.get("ssoUrl"), made.get("recipient")) == (EDGE.audience, EDGE.login_url, EDGE.login_url)
    assert made.get("responseSigned") is made.get("assertionSigned") is True
    (user, group) = made.get("attributeStatements")
    assert (user["name"], user["values"]) == ("username", ["user.login"])
    assert (group["name"], group["filterType"], group["filterValue"]) == (
        "group",
        "REGEX",
        "^(airflow-finance|airflow-operators)$",
    )
    assigned = [one for one in of_type(stack, "app/groupAssignment:GroupAssignment").values() if made in one.refers_to("appId")]
    assert {one.refers_to("groupId")[0].get("name") for one in assigned} == {"airflow-finance", "airflow-operators"}


def test_entra_assigns_the_same_groups_and_sends_their_ids() -> None:
    changed = access("entra", change=behind_another_gate)
    told: dict[str, Any] = {}
    stack = whole(
        "entra",
        declared=changed,
        compiled=changed,
        preview=False,
        saml_services=[EDGE],
        beside=lambda identity: told.update(identity.saml),
    )
    assert errors(stack) == []
    application = of_type(stack, "index/application:Application")["identity-edge"]
    assert application.get("identifierUris") == [EDGE.audience]
    assert application.get("groupMembershipClaims") == ["ApplicationGroup"]
    enterprise = of_type(stack, "index/servicePrincipal:ServicePrincipal")["identity-edge"]
    assert (enterprise.get("preferredSingleSignOnMode"), enterprise.get("appRoleAssignmentRequired")) == ("saml", True)
    assignments = of_type(stack, "index/appRoleAssignment:AppRoleAssignment")
    assert {one for one in assignments if one.startswith("identity-edge-")} == {
        "identity-edge-airflow-finance",
        "identity-edge-airflow-operators",
    }
    assert told["edge"].group_attribute.endswith("/identity/claims/groups")


def test_the_gate_is_told_what_okta_says_of_itself() -> None:
    seen: dict[str, Any] = {}

    def program() -> None:
        identity = make_identity(access=access(), saml_services=[EDGE])
        identity.saml["edge"].entity_id.apply(lambda value: seen.update(entity_id=value))
        identity.saml["edge"].sign_on_url.apply(lambda value: seen.update(sign_on_url=value))

    stack = run(program, preview=False)
    (made,) = of_type(stack, "app/saml:Saml").values()
    assert seen == {"entity_id": made.get("entityUrl"), "sign_on_url": made.get("httpPostBinding")}


@pytest.mark.parametrize(
    ("kind", "services", "says"),
    [
        ("okta", [SamlService(gate="wall", audience="a", login_url="https://x/login")], "no zone names a gate 'wall'"),
        ("okta", [EDGE, EDGE], "a second service for 'edge'"),
        ("okta", [SamlService(gate="edge", audience=" ", login_url="http://x/login")], "write one https:// address"),
        ("okta", [SamlService(gate="edge", audience=" ", login_url="https://x/login")], "audience: empty"),
        ("oidc", [EDGE], "gets no applications: make them there"),
    ],
)
def test_what_could_not_work_is_refused(kind: str, services: list[SamlService], says: str) -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: make_identity(kind=kind, access=access(kind), saml_services=services))
    assert says in str(caught.value)


def test_a_gate_that_no_people_pass_needs_no_application() -> None:
    def change(document: dict[str, Any]) -> None:
        document["zones"]["center"]["gates"] = ["inner"]

    with pytest.raises(InputError) as caught:
        run(
            lambda: make_identity(
                access=access(change=change), saml_services=[SamlService(gate="inner", audience="a", login_url="https://x/")]
            )
        )
    assert "no route of people passes 'inner'" in str(caught.value)
