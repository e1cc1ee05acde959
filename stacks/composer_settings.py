"""What a stack on Cloud Composer says, read from `Pulumi.<stack>.yaml` and checked whole."""

from edge import Fortigate
from reading import Part, StackSettings
from settings import AppConnectors


class Network(Part):
    """The VPC network that all environments share."""

    project: str
    region: str
    cloud_connector_ilb: str
    """The internal load balancer in front of the Cloud Connectors, an address in the network."""


class Environment(Part):
    """One desk's Airflow: the subnetwork of its network attachment, and its size."""

    subnetwork: str
    internal_cidr: str
    """A /20 for Google's own parts."""
    size: str
    worker_cpu: float
    worker_memory_gb: float
    max_workers: int
    secrets: tuple[str, ...] = ()
    """Airflow's connections and variables in Secret Manager, by their names."""


class Vpn(Part):
    """The tunnels between the network and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    google_asn: int
    inside_cidrs: tuple[str, str]


class Siem(Part):
    """The one SIEM that the devices log to."""

    name: str
    syslog_host: str


class Zpa(Part):
    """The ZPA tenant."""

    identity_provider: str
    posture: str
    """The posture profile that everybody's device must satisfy."""
    connectors: dict[str, AppConnectors]
    """Zone of the access file → its App Connectors."""
    cloud_connectors: dict[str, str]
    """Environment → its Cloud Connector group."""
    logs_by: str
    """The zone whose App Connectors reach the SIEM."""


class Settings(StackSettings):
    """A stack's settings."""

    project: str
    """The project of the environments."""
    project_number: str
    image_version: str
    ui_cidrs: tuple[str, ...]
    """From where people reach the UI: offices and VPNs, as Google sees them."""
    snapshots: str
    """A folder of a bucket in another region."""
    protect_data: bool
    """Whether an update may delete the environments and their keys."""
    network: Network
    environments: dict[str, Environment]
    vpn: Vpn
    fortigate: Fortigate
    siem: Siem
    log_retention_days: int
    zpa: Zpa
