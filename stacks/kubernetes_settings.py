"""What differs between the stacks on Kubernetes, read from `Pulumi.<stack>.yaml` and checked whole."""

import json
from pathlib import Path
from typing import Any, Literal

import pulumi
from pulumi_airlock.errors import InputError, Problem
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

HERE = Path(__file__).parent


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Cluster(_Settings):
    """The cluster, which somebody else runs."""

    name: str
    cni: str
    pods: tuple[str, ...]
    services: tuple[str, ...]
    api_server: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    vpc_id: str | None = None
    """The VPC of a cluster that a VPN leads to."""
    project: str | None = None
    """The Google project of a cluster on GKE; without it the cluster is one of EKS."""


class Peer(_Settings):
    """A workload of somebody else's that is a destination."""

    namespace: str
    service_account: str
    labels: dict[str, str]
    services: dict[str, dict[int, int]]


class Airflow(_Settings):
    """The environment."""

    airflow_version: str
    chart_version: str
    image: str
    digest: str
    pods: tuple[str, ...]
    """Where its pods alone have their addresses."""
    database_cidrs: tuple[str, ...]
    logs: str
    identities: dict[str, str]
    """Principal → the AWS role, or the Google service account, of its tasks."""


class Vpn(_Settings):
    """The tunnels between the cluster's VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int
    inside_cidrs: tuple[str, str]


class Fortigate(_Settings):
    """The FortiGate at the edge of the bank's network."""

    hostname: str
    timezone: str
    wan_interface: str
    tunnel_zone: str
    interfaces: dict[str, str]


class Settings(_Settings):
    """A stack's settings."""

    access: str
    owner: str
    log_retention_days: int = 365
    log_key_arn: str | None = None
    mesh: Literal["istio", "linkerd", "consul"]
    cluster: Cluster
    peers: tuple[Peer, ...]
    environments: dict[str, Airflow]
    istio_version: str = "1.27"
    vpn: Vpn | None = None
    fortigate: Fortigate | None = None

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
            given[key] = json.loads(value) if value[:1] in ("{", "[") else value
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        place = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise InputError(
            Problem(
                place,
                "airlock:" + ".".join(map(str, one["loc"])),
                "is missing" if one["type"] == "missing" else f"{one['msg']} (found {one['input']!r})",
            )
            for one in error.errors()
        ) from None
