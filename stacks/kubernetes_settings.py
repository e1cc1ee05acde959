"""What differs between the stacks on Kubernetes, read from `Pulumi.<stack>.yaml` and checked whole."""

from typing import Literal

from reading import Part, StackSettings


class Cluster(Part):
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


class Peer(Part):
    """A workload of somebody else's that is a destination."""

    namespace: str
    service_account: str
    labels: dict[str, str]
    services: dict[str, dict[int, int]]


class Airflow(Part):
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


class Vpn(Part):
    """The tunnels between the cluster's VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int
    inside_cidrs: tuple[str, str]


class Fortigate(Part):
    """The FortiGate at the edge of the bank's network."""

    hostname: str
    timezone: str
    wan_interface: str
    tunnel_zone: str
    interfaces: dict[str, str]


class Settings(StackSettings):
    """A stack's settings."""

    log_retention_days: int = 365
    log_key_arn: str | None = None
    mesh: Literal["istio", "linkerd", "consul"]
    cluster: Cluster
    peers: tuple[Peer, ...]
    environments: dict[str, Airflow]
    istio_version: str = "1.27"
    vpn: Vpn | None = None
    fortigate: Fortigate | None = None
