import pytest
from policy_testing import UNKNOWN, Secret, on

OKTA = "okta:app/oAuth:OAuth"
APPLICATION = "azuread:index/application:Application"


def test_okta_app_assigned_only() -> None:
    policy = on("okta-app-assigned-only", OKTA)
    policy.passes(label="Airflow", implicitAssignment=False)
    policy.fails("implicitAssignment lets everybody in", implicitAssignment=True)
    policy.fails("lets people assign themselves", accessibilitySelfService=True, implicitAssignment=UNKNOWN)
    policy.undecided("implicitAssignment", implicitAssignment=UNKNOWN)
    assert policy.remedied(implicitAssignment=True, label="x")["implicitAssignment"] is False
    assert policy.remedied(implicitAssignment=UNKNOWN) is None


def test_okta_app_code_flow() -> None:
    policy = on("okta-app-code-flow", OKTA)
    policy.passes(type="web", grantTypes=["authorization_code", "refresh_token"], pkceRequired=True)
    policy.passes(type="service", grantTypes=["client_credentials"])
    policy.fails("grantTypes[1] is implicit", grantTypes=["authorization_code", "implicit"], pkceRequired=True)
    policy.fails("pkceRequired is off", type="web", grantTypes=UNKNOWN)
    policy.undecided("pkceRequired", pkceRequired=UNKNOWN)
    policy.undecided("grantTypes", grantTypes=UNKNOWN, pkceRequired=True)


def test_redirect_exact() -> None:
    okta, entra = on("identity-redirect-exact", OKTA), on("identity-redirect-exact", APPLICATION)
    okta.passes(
        redirectUris=["https://airflow.bank.example/oauth2/callback", "http://localhost:8080/cb"], wildcardRedirect="DISABLED"
    )
    okta.fails("redirectUris[1] is https://*.bank.example", redirectUris=[UNKNOWN, "https://*.bank.example/cb"])
    okta.fails("without TLS", redirectUris=["http://localhost.evil.example/cb"])
    okta.fails("wildcardRedirect is SUBDOMAIN", wildcardRedirect="SUBDOMAIN")
    okta.undecided("redirectUris", redirectUris=UNKNOWN)
    entra.passes(web={"redirectUris": ["https://airflow.bank.example/cb"]})
    entra.fails("web.redirectUris[0] is http://bank.example", web={"redirectUris": ["http://bank.example/cb"]})
    entra.undecided("web.redirectUris", web=UNKNOWN)


def test_okta_secret_not_in_state() -> None:
    policy = on("okta-app-secret-not-in-state", OKTA)
    policy.passes(tokenEndpointAuthMethod="private_key_jwt")
    policy.passes(tokenEndpointAuthMethod="client_secret_basic", omitSecret=True)
    policy.fails("omitSecret is off", label=UNKNOWN)
    policy.fails("omitSecret is off", tokenEndpointAuthMethod="client_secret_post", clientBasicSecret=Secret("s"))
    policy.undecided("tokenEndpointAuthMethod", tokenEndpointAuthMethod=UNKNOWN)
    policy.undecided("omitSecret", omitSecret=UNKNOWN)
    assert policy.remedied(label="x")["omitSecret"] is True


def test_entra_no_implicit_grant() -> None:
    policy = on("entra-app-no-implicit-grant", APPLICATION)
    policy.passes(web={"redirectUris": UNKNOWN})
    policy.fails("web.implicitGrant.idTokenIssuanceEnabled is on", web={"implicitGrant": {"idTokenIssuanceEnabled": True}})
    policy.undecided("web.implicitGrant", web={"implicitGrant": UNKNOWN})
    fixed = policy.remedied(web={"redirectUris": ["https://x/cb"], "implicitGrant": {"accessTokenIssuanceEnabled": True}})
    assert fixed["web"]["redirectUris"] == ["https://x/cb"]


def test_entra_single_tenant() -> None:
    policy = on("entra-app-single-tenant", APPLICATION)
    policy.passes(displayName=UNKNOWN)
    policy.fails("signInAudience is AzureADMultipleOrgs", signInAudience="AzureADMultipleOrgs")
    policy.undecided("signInAudience", signInAudience=UNKNOWN)
    assert policy.remedied(signInAudience="PersonalMicrosoftAccount")["signInAudience"] == "AzureADMyOrg"


def test_entra_assignment_required() -> None:
    policy = on("entra-app-assignment-required", "azuread:index/servicePrincipal:ServicePrincipal")
    policy.passes(clientId=UNKNOWN, appRoleAssignmentRequired=True)
    policy.fails("everybody of the tenant gets in", clientId=UNKNOWN)
    policy.undecided("appRoleAssignmentRequired", appRoleAssignmentRequired=UNKNOWN)
    assert policy.remedied(clientId="x")["appRoleAssignmentRequired"] is True


def test_entra_group_unique_name() -> None:
    policy = on("entra-group-unique-name", "azuread:index/group:Group")
    policy.passes(displayName=UNKNOWN, preventDuplicateNames=True)
    policy.fails("preventDuplicateNames is off", displayName="x")
    policy.undecided("preventDuplicateNames", preventDuplicateNames=UNKNOWN)
    assert policy.remedied(displayName="x")["preventDuplicateNames"] is True


@pytest.mark.parametrize(
    ("length", "says"),
    [("2160h", ""), ("30d", ""), ("2161h", "is 2161h, over 90 days"), ("never", "is not set"), (None, "is not set")],
)
def test_entra_client_secret_short_lived(length: str | None, says: str) -> None:
    policy = on("entra-client-secret-short-lived", "azuread:index/applicationPassword:ApplicationPassword")
    given = {"applicationId": UNKNOWN, **({"endDateRelative": length} if length else {})}
    if says:
        policy.fails(says, **given)
    else:
        policy.passes(**given)


def test_entra_client_secret_unknown_and_by_setting() -> None:
    type_ = "azuread:index/applicationPassword:ApplicationPassword"
    on("entra-client-secret-short-lived", type_).undecided("endDateRelative", endDateRelative=UNKNOWN)
    on("entra-client-secret-short-lived", type_, maxDays=7).fails("over 7 days", endDateRelative="30d")


def test_okta_group_rule_scoped() -> None:
    policy = on("okta-group-rule-scoped", "okta:group/rule:Rule")
    policy.passes(expressionValue='user.department == "Risk"', groupAssignments=UNKNOWN)
    policy.passes(expressionValue='isMemberOfGroupName("risk")')
    policy.passes(expressionValue="true", status="INACTIVE")
    policy.fails("is true: everybody", expressionValue="true", status="ACTIVE")
    policy.fails("is 1 == 1", expressionValue="1 == 1")
    policy.undecided("expressionValue", expressionValue=UNKNOWN)
