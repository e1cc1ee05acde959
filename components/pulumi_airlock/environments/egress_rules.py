"""The resources that let an environment's components reach their proxy: rules of the tasks' security group, and routes."""

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws

from .egress import ProxyEgress
from .network import EnvironmentNetwork


def open_to_proxy(
    name: str, egress: ProxyEgress, network: EnvironmentNetwork, tags: dict[str, str], opts: pulumi.ResourceOptions
) -> Iterator[pulumi.Resource]:
    """One rule for each component and network of the proxy: its port, over TCP, and no other."""
    for component, port in egress.ports.items():
        for position, cidr in enumerate(egress.cidrs):
            yield aws.vpc.SecurityGroupEgressRule(
                f"{name}-proxy-{component}-{position}",
                security_group_id=network.security_group_id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=f"The proxy of the {component}",
                tags=tags,
                opts=opts,
            )
