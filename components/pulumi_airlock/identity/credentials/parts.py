"""What a program says about its credentials, part by part: who rotates a secret, whose token a gate uses, where a database is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .rotation_function.service import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtRotator:
    """A rotation function of yours: AWS ships some for databases (serverless application `SecretsManagerRDS…RotationMultiUser`).

    It must keep the credential before valid until readers have the new one: of two users that take turns, or of two keys.
    Its own alarms are yours; whether the secret is overdue is watched here all the same.

    Args:
        function_arn: the function; `secretsmanager.amazonaws.com` must be allowed to invoke it.
        role_arn: its role, which may read the secret beside those whom it is for.
    """

    function_arn: pulumi.Input[str]
    role_arn: pulumi.Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """A token of an HTTPS service that issues the next one to whoever shows the present one.

    Args:
        issue_url: POST; answers JSON with the new token. The present one must stay valid.
        test_url: GET; answers 401 or 403 to a token that does not hold.
        revoke_url: POST `{"token": …}`, where a token does not end by itself.
        token_field: where the answer has the token.
        initial: the secret's first value, JSON with `token`; see `Credentials`.
    """

    issue_url: str
    test_url: str
    revoke_url: str | None = None
    token_field: str = "token"  # noqa: S105  # a field's name
    initial: pulumi.Input[str] | None = None

    def settings(self) -> Settings:
        """What the rotation function is told."""
        urls = {"issue_url": self.issue_url, "test_url": self.test_url, "revoke_url": self.revoke_url}
        return {"kind": "token-endpoint", **_given(urls), "token_field": self.token_field}

    def urls(self) -> dict[str, str]:
        """Its addresses, by argument."""
        return _given({"issue_url": self.issue_url, "test_url": self.test_url, "revoke_url": self.revoke_url})


@dataclass(frozen=True, slots=True, kw_only=True)
class FortigateToken:
    """The API key of a FortiGate gate: two API users that renew each other's (`FortigateApiToken` makes them).

    Args:
        gate: the gate's name.
        url: the device, `https://fw.example:8443`.
        users: the two API users.
        vdom: where they live, where the device has several.
        rotate: more often than the access file's `rotation`.
        initial: the secret's first value, JSON with `user` and `token`; see `Credentials`.
    """

    gate: str
    url: str
    users: tuple[str, str]
    vdom: str | None = None
    rotate: str | None = None
    initial: pulumi.Input[str] | None = None

    def settings(self) -> Settings:
        """What the rotation function is told."""
        return {"kind": "fortigate", "url": self.url, "users": list(self.users), **_given({"vdom": self.vdom})}

    def urls(self) -> dict[str, str]:
        """Its addresses, by argument."""
        return {"url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZscalerToken:
    """The secret of a gate's API client at Zscaler (ZPA and ZIA alike, through OneAPI).

    Args:
        gate: the gate's name.
        vanity_domain: the tenant's, `bank` of `https://bank.zslogin.net`.
        api_client: the API client's id in ZIdentity (not the client id that it signs in with).
        cloud: of a tenant that is not in production (`beta`).
        manager: the gate whose API client may manage API clients; without it this one manages itself.
        rotate: more often than the access file's `rotation`.
        initial: the secret's first value, JSON with `client_id`, `client_secret`, `secret_id`; see `Credentials`.
    """

    gate: str
    vanity_domain: str
    api_client: str
    cloud: str | None = None
    manager: str | None = None
    rotate: str | None = None
    initial: pulumi.Input[str] | None = None

    def settings(self) -> Settings:
        """What the rotation function is told; `manager` is a gate's name in here."""
        urls = self.urls()
        return {"kind": "zscaler", **urls, "api_client": self.api_client, **_given({"manager": self.manager})}

    def urls(self) -> dict[str, str]:
        """Its addresses (how sure: Zscaler's public SDK builds them so)."""
        cloud = self.cloud or ""
        return {
            "token_url": f"https://{self.vanity_domain}.zslogin{cloud}.net/oauth2/v1/token",
            "api_url": f"https://api.{cloud}{'.' if cloud else ''}zsapi.net",
        }


GateToken = FortigateToken | ZscalerToken
Rotator = BroughtRotator | TokenEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class RdsDatabase:
    """A database with IAM authentication: `resource_id` is RDS's `db-…` or `cluster-…`, `user` the one database user."""

    resource_id: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultLease:
    """How long what Vault issues lives, as its role there says (`default_ttl`, `max_ttl`), in the access file's form (`1h`).

    Vault is not asked: what is declared here is recorded, and held against sessions and cadence.
    """

    ttl: str
    max_ttl: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionNetwork:
    """Where the rotation function runs when it must reach private addresses.

    There it needs interface endpoints (`secretsmanager`, `monitoring`, `logs`, `kms`, `sqs`) or a NAT gateway.
    """

    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]


def _given(fields: dict[str, str | None]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
