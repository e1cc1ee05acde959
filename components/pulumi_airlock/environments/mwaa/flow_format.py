"""What a VPC flow log tells of a connection: the format that every flow log of ours has."""

FIELDS = (
    *("version", "account-id", "region", "vpc-id", "subnet-id", "interface-id"),
    *("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "pkt-srcaddr", "pkt-dstaddr"),
    *("packets", "bytes", "start", "end", "action", "reject-reason", "tcp-flags"),
    *("flow-direction", "traffic-path", "pkt-src-aws-service", "pkt-dst-aws-service", "log-status"),
)
"""Fields of versions 2 to 8 (VPC User Guide, "Flow log records"), far fewer than AWS has.

`srcaddr` and `dstaddr` are what the interface sees, `pkt-…` the packet's own ends: behind NAT gateways, transit gateways and
endpoints they differ. `traffic-path` is the way that the packet leaves by.
"""

LOG_FORMAT = " ".join(f"${{{field}}}" for field in FIELDS)
"""As `aws.ec2.FlowLog` takes it."""
