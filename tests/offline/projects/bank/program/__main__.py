"""An environment and its security group, written by hand: the proof compares it with `access.yaml`."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_airlock.access import load
from pulumi_airlock.gates.declared import AccessDeclaration

AccessDeclaration("access", load(Path("access.yaml")))
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
gateway = aws.ec2.VpnGateway("vpn", vpc_id=vpc.id)
table = aws.ec2.RouteTable("table", vpc_id=vpc.id)
aws.ec2.Route("datacenter", route_table_id=table.id, destination_cidr_block="10.20.0.0/16", gateway_id=gateway.id)
subnets = [
    aws.ec2.Subnet(f"subnet-{at}", vpc_id=vpc.id, cidr_block=f"10.0.{at}.0/24", availability_zone=f"eu-central-1{zone}")
    for at, zone in enumerate("ab")
]
for at, subnet in enumerate(subnets):
    aws.ec2.RouteTableAssociation(f"table-{at}", subnet_id=subnet.id, route_table_id=table.id)
group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="Airflow")
aws.vpc.SecurityGroupEgressRule(
    "within", security_group_id=group.id, ip_protocol="-1", referenced_security_group_id=group.id, description="itself"
)
for cidr in pulumi.Config().require_object("egress"):
    aws.vpc.SecurityGroupEgressRule(
        f"to-{cidr}", security_group_id=group.id, ip_protocol="tcp", from_port=5432, to_port=5432, cidr_ipv4=cidr
    )
role = aws.iam.Role("role", assume_role_policy="{}")
aws.mwaa.Environment(
    "finance",
    dag_s3_path="dags",
    execution_role_arn=role.arn,
    source_bucket_arn="arn:aws:s3:::code",
    network_configuration={"subnet_ids": [one.id for one in subnets], "security_group_ids": [group.id]},
)
