"""One business unit's Airflow in one country: the same program for every stack, which differ in settings and access files."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_airlock.access import load
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration

settings = pulumi.Config()
owner = settings.require("owner")
zones = settings.require_object("availabilityZones")
subnets = settings.require_object("subnets")

access = load(Path(__file__).parent / "access" / f"{pulumi.get_stack()}.yaml")
AccessDeclaration("access", access)

vpc = AirflowVpc(
    "airflow",
    owner=owner,
    cidr=settings.require("cidr"),
    availability_zones=zones,
    endpoint_cidrs=subnets["endpoints"],
    flow_log_bucket_arn=settings.require("flowLogBucketArn"),
)
environment = MwaaEnvironment(
    access.environments[0].name,
    owner=owner,
    vpc=vpc,
    subnet_cidrs=subnets["airflow"],
    airflow_version="3.0.6",
    scale=MwaaScale(environment_class="mw1.small", min_workers=1, max_workers=5),
    code=MwaaCode(dags="dags"),
    protect_data=True,
)
datacenter = aws.ec2.VpnGateway("datacenter", vpc_id=vpc.vpc_id, tags={"owner": owner})
AwsNetworkGate("aws_network", access=access, environments=[environment.network], gateway=datacenter)

pulumi.export("webserver", environment.webserver_url)
