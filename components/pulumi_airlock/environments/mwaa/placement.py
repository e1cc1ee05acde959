"""Where an environment runs within its VPC: two private subnets with their route tables, and the security group of its tasks."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ...errors import Problems
from .checks import network, subnets, two_zones
from .network import EnvironmentNetwork
from .scale import MwaaScale
from .vpc import AirflowVpc, ExistingVpc

_RESERVED = 5
"""Addresses of a subnet that AWS keeps for itself (VPC User Guide, "Subnet sizing")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingSubnets:
    """Two private subnets that others manage, in two zones. Each has a route to S3's gateway endpoint, none to the internet."""

    ids: tuple[pulumi.Input[str], ...]
    cidrs: tuple[str, ...]
    availability_zones: tuple[str, ...]
    route_table_ids: tuple[pulumi.Input[str], ...]
    """The subnets' route tables, which gates add routes to; one, or one for each."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The network of an environment, and what has to be there before the environment is."""

    network: EnvironmentNetwork
    before: tuple[pulumi.Resource, ...]


def check_placement(
    vpc: AirflowVpc | ExistingVpc,
    subnet_cidrs: Sequence[str] | None,
    given: ExistingSubnets | None,
    scale: MwaaScale,
    region: str,
    problems: Problems,
) -> list[str]:
    """Notes subnets that MWAA refuses, or that the environment cannot grow in; returns warnings."""
    if (subnet_cidrs is None) == (given is None):
        problems.add("subnet_cidrs", "give two networks to make subnets of, or subnets= to bring them: one of the two")
        return []
    if given is not None:
        path, cidrs, zones = "subnets.cidrs", given.cidrs, given.availability_zones
        two_zones("subnets.availability_zones", zones, region, problems)
        _check_existing(given, problems)
    else:
        path, cidrs, zones = "subnet_cidrs", tuple(subnet_cidrs or ()), vpc.availability_zones
        two_zones("vpc.availability_zones", zones, region, problems)
        if isinstance(vpc, ExistingVpc) and vpc.s3_endpoint_id is None:
            problems.add("vpc.s3_endpoint_id", "not given: new subnets reach S3 through its gateway endpoint alone")
    if len(cidrs) != 2:
        problems.add(path, f"{len(cidrs)} networks: MWAA runs in exactly two subnets")
    inside = network(vpc.cidr, "vpc.cidr", Problems(""))
    found = subnets(path, cidrs, inside, problems, beside=_others(vpc, given))
    return _check_room(path, found, scale, problems) if len(found) == 2 else []


def _others(vpc: AirflowVpc | ExistingVpc, given: ExistingSubnets | None) -> Mapping[str, Sequence[str]]:
    """What else takes addresses of the VPC. Brought subnets may hold the endpoints too, as AWS's own templates have it."""
    return {what: cidrs for what, cidrs in vpc.taken.items() if given is None or what != "endpoint subnets"}


def check_existing_vpc(vpc: ExistingVpc, problems: Problems) -> None:
    """Notes a brought VPC's networks that are none."""
    inside = network(vpc.cidr, "vpc.cidr", problems)
    subnets("vpc.endpoint_cidrs", vpc.endpoint_cidrs, inside, problems)
    if not vpc.endpoint_cidrs:
        problems.add("vpc.endpoint_cidrs", "empty: tasks reach MWAA's queue, logs and images through interface endpoints")
    if len(vpc.nat_gateway_ids) > 2:
        problems.add("vpc.nat_gateway_ids", f"{len(vpc.nat_gateway_ids)} gateways: give one for both zones, or one for each")


def _check_existing(given: ExistingSubnets, problems: Problems) -> None:
    if len(given.ids) != 2 or (isinstance(given.ids[0], str) and given.ids[0] == given.ids[1]):
        problems.add("subnets.ids", f"{len(set(map(str, given.ids)))} subnets: MWAA runs in exactly two")
    for position, one in enumerate(given.ids):
        if isinstance(one, str) and not one.startswith("subnet-"):
            problems.add(f"subnets.ids[{position}]", f"{one!r} is no subnet id; write subnet-…")
    if not 1 <= len(given.route_table_ids) <= 2:
        problems.add(
            "subnets.route_table_ids", f"{len(given.route_table_ids)} route tables: give the one of both subnets, or one for each"
        )


def _check_room(path: str, found: list[ipaddress.IPv4Network], scale: MwaaScale, problems: Problems) -> list[str]:
    room = [one.num_addresses - _RESERVED for one in found]
    if sum(room) < scale.addresses:
        problems.add(
            path, f"{sum(room)} addresses for up to {scale.addresses} ({scale.workers[1]} workers, schedulers, endpoints)"
        )
        return []
    if min(room) < scale.addresses:
        return [f"{path}: at full size it takes {scale.addresses} addresses; if one zone fails, the other has {min(room)}"]
    return []


def make_placement(
    name: str,
    vpc: AirflowVpc | ExistingVpc,
    subnet_cidrs: Sequence[str],
    given: ExistingSubnets | None,
    ui_cidrs: Sequence[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> Placement:
    """The subnets (made, or as given) and the tasks' security group."""
    vpc_id = pulumi.Output.from_input(vpc.vpc_id)
    before: list[pulumi.Resource] = [vpc] if isinstance(vpc, AirflowVpc) else []
    if given is None:
        subnet_ids, route_table_ids, made = _make_subnets(name, vpc, vpc_id, subnet_cidrs, tags, opts)
        before += made
        cidrs = tuple(subnet_cidrs)
    else:
        subnet_ids = tuple(map(pulumi.Output.from_input, given.ids))
        route_table_ids = tuple(map(pulumi.Output.from_input, given.route_table_ids))
        cidrs = given.cidrs
    if isinstance(vpc, AirflowVpc):
        vpc.taken[f"environment {name}"] = cidrs
    group_id, rules = _make_security_group(name, vpc, vpc_id, ui_cidrs, tags, opts)
    return Placement(
        EnvironmentNetwork(
            environment=name,
            vpc_id=vpc_id,
            vpc_cidr=vpc.cidr,
            subnet_ids=subnet_ids,
            subnet_cidrs=cidrs,
            security_group_id=group_id,
            route_table_ids=route_table_ids,
        ),
        (*before, *rules),
    )


def _make_subnets(
    name: str,
    vpc: AirflowVpc | ExistingVpc,
    vpc_id: pulumi.Output[str],
    cidrs: Sequence[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[tuple[pulumi.Output[str], ...], tuple[pulumi.Output[str], ...], list[pulumi.Resource]]:
    """A subnet and a route table in each zone; a table each, so that a zone can have a NAT gateway of its own."""
    subnet_ids, table_ids, before = [], [], []
    for position, (cidr, zone) in enumerate(zip(cidrs, vpc.availability_zones, strict=True)):
        label = f"{name}-private-{position}"
        named = {**tags, "Name": label}
        subnet = aws.ec2.Subnet(
            label,
            vpc_id=vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags=named,
            opts=opts,
        )
        # No inline routes: they would remove the ones that gates add.
        table = aws.ec2.RouteTable(label, vpc_id=vpc_id, tags=named, opts=opts)
        before.append(aws.ec2.RouteTableAssociation(label, subnet_id=subnet.id, route_table_id=table.id, opts=opts))
        if vpc.s3_endpoint_id is not None:
            before.append(
                aws.ec2.VpcEndpointRouteTableAssociation(
                    f"{label}-s3", route_table_id=table.id, vpc_endpoint_id=vpc.s3_endpoint_id, opts=opts
                )
            )
        if vpc.nat_gateway_ids:
            nat = vpc.nat_gateway_ids[position % len(vpc.nat_gateway_ids)]
            before.append(
                aws.ec2.Route(
                    f"{label}-default",
                    route_table_id=table.id,
                    destination_cidr_block="0.0.0.0/0",
                    nat_gateway_id=nat,
                    opts=opts,
                )
            )
        subnet_ids.append(subnet.id)
        table_ids.append(table.id)
    return tuple(subnet_ids), tuple(table_ids), before


def _make_security_group(
    name: str,
    vpc: AirflowVpc | ExistingVpc,
    vpc_id: pulumi.Output[str],
    ui_cidrs: Sequence[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Output[str], list[pulumi.Resource]]:
    """The tasks' security group: open to itself, as MWAA demands, to the AWS endpoints and to S3, and to nothing else.

    Every rule is a resource of its own: mixed with inline rules they overwrite each other at every update.
    """
    group = aws.ec2.SecurityGroup(
        f"{name}-tasks",
        vpc_id=vpc_id,
        description=f"Tasks of the Airflow environment {name}",
        tags={**tags, "Name": f"{name}-tasks"},
        opts=opts,
    )

    def rule(kind: Callable[..., pulumi.Resource], suffix: str, description: str, **what: pulumi.Input[str]) -> pulumi.Resource:
        ports = {} if what.get("ip_protocol") else {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
        arguments = {"security_group_id": group.id, **ports, **what}
        return kind(f"{name}-{suffix}", description=description, tags=tags, opts=opts, **arguments)

    ingress, egress = aws.vpc.SecurityGroupIngressRule, aws.vpc.SecurityGroupEgressRule
    rules = [
        rule(ingress, "self", "Schedulers, workers and web servers", ip_protocol="-1", referenced_security_group_id=group.id),
        rule(egress, "self", "Schedulers, workers and web servers", ip_protocol="-1", referenced_security_group_id=group.id),
        rule(egress, "s3", "Code, and what tasks keep in S3", prefix_list_id=vpc.s3_prefix_list_id),
    ]
    rules += [
        rule(egress, f"endpoints-{position}", "Interface endpoints of AWS services", cidr_ipv4=cidr)
        for position, cidr in enumerate(_collapsed(vpc.endpoint_cidrs))
    ]
    rules += [
        rule(ingress, f"ui-{position}", "Airflow's web interface", cidr_ipv4=cidr) for position, cidr in enumerate(ui_cidrs)
    ]
    if vpc.endpoint_security_group_id is not None:
        rules.append(
            rule(
                ingress,
                "endpoints",
                f"Airflow environment {name}",
                security_group_id=vpc.endpoint_security_group_id,
                referenced_security_group_id=group.id,
            )
        )
    group_id: pulumi.Output[str] = group.id
    return group_id, rules


def _collapsed(cidrs: Sequence[str]) -> list[str]:
    """The fewest networks with the same addresses."""
    return [str(one) for one in ipaddress.collapse_addresses(map(ipaddress.IPv4Network, cidrs))]
