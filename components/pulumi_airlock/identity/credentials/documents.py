"""The policy documents: who may read a secret, what the rotation function may do, who may use the key and the topic."""

from collections.abc import Sequence
from typing import Any

from ...environments.mwaa.encryption import key_policy, service_suffix
from ...environments.mwaa.limits import partition
from .rotation_function.watch import NAMESPACE

Document = dict[str, Any]
USE_KEY = ["kms:Decrypt", "kms:GenerateDataKey"]
ROUTES = "Airlock/Routes"
"""The CloudWatch namespace of `RefreshFailed`, which tasks may put: not the function's, or they could speak for it."""


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Document | None = None) -> Document:
    """An Allow statement of an identity's policy."""
    found: Document = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**found, "Condition": condition} if condition else found


def policy(*statements: Document) -> Document:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def secret_policy(readers: Sequence[str], others: Sequence[str]) -> Document:
    """A secret's own policy: its readers may read it, and nobody but they, the rotation function and administrators.

    The Deny holds against whatever an identity's policy allows: an administrator of the account has to be named.
    """
    known = sorted({*readers, *others})
    statements: list[Document] = []
    if readers:
        read = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        statements.append(
            {"Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": sorted(set(readers))}, "Action": read, "Resource": "*"}
        )
    statements.append(
        {
            "Sid": "NobodyElse",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": "*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": known}},
        }
    )
    return policy(*statements)


def reader_policy(secrets: Sequence[str], databases: Sequence[str], key: str | None, region: str) -> Document:
    """What a principal's role needs: its secrets and its database users, each by name; and to say that it got no credential."""
    statements = [allow("Metrics", ["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": ROUTES}})]
    if secrets:
        statements.append(allow("ReadSecrets", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], secrets))
    if secrets and key:
        through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.{service_suffix(region)}"}}
        statements.append(allow("DecryptSecrets", ["kms:Decrypt"], [key], through))
    if databases:
        statements.append(allow("ConnectToDatabases", ["rds-db:connect"], databases))
    return policy(*statements)


def database_arn(region: str, account: str, resource_id: str, user: str) -> str:
    """One user of one database (RDS User Guide, "Creating and using an IAM policy for IAM database access")."""
    return f"arn:{partition(region)}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}"


def function_policy(
    secrets: Sequence[str], watched: Sequence[str], key: str, queue: str, log_group: str, region: str
) -> Document:
    """What the rotation function may do: the four steps on its own secrets, a look at the others, one metric's namespace."""
    through = {
        "StringEquals": {"kms:ViaService": [f"{one}.{region}.{service_suffix(region)}" for one in ("secretsmanager", "sqs")]}
    }
    four_steps = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]
    found = [
        allow("UseKey", USE_KEY, [key], through),
        allow("Metrics", ["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}),
        allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"]),
        allow("FailedEvents", ["sqs:SendMessage"], [queue]),
    ]
    if secrets:
        found.insert(0, allow("RotateSecrets", [f"secretsmanager:{action}" for action in four_steps], secrets))
    if watched:
        found.insert(0, allow("WatchSecrets", ["secretsmanager:DescribeSecret"], watched))
    return policy(*found)


def network_policy(region: str, account: str) -> Document:
    """Network interfaces of a function in a VPC (Lambda Developer Guide, "Giving Lambda functions access to resources in a VPC").

    `DescribeNetworkInterfaces` knows no resource. The others are held to the account's region, and denied to the function's own
    code, which never needs them: only the service does.
    """
    here = f"arn:{partition(region)}:ec2:{region}:{account}"
    places = [f"{here}:{kind}/*" for kind in ("network-interface", "subnet", "security-group")]
    change = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"]
    return policy(
        allow("NetworkInterfaces", change, places),
        allow(
            "FindNetworkInterfaces", ["ec2:DescribeNetworkInterfaces"], ["*"], {"StringEquals": {"aws:RequestedRegion": region}}
        ),
        {
            "Sid": "NotByTheCode",
            "Effect": "Deny",
            "Action": [*change, "ec2:DescribeNetworkInterfaces"],
            "Resource": "*",
            "Condition": {
                "ArnLike": {"lambda:SourceFunctionArn": f"arn:{partition(region)}:lambda:{region}:{account}:function:*"}
            },
        },
    )


def trust_policy() -> Document:
    """Only Lambda."""
    return policy(
        {"Sid": "Lambda", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )


def key_document(account: str, region: str, log_group: str) -> Document:
    """The key's policy: the account through IAM, the function's logs, and alarms and events on their way to the topic."""
    # The account's own statement is that of an environment's key.
    mine: Document = key_policy(account, region, "none")["Statement"][0]
    same = {"StringEquals": {"aws:SourceAccount": account}}
    arn = f"arn:{partition(region)}"
    return policy(
        mine,
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.{service_suffix(region)}"},
            "Action": [*USE_KEY, "kms:DescribeKey", "kms:Encrypt"],
            "Resource": "*",
            "Condition": {
                "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"{arn}:logs:{region}:{account}:log-group:{log_group}"}
            },
        },
        _publisher("Alarms", "cloudwatch.amazonaws.com", USE_KEY, "*", same),
        _publisher("Events", "events.amazonaws.com", USE_KEY, "*"),
    )


def topic_policy(account: str, topic: str) -> Document:
    """Alarms of this account may be published, and events.

    EventBridge sends no context with what it publishes: a condition in its statement, here or in the key's policy, would drop
    every event without a word (EventBridge User Guide, "Using resource-based policies"; SNS Developer Guide, "Managing keys").
    """
    same = {"StringEquals": {"aws:SourceAccount": account}}
    return policy(
        _publisher("Alarms", "cloudwatch.amazonaws.com", ["sns:Publish"], topic, same),
        _publisher("Events", "events.amazonaws.com", ["sns:Publish"], topic),
    )


def _publisher(sid: str, service: str, actions: Sequence[str], resource: str, condition: Document | None = None) -> Document:
    found: Document = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": list(actions),
        "Resource": resource,
    }
    return {**found, "Condition": condition} if condition else found
