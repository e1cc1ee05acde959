"""What makes a failed renewal loud: alarms, and Secrets Manager's own word that a rotation failed, both to one topic."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from json import dumps

import pulumi
import pulumi_aws as aws

from .cadence import overdue_after
from .documents import topic_policy
from .function import Made, Place
from .rotation_function.watch import NAMESPACE

FAILURES = ("RotationFailed", "RotationAbandoned", "TestRotationFailed")
"""What CloudTrail calls them (Secrets Manager User Guide, "AWS CloudTrail entries for Secrets Manager")."""


def make_topic(place: Place, emails: Sequence[str]) -> tuple[pulumi.Output[str], pulumi.Resource]:
    """An encrypted topic that alarms and events may publish to, with its subscribers. Returns its ARN, and its policy."""
    topic = aws.sns.Topic(f"{place.name}-alarms", kms_master_key_id=place.key_arn, tags=place.tags, opts=place.opts)
    allowed = aws.sns.TopicPolicy(
        f"{place.name}-alarms",
        arn=topic.arn,
        policy=pulumi.Output.all(place.account, topic.arn).apply(lambda known: dumps(topic_policy(*known))),
        opts=place.opts,
    )
    for position, email in enumerate(emails):
        aws.sns.TopicSubscription(
            f"{place.name}-alarms-{position}", topic=topic.arn, protocol="email", endpoint=email, opts=place.opts
        )
    arn: pulumi.Output[str] = topic.arn
    return arn, allowed


class Alarms:
    """Makes alarms that all tell the same topic, when they ring and when they stop."""

    def __init__(self, place: Place, topic_arn: pulumi.Output[str]) -> None:
        self._place, self._topic = place, topic_arn

    def of_function(self, made: Made) -> None:
        """Errors, throttles, and events that nobody could handle."""
        by_function = {"FunctionName": made.function.name}
        self._alarm("function-errors", "The rotation function fails", "AWS/Lambda", "Errors", by_function)
        self._alarm("function-throttles", "The rotation function is throttled", "AWS/Lambda", "Throttles", by_function)
        queue = {"QueueName": made.queue.name}
        text = "The rotation function gave up on an event"
        self._alarm("function-failed", text, "AWS/SQS", "ApproximateNumberOfMessagesVisible", queue)

    def overdue(self, key: str, secret: str, cadence: timedelta) -> None:
        """A secret that is older than its cadence allows, or whose age nobody measures any more."""
        limit = overdue_after(cadence)
        aws.cloudwatch.MetricAlarm(
            f"{self._place.name}-{key}-overdue",
            alarm_description=f"{secret} was not rotated in time, or nobody looks whether it was",
            namespace=NAMESPACE,
            metric_name="RotationAge",
            dimensions={"Secret": secret},
            statistic="Maximum",
            period=3600,
            evaluation_periods=3,
            datapoints_to_alarm=3,
            comparison_operator="GreaterThanThreshold",
            threshold=limit.total_seconds(),
            treat_missing_data="breaching",
            **self._actions(),
        )

    def refresh(self, route: str) -> None:
        """A route whose credential could not be had: what runs in Airflow says so by the metric `RefreshFailed`."""
        text = f"Tasks could not get the credential of the route {route}"
        self._alarm(f"route-{route}-refresh-failed", text, NAMESPACE, "RefreshFailed", {"Route": route})

    def rotation_failed(self, secrets: Sequence[pulumi.Output[str]], before: Sequence[pulumi.Resource]) -> None:
        """Secrets Manager's own events. They come by CloudTrail: a trail has to log management events."""
        place = self._place
        rule = aws.cloudwatch.EventRule(
            f"{place.name}-rotation-failed",
            description="Secrets Manager could not rotate a secret",
            event_pattern=pulumi.Output.all(*secrets).apply(lambda arns: dumps(failure_pattern(arns))),
            state="ENABLED",
            tags=place.tags,
            opts=place.opts,
        )
        # Without a role: a topic that is encrypted would refuse it (EventBridge User Guide, "Using resource-based policies").
        aws.cloudwatch.EventTarget(
            f"{place.name}-rotation-failed",
            rule=rule.name,
            arn=self._topic,
            opts=pulumi.ResourceOptions.merge(place.opts, pulumi.ResourceOptions(depends_on=list(before))),
        )
        by_rule = {"RuleName": rule.name}
        text = "The news that a rotation failed could not be delivered"
        self._alarm("rotation-failed-undelivered", text, "AWS/Events", "FailedInvocations", by_rule)

    def _alarm(self, key: str, text: str, namespace: str, metric: str, dimensions: Mapping[str, pulumi.Input[str]]) -> None:
        """Rings at the first one. Silence is no news: these metrics are written when something happens."""
        aws.cloudwatch.MetricAlarm(
            f"{self._place.name}-{key}",
            alarm_description=text,
            namespace=namespace,
            metric_name=metric,
            dimensions=dict(dimensions),
            statistic="Sum" if namespace != "AWS/SQS" else "Maximum",
            period=300,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            **self._actions(),
        )

    def _actions(self) -> dict[str, object]:
        told = [self._topic]
        return {
            "actions_enabled": True,
            "alarm_actions": told,
            "ok_actions": told,
            "tags": self._place.tags,
            "opts": self._place.opts,
        }


def failure_pattern(arns: Sequence[str]) -> dict[str, object]:
    """Which events count: service events of these secrets, as CloudTrail hands them on."""
    return {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS Service Event via CloudTrail"],
        "detail": {"eventName": list(FAILURES), "additionalEventData": {"SecretId": list(arns)}},
    }
