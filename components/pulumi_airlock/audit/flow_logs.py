"""VPC flow logs in a format that shows who really talks: behind NAT gateways, transit gateways and endpoints, too."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from ..environments.mwaa.flow_format import LOG_FORMAT
from .archive import Bucket
from .delivery import Delivery, Site, direct_to_bucket
from .siem import CloudWatchIntake, Siem

INTERVAL_SECONDS = 60
"""The shorter of the two aggregation intervals: a task may live for less than ten minutes."""


def make_flow_logs(
    site: Site, siem: Siem, delivery: Delivery, bucket: Bucket | None, vpc_ids: Mapping[str, pulumi.Input[str]]
) -> None:
    """A flow log of all traffic for each VPC, to the SIEM's cloud intake."""
    group_role = None
    group = None
    if isinstance(siem.cloud, CloudWatchIntake) and vpc_ids:
        group = site.log_group("flows", f"/airlock/{site.name}/vpc-flow-logs")
        delivery.subscribe("flows", group.name)
        group_role = _writer(site, group.arn)
    for label, vpc_id in vpc_ids.items():
        if group is not None and group_role is not None:
            kind, to, role_arn = "cloud-watch-logs", group.arn, group_role.arn
        elif bucket is not None and direct_to_bucket(siem):
            kind, to, role_arn = "s3", _folder(bucket), None
        else:
            kind, to, role_arn = "kinesis-data-firehose", delivery.flow_stream.arn, None
        aws.ec2.FlowLog(
            f"{site.name}-{label}-flows",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type=kind,
            log_destination=to,
            iam_role_arn=role_arn,
            log_format=LOG_FORMAT,
            max_aggregation_interval=INTERVAL_SECONDS,
            tags={**site.tags, "Name": f"{site.name}-{label}-flows"},
            opts=site.after(*bucket.before) if bucket is not None else site.child,
        )


def _folder(bucket: Bucket) -> pulumi.Output[str]:
    return bucket.arn.apply(lambda arn: f"{arn}/{bucket.prefix}" if bucket.prefix else arn)


def _writer(site: Site, group_arn: pulumi.Output[str]) -> aws.iam.Role:
    """Source: VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs"."""
    write = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    statements: dict[str, Any] = {"Write": (write, [group_arn, group_arn.apply(lambda arn: f"{arn}:*")], {})}
    return site.role("flow-writer", "vpc-flow-logs.amazonaws.com", site.arn("ec2", "vpc-flow-log/*"), statements)
