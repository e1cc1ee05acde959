"""The component that puts an access file's routes into the AWS network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

import pulumi
import pulumi_aws as aws

from ...access.model import Access
from ...environments.mwaa.network import EnvironmentNetwork
from ...errors import Problems
from ...tokens import AWS_NETWORK_GATE
from ..proxies import ProxyEntry
from .compile import MAX_ROUTES, MAX_RULES, Entry, NetworkPlan, Permission, compile_network

GatewayKind = Literal["vpn", "transit", "nat", "peering", "endpoint", "interface"]

GATEWAY_ARGUMENTS: Mapping[str, str] = {
    "vpn": "gateway_id",
    "transit": "transit_gateway_id",
    "nat": "nat_gateway_id",
    "peering": "vpc_peering_connection_id",
    "endpoint": "vpc_endpoint_id",
    "interface": "network_interface_id",
}
_PREFIXES: Mapping[str, GatewayKind] = {
    "vgw-": "vpn",
    "tgw-": "transit",
    "nat-": "nat",
    "pcx-": "peering",
    "vpce-": "endpoint",
    "eni-": "interface",
}
"""`endpoint`: a Gateway Load Balancer endpoint, or `interface`: what a Zscaler Cloud Connector is reached by."""


@dataclass(frozen=True)
class Gateway:
    """Where a zone's packets are sent. The kind is said, since an id that is not known yet does not tell it."""

    kind: GatewayKind
    """What it is."""
    id: pulumi.Input[str]
    """`vgw-…`, `tgw-…`, and so on."""
    ready: tuple[pulumi.Resource, ...] = ()
    """What has to exist before a route may name the gateway: a transit gateway's VPC attachment."""


GatewayLike: TypeAlias = Gateway | aws.ec2.VpnGateway | aws.ec2transitgateway.TransitGateway | str


class AwsNetworkGate(pulumi.ComponentResource):
    """Lets each environment's tasks out to the destinations of its routes, and nowhere else; people in to what runs inside
    the VPC.

    A security group sees the environment, not the DAG: every route that leaves through it is granted to all of the
    environment's tasks, at all times, and another gate on the path must tell them apart. Zones name this gate by `name`.

    Args:
        name: the gate's name, as zones write it.
        access: what is declared.
        environments: `MwaaEnvironment.network` of each.
        gateway: what the zones' CIDRs outside of the VPC are routed to: one for all zones, or one for each zone by name; None
            where every zone lies inside the VPC.
        connectors: by zone, the networks of the App Connectors through which it is reached: where another gate before this one
            carries callers on, they come from there.
        proxies: by zone, where tasks connect to the proxy before it (`TcpProxy.entry`), in place of its destinations.
        max_rules: the account's quota of rules in one direction of a security group.
        other_rules: how many rules the security groups have besides these, in each direction.
        max_routes: the account's quota of routes in a route table.
        today: what routes' expiry is held against.

    Raises:
        InputError: everything that AWS would refuse, at once, at preview.
    """

    rule_count: dict[str, int]
    """Rules written, per environment."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        environments: Sequence[EnvironmentNetwork],
        gateway: GatewayLike | Mapping[str, GatewayLike] | None = None,
        connectors: Mapping[str, Sequence[str]] | None = None,
        proxies: Mapping[str, ProxyEntry] | None = None,
        max_rules: int = MAX_RULES,
        other_rules: int = 4,
        max_routes: int = MAX_ROUTES,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        gateways = _gateways(access, gateway, problems)
        plan: NetworkPlan | None = None
        with problems.noting("access"):
            plan = compile_network(
                access,
                name,
                environments,
                gateways=gateways,
                connectors=connectors,
                proxies=proxies,
                max_rules=max_rules,
                other_rules=other_rules,
                max_routes=max_routes,
                today=today or datetime.now(UTC).date(),
            )
        if plan is None or len(problems):
            raise problems.error()
        # Also among the inputs: `pulumi preview --json` has no outputs of components.
        super().__init__(AWS_NETWORK_GATE, name, {"environments": [one.environment for one in environments]}, opts)
        networks = {one.environment: one for one in environments}
        for permission in plan.permissions:
            self._permit(name, permission, networks)
        for entry in plan.entries:
            self._route(name, entry, networks[entry.environment], gateways[entry.zone])
        if plan.ipv6_only:
            pulumi.log.warn(f"no rule for {', '.join(plan.ipv6_only)}: IPv6 alone, and MWAA tasks speak IPv4", self)

        self.rule_count = _counted(plan, networks)
        self.register_outputs({"environments": list(networks), "ruleCount": self.rule_count})

    def _permit(self, name: str, one: Permission, networks: Mapping[str, EnvironmentNetwork]) -> None:
        # Never inline: a group with inline rules removes those that it does not list.
        kind = aws.vpc.SecurityGroupIngressRule if one.ingress else aws.vpc.SecurityGroupEgressRule
        peer: dict[str, pulumi.Input[str]] = (
            {"referenced_security_group_id": networks[one.peer].security_group_id}
            if isinstance(one.peer, str)
            else {"cidr_ipv4": str(one.peer)}
        )
        kind(
            f"{name}-{one.key}",
            security_group_id=networks[one.environment].security_group_id,
            ip_protocol=one.protocol,
            from_port=one.first,
            to_port=one.last,
            description=one.description,
            opts=pulumi.ResourceOptions(parent=self),
            **peer,
        )

    def _route(self, name: str, entry: Entry, network: EnvironmentNetwork, gateway: Gateway) -> None:
        for position, table in enumerate(network.route_table_ids):
            aws.ec2.Route(
                f"{name}-{entry.key}-{position}",
                route_table_id=table,
                destination_cidr_block=entry.cidr,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(gateway.ready)),
                **{GATEWAY_ARGUMENTS[gateway.kind]: gateway.id},
            )


def _counted(plan: NetworkPlan, environments: Mapping[str, EnvironmentNetwork]) -> dict[str, int]:
    return {name: sum(one.environment == name for one in plan.permissions) for name in environments}


def _gateways(access: Access, given: GatewayLike | Mapping[str, GatewayLike] | None, problems: Problems) -> dict[str, Gateway]:
    """The gateway of each zone that has one; notes zones and gateways that are none.

    A zone whose gateway is none has one all the same here, so that it is not told that it lacks one.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        one = _gateway("gateway", given, problems)
        return dict.fromkeys(access.zones, one)
    for zone in sorted(set(given) - set(access.zones)):
        problems.add(f"gateway[{zone}]", f"no zone {zone!r}; there are {', '.join(access.zones)}")
    # One object for one gateway: two zones of the same gateway may share a CIDR.
    made = {id(one): _gateway(f"gateway[{zone}]", one, problems) for zone, one in given.items()}
    return {zone: made[id(one)] for zone, one in given.items()}


def _gateway(path: str, given: GatewayLike, problems: Problems) -> Gateway:
    if isinstance(given, Gateway):
        if given.kind not in GATEWAY_ARGUMENTS:
            problems.add(f"{path}.kind", f"{given.kind!r}: write one of {', '.join(GATEWAY_ARGUMENTS)}")
        return given
    if isinstance(given, aws.ec2.VpnGateway):
        return Gateway("vpn", given.id, (given,))
    if isinstance(given, aws.ec2transitgateway.TransitGateway):
        return Gateway("transit", given.id, (given,))
    kind = next((kind for prefix, kind in _PREFIXES.items() if isinstance(given, str) and given.startswith(prefix)), None)
    if kind is None:
        prefixes = ", ".join(_PREFIXES)
        problems.add(path, f"{given!r} does not tell what it is: pass a Gateway(kind, id), or an id that begins with {prefixes}")
    return Gateway(kind or "vpn", given)
