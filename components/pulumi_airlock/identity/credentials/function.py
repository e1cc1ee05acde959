"""The rotation function as resources: its role, log group, queue for failed events, code, and who may call it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps

import pulumi
import pulumi_aws as aws

from ...environments.mwaa.limits import partition
from .documents import function_policy, network_policy, trust_policy
from .package import HANDLER, archive
from .parts import FunctionNetwork
from .rotation_function.service import Settings

RUNTIME = "python3.13"
TIMEOUT_SECONDS = 120
"""For one step: signing in, listing, issuing, and four tries of a new credential with pauses between."""
WATCH_EVERY = "rate(1 hour)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as whose resources are made."""

    name: str
    region: str
    account: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    tags: Mapping[str, str]
    opts: pulumi.ResourceOptions

    @property
    def function_name(self) -> str:
        """The function's name, known before it is there."""
        return f"airlock-{self.name}-rotation"

    @property
    def function_arn(self) -> pulumi.Output[str]:
        """Its ARN, known before it is there."""
        return self.account.apply(
            lambda account: f"arn:{partition(self.region)}:lambda:{self.region}:{account}:function:{self.function_name}"
        )


@dataclass(frozen=True, slots=True)
class Made:
    """The function, and what its alarms look at."""

    function: aws.lambda_.Function
    queue: aws.sqs.Queue
    watch: aws.cloudwatch.EventRule


def make_role(place: Place) -> aws.iam.Role:
    """The function's role, without rights yet: secrets name it in their policies."""
    return aws.iam.Role(
        f"{place.name}-function",
        description="Rotates secrets",
        assume_role_policy=dumps(trust_policy()),
        max_session_duration=3600,
        tags=place.tags,
        opts=place.opts,
    )


def make_function(
    place: Place,
    role: aws.iam.Role,
    settings: Mapping[str, Settings],
    own: Sequence[pulumi.Output[str]],
    watched: Sequence[pulumi.Output[str]],
    network: FunctionNetwork | None,
    ca_certificates: str | None,
    log_retention_days: int,
    tracing: bool,
) -> Made:
    """`own` are the ARNs of the secrets that it rotates, `watched` of those that others rotate."""
    logs = aws.cloudwatch.LogGroup(
        f"{place.name}-function-logs",
        name=f"/aws/lambda/{place.function_name}",
        retention_in_days=log_retention_days,
        kms_key_id=place.key_arn,
        tags=place.tags,
        opts=place.opts,
    )
    queue = aws.sqs.Queue(
        f"{place.name}-function-failed",
        kms_master_key_id=place.key_arn,
        message_retention_seconds=1209600,
        tags=place.tags,
        opts=place.opts,
    )
    before: list[pulumi.Resource] = [
        logs,
        aws.iam.RolePolicy(
            f"{place.name}-function",
            role=role.id,
            policy=pulumi.Output.all(list(own), list(watched), place.key_arn, queue.arn, logs.arn).apply(
                lambda known: dumps(function_policy(known[0], known[1], known[2], known[3], known[4], place.region))
            ),
            opts=place.opts,
        ),
    ]
    if network is not None:
        before.append(
            aws.iam.RolePolicy(
                f"{place.name}-function-network",
                role=role.id,
                policy=place.account.apply(lambda account: dumps(network_policy(place.region, account))),
                opts=place.opts,
            )
        )
    if tracing:
        before.append(
            aws.iam.RolePolicyAttachment(
                f"{place.name}-function-tracing",
                role=role.name,
                policy_arn=f"arn:{partition(place.region)}:iam::aws:policy/AWSXRayDaemonWriteAccess",
                opts=place.opts,
            )
        )
    function = aws.lambda_.Function(
        f"{place.name}-function",
        name=place.function_name,
        description="Rotates the secrets of routes and gates",
        role=role.arn,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=HANDLER,
        code=archive(settings, ca_certificates),
        timeout=TIMEOUT_SECONDS,
        memory_size=256,
        # Secrets Manager calls once for a step of a secret, and the watch once an hour: more at a time is nobody's.
        reserved_concurrent_executions=len(own) + 1,
        kms_key_arn=place.key_arn,
        dead_letter_config={"target_arn": queue.arn},
        logging_config={
            "log_format": "JSON",
            "log_group": logs.name,
            "application_log_level": "INFO",
            "system_log_level": "WARN",
        },
        tracing_config={"mode": "Active" if tracing else "PassThrough"},
        vpc_config=(
            {"subnet_ids": list(network.subnet_ids), "security_group_ids": list(network.security_group_ids)} if network else None
        ),
        tags=place.tags,
        opts=pulumi.ResourceOptions.merge(place.opts, pulumi.ResourceOptions(depends_on=before)),
    )
    aws.lambda_.FunctionEventInvokeConfig(
        f"{place.name}-function",
        function_name=function.name,
        maximum_event_age_in_seconds=3600,
        maximum_retry_attempts=1,
        opts=place.opts,
    )
    return Made(function, queue, _make_watch(place, function))


def _make_watch(place: Place, function: aws.lambda_.Function) -> aws.cloudwatch.EventRule:
    """Every hour: retires what has had its grace, and measures ages."""
    rule = aws.cloudwatch.EventRule(
        f"{place.name}-watch",
        description="Retires replaced credentials and measures how old the others are",
        schedule_expression=WATCH_EVERY,
        state="ENABLED",
        tags=place.tags,
        opts=place.opts,
    )
    allowed = aws.lambda_.Permission(
        f"{place.name}-watch",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
        source_account=place.account,
        opts=place.opts,
    )
    aws.cloudwatch.EventTarget(
        f"{place.name}-watch",
        rule=rule.name,
        arn=function.arn,
        input=dumps({"action": "watch"}),
        opts=pulumi.ResourceOptions.merge(place.opts, pulumi.ResourceOptions(depends_on=[allowed])),
    )
    return rule
