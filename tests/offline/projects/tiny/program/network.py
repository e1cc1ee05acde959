import pulumi
import pulumi_aws as aws


class Network(pulumi.ComponentResource):
    def __init__(self, name, cidr, zones, opts=None):
        super().__init__("tiny:index:Network", name, {"cidr": cidr}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block=cidr, opts=child)
        self.subnets = [
            aws.ec2.Subnet(f"{name}-{zone}", vpc_id=self.vpc.id, cidr_block=f"10.0.{at}.0/24", availability_zone=zone, opts=child)
            for at, zone in enumerate(zones)
        ]
        self.group = aws.ec2.SecurityGroup(
            f"{name}-group", vpc_id=self.vpc.id, description=self.vpc.arn.apply(lambda arn: f"of {arn}"), opts=child
        )
        self.register_outputs({"vpcId": self.vpc.id, "cidr": cidr})
