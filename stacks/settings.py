"""What differs between the stacks, read from `Pulumi.<stack>.yaml` and checked whole: every mistake is told at once."""

from edge import Fortigate
from reading import Part, StackSettings


class Environment(Part):
    """One desk's Airflow: its two private subnets and its size."""

    subnets: tuple[str, str]
    environment_class: str
    max_workers: int
    min_workers: int = 1


class Network(Part):
    """The VPC that all environments share."""

    cidr: str
    availability_zones: tuple[str, str]
    endpoint_cidrs: tuple[str, str]


class Vpn(Part):
    """The tunnels between the VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int = 64512
    inside_cidrs: tuple[str, str]


class PeoplesFortigate(Fortigate):
    """The FortiGate, which people pass as well, and whose API tokens are renewed."""

    people_interface: str
    portal: str
    """Where people sign in at it."""
    idp_certificate: str
    """The name that it has for the identity provider's certificate."""
    api_users: tuple[str, str]
    """They renew each other's key."""
    trusted_hosts: tuple[str, ...]
    """Networks that the API users may come from."""


class Siem(Part):
    """The one SIEM that everything logs to."""

    name: str
    syslog_host: str
    splunk_url: str
    splunk_index: str
    token_secret_arn: str
    """The HEC token, in Secrets Manager."""


class Function(Part):
    """A rotation function that somebody else runs."""

    function_arn: str
    role_arn: str


class TokenService(Part):
    """An HTTPS service that issues the next token to whoever shows the present one."""

    issue_url: str
    test_url: str


class Credentials(Part):
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


class AppConnectors(Part):
    """Where a zone's App Connectors stand."""

    location: str
    latitude: float
    longitude: float
    country_code: str
    cidrs: tuple[str, ...]


class Zpa(Part):
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


class Ports(Part):
    """The dedicated proxy port of each component of an environment."""

    scheduler: int
    worker: int
    webserver: int


class Zia(Part):
    """The ZIA tenant."""

    proxy: str
    cidrs: tuple[str, ...]
    """The proxy's addresses, which the tunnel leads to."""
    nodes: tuple[str, ...]
    """The VPN addresses of Zscaler's data centres."""
    ports: dict[str, Ports]
    country: str
    time_zone: str


class Zscaler(Part):
    """Both of them, and their API clients."""

    vanity_domain: str
    api_clients: dict[str, str]
    """Gate → the id of its API client; the first one manages both."""
    zpa: Zpa
    zia: Zia


class Settings(StackSettings):
    """A stack's settings."""

    airflow_version: str
    log_retention_days: int
    log_key_arn: str
    """The KMS key of the bank's log archive; its policy lets CloudWatch Logs use it."""
    protect_data: bool
    """Whether an update may delete the environments' keys and buckets."""
    network: Network
    environments: dict[str, Environment]
    vpn: Vpn
    fortigate: PeoplesFortigate
    sign_in_url: str
    """Where the identity provider sends people back to: `{environment}` stands for the environment."""
    siem: Siem
    credentials: Credentials
    zscaler: Zscaler | None = None
