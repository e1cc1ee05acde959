"""Many desks of a bank, each with its own Airflow, its own destinations, and routes to them through two gates.

`bench:desks` environments of about 35 resources each; each of `bench:destinations` a desk becomes two more on the FortiGate.
"""

from typing import Any

import pulumi
import pulumi_aws as aws
import pulumiverse_fortios as fortios
from pulumi_airlock.access import Access
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate

OWNER = "airflow-platform@bank.example"
HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "18:00", "to": "23:00", "timezone": "UTC"}

config = pulumi.Config("bench")
desks = [f"desk{number}" for number in range(config.require_int("desks"))]
each = config.require_int("destinations")


def destination(desk: int, number: int) -> dict[str, Any]:
    """One server of a desk, in the desk's own network: no two desks share any."""
    return {
        "name": f"store-{desk}-{number}",
        "zone": "datacenter",
        "cidrs": [f"10.20.{desk}.{number * 8}/32"],
        "ports": [f"{5432 + number % 5}/tcp"],
        "protocol": "postgres",
    }


def route(desk: int, number: int) -> dict[str, Any]:
    """A desk's tasks to one of its servers; every third only in the evening."""
    return {
        "name": f"{desks[desk]}-{number}",
        "from": [desks[desk]],
        "to": [f"store-{desk}-{number}"],
        "reason": f"BENCH-{desk}{number:02}",
        "expires": "2099-12-31",
        **({"window": HOURS, "session": "1h"} if number % 3 == 0 else {}),
    }


pairs = [(desk, number) for desk in range(len(desks)) for number in range(each)]
access = Access.model_validate(
    {
        "environments": [{"name": name, "dags": [f"{name}_*"]} for name in desks],
        "principals": [{"name": name, "dags": [f"{name}_*"], "environment": name, "owner": OWNER} for name in desks],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network", "fortigate"], "trust": "medium"},
            "airflow": {"cidrs": ["10.40.0.0/20"], "gates": ["fortigate", "aws_network"], "trust": "medium"},
        },
        "destinations": [destination(*pair) for pair in pairs],
        "routes": [route(*pair) for pair in pairs],
        "expect": [{"from": f"{name}_nightly.load", "to": f"store-{at}-0", "allow": True} for at, name in enumerate(desks)],
    }
)
AccessDeclaration("access", access)

vpc = AirflowVpc(
    "airflow",
    owner=OWNER,
    cidr="10.40.0.0/20",
    availability_zones=["eu-central-1a", "eu-central-1b"],
    endpoint_cidrs=["10.40.14.0/26", "10.40.14.64/26"],
    flow_log_bucket_arn="arn:aws:s3:::bank-flow-logs",
)
environments = [
    MwaaEnvironment(
        name,
        owner=OWNER,
        vpc=vpc,
        subnet_cidrs=(f"10.40.{at}.0/26", f"10.40.{at}.64/26"),
        airflow_version="3.0.6",
        scale=MwaaScale(environment_class="mw1.small", min_workers=1, max_workers=5),
        code=MwaaCode(dags="dags"),
        protect_data=True,
    ).network
    for at, name in enumerate(desks)
]
gateway = aws.ec2.VpnGateway("datacenter", vpc_id=vpc.vpc_id, tags={"owner": OWNER})
AwsNetworkGate("aws_network", access=access, environments=environments, gateway=gateway)
FortigateGate(
    "fortigate",
    access=access,
    sources={one.environment: one.subnet_cidrs for one in environments},
    tunnel_interface="airflow-vpn",
    interfaces={"datacenter": "port3", "airflow": "airflow-vpn"},
    opts=pulumi.ResourceOptions(provider=fortios.Provider("edge", hostname="fgt.bank.example")),
)
