"""The VPC that Airflow environments run in: made here, or brought.

It has no way to the internet unless asked for, and reaches the AWS services that MWAA needs through VPC endpoints. They are there
with NAT as well: without them the environments' security groups would have to open port 443 to the whole world.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from ...errors import Problems
from .checks import check_account, checked_tags, current_account, network, one_of, resolved_region, subnets, two_zones
from .flow_format import LOG_FORMAT
from .limits import INTERFACE_SERVICES, SERVICES_ELSEWHERE, endpoint_service, partition

Nat = Literal["none", "single", "per-zone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingVpc:
    """A VPC that somebody else manages, with the endpoints that MWAA needs (`limits.INTERFACE_SERVICES` and S3's gateway)."""

    vpc_id: pulumi.Input[str]
    cidr: str
    endpoint_cidrs: tuple[str, ...]
    """CIDRs of the subnets that the interface endpoints are in."""
    s3_prefix_list_id: pulumi.Input[str]
    """The managed prefix list of S3 in the region (`pl-…`)."""
    availability_zones: tuple[str, ...] = ()
    """The two zones to make an environment's subnets in; not needed where those are brought too."""
    s3_endpoint_id: pulumi.Input[str] | None = None
    """S3's gateway endpoint, to attach an environment's route tables to; not needed where those are brought too."""
    endpoint_security_group_id: pulumi.Input[str] | None = None
    """The endpoints' security group, which each environment opens to itself. None: it is open to the environments already."""
    nat_gateway_ids: tuple[pulumi.Input[str], ...] = ()
    """One for both zones, or one for each, in the order of the zones."""
    internet: bool = False
    """Whether tasks have another way to the internet than the NAT gateways."""

    @property
    def taken(self) -> Mapping[str, Sequence[str]]:
        """What takes addresses of the VPC already → its networks."""
        return {"endpoint subnets": self.endpoint_cidrs}


class AirflowVpc(pulumi.ComponentResource):
    """A VPC for one or more Airflow environments: endpoint subnets in two zones, the endpoints that MWAA needs, NAT if asked for.

    Each environment brings its own two private subnets and route tables into it.

    Args:
        owner: who answers for it; a tag of every resource.
        cidr: the VPC's network, /16 to /28.
        availability_zones: two of them, named, so that a zone that AWS adds later never moves a subnet.
        endpoint_cidrs: two networks, one for each zone, for the interface endpoints alone.
        vpc_id: brings a VPC (of this `cidr`) instead of making one; the endpoints are made in it.
        region: the provider's, unless given.
        nat: a NAT gateway for both zones (`single`) or one in each (`per-zone`), for routes that gates let out to the internet.
        public_cidrs: with NAT, a network for each NAT gateway's public subnet.
        internet_gateway_id: with NAT in a brought VPC, its internet gateway.
        extra_services: further AWS services with an interface endpoint (`secretsmanager`, `sts`).
        account_id: the AWS account (12 digits), whose buckets tasks may reach; asked of AWS unless given.
        s3_accounts: further accounts whose buckets tasks may reach.
        s3_endpoint_policy: the S3 endpoint's policy as JSON, in place of the one made of these accounts.
        flow_log_bucket_arn: an S3 bucket for the VPC's flow logs.
        tags: further tags for every resource.

    Raises:
        InputError: every argument that AWS would refuse, at once, before anything is registered.
    """

    vpc_id: pulumi.Output[str]
    region: str
    cidr: str
    availability_zones: tuple[str, ...]
    endpoint_cidrs: tuple[str, ...]
    endpoint_subnet_ids: tuple[pulumi.Output[str], ...]
    """The subnets of the interface endpoints, one in each zone."""
    endpoint_security_group_id: pulumi.Output[str]
    """The endpoints' security group, which each environment opens to itself."""
    s3_endpoint_id: pulumi.Output[str]
    """S3's gateway endpoint."""
    s3_prefix_list_id: pulumi.Output[str]
    """The managed prefix list of S3 in the region (`pl-…`)."""
    nat_gateway_ids: tuple[pulumi.Output[str], ...]
    """None, one, or one for each zone, in the order of the zones."""
    internet: bool
    """Whether tasks have a way to the internet: there are NAT gateways."""
    taken: dict[str, Sequence[str]]
    """What takes addresses of the VPC already → its networks: each environment enters its own."""

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        cidr: str,
        availability_zones: Sequence[str],
        endpoint_cidrs: Sequence[str],
        vpc_id: pulumi.Input[str] | None = None,
        region: str | None = None,
        nat: Nat = "none",
        public_cidrs: Sequence[str] = (),
        internet_gateway_id: pulumi.Input[str] | None = None,
        extra_services: Sequence[str] = (),
        account_id: str | None = None,
        s3_accounts: Sequence[str] = (),
        s3_endpoint_policy: pulumi.Input[str] | None = None,
        flow_log_bucket_arn: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        self.region = resolved_region(region, problems, opts)
        self._tags = checked_tags(owner, tags, problems)
        two_zones("availability_zones", availability_zones, self.region, problems)
        _check_layout(cidr, endpoint_cidrs, nat, public_cidrs, problems)
        _check_nat(nat, vpc_id, internet_gateway_id, problems)
        check_account("account_id", account_id, problems)
        for position, account in enumerate(s3_accounts):
            check_account(f"s3_accounts[{position}]", account, problems)
        if s3_accounts and s3_endpoint_policy is not None:
            problems.add("s3_accounts", "not used with a policy of your own: leave one of the two out")
        problems.raise_any()

        super().__init__("airlock:index:AirflowVpc", name, {}, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.cidr = cidr
        self.availability_zones = tuple(availability_zones)
        self.endpoint_cidrs = tuple(endpoint_cidrs)
        self._public_cidrs = tuple(public_cidrs)
        self.taken = {"endpoint subnets": self.endpoint_cidrs, "public subnets": self._public_cidrs}
        self.internet = nat != "none"

        self.vpc_id = self._make_vpc() if vpc_id is None else pulumi.Output.from_input(vpc_id)
        if flow_log_bucket_arn is not None:
            self._log_flows(flow_log_bucket_arn)
        if s3_endpoint_policy is None:
            s3_endpoint_policy = current_account(account_id, self).apply(
                lambda own: json.dumps(s3_policy([own, *s3_accounts], self.region))
            )
        self._make_endpoints(extra_services, s3_endpoint_policy)
        self.nat_gateway_ids = self._make_nat(internet_gateway_id) if self.internet else ()

        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "cidr": self.cidr,
                "endpointCidrs": list(self.endpoint_cidrs),
                "endpointSubnetIds": list(self.endpoint_subnet_ids),
                "endpointSecurityGroupId": self.endpoint_security_group_id,
                "s3EndpointId": self.s3_endpoint_id,
                "s3PrefixListId": self.s3_prefix_list_id,
                "natGatewayIds": list(self.nat_gateway_ids),
            }
        )

    def _named(self, suffix: str) -> dict[str, str]:
        return {**self._tags, "Name": f"{self._name}-{suffix}"}

    def _make_vpc(self) -> pulumi.Output[str]:
        # Private DNS of interface endpoints needs both.
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=self.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._named("vpc"),
            opts=self._child,
        )
        # AWS's default group lets everything out and its members talk; adopted without rules, it lets nothing through.
        aws.ec2.DefaultSecurityGroup(f"{self._name}-default", vpc_id=vpc.id, tags=self._named("default"), opts=self._child)
        made: pulumi.Output[str] = vpc.id
        return made

    def _log_flows(self, bucket_arn: pulumi.Input[str]) -> None:
        aws.ec2.FlowLog(
            f"{self._name}-flows",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=bucket_arn,
            log_format=LOG_FORMAT,
            max_aggregation_interval=60,
            tags=self._named("flows"),
            opts=self._child,
        )

    def _make_endpoints(self, extra_services: Sequence[str], policy: pulumi.Input[str]) -> None:
        # Its rules come with the environments, each of which opens it to itself alone.
        group = aws.ec2.SecurityGroup(
            f"{self._name}-endpoints",
            vpc_id=self.vpc_id,
            description="Interface endpoints of the AWS services that Airflow environments use",
            tags=self._named("endpoints"),
            opts=self._child,
        )
        self.endpoint_security_group_id = group.id
        self.endpoint_subnet_ids = tuple(
            self._make_subnet(f"endpoints-{position}", cidr, zone)
            for position, (cidr, zone) in enumerate(zip(self.endpoint_cidrs, self.availability_zones, strict=True))
        )
        needed = [service for service in INTERFACE_SERVICES if service in SERVICES_ELSEWHERE[partition(self.region)]]
        for service in dict.fromkeys([*needed, *extra_services]):
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self.vpc_id,
                service_name=endpoint_service(self.region, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(self.endpoint_subnet_ids),
                security_group_ids=[group.id],
                tags=self._named(service),
                opts=self._child,
            )
        s3 = aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            service_name=endpoint_service(self.region, "s3"),
            vpc_endpoint_type="Gateway",
            policy=policy,
            tags=self._named("s3"),
            opts=self._child,
        )
        self.s3_endpoint_id = s3.id
        self.s3_prefix_list_id = s3.prefix_list_id

    def _make_subnet(self, suffix: str, cidr: str, zone: str) -> pulumi.Output[str]:
        subnet = aws.ec2.Subnet(
            f"{self._name}-{suffix}",
            vpc_id=self.vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags=self._named(suffix),
            opts=self._child,
        )
        made: pulumi.Output[str] = subnet.id
        return made

    def _make_nat(self, internet_gateway_id: pulumi.Input[str] | None) -> tuple[pulumi.Output[str], ...]:
        if internet_gateway_id is None:
            gateway = aws.ec2.InternetGateway(
                f"{self._name}-internet", vpc_id=self.vpc_id, tags=self._named("internet"), opts=self._child
            )
            internet_gateway_id = gateway.id
        table = aws.ec2.RouteTable(f"{self._name}-public", vpc_id=self.vpc_id, tags=self._named("public"), opts=self._child)
        way_out = aws.ec2.Route(
            f"{self._name}-public-default",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=internet_gateway_id,
            opts=self._child,
        )
        made = []
        for position, (cidr, zone) in enumerate(zip(self._public_cidrs, self.availability_zones, strict=False)):
            subnet_id = self._make_subnet(f"public-{position}", cidr, zone)
            aws.ec2.RouteTableAssociation(
                f"{self._name}-public-{position}", subnet_id=subnet_id, route_table_id=table.id, opts=self._child
            )
            address = aws.ec2.Eip(
                f"{self._name}-nat-{position}", domain="vpc", tags=self._named(f"nat-{position}"), opts=self._child
            )
            nat = aws.ec2.NatGateway(
                f"{self._name}-nat-{position}",
                allocation_id=address.id,
                subnet_id=subnet_id,
                tags=self._named(f"nat-{position}"),
                # A NAT gateway made before its subnet has a way out stays without one for minutes.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[way_out]),
            )
            made.append(nat.id)
        return tuple(made)


def s3_policy(accounts: Sequence[str], region: str) -> dict[str, Any]:
    """What goes through S3's endpoint: the accounts' own buckets, and the layers of MWAA's images.

    A security group lets tasks out to all of S3 in the region; without this, to the buckets of anybody.
    Source: MWAA User Guide, "Security in your VPC on Amazon MWAA", the S3 gateway endpoint's policy.
    """
    arn = f"arn:{partition(region)}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnBuckets",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "*",
                # Where an action knows no resource there is no account to compare.
                "Condition": {"StringEqualsIfExists": {"aws:ResourceAccount": list(accounts)}},
            },
            {
                "Sid": "LayersOfImages",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"{arn}:s3:::prod-{region}-starport-layer-bucket/*",
            },
        ],
    }


def _check_layout(cidr: str, endpoint_cidrs: Sequence[str], nat: str, public_cidrs: Sequence[str], problems: Problems) -> None:
    vpc = network(cidr, "cidr", problems)
    if len(endpoint_cidrs) != 2:
        problems.add("endpoint_cidrs", f"{len(endpoint_cidrs)} networks: give two, one for each zone")
    subnets("endpoint_cidrs", endpoint_cidrs, vpc, problems)
    subnets("public_cidrs", public_cidrs, vpc, problems, beside={"endpoint_cidrs": endpoint_cidrs})
    wanted = {"none": 0, "single": 1, "per-zone": 2}.get(nat, len(public_cidrs))
    if len(public_cidrs) != wanted:
        problems.add("public_cidrs", f"{len(public_cidrs)} networks: nat={nat!r} takes {wanted}, one for each NAT gateway")


def _check_nat(
    nat: str, vpc_id: pulumi.Input[str] | None, internet_gateway_id: pulumi.Input[str] | None, problems: Problems
) -> None:
    one_of("nat", nat, ("none", "single", "per-zone"), problems)
    if nat == "none" and internet_gateway_id is not None:
        problems.add("internet_gateway_id", "without NAT it is not used: leave it out, or give nat=")
    if nat != "none" and vpc_id is not None and internet_gateway_id is None:
        problems.add("internet_gateway_id", "a brought VPC has at most one internet gateway: give it, for NAT")
    if nat != "none" and vpc_id is None and internet_gateway_id is not None:
        problems.add("internet_gateway_id", "a new VPC has a new internet gateway: leave it out")
