"""A VPC, subnets in it, a component with a security group, a secret, a provider function."""

import pulumi
import pulumi_aws as aws
from network import Network

config = pulumi.Config()
zones = aws.get_availability_zones(state="available")
network = Network("network", cidr=config.get("cidr") or "10.0.0.0/16", zones=zones.names[: config.require_int("size")])
secret = aws.ssm.Parameter("psk", type="SecureString", value=config.get_secret("psk") or pulumi.Output.secret("hunter22"))
pulumi.export("vpc", network.vpc.id)
pulumi.export("secret", secret.value)
