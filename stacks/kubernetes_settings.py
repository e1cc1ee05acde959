"""What differs between the stacks on Kubernetes, read from `Pulumi.<stack>.yaml` and checked whole."""

from typing import Literal

from edge import Fortigate
from reading import Part, StackSettings


class Cilium(Part):
    """Cilium's chart."""

    version: str
    not_masqueraded: str
    """The network to which pods connect by their own addresses (`ipv4NativeRoutingCIDR`)."""


class Cluster(Part):
    """The cluster, which somebody else runs."""

    name: str
    cni: str
    pods: tuple[str, ...]
    services: tuple[str, ...]
    api_server: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    api_server_port: int = 443
    """443 on EKS and GKE."""
    cilium: Cilium | None = None
    """Cilium where this stack installs it; None: whoever runs the cluster does."""
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
    endpoints: tuple[str, ...]
    """Where the cloud's endpoints are that tasks need for their logs and roles."""
    identities: dict[str, str]
    """Principal → the AWS role, or the Google service account, of its tasks."""


class GatewaySecrets(Part):
    """Names of secrets in AWS Secrets Manager."""

    client: str
    """Of the gateway's client at the identity provider."""
    cookie: str
    """32 characters, with which sessions are sealed."""
    gateway: str
    """32 characters or more, by which Airflow knows the gateway."""


class Gateway(Part):
    """The gateway of people before an environment's web interface."""

    environment: str
    destination: str
    """What the access file calls the web interface."""
    client_id: str
    secrets: GatewaySecrets
    certificate_issuer: str
    """cert-manager's ClusterIssuer of the certificate that people see."""
    people: tuple[str, ...]
    """Networks from which people connect."""
    issuer: tuple[str, ...] = ()
    """Networks of the identity provider, for NetworkPolicies, which know no names."""
    nginx_image: str
    sign_in_image: str


class Vpn(Part):
    """The tunnels between the cluster's VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int
    inside_cidrs: tuple[str, str]


class Settings(StackSettings):
    """A stack's settings."""

    log_retention_days: int = 365
    log_key_arn: str | None = None
    mesh: Literal["istio", "linkerd", "consul"]
    cluster: Cluster
    peers: tuple[Peer, ...]
    environments: dict[str, Airflow]
    istio_version: str = "1.27"
    gateway: Gateway | None = None
    vpn: Vpn | None = None
    fortigate: Fortigate | None = None

    def ui_of(self, environment: str) -> str | None:
        """The destination that is an environment's web interface; None: people have no gateway to it."""
        return self.gateway.destination if self.gateway and self.gateway.environment == environment else None
