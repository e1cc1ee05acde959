"""The role that an environment's tasks run with: what MWAA needs of it, and nothing else.

A DAG that needs more gets it by `extra_policy_arns`, or better, by a role of its own that the task assumes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .encryption import service_suffix
from .limits import partition


@dataclass(frozen=True, slots=True)
class ExecutionRole:
    """The role, and what has to be there before the environment is: MWAA tries the role when it starts."""

    arn: pulumi.Output[str]
    before: tuple[pulumi.Resource, ...] = ()


def trust_policy(account_id: str, region: str, environment_name: str) -> dict[str, Any]:
    """Only MWAA, and only for this environment (MWAA User Guide, "Cross-service confused deputy prevention")."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "MwaaForThisEnvironment",
                "Effect": "Allow",
                "Principal": {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": environment_arn(account_id, region, environment_name)},
                },
            }
        ],
    }


def environment_arn(account_id: str, region: str, environment_name: str) -> str:
    """The environment's ARN, known before it exists."""
    return f"arn:{partition(region)}:airflow:{region}:{account_id}:environment/{environment_name}"


def permissions(account_id: str, region: str, environment_name: str, bucket_arn: str) -> dict[str, Any]:
    """What MWAA documents for an execution role (MWAA User Guide, "Amazon MWAA execution role"), narrowed.

    Three statements have `*` as resource, because their actions know no resource; each is held by a condition. The queue's
    account is AWS's own and not told, so its place in the ARN is open: the name, `airflow-celery-`, is MWAA's.
    """
    arn = f"arn:{partition(region)}"
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Metrics", ["airflow:PublishMetrics"], [environment_arn(account_id, region, environment_name)]),
            _allow(
                "ReadCode",
                ["s3:GetObject*", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:List*"],
                [bucket_arn, f"{bucket_arn}/*"],
            ),
            _allow("CheckPublicAccess", ["s3:GetAccountPublicAccessBlock"], ["*"], here),
            _allow(
                "WriteLogs",
                [
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:GetLogEvents",
                    "logs:GetLogGroupFields",
                    "logs:GetLogRecord",
                    "logs:GetQueryResults",
                    "logs:PutLogEvents",
                ],
                [f"{arn}:logs:{region}:{account_id}:log-group:airflow-{environment_name}-*"],
            ),
            _allow("FindLogs", ["logs:DescribeLogGroups"], ["*"], here),
            _allow(
                "PutMetrics",
                ["cloudwatch:PutMetricData"],
                ["*"],
                {"StringEquals": {"cloudwatch:namespace": ["AmazonMWAA", "AWS/MWAA"]}},
            ),
            _allow(
                "TaskQueue",
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ],
                [f"{arn}:sqs:{region}:*:airflow-celery-*"],
            ),
        ],
    }


def key_permissions(region: str, key_arn: str) -> dict[str, Any]:
    """Use of the environment's key, through the queue and the bucket alone."""
    through = [f"{service}.{region}.{service_suffix(region)}" for service in ("sqs", "s3")]
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
    statement = _allow("UseKey", use, [key_arn], {"StringEquals": {"kms:ViaService": through}})
    return {"Version": "2012-10-17", "Statement": [statement]}


def _allow(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def make_role(
    name: str,
    environment_name: str,
    account_id: pulumi.Output[str],
    region: str,
    bucket_arn: pulumi.Output[str],
    key_arn: pulumi.Output[str],
    permissions_boundary_arn: pulumi.Input[str] | None,
    extra_policy_arns: Sequence[pulumi.Input[str]],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
    further: Mapping[str, pulumi.Output[str]] | None = None,
) -> ExecutionRole:
    """A role with the policies above, and further ones: name → document.

    The key's policy is one of its own: a new key's ARN is unknown at preview, and must not hide the other statements.
    """
    role = aws.iam.Role(
        f"{name}-role",
        description=f"Tasks of the Airflow environment {environment_name}",
        assume_role_policy=account_id.apply(lambda account: json.dumps(trust_policy(account, region, environment_name))),
        permissions_boundary=permissions_boundary_arn,
        tags=tags,
        opts=opts,
    )
    everything = pulumi.Output.all(account_id, bucket_arn)
    policies: list[pulumi.Resource] = [
        aws.iam.RolePolicy(
            f"{name}-role",
            role=role.id,
            policy=everything.apply(lambda known: json.dumps(permissions(known[0], region, environment_name, known[1]))),
            opts=opts,
        ),
        aws.iam.RolePolicy(
            f"{name}-role-key",
            role=role.id,
            policy=key_arn.apply(lambda key: json.dumps(key_permissions(region, key))),
            opts=opts,
        ),
    ]
    for suffix, document in (further or {}).items():
        policies.append(aws.iam.RolePolicy(f"{name}-role-{suffix}", role=role.id, policy=document, opts=opts))
    for position, policy_arn in enumerate(extra_policy_arns):
        policies.append(aws.iam.RolePolicyAttachment(f"{name}-role-{position}", role=role.name, policy_arn=policy_arn, opts=opts))
    return ExecutionRole(_arn(account_id, region, role), tuple(policies))


def _arn(account_id: pulumi.Output[str], region: str, role: aws.iam.Role) -> pulumi.Output[str]:
    """The role's ARN, made of its name, which a preview knows: a trust policy that names it can be read before it is there."""
    return pulumi.Output.all(account_id, role.name).apply(
        lambda known: f"arn:{partition(region)}:iam::{known[0]}:role/{known[1]}"
    )
