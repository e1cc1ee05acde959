"""Where a proxy runs, and what a program has to say of it: a cluster of Kubernetes, or Fargate in the VPC of MWAA."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from .plan import Engine

ENVOY = "docker.io/envoyproxy/envoy:distroless-v1.40.0"
AWS_CLI = "public.ecr.aws/aws-cli/aws-cli:2.31.0"


@dataclass(frozen=True)
class InternalBalancer:
    """A load balancer of the cloud in front of the pods, for tasks outside of the cluster: those of Composer, or of MWAA."""

    host: str
    """What tasks connect to, and the certificate's name; whoever has the DNS says that it is the address."""
    address: str
    """Its address, of a subnet of the VPC."""
    callers: tuple[str, ...]
    """Networks that tasks connect from; nobody else may."""
    sources: tuple[str, ...]
    """Networks of the pods, or of the nodes where these hide them: what gates behind the proxy see."""
    annotations: Mapping[str, str] = field(default_factory=lambda: {"networking.gke.io/load-balancer-type": "Internal"})
    """What makes the cloud's load balancer an internal one: GKE's without any said."""


@dataclass(frozen=True)
class OnKubernetes:
    """Pods behind a Service of the cluster."""

    namespace: str
    issuer: str | None = None
    """A ClusterIssuer (or Issuer, by `issuer_kind`) of cert-manager, which signs the proxy's certificate and the tasks'."""
    issuer_kind: str = "ClusterIssuer"
    secret: str | None = None
    """Or a Secret of the namespace with `tls.crt`, `tls.key` and `ca.crt`: exactly one of the two."""
    days: int = 30
    """How long a certificate of the issuer holds; it is renewed after two thirds of that, without a restart."""
    image: str = ENVOY
    replicas: int = 2
    drain: int = 300
    """Seconds that open tunnels have to end when a pod goes."""
    requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "250m", "memory": "256Mi"})
    limits: Mapping[str, str] = field(default_factory=lambda: {"memory": "512Mi"})
    callers: tuple[str, ...] = ()
    """Workloads that connect (`airflow/ledger-close`), for gates of the cluster; without them: whatever its gates say."""
    balancer: InternalBalancer | None = None
    """For tasks outside of the cluster; None: they are in it."""


@dataclass(frozen=True)
class InTaskPods:
    """A native sidecar of each task's pod (Kubernetes executor, Kubernetes 1.29): `HelmEnvironment(proxy=…)` puts it there.

    It listens on the pod's own loopback address. The network sees the pod itself: another gate has to keep it from going around.
    """

    name: str
    """The gate's, as `TcpProxy` has it."""
    namespace: str
    """Where the tasks' pods run."""
    issuer: str | None = None
    """A ClusterIssuer (or Issuer, by `issuer_kind`) of cert-manager, which signs the sidecars' certificate and the tasks'."""
    issuer_kind: str = "ClusterIssuer"
    secret: str | None = None
    """Or a Secret of the namespace with `tls.crt`, `tls.key` and `ca.crt`: exactly one of the two."""
    days: int = 30
    """How long a certificate of the issuer holds."""
    engine: Engine = "envoy"
    """What runs there, as `TcpProxy` has it."""
    image: str = ENVOY
    requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "50m", "memory": "64Mi"})
    limits: Mapping[str, str] = field(default_factory=lambda: {"memory": "128Mi"})


@dataclass(frozen=True)
class Subnet:
    """A private subnet, and its network: what gates behind the proxy see as its address."""

    id: pulumi.Input[str]
    cidr: str


@dataclass(frozen=True)
class SecretFiles:
    """The proxy's certificate and key, each a secret of the cloud's (as PEM): read again every minute.

    Whoever issues them (a private CA of ACM, by a rotation) writes both; the key first.
    """

    certificate: str
    """ARN; of Google's the whole name."""
    key: str
    """The same."""
    kms_key: str | None = None
    """ARN of the key that encrypts them, where it is not that of the account."""


@dataclass(frozen=True)
class OnFargate:
    """Tasks of ECS behind an internal load balancer that carries TCP on: TLS ends in the proxy."""

    cluster_arn: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnets: tuple[Subnet, ...]
    region: str
    host: str
    """What tasks connect to, and the certificate's name: `proxy.airlock.internal`."""
    certificate: SecretFiles
    authority: str
    """PEM of whoever signs the tasks' certificates."""
    callers: Mapping[str, pulumi.Input[str]]
    """Environment → its security group, from which tasks connect."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts its configuration and its log."""
    endpoints: tuple[str, ...] = ()
    """Networks of the interface endpoints of S3, Secrets Manager and CloudWatch (443/tcp); the VPC's subnets, say."""
    prefix_lists: tuple[str, ...] = ()
    """Prefix lists of gateway endpoints, as that of S3."""
    keys: tuple[str, ...] = ()
    """Networks in which issuers' keys are fetched (443/tcp), where they are fetched."""
    zone_id: pulumi.Input[str] | None = None
    """The private hosted zone of Route 53 that `host` is put into; without it somebody else does."""
    image: str = ENVOY
    files_image: str = AWS_CLI
    repositories: tuple[str, ...] = ()
    """ARNs of the private repositories of ECR that the images come from."""
    cpu: int = 512
    memory: int = 1024
    replicas: int = 2
    drain: int = 300
    """Seconds that open tunnels have to end when a task of ECS goes."""
    log_days: int = 400
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OnGce:
    """Machines of Google Cloud behind an internal load balancer, for Composer: Container-Optimized OS, without a public address.

    The balancer passes TCP on as it is: TLS ends in the proxy, and the log shows the task's address.
    """

    project: str
    region: str
    network_id: pulumi.Input[str]
    subnetwork_id: pulumi.Input[str]
    subnetwork_cidr: str
    """Its network, of this proxy alone: what gates behind the proxy see. It needs Private Google Access."""
    host: str
    """What tasks connect to, and the certificate's name: `proxy.airlock.internal`."""
    address: str
    """The balancer's, of the subnetwork."""
    certificate: SecretFiles
    """Secrets of Secret Manager: `projects/bank/secrets/proxy-certificate`."""
    authority: str
    """PEM of whoever signs the tasks' certificates."""
    callers: tuple[str, ...]
    """Networks that tasks connect from; nobody else may."""
    kms_key_id: pulumi.Input[str]
    """Encrypts its configuration and its disks; Cloud Storage and Compute Engine have to be let use it."""
    image: str
    """Envoy's, or HAProxy's, in Artifact Registry: the machines have no way to any other."""
    repository: str
    """Where that is: `projects/bank/locations/europe-west1/repositories/airlock`."""
    endpoints: tuple[str, ...] = ("199.36.153.8/30",)
    """Networks of Google's APIs (443/tcp): those of private.googleapis.com without any said."""
    keys: tuple[str, ...] = ()
    """Networks in which issuers' keys are fetched (443/tcp), where they are fetched."""
    managed_zone: pulumi.Input[str] | None = None
    """The private zone of Cloud DNS that `host` is put into; without it somebody else does."""
    machine_type: str = "e2-standard-2"
    os_image: str = "projects/cos-cloud/global/images/family/cos-121-lts"
    replicas: int = 2
    drain: int = 300
    """Seconds that open tunnels have to end when a machine goes."""
    labels: Mapping[str, str] = field(default_factory=dict)


Platform = OnKubernetes | InTaskPods | OnFargate | OnGce
