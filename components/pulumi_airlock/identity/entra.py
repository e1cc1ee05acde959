"""Microsoft Entra ID: a security group for each declared group, an application for each Airflow role of an environment.

Assignment is required, so that only the assigned groups get a token; no client secret is made: the gateway proves itself by a
certificate or a federated credential, which its own component adds.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi
import pulumi_azuread as azuread

from ..errors import Problems
from .plan import IdentityPlan, Login
from .providers import Made, Order, slug
from .saml import AssignedService, SamlSignOn

_NAMESPACE = uuid.UUID("6f1d2a1c-6f0e-5b0a-9a44-0c6f5d0f7a31")
"""Application roles have ids of our own choice: the same for the same role."""
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
"""The role of an application that declares none (Microsoft Graph, `appRoleAssignment.appRoleId`)."""
NAME_LENGTH = 120
"""Characters of an application's display name (Microsoft Graph, `application.displayName`: 256; the portal shows 120)."""


@dataclass(frozen=True, slots=True)
class Entra:
    """Entra ID as the identity provider. Its credentials come from the provider's own configuration, never from here."""

    kind: ClassVar[str] = "entra"
    managed: ClassVar[bool] = True

    existing_groups: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Groups that somebody else makes (synchronised from a directory, say): name → object id."""
    members: Mapping[str, Sequence[pulumi.Input[str]]] = field(default_factory=dict)
    """Group → object ids of *all* of its members; for groups that are left out, membership is not managed here."""
    owners: Sequence[pulumi.Input[str]] = ()
    """Object ids of who else may manage groups and applications; whoever runs the update without it."""

    def check(self, plan: IdentityPlan, problems: Problems) -> None:
        """Notes what Entra would refuse."""
        for argument, given in (("existing_groups", self.existing_groups), ("members", self.members)):
            for group in given:
                if group not in plan.groups:
                    problems.add(f'provider.{argument}["{group}"]', f"no principal has the group {group!r}")
        for group in self.members:
            if group in self.existing_groups:
                problems.add(f'provider.members["{group}"]', "somebody else makes the group: its members are theirs to say")
        for login in plan.logins:
            if len(_title(login)) > NAME_LENGTH:
                problems.add(f'roles["{login.role}"].name', f"{_title(login)!r} is over {NAME_LENGTH} characters")

    def check_services(self, issuer: str, problems: Problems) -> None:
        """Notes an issuer without a tenant: a gate's sign-on addresses name it."""
        if not tenant_of(issuer):
            problems.add(
                "access.identityProvider.issuer",
                f"{issuer!r} names no tenant: write https://login.microsoftonline.com/<tenant>/v2.0",
            )

    def client(self, login: Login) -> str | None:
        """Entra chooses."""
        return None

    def make(self, order: Order) -> Made:
        """Groups, applications with their enterprise applications, and assignments."""
        groups = self._groups(order)
        clients: dict[str, pulumi.Input[str]] = {}
        owners = list(self.owners) or None
        for login in order.plan.logins:
            key = order.key(login)
            role_id = str(uuid.uuid5(_NAMESPACE, login.key))
            application = azuread.Application(
                key,
                display_name=_title(login),
                prevent_duplicate_names=True,
                sign_in_audience="AzureADMyOrg",
                # Only groups that are assigned, not all that a person is in.
                group_membership_claims=["ApplicationGroup"],
                app_roles=[
                    {
                        "id": role_id,
                        "value": slug(login.role),
                        "display_name": login.role,
                        "description": f"{login.base} of Airflow in {login.environment}",
                        "allowed_member_types": ["User"],
                        "enabled": True,
                    }
                ],
                api={"requested_access_token_version": 2},
                web={
                    "redirect_uris": list(order.callbacks.get(login.environment, ())),
                    "implicit_grant": {"access_token_issuance_enabled": False, "id_token_issuance_enabled": False},
                },
                fallback_public_client_enabled=False,
                owners=owners,
                opts=order.opts,
            )
            enterprise = azuread.ServicePrincipal(
                key,
                client_id=application.client_id,
                app_role_assignment_required=True,
                account_enabled=True,
                owners=owners,
                opts=order.opts,
            )
            for group in login.groups:
                azuread.AppRoleAssignment(
                    f"{key}-{slug(group)}",
                    app_role_id=role_id,
                    principal_object_id=groups[group],
                    resource_object_id=enterprise.object_id,
                    opts=order.opts,
                )
            clients[login.key] = application.client_id
        managed = {group: group not in self.existing_groups for group in order.plan.groups}
        return Made(groups, clients, managed, {one.service.gate: self._saml(order, one, groups) for one in order.services})

    def _saml(self, order: Order, one: AssignedService, groups: Mapping[str, pulumi.Output[str]]) -> SamlSignOn:
        """A gate's enterprise application. Its assertions list the object ids of the assigned groups."""
        service, key = one.service, f"{order.name}-{slug(one.service.gate)}"
        owners = list(self.owners) or None
        application = azuread.Application(
            key,
            display_name=f"Airflow {service.gate}",
            prevent_duplicate_names=True,
            sign_in_audience="AzureADMyOrg",
            identifier_uris=[service.audience],
            group_membership_claims=["ApplicationGroup"],
            optional_claims={"saml2_tokens": [{"name": "groups", "additional_properties": []}]},
            web={
                "redirect_uris": [service.login_url],
                "implicit_grant": {"access_token_issuance_enabled": False, "id_token_issuance_enabled": False},
            },
            fallback_public_client_enabled=False,
            owners=owners,
            opts=order.opts,
        )
        enterprise = azuread.ServicePrincipal(
            key,
            client_id=application.client_id,
            app_role_assignment_required=True,
            account_enabled=True,
            preferred_single_sign_on_mode="saml",
            feature_tags=[{"enterprise": True, "custom_single_sign_on": True}],
            owners=owners,
            opts=order.opts,
        )
        signing = azuread.ServicePrincipalTokenSigningCertificate(
            key, service_principal_id=enterprise.id, display_name=f"CN=Airflow {service.gate}", opts=order.opts
        )
        for group in one.groups:
            azuread.AppRoleAssignment(
                f"{key}-{slug(group)}",
                app_role_id=DEFAULT_ACCESS,
                principal_object_id=groups[group],
                resource_object_id=enterprise.object_id,
                opts=order.opts,
            )
        tenant = tenant_of(order.issuer)
        return SamlSignOn(
            pulumi.Output.from_input(f"https://sts.windows.net/{tenant}/"),
            pulumi.Output.from_input(f"https://login.microsoftonline.com/{tenant}/saml2"),
            signing.value,
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        )

    def _groups(self, order: Order) -> dict[str, pulumi.Output[str]]:
        found: dict[str, pulumi.Output[str]] = {}
        for group in order.plan.groups:
            if group in self.existing_groups:
                found[group] = pulumi.Output.from_input(self.existing_groups[group])
                continue
            who = ", ".join(one.principal for one in order.plan.people if one.group == group)
            made = azuread.Group(
                f"{order.name}-{slug(group)}",
                display_name=group,
                description=f"Airflow: {who}. Made by Airlock.",
                security_enabled=True,
                mail_enabled=False,
                assignable_to_role=False,
                prevent_duplicate_names=True,
                members=list(self.members[group]) if group in self.members else None,
                owners=list(self.owners) or None,
                # Whoever else says who is in it must not be undone by an update.
                opts=order.opts if group in self.members else _others_manage_members(order.opts),
            )
            found[group] = made.object_id
        return found


def _others_manage_members(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["members"]))


def tenant_of(issuer: str) -> str:
    """The tenant in an issuer, `https://login.microsoftonline.com/<tenant>/v2.0`; empty where there is none."""
    path = issuer.removeprefix("https://").split("/")
    return path[1] if len(path) > 2 and path[-1] == "v2.0" else ""


def _title(login: Login) -> str:
    return f"Airflow {login.environment} ({login.role})"
