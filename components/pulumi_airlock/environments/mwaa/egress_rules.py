"""The resources that let an environment's components reach their proxy: rules of the tasks' security group, and routes."""

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws

from ...gates.aws_network import Gateway
from ...gates.aws_network.component import GATEWAY_ARGUMENTS
from .egress import Component, ProxyEgress
from .network import EnvironmentNetwork


def open_to_proxy(
    name: str,
    egress: ProxyEgress,
    network: EnvironmentNetwork,
    gateway: Gateway | None,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> Iterator[pulumi.Resource]:
    """The components' ports over TCP to each network of the proxy, and no others; with a gateway, routes to these."""
    for first, last, components in _runs(egress):
        for position, cidr in enumerate(egress.cidrs):
            yield aws.vpc.SecurityGroupEgressRule(
                f"{name}-proxy-{'-'.join(components)}-{position}",
                security_group_id=network.security_group_id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=first,
                to_port=last,
                description=f"The proxy of the {', '.join(components)}",
                tags=tags,
                opts=opts,
            )
    if gateway is not None:
        yield from _routes(name, egress, network, gateway, opts)


def _runs(egress: ProxyEgress) -> Iterator[tuple[int, int, list[Component]]]:
    """Consecutive ports, as (first, last, whose)."""
    run: list[tuple[int, Component]] = []
    for port, component in sorted((port, component) for component, port in egress.ports.items()):
        if run and port > run[-1][0] + 1:
            yield run[0][0], run[-1][0], [one for _, one in run]
            run = []
        run.append((port, component))
    yield run[0][0], run[-1][0], [one for _, one in run]


def _routes(
    name: str, egress: ProxyEgress, network: EnvironmentNetwork, gateway: Gateway, opts: pulumi.ResourceOptions
) -> Iterator[pulumi.Resource]:
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(gateway.ready)))
    for number, table in enumerate(network.route_table_ids):
        for position, cidr in enumerate(egress.cidrs):
            yield aws.ec2.Route(
                f"{name}-to-proxy-{position}-{number}",
                route_table_id=table,
                destination_cidr_block=cidr,
                opts=after,
                **{GATEWAY_ARGUMENTS[gateway.kind]: gateway.id},
            )
