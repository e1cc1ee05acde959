"""What differs between the stacks, read from `Pulumi.<stack>.yaml` and checked whole: every mistake is told at once."""

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi_airlock.errors import InputError, Problem
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

HERE = Path(__file__).parent


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Environment(_Settings):
    """One desk's Airflow: its two private subnets and its size."""

    subnets: tuple[str, str]
    environment_class: str
    max_workers: int
    min_workers: int = 1


class Network(_Settings):
    """The VPC that all environments share."""

    cidr: str
    availability_zones: tuple[str, str]
    endpoint_cidrs: tuple[str, str]


class Vpn(_Settings):
    """The tunnels between the VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int = 64512
    inside_cidrs: tuple[str, str]


class Fortigate(_Settings):
    """The FortiGate at the edge of the bank's network."""

    hostname: str
    timezone: str
    wan_interface: str
    people_interface: str
    tunnel_zone: str
    """The zone that the tunnels' interfaces are put in."""
    interfaces: dict[str, str]
    """Zone of the access file → the interface that leads to it."""
    portal: str
    """Where people sign in at it."""
    idp_certificate: str
    """The name that it has for the identity provider's certificate."""
    api_users: tuple[str, str]
    """They renew each other's key."""
    trusted_hosts: tuple[str, ...]
    """Networks that the API users may come from."""


class Siem(_Settings):
    """The one SIEM that everything logs to."""

    name: str
    syslog_host: str
    splunk_url: str
    splunk_index: str
    token_secret_arn: str
    """The HEC token, in Secrets Manager."""


class Function(_Settings):
    """A rotation function that somebody else runs."""

    function_arn: str
    role_arn: str


class TokenService(_Settings):
    """An HTTPS service that issues the next token to whoever shows the present one."""

    issue_url: str
    test_url: str


class Credentials(_Settings):
    """Who rotates what, and who hears of it when that fails."""

    alarm_topic_arn: str
    vault_ttl: str
    """How long Vault's leases live."""
    functions: dict[str, Function]
    token_services: dict[str, TokenService]
    administrators: tuple[str, ...]
    """Roles that may read every secret."""
    subnets: tuple[str, ...]
    """Where the rotation function runs: subnets of the platform's, from which the FortiGate can be reached."""
    security_groups: tuple[str, ...]


class AppConnectors(_Settings):
    """Where a zone's App Connectors stand."""

    location: str
    latitude: float
    longitude: float
    country_code: str
    cidrs: tuple[str, ...]


class Zpa(_Settings):
    """The ZPA tenant."""

    identity_provider: str
    posture: str
    """The posture profile that everybody's device must satisfy."""
    connectors: dict[str, AppConnectors]
    """Zone of the access file → its App Connectors."""
    cloud_connectors: dict[str, str]
    """Environment → its Cloud Connector group."""
    cloud_connector_endpoint: str
    """The Gateway Load Balancer endpoint in front of the Cloud Connectors."""
    logs_by: str
    """The zone whose App Connectors reach the SIEM."""


class Ports(_Settings):
    """The dedicated proxy port of each component of an environment."""

    scheduler: int
    worker: int
    webserver: int


class Zia(_Settings):
    """The ZIA tenant."""

    proxy: str
    cidrs: tuple[str, ...]
    """The proxy's addresses, which the tunnel leads to."""
    nodes: tuple[str, ...]
    """The VPN addresses of Zscaler's data centres."""
    ports: dict[str, Ports]
    country: str
    time_zone: str


class Zscaler(_Settings):
    """Both of them, and their API clients."""

    vanity_domain: str
    api_clients: dict[str, str]
    """Gate → the id of its API client; the first one manages both."""
    zpa: Zpa
    zia: Zia


class Settings(_Settings):
    """A stack's settings."""

    access: str
    owner: str
    airflow_version: str
    log_retention_days: int
    log_key_arn: str
    """The KMS key of the bank's log archive; its policy lets CloudWatch Logs use it."""
    protect_data: bool
    """Whether an update may delete the environments' keys and buckets."""
    network: Network
    environments: dict[str, Environment]
    vpn: Vpn
    fortigate: Fortigate
    sign_in_url: str
    """Where the identity provider sends people back to: `{environment}` stands for the environment."""
    siem: Siem
    credentials: Credentials
    zscaler: Zscaler | None = None

    @property
    def access_file(self) -> Path:
        """The stack's access file."""
        return HERE / self.access


def load_settings() -> Settings:
    """The settings of the stack that is running. InputError with every problem, each by its config key."""
    config = pulumi.Config("airlock")
    given: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        key = field.alias or name
        value = config.get(key)
        if value is not None:
            given[key] = _parsed(value)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        place = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise InputError(
            Problem(place, "airlock:" + ".".join(map(str, one["loc"])), _told(one["type"], one["msg"], one["input"]))
            for one in error.errors()
        ) from None


def _told(kind: str, message: str, value: Any) -> str:
    return "is missing" if kind == "missing" else f"{message} (found {value!r})"


def _parsed(value: str) -> Any:
    """A structured value reaches the program as JSON, a plain one as text."""
    return json.loads(value) if value[:1] in ("{", "[") else value
