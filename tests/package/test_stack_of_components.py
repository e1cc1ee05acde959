"""A bank's stack as a program in another language writes it: components refer to components, and the proof holds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from engine_side import Made, Package
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.findings import Proof
from pulumi_airlock.report.proof import prove_stack

OWNER = "airflow-platform@bank.example"
ACCESS = """\
apiVersion: airlock/v1
principals: [{name: ledger, environment: finance, dags: ["*"], owner: airflow-platform@bank.example}]
zones: {datacenter: {cidrs: [10.20.0.0/16], gates: [aws_network, fortigate]}}
destinations: [{name: ledger-db, zone: datacenter, cidrs: [10.20.4.10/32], ports: [1521/tcp]}]
routes: [{name: ledger, from: [ledger], to: [ledger-db], session: 1h, reason: FIN-1234}]
"""


@pytest.fixture(scope="module")
def made(package: Package) -> dict[str, Made]:
    found = {"access": package.construct("Access", "access", access=ACCESS)}
    found["vpc"] = package.construct(
        "AirflowVpc",
        "airflow",
        owner=OWNER,
        cidr="10.40.0.0/20",
        availabilityZones=["eu-central-1a", "eu-central-1b"],
        endpointCidrs=["10.40.14.0/26", "10.40.14.64/26"],
    )
    found["finance"] = package.construct(
        "MwaaEnvironment",
        "finance",
        owner=OWNER,
        vpc=found["vpc"],
        airflowVersion="3.0.6",
        scale={"environmentClass": "mw1.small", "maxWorkers": 5.0},
        code={"dags": "dags"},
        subnetCidrs=["10.40.0.0/26", "10.40.0.64/26"],
    )
    found["vpn"] = package.construct(
        "SiteToSiteVpn",
        "vpn",
        deviceAddress="203.0.113.250",
        wanInterface="wan1",
        cloudCidrs=[found["vpc"]["cidr"]],
        deviceCidrs=["10.20.0.0/16"],
        vpcId=found["vpc"]["vpcId"],
        tags={"owner": OWNER},
    )
    found["aws_network"] = package.construct(
        "AwsNetworkGate", "aws_network", access=ACCESS, environments=[found["finance"]], gateway=found["vpn"]
    )
    found["fortigate"] = package.construct(
        "FortigateGate",
        "fortigate",
        access=ACCESS,
        sources={"finance": found["finance"]["subnetCidrs"]},
        tunnelInterface=found["vpn"]["zoneName"],
        interfaces={"datacenter": "port3"},
    )
    return found


@pytest.fixture(scope="module")
def stack(package: Package, made: dict[str, Made]) -> Stack:
    return package.stack()


def _proof(stack: Stack) -> Proof:
    return prove_stack(stack, at=datetime(2026, 11, 26, 12, tzinfo=UTC))


def test_what_all_gates_let_through_is_what_was_declared(stack: Stack):
    proof = _proof(stack)
    assert proof.ok
    assert proof.gates == ("aws_network", "fortigate")
    assert [one.gates for one in proof.identity] == [("fortigate",)]


def test_resources_are_linked_as_from_python(stack: Stack):
    """By the very resource, not by all that the environment's component has: `finance` went over the boundary as a reference."""
    (rule,) = [one for one in stack.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule") if "to-10" in one.name]
    assert [one.name for one in rule.refers_to("securityGroupId")] == ["finance-tasks"]
    routes = [one for one in stack.of_type("aws:ec2/route:Route") if one.name.startswith("aws_network")]
    tables = [[table.name for table in one.refers_to("routeTableId")] for one in sorted(routes, key=lambda one: one.name)]
    assert tables == [["finance-private-0"], ["finance-private-1"]]
    assert all("vpn-aws-gateway" in [one.name for one in route.refers_to("gatewayId")] for route in routes)


def test_an_output_of_another_component_keeps_what_it_depends_on(stack: Stack):
    (policy,) = [one for one in stack.of_type("fortios:firewall/policy:Policy") if one.name == "fortigate-ledger"]
    assert "vpn-fortigate-zone" in [one.name for one in policy.refers_to("srcintfs")]


def test_children_are_those_of_the_component(stack: Stack, made: dict[str, Made]):
    environment = next(iter(stack.of_type("aws:mwaa/environment:Environment")))
    assert environment.parent == made["finance"].urn
    assert environment.get("maxWorkers") == 5
    assert isinstance(environment.get("maxWorkers"), int | float)


def test_outputs_are_known_as_far_as_python_knows_them(made: dict[str, Made]):
    """At preview ids are unknown. What was written is not: the gates of other components compute with it."""
    outputs: dict[str, Any] = made["finance"].outputs
    assert outputs["subnetCidrs"] == ["10.40.0.0/26", "10.40.0.64/26"]
    assert outputs["vpcCidr"] == "10.40.0.0/20"
    assert made["aws_network"].outputs["ruleCount"] == {"finance": 1}
    assert made["vpn"].outputs["gatewayKind"] == "vpn"
