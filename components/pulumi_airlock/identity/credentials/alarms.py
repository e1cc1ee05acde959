"""What makes a failed renewal loud: alarms, and CloudTrail's word that a rotation or a reading failed, all to one topic."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from json import dumps

import pulumi
import pulumi_aws as aws

from .cadence import overdue_after
from .documents import ROUTES, topic_policy
from .function import Made, Place
from .rotation_function.watch import NAMESPACE

FAILURES = ("RotationFailed", "RotationAbandoned", "TestRotationFailed")
"""What CloudTrail calls them (Secrets Manager User Guide, "AWS CloudTrail entries for Secrets Manager")."""
PATTERN_ROOM = 1_650
"""Characters for ARNs, of the 2,048 of an event pattern (EventBridge User Guide, "Quotas")."""
SECRET_ARN = 75
"""Characters around a secret's name: the longest region, the six that Secrets Manager adds, quotes and comma."""
ROLE_ARN = 130
"""Characters of a role's ARN: a name of 64, and a path if it is short."""


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
        """A route whose credential could not be had: for code in Airflow that puts the metric `RefreshFailed`."""
        text = f"Tasks could not get the credential of the route {route}"
        self._alarm(f"route-{route}-refresh-failed", text, ROUTES, "RefreshFailed", {"Route": route})

    def rotation_failed(self, secrets: Mapping[str, pulumi.Output[str]], before: Sequence[pulumi.Resource]) -> None:
        """Secrets Manager's own events, of secrets by name. They come by CloudTrail: a trail has to log management events."""
        for key, arns in _apart("rotation-failed", [(arn, SECRET_ARN + len(name)) for name, arn in secrets.items()]):
            self._rule(key, "Secrets Manager could not rotate a secret", "ENABLED", failure_pattern, arns, before)

    def reading_failed(self, roles: Sequence[pulumi.Output[str]], before: Sequence[pulumi.Resource]) -> None:
        """Secrets that the roles of tasks did not get. Reading is in these events only for rules that ask for all of them."""
        state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
        for key, arns in _apart("reading-failed", [(role, ROLE_ARN) for role in roles]):
            self._rule(key, "A task did not get its credential", state, reading_pattern, arns, before)

    def _rule(
        self,
        key: str,
        text: str,
        state: str,
        pattern: Callable[[Sequence[str]], dict[str, object]],
        arns: Sequence[pulumi.Output[str]],
        before: Sequence[pulumi.Resource],
    ) -> None:
        """Events that go to the topic, and an alarm for when they cannot be delivered."""
        place, name = self._place, f"{self._place.name}-{key}"
        rule = aws.cloudwatch.EventRule(
            name,
            description=text,
            event_pattern=pulumi.Output.all(*arns).apply(lambda known: dumps(pattern(known))),
            state=state,
            tags=place.tags,
            opts=place.opts,
        )
        # Without a role: a topic that is encrypted would refuse it (EventBridge User Guide, "Using resource-based policies").
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=self._topic,
            opts=pulumi.ResourceOptions.merge(place.opts, pulumi.ResourceOptions(depends_on=list(before))),
        )
        unheard = f"Could not be delivered: {text[0].lower()}{text[1:]}"
        self._alarm(f"{key}-undelivered", unheard, "AWS/Events", "FailedInvocations", {"RuleName": rule.name})

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


def reading_pattern(roles: Sequence[str]) -> dict[str, object]:
    """Which events count: a secret that one of these roles asked for and did not get.

    By who asks, not by which secret: a refused request is logged without its parameters. Not one for a name that does not exist:
    Airflow asks every backend for connections that only another one has.
    """
    return {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventName": ["GetSecretValue", "BatchGetSecretValue"],
            "errorCode": [{"anything-but": ["ResourceNotFoundException"]}],
            "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": list(roles)}}},
        },
    }


def _apart(key: str, sized: Sequence[tuple[pulumi.Output[str], int]]) -> Iterator[tuple[str, list[pulumi.Output[str]]]]:
    """Rules by their keys, each with as many ARNs as fit; by what they will be at most, since they are not known at preview."""
    found: list[list[pulumi.Output[str]]] = []
    room = 0
    for arn, size in sized:
        if size > room:
            found.append([])
            room = PATTERN_ROOM
        found[-1].append(arn)
        room -= size
    for position, arns in enumerate(found):
        yield (f"{key}-{position + 1}" if position else key), arns
