"""Compiled and read back, the AWS network lets through what was declared for each environment: no more, no less."""

from itertools import product

import pulumi_aws as aws
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa.network import EnvironmentNetwork
from pulumi_airlock.gates.aws_network import AwsNetworkGate, read
from pulumi_airlock.proof.filters import Action, Kind
from pulumi_airlock.proof.sets import Hosts, Services

ENVIRONMENTS = ("finance", "markets")
HOSTS = [f"10.20.0.{last}" for last in range(8)]
PORTS = list(range(8000, 8006))

networks = st.sampled_from(
    [f"10.20.0.{base}/{length}" for length in (29, 30, 31, 32) for base in range(0, 8, 2 ** (32 - length))]
)
ports = st.builds(lambda first, width: f"{first}-{min(first + width, PORTS[-1])}/tcp", st.sampled_from(PORTS), st.integers(0, 3))
destinations = st.lists(
    st.tuples(st.lists(networks, min_size=1, max_size=2), st.lists(ports, min_size=1, max_size=2)), min_size=1, max_size=4
)
owners = st.lists(st.sampled_from([*ENVIRONMENTS, None]), min_size=4, max_size=4)


def declared(found, owning) -> Access:
    return Access.model_validate(
        {
            "principals": [{"name": f"p{i}", "dags": [f"d{i}_*"], "environment": owner} for i, owner in enumerate(owning)],
            "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network"]}},
            "destinations": [
                {"name": f"d{i}", "zone": "datacenter", "cidrs": sorted(set(cidrs)), "ports": sorted(set(each))}
                for i, (cidrs, each) in enumerate(found)
            ],
            "routes": [{"name": f"r{i}", "from": [f"p{i}"], "to": [f"d{i}"], "reason": "R"} for i in range(len(found))],
        }
    )


def environment(vpc: aws.ec2.Vpc, name: str, position: int) -> EnvironmentNetwork:
    cidrs = tuple(f"10.1.{2 * position + i}.0/24" for i in (0, 1))
    subnets = [aws.ec2.Subnet(f"{name}-{i}", vpc_id=vpc.id, cidr_block=cidr) for i, cidr in enumerate(cidrs)]
    tables = [aws.ec2.RouteTable(f"{name}-{i}", vpc_id=vpc.id) for i in (0, 1)]
    for i, (subnet, table) in enumerate(zip(subnets, tables, strict=True)):
        aws.ec2.RouteTableAssociation(f"{name}-{i}", subnet_id=subnet.id, route_table_id=table.id)
    group = aws.ec2.SecurityGroup(name, vpc_id=vpc.id)
    aws.mwaa.Environment(
        name,
        dag_s3_path="dags/",
        execution_role_arn="arn",
        source_bucket_arn="arn",
        network_configuration={"subnet_ids": [one.id for one in subnets], "security_group_ids": [group.id]},
    )
    return EnvironmentNetwork(
        environment=name,
        vpc_id=vpc.id,
        vpc_cidr="10.1.0.0/16",
        subnet_ids=tuple(one.id for one in subnets),
        subnet_cidrs=cidrs,
        security_group_id=group.id,
        route_table_ids=tuple(one.id for one in tables),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(destinations, owners)
def test_what_is_read_is_what_was_declared(preview, found, owning):
    access = declared(found, owning)

    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        placed = [environment(vpc, name, position) for position, name in enumerate(ENVIRONMENTS)]
        AwsNetworkGate("aws_network", access=access, environments=placed, gateway="tgw-1")

    filters = list(read(preview(program)))
    for name in ENVIRONMENTS:
        mine = [one for one in filters if one.scope.who.environments == {name}]
        (egress,) = [one for one in mine if one.kind is Kind.PERMISSION]
        routing = [one for one in mine if one.kind is Kind.ROUTING]
        assert [one.gate for one in mine] == ["aws_network"] * 3
        for host, port in product(HOSTS, PORTS):
            wanted = any(
                owner in (name, None) and _within(host, port, cidrs, each)
                for owner, (cidrs, each) in zip(owning, found, strict=False)
            )
            assert _allowed(egress, host, port) == wanted, (name, host, port)
            assert not wanted or all(_allowed(one, host, port) for one in routing)
        assert not any(rule.unknown for one in mine for rule in one.rules)


def _within(host, port, cidrs, each) -> bool:
    spans = [tuple(map(int, text.removesuffix("/tcp").split("-"))) for text in each]
    return any(Hosts.from_cidr(cidr).covers_addresses(Hosts.from_cidr(host)) for cidr in cidrs) and any(
        a <= port <= b for a, b in spans
    )


def _allowed(found, host, port) -> bool:
    point, service = Hosts.from_cidr(host), Services.of("tcp", port, port)
    hit = [rule for rule in found.rules if rule.match.hosts.covers_addresses(point) and rule.match.services & service]
    return (hit[0].action if hit else found.default) is Action.ALLOW
