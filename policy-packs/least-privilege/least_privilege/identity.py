"""Policies on the identity provider: who gets a token of which client, and how long secrets live."""

import re
from datetime import timedelta
from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, setting, undecided, wrong

OKTA_OIDC = "okta:app/oAuth:OAuth"
OKTA_SAML = "okta:app/saml:Saml"
OKTA_RULE = "okta:group/rule:Rule"
ENTRA_APPLICATION = "azuread:index/application:Application"
ENTRA_ENTERPRISE = "azuread:index/servicePrincipal:ServicePrincipal"
ENTRA_GROUP = "azuread:index/group:Group"
ENTRA_PASSWORD = "azuread:index/applicationPassword:ApplicationPassword"  # noqa: S105  # a type's token

_OKTA = "https://developer.okta.com/docs/concepts/oauth-openid/"
_ENTRA = "https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration"


# Clients of the identity provider


def _close_okta(it: Subject, properties: dict[str, Any]) -> None:
    properties["implicitAssignment"] = False
    properties["accessibilitySelfService"] = False


@resource_policy(
    "okta-app-assigned-only",
    types=(OKTA_OIDC, OKTA_SAML),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Set `implicitAssignment` and `accessibilitySelfService` to false, and assign the groups that are meant.",
    url="https://help.okta.com/en-us/content/topics/apps/apps-fbm-main.htm",
    remedy=_close_okta,
)
def okta_app_assigned_only(it: Subject) -> Findings:
    """An application of Okta lets in who is assigned, and nobody assigns themselves."""
    for prop, says in (
        ("implicitAssignment", "lets everybody in"),
        ("accessibilitySelfService", "lets people assign themselves"),
    ):
        value = it.get(prop, default=False)
        if value is UNKNOWN:
            yield undecided(it, prop)
        elif value:
            yield wrong(it, prop, says)


@resource_policy(
    "okta-app-code-flow",
    types=(OKTA_OIDC,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Use the authorization code flow with PKCE: `grantTypes: [authorization_code]`, `pkceRequired: true`.",
    url=_OKTA,
)
def okta_app_code_flow(it: Subject) -> Findings:
    """People sign in by the code flow with PKCE: no token in an address, no password in an application."""
    for path, grant in it.items("grantTypes"):
        if grant is UNKNOWN:
            yield undecided(it, path)
        elif grant in ("implicit", "password"):
            yield wrong(it, path, f"is {grant}")
    pkce: Any = it.get("pkceRequired")
    if pkce is UNKNOWN:
        yield undecided(it, "pkceRequired")
    # Machines' own clients have no code that could be stolen; Okta's default for these two types is to demand it.
    elif pkce is not True and it.get("type") not in ("service", "browser", "native"):
        yield wrong(it, "pkceRequired", "is off")


@resource_policy(
    "identity-redirect-exact",
    types=(OKTA_OIDC, ENTRA_APPLICATION),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Write each redirect address out, with https://; set `wildcardRedirect: DISABLED`.",
    url="https://datatracker.ietf.org/doc/html/rfc9700#section-2.1",
)
def redirect_exact(it: Subject) -> Findings:
    """Codes are sent to exact addresses over TLS (RFC 9700, 2.1); this host alone may do without it."""
    paths = ("redirectUris",) if it.kind == OKTA_OIDC else ("web", "redirectUris")
    for path, address in it.items(*paths):
        if address is UNKNOWN:
            yield undecided(it, path)
        elif "*" in str(address):
            yield wrong(it, path, f"is {address}: any address like it may ask for a code")
        elif re.match(r"http://(?!localhost[:/]|127\.0\.0\.1[:/]|\[::1\][:/])", f"{address}/"):
            yield wrong(it, path, f"is {address}, without TLS")
    wildcard = it.get("wildcardRedirect", default="DISABLED")
    if wildcard is UNKNOWN:
        yield undecided(it, "wildcardRedirect")
    elif wildcard != "DISABLED":
        yield wrong(it, "wildcardRedirect", f"is {wildcard}")


def _omit(it: Subject, properties: dict[str, Any]) -> None:
    properties["omitSecret"] = True


@resource_policy(
    "okta-app-secret-not-in-state",
    types=(OKTA_OIDC,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Use `tokenEndpointAuthMethod: private_key_jwt` with `jwksUri`; or set `omitSecret: true`: Okta keeps the secret.",
    url="https://developer.okta.com/docs/guides/implement-oauth-for-okta/main/",
    remedy=_omit,
)
def okta_secret_not_in_state(it: Subject) -> Findings:
    """A client's secret stays at Okta: it does not end up in the stack's state, where it never expires."""
    method: Any = it.get("tokenEndpointAuthMethod", default="client_secret_basic")
    omitted: Any = it.get("omitSecret", default=False)
    if method is not UNKNOWN and not str(method).startswith("client_secret"):
        return
    if omitted is UNKNOWN or (method is UNKNOWN and omitted is not True):
        yield undecided(it, "omitSecret" if omitted is UNKNOWN else "tokenEndpointAuthMethod")
    elif omitted is not True:
        yield wrong(it, "omitSecret", "is off")


def _no_implicit(it: Subject, properties: dict[str, Any]) -> None:
    web = properties.setdefault("web", {})
    web["implicitGrant"] = {"accessTokenIssuanceEnabled": False, "idTokenIssuanceEnabled": False}


@resource_policy(
    "entra-app-no-implicit-grant",
    types=(ENTRA_APPLICATION,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Turn both of `web.implicitGrant` off, and use the authorization code flow with PKCE.",
    url=_ENTRA,
    remedy=_no_implicit,
)
def entra_no_implicit_grant(it: Subject) -> Findings:
    """Entra hands no token out in an address."""
    for prop in ("accessTokenIssuanceEnabled", "idTokenIssuanceEnabled"):
        value = it.get("web", "implicitGrant", prop, default=False)
        if value is UNKNOWN:
            yield undecided(it, f"web.implicitGrant.{prop}")
        elif value:
            yield wrong(it, f"web.implicitGrant.{prop}", "is on")


def _one_tenant(it: Subject, properties: dict[str, Any]) -> None:
    properties["signInAudience"] = "AzureADMyOrg"


@resource_policy(
    "entra-app-single-tenant",
    types=(ENTRA_APPLICATION,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Set `signInAudience: AzureADMyOrg`.",
    url=_ENTRA,
    remedy=_one_tenant,
)
def entra_single_tenant(it: Subject) -> Findings:
    """An application lets in people of this tenant alone."""
    audience = it.get("signInAudience", default="AzureADMyOrg")
    if audience is UNKNOWN:
        yield undecided(it, "signInAudience")
    elif audience != "AzureADMyOrg":
        yield wrong(it, "signInAudience", f"is {audience}: people of other tenants sign in")


def _demand_assignment(it: Subject, properties: dict[str, Any]) -> None:
    properties["appRoleAssignmentRequired"] = True


@resource_policy(
    "entra-app-assignment-required",
    types=(ENTRA_ENTERPRISE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Set `appRoleAssignmentRequired: true`, and assign the groups that are meant.",
    url="https://learn.microsoft.com/entra/identity-platform/howto-restrict-your-app-to-a-set-of-users",
    remedy=_demand_assignment,
)
def entra_assignment_required(it: Subject) -> Findings:
    """An enterprise application gives tokens to who is assigned, not to the whole tenant."""
    required: Any = it.get("appRoleAssignmentRequired", default=False)
    if required is UNKNOWN:
        yield undecided(it, "appRoleAssignmentRequired")
    elif required is not True:
        yield wrong(it, "appRoleAssignmentRequired", "is off: everybody of the tenant gets in")


def _unique(it: Subject, properties: dict[str, Any]) -> None:
    properties["preventDuplicateNames"] = True


@resource_policy(
    "entra-group-unique-name",
    types=(ENTRA_GROUP,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_3,
    fix="Set `preventDuplicateNames: true`: other systems know groups by name.",
    url="https://learn.microsoft.com/entra/fundamentals/concept-learn-about-groups",
    remedy=_unique,
)
def entra_group_unique_name(it: Subject) -> Findings:
    """No second group has the name of one: whoever makes it would have its rights where names decide."""
    unique: Any = it.get("preventDuplicateNames", default=False)
    if unique is UNKNOWN:
        yield undecided(it, "preventDuplicateNames")
    elif unique is not True:
        yield wrong(it, "preventDuplicateNames", "is off")


_RELATIVE = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _length(text: str) -> timedelta | None:
    """The length of `4320h` (Go's durations); None where it is none."""
    found = _RELATIVE.fullmatch(text)
    if not text or found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@resource_policy(
    "entra-client-secret-short-lived",
    types=(ENTRA_PASSWORD,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Use a certificate or a federated credential; or set `endDateRelative` to a few weeks, and `rotateWhenChanged`.",
    url=_ENTRA,
    settings={"maxDays": setting("Days that a client's secret may live.", 90)},
)
def entra_client_secret_short_lived(it: Subject) -> Findings:
    """A client's secret lives no longer than it takes to rotate it; Entra's own default is two years."""
    relative: Any = it.get("endDateRelative")
    if relative is UNKNOWN:
        yield undecided(it, "endDateRelative")
        return
    length = _length(str(relative)) if relative is not None else None
    if length is None:
        yield wrong(it, "endDateRelative", "is not set: the secret lives for two years, or until a date that only moves by hand")
    elif length > timedelta(days=float(it.config["maxDays"])):
        yield wrong(it, "endDateRelative", f"is {relative}, over {it.config['maxDays']:g} days")


@resource_policy(
    "okta-group-rule-scoped",
    types=(OKTA_RULE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix='Let the rule ask something of the person (`user.department == "Risk"`), or assign people by hand.',
    url="https://help.okta.com/en-us/content/topics/users-groups-profiles/usgp-about-group-rules.htm",
)
def okta_group_rule_scoped(it: Subject) -> Findings:
    """A rule that fills a group asks something of the person: one that is always true lets everybody in."""
    if it.get("status", default="ACTIVE") == "INACTIVE":
        return
    expression: Any = it.get("expressionValue", default="")
    if expression is UNKNOWN:
        yield undecided(it, "expressionValue")
    elif not re.search(r"\buser\b|\bisMemberOf", str(expression)):
        yield wrong(it, "expressionValue", f"is {expression or 'empty'}: everybody is put into the group")
