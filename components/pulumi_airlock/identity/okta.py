"""Okta: a group for each declared group, a client for each Airflow role of an environment, assignments, and nothing by itself.

Membership is the identity team's: groups are made empty, and who is in them is left alone, unless `members` says it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi
import pulumi_okta as okta

from ..errors import Problems
from .plan import CLIENT_ID, IdentityPlan, Login
from .providers import Made, Order, slug
from .saml import AssignedService, SamlSignOn

_SPECIAL = re.compile(r"([.^$*+?{}\[\]\\|()])")
_ESCAPED = r"\\\1"


@dataclass(frozen=True, slots=True)
class Okta:
    """Okta as the identity provider. Its API credentials come from the provider's own configuration, never from here."""

    kind: ClassVar[str] = "okta"
    managed: ClassVar[bool] = True

    existing_groups: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Groups that somebody else makes (a directory's, say): name → id."""
    members: Mapping[str, Sequence[pulumi.Input[str]]] = field(default_factory=dict)
    """Group → ids of *all* of its users; for groups that are left out, membership is not managed here."""
    jwks_uri: str | None = None
    """Where the gateway publishes its public keys: its clients then sign (`private_key_jwt`) and have no secret at all."""
    authentication_policy: pulumi.Input[str] | None = None
    """Id of the sign-on policy of all clients (one that demands MFA); Okta's default without it."""

    def check(self, plan: IdentityPlan, problems: Problems) -> None:
        """Notes what Okta would refuse."""
        for argument, given in (("existing_groups", self.existing_groups), ("members", self.members)):
            for group in given:
                if group not in plan.groups:
                    problems.add(f'provider.{argument}["{group}"]', f"no principal has the group {group!r}")
        for login in plan.logins:
            if not CLIENT_ID.fullmatch(login.client):
                problems.add(
                    f'roles["{login.role}"].name',
                    f"the client would be {login.client!r}: Okta takes 6 to 100 letters, digits and $-_.+!*'(),",
                )
        if self.jwks_uri is not None and not self.jwks_uri.startswith("https://"):
            problems.add("provider.jwks_uri", f"{self.jwks_uri!r}: keys are fetched over https alone")

    def check_services(self, issuer: str, problems: Problems) -> None:
        """Notes nothing: any organisation of Okta makes SAML applications."""

    def client(self, login: Login) -> str | None:
        """The one of our own choice."""
        return login.client

    def make(self, order: Order) -> Made:
        """Groups, clients and assignments."""
        groups = self._groups(order)
        clients: dict[str, pulumi.Input[str]] = {}
        for login in order.plan.logins:
            key = order.key(login)
            client = okta.app.OAuth(
                key,
                label=f"Airflow {login.environment} ({login.role})",
                # Of our own choice, so that what trusts it is known before it is there.
                client_id=login.client,
                type="web",
                grant_types=["authorization_code"],
                response_types=["code"],
                redirect_uris=list(order.callbacks.get(login.environment, ())),
                wildcard_redirect="DISABLED",
                pkce_required=True,
                token_endpoint_auth_method="private_key_jwt" if self.jwks_uri else "client_secret_basic",
                jwks_uri=self.jwks_uri,
                # The secret stays at Okta; none is in the stack's state.
                omit_secret=True,
                # Only who is assigned gets in: with it, everybody would.
                implicit_assignment=False,
                accessibility_self_service=False,
                login_mode="DISABLED",
                hide_ios=True,
                hide_web=True,
                groups_claim={"type": "FILTER", "filter_type": "REGEX", "name": "groups", "value": exactly(login.groups)},
                authentication_policy=self.authentication_policy,
                status="ACTIVE",
                opts=order.opts,
            )
            clients[login.key] = client.client_id
            for group in login.groups:
                okta.app.GroupAssignment(f"{key}-{slug(group)}", app_id=client.id, group_id=groups[group], opts=order.opts)
        managed = {group: group not in self.existing_groups for group in order.plan.groups}
        return Made(groups, clients, managed, {one.service.gate: self._saml(order, one, groups) for one in order.services})

    def _saml(self, order: Order, one: AssignedService, groups: Mapping[str, pulumi.Output[str]]) -> SamlSignOn:
        """A gate's application: response and assertion signed, no groups but those that are assigned."""
        service, key = one.service, f"{order.name}-{slug(one.service.gate)}"
        made = okta.app.Saml(
            key,
            label=f"Airflow {service.gate}",
            sso_url=service.login_url,
            recipient=service.login_url,
            destination=service.login_url,
            audience=service.audience,
            subject_name_id_template="${user.userName}",
            subject_name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            response_signed=True,
            assertion_signed=True,
            signature_algorithm="RSA_SHA256",
            digest_algorithm="SHA256",
            honor_force_authn=True,
            authn_context_class_ref="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            attribute_statements=[
                {"type": "EXPRESSION", "name": service.user_attribute, "values": ["user.login"]},
                {"type": "GROUP", "name": service.group_attribute, "filter_type": "REGEX", "filter_value": exactly(one.groups)},
            ],
            implicit_assignment=False,
            accessibility_self_service=False,
            hide_ios=True,
            hide_web=True,
            authentication_policy=self.authentication_policy,
            status="ACTIVE",
            opts=order.opts,
        )
        for group in one.groups:
            okta.app.GroupAssignment(f"{key}-{slug(group)}", app_id=made.id, group_id=groups[group], opts=order.opts)
        return SamlSignOn(
            made.entity_url, made.http_post_binding, made.certificate, service.user_attribute, service.group_attribute
        )

    def _groups(self, order: Order) -> dict[str, pulumi.Output[str]]:
        found: dict[str, pulumi.Output[str]] = {}
        for group in order.plan.groups:
            if group in self.existing_groups:
                found[group] = pulumi.Output.from_input(self.existing_groups[group])
            else:
                who = ", ".join(one.principal for one in order.plan.people if one.group == group)
                made = okta.group.Group(
                    f"{order.name}-{slug(group)}", name=group, description=f"Airflow: {who}. Made by Airlock.", opts=order.opts
                )
                found[group] = made.id
            if group in self.members:
                okta.GroupMemberships(
                    f"{order.name}-{slug(group)}-members",
                    group_id=found[group],
                    users=list(self.members[group]),
                    track_all_users=True,
                    opts=order.opts,
                )
        return found


def exactly(names: Sequence[str]) -> str:
    """A regular expression that matches these names alone."""
    return f"^({'|'.join(_SPECIAL.sub(_ESCAPED, name) for name in names)})$"
