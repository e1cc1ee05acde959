"""The resources by which people sign in: the SAML server, a user group for each group, and the VDOM's setting that makes them."""

from collections.abc import Callable, Iterable
from typing import Any

import pulumi

from .dialect import Sdk
from .people import SamlIdentity, shortest
from .plan import Plan, Site


class SignIn:
    """What the policies of people need: their user groups, and whatever has to be there before them."""

    def __init__(
        self,
        name: str,
        identity: SamlIdentity,
        plan: Plan,
        site: Site,
        vdom: str | None,
        sdk: Sdk,
        opts: Callable[[Iterable[Any]], pulumi.ResourceOptions],
    ) -> None:
        self._vdom, self._sdk, self._opts = vdom, sdk, opts
        self.server = self._saml(f"{name}-idp", identity, site)
        self.groups = {
            one.name: sdk.user_group(
                f"{name}-{one.name.removeprefix(site.prefix)}",
                name=one.name,
                group_type="firewall",
                members=[{"name": self.server.name}],
                # Without a match, whoever can sign in at all is in the group.
                matches=[{"server_name": self.server.name, "group_name": identity.value_of(one.group)}],
                authtimeout=one.minutes,
                vdomparam=vdom,
                opts=opts([]),
            )
            for one in plan.user_groups.values()
        }
        minutes = shortest(plan.user_groups, identity)
        self.before = [self._setting(f"{name}-sign-in", identity, minutes)] if identity.settings else []
        """What policies of people wait for: without it, those who have not signed in fall through to later policies."""

    def _saml(self, key: str, identity: SamlIdentity, site: Site) -> Any:
        return self._sdk.user_saml(
            key,
            name=identity.server_name(site.prefix),
            entity_id=identity.metadata_url,
            single_sign_on_url=identity.login_url,
            single_logout_url=identity.logout_url,
            idp_entity_id=identity.idp_entity_id,
            idp_single_sign_on_url=identity.idp_single_sign_on_url,
            idp_single_logout_url=identity.idp_single_logout_url,
            idp_cert=identity.idp_certificate,
            cert=identity.certificate,
            user_name=identity.user_attribute,
            group_name=identity.group_attribute,
            # The default was sha1 for long (sha256 in the CLI reference of 8.0).
            digest_method="sha256",
            clock_tolerance=identity.clock_tolerance,
            limit_relaystate="disable",
            adfs_claim="disable",
            vdomparam=self._vdom,
            opts=self._opts([]),
        )

    def _setting(self, key: str, identity: SamlIdentity, minutes: int) -> Any:
        return self._sdk.user_setting(
            key,
            # `implicitly`, the default, asks people to sign in only where no later policy takes their traffic.
            auth_on_demand="always",
            auth_timeout=minutes,
            # The default counts idle time alone: a sign-in would last as long as somebody goes on.
            auth_timeout_type="hard-timeout",
            auth_type="http https",
            auth_secure_http="enable",
            auth_http_basic="disable",
            auth_ssl_allow_renegotiation="disable",
            auth_cert=identity.portal_certificate,
            vdomparam=self._vdom,
            opts=self._opts([]),
        )
