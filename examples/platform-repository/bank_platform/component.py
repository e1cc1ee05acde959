"""Three of Airlock's components in one: environments in a VPC, their network's gate, and the firewall behind the VPN.

What the bank decides once (zones, owner, tunnel, what is behind which gate) stands here; what business units choose is a `Unit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pulumi
from pulumi_airlock.access import Access
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.tunnels import SiteToSiteVpn

OWNER = "airflow-platform@bank.example"
AIRFLOW = "3.0.6"
DATACENTER = "10.20.0.0/16"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a business unit chooses."""

    dags: Path
    workers: int
    subnets: Sequence[str]
    """Two, in the platform's network."""
    size: str = "mw1.small"
    """MWAA's environment class."""


@dataclass(frozen=True, slots=True)
class Firewall:
    """The FortiGate at the other end of the VPN."""

    address: str
    wan_interface: str
    datacenter_interface: str


class AirflowPlatform(pulumi.ComponentResource):
    """An environment for each unit, a VPN to the data centre, and both gates on the way, compiled from one access document.

    The gates are called `<name>-network` and `<name>-firewall`: that is what the access document's zones name. Providers:
    that of the FortiGate. Raises InputError with everything that Airlock refuses, before anything is made.
    """

    webserver_urls: pulumi.Output[Mapping[str, str]]
    """Unit → where its people find Airflow."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        cidr: str,
        units: Mapping[str, Unit],
        firewall: Firewall,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("bank:platform:AirflowPlatform", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        AccessDeclaration(f"{name}-access", access, opts=child)
        vpc = _vpc(name, cidr, child)
        self.environments = {unit: _environment(unit, one, vpc, child) for unit, one in units.items()}
        vpn = _vpn(name, vpc, firewall, child)
        networks = {unit: one.network for unit, one in self.environments.items()}
        AwsNetworkGate(f"{name}-network", access=access, environments=list(networks.values()), gateway=vpn.gateway, opts=child)
        FortigateGate(
            f"{name}-firewall",
            access=access,
            sources={unit: network.subnet_cidrs for unit, network in networks.items()},
            tunnel_interface=vpn.zone_name,
            interfaces={"datacenter": firewall.datacenter_interface},
            timezone="Europe/Zurich",
            opts=child,
        )
        self.webserver_urls = pulumi.Output.all(**{unit: one.webserver_url for unit, one in self.environments.items()})
        self.register_outputs({"webserverUrls": self.webserver_urls})


def _vpc(name: str, cidr: str, opts: pulumi.ResourceOptions) -> AirflowVpc:
    *_, first, second = ip_network(cidr).subnets(new_prefix=26)  # units' subnets are counted from the other end
    return AirflowVpc(
        f"{name}-vpc",
        owner=OWNER,
        cidr=cidr,
        availability_zones=["eu-central-1a", "eu-central-1b"],
        endpoint_cidrs=[str(first), str(second)],
        opts=opts,
    )


def _environment(name: str, unit: Unit, vpc: AirflowVpc, opts: pulumi.ResourceOptions) -> MwaaEnvironment:
    return MwaaEnvironment(
        name,
        owner=OWNER,
        vpc=vpc,
        airflow_version=AIRFLOW,
        scale=MwaaScale(environment_class=unit.size, max_workers=unit.workers),
        code=MwaaCode(dags=unit.dags),
        subnet_cidrs=unit.subnets,
        opts=opts,
    )


def _vpn(name: str, vpc: AirflowVpc, firewall: Firewall, opts: pulumi.ResourceOptions) -> SiteToSiteVpn:
    return SiteToSiteVpn(
        f"{name}-vpn",
        device_address=firewall.address,
        wan_interface=firewall.wan_interface,
        cloud_cidrs=[vpc.cidr],
        device_cidrs=[DATACENTER],
        vpc_id=vpc.vpc_id,
        tags={"owner": OWNER},
        opts=opts,
    )
