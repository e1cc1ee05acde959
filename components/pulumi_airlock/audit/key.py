"""The key under which logs are kept."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from ..environments.mwaa.encryption import USE, key_policy, service_suffix
from ..environments.mwaa.limits import partition


def audit_key_policy(account_id: str, region: str, trail_arn: str) -> dict[str, Any]:
    """The account decides through IAM; CloudWatch Logs and CloudTrail use the key for this account alone.

    Sources: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS"; CloudTrail User Guide, "Configure
    AWS KMS key policies for CloudTrail".
    """
    arn = f"arn:{partition(region)}"
    groups = f"{arn}:logs:{region}:{account_id}:log-group:*"
    trails = {"kms:EncryptionContext:aws:cloudtrail:arn": f"{arn}:cloudtrail:*:{account_id}:trail/*"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            key_policy(account_id, region, "")["Statement"][0],
            _allow(
                "LogsOfThisAccount",
                f"logs.{region}.{service_suffix(region)}",
                [f"kms:{action}" for action in USE],
                {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            ),
            _allow(
                "TrailEncrypts",
                "cloudtrail.amazonaws.com",
                ["kms:GenerateDataKey*"],
                {"StringEquals": {"aws:SourceArn": trail_arn}, "StringLike": trails},
            ),
            _allow("TrailLooks", "cloudtrail.amazonaws.com", ["kms:DescribeKey"], {"StringEquals": {"aws:SourceArn": trail_arn}}),
        ],
    }


def _allow(sid: str, service: str, actions: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    allowed = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": service}, "Action": actions, "Resource": "*"}
    return {**allowed, "Condition": condition}


def make_audit_key(
    name: str,
    region: str,
    account_id: pulumi.Output[str],
    trail_arn: pulumi.Output[str],
    tags: dict[str, str],
    child: pulumi.ResourceOptions,
    protect: bool,
) -> pulumi.Output[str]:
    """A key that rotates every year. Returns its ARN."""
    policy = pulumi.Output.all(account_id, trail_arn).apply(
        lambda known: json.dumps(audit_key_policy(known[0], region, known[1]))
    )
    key = aws.kms.Key(
        f"{name}-key",
        description=f"Logs of {name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=policy,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=protect or None)),
    )
    aws.kms.Alias(f"{name}-key", name=f"alias/{name}-logs", target_key_id=key.id, opts=child)
    made: pulumi.Output[str] = key.arn
    return made
