"""A FortiGate's API users for Airlock, and their key where Pulumi has to renew it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Network, ip_network
from typing import Any

import pulumi

from ...access.model import Access
from ...access.values import duration_text, parse_duration
from ...errors import Problems
from ...gates.fortigate.dialect import Dialect, Sdk, check_sdk
from ...tokens import FORTIGATE_API_TOKEN
from .cadence import period
from .checks import check_users

GENERATE_KEY = "/api/v2/monitor/system/api-user/generate-key"
_MOST_TRUSTED_HOSTS = 10
"""Trusted hosts of an API user (FortiOS CLI Reference; how sure: general knowledge)."""

_PROFILE = {
    "secfabgrp": "none",
    "ftviewgrp": "none",
    "authgrp": "read-write",
    "sysgrp": "custom",
    "netgrp": "custom",
    "loggrp": "custom",
    "fwgrp": "custom",
    "vpngrp": "read-write",
    "utmgrp": "none",
    "wanoptgrp": "none",
    "wifi": "none",
    "cli_config": "disable",
    "cli_diagnose": "disable",
    "cli_exec": "disable",
    "cli_get": "disable",
    "cli_show": "disable",
    "system_diagnostics": "disable",
    "system_execute_ssh": "disable",
    "system_execute_telnet": "disable",
    "admintimeout_override": "disable",
    "scope": "vdom",
}
"""What Airlock's components change on a device, and nothing else. All is said: what is left out keeps the device's value.

`authgrp`: SAML servers and user groups. `vpngrp`: the tunnels. `cli_*` and the execute rights: no use of a shell.
"""
_PERMISSIONS: Mapping[str, Mapping[str, str]] = {
    # admin: renewing the other user's key. cfg: settings such as the policies' time zone are only read.
    "sysgrp_permission": {"admin": "read-write", "cfg": "read", "mnt": "none", "upd": "none"},
    "netgrp_permission": {"cfg": "read-write", "route_cfg": "read-write", "packet_capture": "none"},
    "loggrp_permission": {"config": "read-write", "data_access": "none", "report_access": "none", "threat_weight": "none"},
    "fwgrp_permission": {
        "policy": "read-write",
        "address": "read-write",
        "service": "read-write",
        "schedule": "read-write",
        "others": "none",
    },
}


class FortigateApiToken(pulumi.ComponentResource):
    """Two API users that renew each other's key, with one profile: what Airlock's components change, and nothing else.

    Which way renews the key depends on who can reach the device:

    - *the rotation function* (`Credentials(gates=[FortigateToken(…)])`) where AWS can: it runs by itself, and no key ever stands
      in a state. Then this makes the profile and the users, and nothing more: leave `providers` out.
    - *Pulumi* where only the runner can: give `providers`. The first update in each period renews one user's key through the
      other user, in turn, and nothing changes in between. Somebody has to run an update in every period.

    Both write the same secret, `{"user": …, "token": …}`, so that one can follow the other.

    The first key of each user is made on the device (`execute api-user generate-key <user>`), since a user that has none can ask
    for none.

    How sure: the profile's rights are FortiOS's access groups as its API reference names them; no device was used to try them.

    Args:
        gate: the gate whose token it is, by its component's name.
        access: its `rotation` is the cadence.
        users: the two API users.
        trusted_hosts: the networks that they may come from: the runner, the function's subnets.
        profile: the access profile's name.
        rotate: more often than the access file's `rotation`.
        providers: a provider for each of the users, signed in with that user's key.
        secret_id: the Secrets Manager secret that gets the key, where Pulumi renews it.
        vdom: where the users live, where the device has several.
        today: the day to count periods by; today, in UTC, unless given.
        dialect: `pulumiverse`, or `terraform-provider` for FortiOS 7.4.5 and later; another one makes all resources anew.
        opts: `provider` makes the profile and the users: an administrator's.

    Raises:
        InputError: every problem at once, before anything is registered.
    """

    user: str | None
    """Whose key is the current one; None where the function renews it."""
    token: pulumi.Output[str] | None
    """That key, a secret; None where the function renews it."""
    secret_string: pulumi.Output[str] | None
    """What a secret's version holds: JSON with `user` and `token`, a secret."""

    def __init__(
        self,
        name: str,
        *,
        gate: str,
        access: Access,
        users: tuple[str, str],
        trusted_hosts: Sequence[str],
        profile: str = "airlock",
        rotate: str | None = None,
        providers: tuple[pulumi.ProviderResource, pulumi.ProviderResource] | None = None,
        secret_id: pulumi.Input[str] | None = None,
        vdom: str | None = None,
        today: date | None = None,
        dialect: Dialect = "pulumiverse",
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        cadence = _cadence(access, rotate, providers is not None, problems)
        check_users("users", users, problems)
        hosts = _trusted_hosts(trusted_hosts, problems)
        if not 1 <= len(profile) <= 35:
            problems.add("profile", f"{profile!r}: write 1 to 35 characters")
        if secret_id is not None and providers is None:
            problems.add("secret_id", "the function writes the key that it renews: leave it out, or give providers")
        check_sdk(problems, dialect, opts)
        for position, one in enumerate(providers or ()):
            check_sdk(problems, dialect, pulumi.ResourceOptions(provider=one), f"providers[{position}]")
        problems.raise_any()

        described = {
            "gate": gate,
            "kind": "fortigate",
            "rotate": duration_text(cadence),
            "rotatedBy": "pulumi" if providers else "function",
            "users": list(users),
            "trustedHosts": list(trusted_hosts),
        }
        # Policies need it, and `pulumi preview --json` has no outputs of components.
        super().__init__(FORTIGATE_API_TOKEN, name, described, opts)
        self._sdk = Sdk(dialect)
        made_users = _make_users(self, self._sdk, name, users, profile, hosts, vdom)
        self.user = self.token = self.secret_string = None
        if providers is not None:
            turn = period(today or datetime.now(UTC).date(), cadence)
            self.user = users[turn % 2]
            self.token = self._renew(name, self.user, providers[(turn + 1) % 2], turn, vdom, made_users)
            user = self.user
            self.secret_string = pulumi.Output.secret(self.token.apply(lambda token: json.dumps({"user": user, "token": token})))
            if secret_id is not None:
                self._keep(name, secret_id, self.secret_string)
        self.register_outputs(described)

    def _renew(
        self,
        name: str,
        user: str,
        through: pulumi.ProviderResource,
        turn: int,
        vdom: str | None,
        after: Sequence[pulumi.Resource],
    ) -> pulumi.Output[str]:
        """The user's new key, asked for by the other user; the same request all through a period is no change."""
        answer = self._sdk.json_generic_api(
            f"{name}-key",
            method="POST",
            path=GENERATE_KEY,
            json=json.dumps({"api-user": user}),
            force_recreate=str(turn),
            vdomparam=vdom,
            opts=pulumi.ResourceOptions(
                parent=self, provider=through, depends_on=list(after), additional_secret_outputs=["response"]
            ),
        )
        return pulumi.Output.secret(answer.response.apply(token_of))

    def _keep(self, name: str, secret_id: pulumi.Input[str], value: pulumi.Output[str]) -> None:
        import pulumi_aws as aws  # a stack whose secrets are elsewhere needs no AWS

        opts = pulumi.ResourceOptions(parent=self)
        aws.secretsmanager.SecretVersion(f"{name}-key", secret_id=secret_id, secret_string=value, opts=opts)


def token_of(response: str) -> str:
    """The key in what generate-key answers. RuntimeError, without the answer, where there is none."""
    try:
        token = json.loads(response)["results"]["access_token"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token:
        raise RuntimeError("generate-key did not answer with results.access_token: look at the device's API log")
    return token


def _make_users(
    component: FortigateApiToken,
    sdk: Sdk,
    name: str,
    users: tuple[str, str],
    profile: str,
    hosts: list[dict[str, Any]],
    vdom: str | None,
) -> list[pulumi.Resource]:
    child = pulumi.ResourceOptions(parent=component)
    made = sdk.system_accprofile(
        f"{name}-profile",
        name=profile,
        comments="What Airlock changes. Made by Airlock.",
        vdomparam=vdom,
        opts=child,
        **_PROFILE,
        **{group: dict(rights) for group, rights in _PERMISSIONS.items()},
    )
    return [
        sdk.system_apiuser(
            f"{name}-{user}",
            name=user,
            accprofile=made.name,
            comments="Renews the other one's key, and is renewed by it. Made by Airlock.",
            peer_auth="disable",
            trusthosts=hosts,
            vdoms=[{"name": vdom or "root"}],
            vdomparam=vdom,
            opts=child,
        )
        for user in users
    ]


def _cadence(access: Access, rotate: str | None, by_pulumi: bool, problems: Problems) -> timedelta:
    everything = parse_duration(access.rotation) if access.rotation else None
    try:
        own = parse_duration(rotate) if rotate else None
    except ValueError as error:
        problems.add("rotate", str(error))
        return timedelta(days=1)
    if own and everything and own > everything:
        problems.add("rotate", f"{rotate} is slower than the access file's rotation, {access.rotation}")
    cadence = own or everything
    if cadence is None:
        problems.add("rotate", "nothing says how often the key is renewed: write rotation in the access file, or rotate here")
        return timedelta(days=1)
    if by_pulumi:
        try:
            period(date(1970, 1, 1), cadence)
        except ValueError as error:
            problems.add("rotate", f"{error}: Pulumi renews the key in the first update of a period, so count periods in days")
    return cadence


def _trusted_hosts(hosts: Sequence[str], problems: Problems) -> list[dict[str, Any]]:
    """Trusted hosts as FortiOS reads them back: a network and its mask."""
    found = []
    if not hosts:
        problems.add("trusted_hosts", "from everywhere: name the networks that the runner and the rotation function come from")
    if len(hosts) > _MOST_TRUSTED_HOSTS:
        problems.add("trusted_hosts", f"{len(hosts)}: an API user has at most {_MOST_TRUSTED_HOSTS}")
    for position, text in enumerate(hosts):
        path = f"trusted_hosts[{position}]"
        try:
            network = ip_network(text)
        except ValueError as error:
            problems.add(path, f"{text!r} is no network: {error}")
            continue
        if network.prefixlen < (8 if isinstance(network, IPv4Network) else 32):
            problems.add(path, f"{text} is open to the world: write the networks that the runner and the function come from")
        if isinstance(network, IPv4Network):
            mask = f"{network.network_address} {network.netmask}"
            found.append({"id": position + 1, "type": "ipv4-trusthost", "ipv4_trusthost": mask})
        else:
            found.append({"id": position + 1, "type": "ipv6-trusthost", "ipv6_trusthost": str(network)})
    return found
