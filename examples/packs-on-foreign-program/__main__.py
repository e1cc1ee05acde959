"""An Airflow environment and a firewall, as a team wrote them that knows nothing of Airlock: plain pulumi-aws and fortios."""

import json

import pulumi
import pulumi_aws as aws
import pulumiverse_fortios as fortios

TAGS = {"owner": "airflow-platform@bank.example"}
DATACENTER, WAREHOUSE = "10.20.0.0/16", "10.20.4.10/32"

# --- the network of AWS

vpc = aws.ec2.Vpc("airflow", cidr_block="10.40.0.0/24", enable_dns_hostnames=True, tags=TAGS)
gateway = aws.ec2.VpnGateway("to-datacenter", vpc_id=vpc.id, tags=TAGS)
table = aws.ec2.RouteTable(
    "private",
    vpc_id=vpc.id,
    routes=[aws.ec2.RouteTableRouteArgs(cidr_block=DATACENTER, gateway_id=gateway.id)],
    tags=TAGS,
)
subnets = []
for number, zone in enumerate(("eu-central-1a", "eu-central-1b")):
    cidr = f"10.40.0.{number * 64}/26"
    subnet = aws.ec2.Subnet(f"private-{number}", vpc_id=vpc.id, cidr_block=cidr, availability_zone=zone, tags=TAGS)
    aws.ec2.RouteTableAssociation(f"private-{number}", subnet_id=subnet.id, route_table_id=table.id)
    subnets.append(subnet)
group = aws.ec2.SecurityGroup(
    "tasks",
    description="Airflow",
    vpc_id=vpc.id,
    ingress=[aws.ec2.SecurityGroupIngressArgs(protocol="-1", from_port=0, to_port=0, self=True, description="Airflow itself")],
    egress=[
        aws.ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, self=True, description="Airflow itself"),
        aws.ec2.SecurityGroupEgressArgs(
            protocol="tcp", from_port=5432, to_port=5432, cidr_blocks=[WAREHOUSE], description="the warehouse"
        ),
    ],
    tags=TAGS,
)

# --- Airflow

trust = {
    "Effect": "Allow",
    "Principal": {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]},
    "Action": "sts:AssumeRole",
}
role = aws.iam.Role("airflow", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}), tags=TAGS)
bucket = aws.s3.Bucket("dags", tags=TAGS)
aws.mwaa.Environment(
    "finance",
    name="finance",
    airflow_version="3.0.6",
    dag_s3_path="dags/",
    execution_role_arn=role.arn,
    source_bucket_arn=bucket.arn,
    network_configuration=aws.mwaa.EnvironmentNetworkConfigurationArgs(
        security_group_ids=[group.id], subnet_ids=[subnet.id for subnet in subnets]
    ),
    webserver_access_mode="PRIVATE_ONLY",
    tags=TAGS,
)

# --- the firewall

edge = fortios.Provider("edge", hostname="firewall.bank.example")
on_edge = pulumi.ResourceOptions(provider=edge)
airflow = fortios.firewall.Address("airflow", name="airflow", type="ipmask", subnet="10.40.0.0 255.255.255.128", opts=on_edge)
warehouse = fortios.firewall.Address(
    "warehouse", name="warehouse", type="ipmask", subnet="10.20.4.10 255.255.255.255", opts=on_edge
)
postgres = fortios.firewall.service.Custom(
    "postgres", name="postgres", protocol="TCP/UDP/SCTP", tcp_portrange="5432", opts=on_edge
)
fortios.firewall.Policy(
    "warehouse",
    name="warehouse",
    action="accept",
    status="enable",
    schedule="always",
    logtraffic="all",
    srcintfs=[{"name": "vpn"}],
    dstintfs=[{"name": "port3"}],
    srcaddrs=[{"name": airflow.name}],
    dstaddrs=[{"name": warehouse.name}],
    services=[{"name": postgres.name}],
    opts=on_edge,
)
