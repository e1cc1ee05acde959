"""Policies on who answers for a resource."""

from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, setting, undecided, wrong

TAGGABLE = (
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ec2/customerGateway:CustomerGateway",
    "aws:ec2/eip:Eip",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/networkAcl:NetworkAcl",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:ec2/vpnConnection:VpnConnection",
    "aws:ec2/vpnGateway:VpnGateway",
    "aws:ec2transitgateway/transitGateway:TransitGateway",
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:mwaa/environment:Environment",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:secretsmanager/secret:Secret",
)
"""What costs money, holds data or stands at a border; all of it takes tags."""


@resource_policy(
    "aws-owner-tag",
    types=TAGGABLE,
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Tag the resource with its owner, or let the provider do it for all (`defaultTags`).",
    url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    settings={"tag": setting("The tag that names the owner.", "owner")},
)
def owner_tag(it: Subject) -> Findings:
    """Everything in AWS that can be tagged says who owns it."""
    yield from _tag(it, it.config["tag"])


@resource_policy(
    "mwaa-tags",
    types=("aws:mwaa/environment:Environment",),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Tag the environment; MWAA passes its tags on to cost and access reports.",
    url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    settings={"tags": setting("Tags that an environment carries.", ["owner"])},
)
def mwaa_tags(it: Subject) -> Findings:
    """An Airflow environment carries every tag that its workers' costs and rights are reported by."""
    for tag in it.config["tags"]:
        yield from _tag(it, tag)


def _tag(it: Subject, tag: str) -> Findings:
    """The tag stands on the resource, in all its tags, or among the provider's defaults."""
    found: list[Any] = [it.get("tags", tag), it.get("tagsAll", tag)]
    defaults = it.provider.get("defaultTags")
    if isinstance(defaults, dict):
        defaults = defaults.get("tags", {})
    found.append(defaults.get(tag) if isinstance(defaults, dict) else defaults)
    if any(value is not UNKNOWN and value is not None and str(value).strip() for value in found):
        return
    if UNKNOWN in found:
        yield undecided(it, f"tags.{tag}")
    else:
        yield wrong(it, f"tags.{tag}", "is missing or empty")
