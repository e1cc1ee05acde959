"""Simulated types of Okta and Entra ID (see `simulated_types`)."""

from collections.abc import Mapping
from typing import Any

from .simulation import Simulated

_UUID = "{hex8}-{hex4.a}-4{hex3.b}-a{hex3.c}-{hex12.d}"


def _okta(kind: str, outputs: Mapping[str, Any] | None = None, forces: str = "", secret: str = "") -> Simulated:
    """An object of Okta: twenty characters, the first three of which tell its kind."""
    return Simulated(f"{kind}{{hex17}}", outputs or {}, frozenset(forces.split()), secret=frozenset(secret.split()))


OKTA: Mapping[str, Simulated] = {
    "okta:group/group:Group": _okta("00g"),
    "okta:group/rule:Rule": _okta("0pr", {"status": "ACTIVE"}),
    "okta:index/groupMemberships:GroupMemberships": Simulated("{in.groupId}", {}, frozenset(("groupId",))),
    "okta:app/oAuth:OAuth": _okta(
        "0oa",
        {
            "clientId": "0oa{hex17}",
            "clientSecret": "{hex40.secret}",
            "name": "oidc_client",
            "signOnMode": "OPENID_CONNECT",
            "status": "ACTIVE",
        },
        "clientId type",
        "clientSecret",
    ),
    "okta:app/saml:Saml": _okta(
        "0oa",
        {
            "entityKey": "{hex20.entity}",
            "entityUrl": "http://www.okta.com/{hex20.entity}",
            "httpPostBinding": "https://simulated.okta.example/app/{hex20.entity}/sso/saml",
            "metadata": "<EntityDescriptor/>",
            "certificate": "simulated",
            "signOnMode": "SAML_2_0",
        },
    ),
    "okta:app/groupAssignment:GroupAssignment": Simulated("{in.groupId}", {}, frozenset(("appId", "groupId"))),
    "okta:index/appGroupAssignments:AppGroupAssignments": Simulated("{in.appId}", {}, frozenset(("appId",))),
    "okta:auth/server:Server": _okta("aus", {"issuer": "https://simulated.okta.example/oauth2/{out.id}", "status": "ACTIVE"}),
    "okta:auth/serverClaim:ServerClaim": _okta("ocl", {"status": "ACTIVE"}, "authServerId"),
    "okta:index/appSignonPolicy:AppSignonPolicy": _okta("rst"),
}
"""Every simulated type of Okta, by its token."""

ENTRA: Mapping[str, Simulated] = {
    "azuread:index/group:Group": Simulated(
        "/groups/" + _UUID, {"objectId": _UUID, "mailNickname": "{hex9}"}, frozenset(("assignableToRole", "types"))
    ),
    "azuread:index/groupWithoutMembers:GroupWithoutMembers": Simulated("/groups/" + _UUID, {"objectId": _UUID}),
    "azuread:index/groupMember:GroupMember": Simulated(
        "{in.groupObjectId}/member/{in.memberObjectId}", {}, frozenset(("groupObjectId", "memberObjectId"))
    ),
    "azuread:index/application:Application": Simulated(
        "/applications/" + _UUID,
        {"objectId": _UUID, "clientId": "{hex8.e}-{hex4.f}-4{hex3.g}-a{hex3.h}-{hex12.i}"},
        frozenset(("templateId",)),
    ),
    "azuread:index/applicationPassword:ApplicationPassword": Simulated(
        _UUID,
        {"keyId": _UUID, "value": "{hex40.secret}"},
        frozenset(("applicationId", "endDate", "startDate")),
        secret=frozenset(("value",)),
    ),
    "azuread:index/servicePrincipal:ServicePrincipal": Simulated(
        "/servicePrincipals/" + _UUID, {"objectId": _UUID}, frozenset(("clientId",))
    ),
    "azuread:index/servicePrincipalTokenSigningCertificate:ServicePrincipalTokenSigningCertificate": Simulated(
        _UUID,
        {"keyId": _UUID, "thumbprint": "{upper40}", "value": "simulated", "startDate": "2026-01-01T00:00:00Z"},
        frozenset(("servicePrincipalId", "displayName", "endDate")),
    ),
    "azuread:index/appRoleAssignment:AppRoleAssignment": Simulated(
        "/servicePrincipals/{in.resourceObjectId}/appRoleAssignedTo/{hex43}",
        {},
        frozenset(("appRoleId", "principalObjectId", "resourceObjectId")),
    ),
}
"""Every simulated type of Entra ID, by its token."""

_AT_AWS: Mapping[str, Simulated] = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Simulated(
        "arn:aws:iam::{account}:oidc-provider/{hex20}", {"arn": "{out.id}", "tagsAll": "{in.tags}"}, frozenset(("url",))
    ),
}
"""AWS's entry for a provider: its real ARN ends in the issuer."""

IDENTITY: Mapping[str, Simulated] = {**OKTA, **ENTRA, **_AT_AWS}
"""Every simulated type of an identity provider."""
