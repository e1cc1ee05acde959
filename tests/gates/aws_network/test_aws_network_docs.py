"""The snippets of the documentation run as they stand there, with what they leave open filled in."""

import re
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa.network import EnvironmentNetwork

DOCS = Path(__file__).parents[3] / "docs"


class Anything:
    """Whatever a snippet takes for granted."""

    def __init__(self, **known) -> None:
        self.__dict__.update(known)


def network(name: str, base: str) -> EnvironmentNetwork:
    return EnvironmentNetwork(
        environment=name,
        vpc_id=pulumi.Output.from_input("vpc-1"),
        vpc_cidr="10.1.0.0/16",
        subnet_ids=(pulumi.Output.from_input("subnet-1"),),
        subnet_cidrs=(f"{base}.0/24",),
        security_group_id=pulumi.Output.from_input("sg-1"),
        route_table_ids=(pulumi.Output.from_input("rtb-1"),),
    )


def snippet(page: str) -> str:
    return re.search(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)[1]


def access() -> Access:
    return Access.model_validate(
        {
            "principals": [{"name": "ledger", "dags": ["*"], "environment": "finance"}],
            "zones": {
                "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network"]},
                "saas": {"cidrs": ["203.0.113.0/24"], "gates": ["aws_network"]},
            },
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
                {"name": "crm", "zone": "saas", "cidrs": ["203.0.113.9/32"], "ports": ["443/tcp"]},
            ],
            "routes": [{"name": "r", "from": ["ledger"], "to": ["warehouse", "crm"], "reason": "R"}],
        }
    )


def test_the_gate_as_documented(preview):
    def program():
        from pulumi_airlock.gates.aws_network import Gateway

        known = {
            "access": access(),
            "finance": Anything(network=network("finance", "10.1.0")),
            "markets": Anything(network=network("markets", "10.1.1")),
            "vpn": Anything(gateway=Gateway("vpn", "vgw-1")),
            "nat": Anything(id="nat-1"),
        }
        exec(snippet("gates/aws-network.md"), known)  # noqa: S102

    routes = {one.get("destinationCidrBlock"): one for one in preview(program).of_type("aws:ec2/route:Route")}
    assert (routes["10.20.0.0/16"].get("gatewayId"), routes["203.0.113.0/24"].get("natGatewayId")) == ("vgw-1", "nat-1")


def test_the_tunnel_as_documented(preview):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        # The gates at the snippet's end have pages, and tests, of their own.
        code = snippet("tunnels.md").partition("\nAwsNetworkGate(")[0]
        exec(code, {"vpc": Anything(cidr="10.1.0.0/16", vpc_id=vpc.id)})  # noqa: S102

    stack = preview(program)
    assert len(stack.of_type("fortios:vpn/ipsec/phase1interface:Phase1interface")) == 2
    assert stack.of_type("aws:ec2/vpnConnection:VpnConnection")[0].get("tunnel2InsideCidr") == "169.254.10.4/30"
