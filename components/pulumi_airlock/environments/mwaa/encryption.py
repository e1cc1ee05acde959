"""The key that encrypts an environment's bucket, logs, queue and metadata."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from .limits import partition

_ADMINISTER = (
    "CancelKeyDeletion",
    "CreateAlias",
    "DeleteAlias",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "RevokeGrant",
    "RetireGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)
USE = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
"""What a service does with a key (KMS Developer Guide, "Allows key users to use the KMS key")."""


def key_policy(account_id: str, region: str, environment_name: str) -> dict[str, Any]:
    """The key's policy. In a key policy `*` as a resource means this key.

    The account's statement lets IAM policies decide, as everywhere; it lists actions, so that it grants no more than managing and
    using the key. It includes CreateGrant, since MWAA creates its grants in the name of whoever creates the environment (MWAA
    User Guide, "Customer managed keys for encryption").
    """
    arn = f"arn:{partition(region)}"
    log_groups = f"{arn}:logs:{region}:{account_id}:log-group:airflow-{environment_name}-*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountDecidesThroughIam",
                "Effect": "Allow",
                "Principal": {"AWS": f"{arn}:iam::{account_id}:root"},
                "Action": [f"kms:{action}" for action in sorted({*_ADMINISTER, *USE, "CreateGrant"})],
                "Resource": "*",
            },
            {
                "Sid": "LogsOfThisEnvironment",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{region}.{service_suffix(region)}"},
                "Action": [f"kms:{action}" for action in USE],
                "Resource": "*",
                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
            },
        ],
    }


def service_suffix(region: str) -> str:
    """The domain of a region's service names."""
    return "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"


def make_key(
    name: str,
    environment_name: str,
    account_id: pulumi.Output[str],
    region: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """A key that rotates every year, with an alias. Returns its ARN."""
    key = aws.kms.Key(
        f"{name}-key",
        description=f"Airflow environment {environment_name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=account_id.apply(lambda account: json.dumps(key_policy(account, region, environment_name))),
        tags=tags,
        opts=opts,
    )
    alias = f"alias/airflow-{environment_name}"
    aws.kms.Alias(f"{name}-key", name=alias, target_key_id=key.id, opts=pulumi.ResourceOptions(parent=opts.parent))
    made: pulumi.Output[str] = key.arn
    return made
