"""From CloudWatch Logs and VPC flow logs to the SIEM: Data Firehose streams, subscriptions, and the roles that both need.

Two streams, since one that decompresses what CloudWatch Logs sends refuses flow logs (Data Firehose Developer Guide,
"Decompression of CloudWatch Logs"). A log group takes two subscriptions at most.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..environments.mwaa.limits import partition
from .archive import Bucket
from .siem import CloudWatchIntake, S3Intake, Siem, SplunkIntake

ERRORS = "errors"
"""Folder of what could not be delivered, for as long as the bucket keeps it."""


@dataclass(frozen=True, slots=True)
class Site:
    """What every part of the component is made with."""

    name: str
    region: str
    account_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    tags: dict[str, str]
    child: pulumi.ResourceOptions
    retention_days: int
    """Of log groups that are made here; one of those that CloudWatch has."""

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The child's options, after these resources."""
        return pulumi.ResourceOptions.merge(self.child, pulumi.ResourceOptions(depends_on=list(resources)))

    def arn(self, service: str, rest: str) -> pulumi.Output[str]:
        """An ARN of this account and region, known at preview where the account is."""
        head = f"arn:{partition(self.region)}:{service}:{self.region}"
        return self.account_id.apply(lambda account: f"{head}:{account}:{rest}")

    def log_group(self, label: str, group_name: str) -> Any:
        """An encrypted log group with an end."""
        return aws.cloudwatch.LogGroup(
            f"{self.name}-{label}",
            name=group_name,
            retention_in_days=self.retention_days,
            kms_key_id=self.key_arn,
            tags=self.tags,
            opts=self.child,
        )

    def role(self, label: str, service: str, source_arn: pulumi.Input[str], statements: Mapping[str, Any]) -> Any:
        """A role that one service assumes for one source of this account, with statements whose resources may be outputs.

        `statements`: Sid → (actions, resources, conditions).
        """
        trust = pulumi.Output.all(self.account_id, source_arn).apply(lambda known: json.dumps(trust_policy(service, *known)))
        role = aws.iam.Role(f"{self.name}-{label}", assume_role_policy=trust, tags=self.tags, opts=self.child)
        policy = pulumi.Output.from_input(dict(statements)).apply(lambda known: json.dumps(permissions(known)))
        aws.iam.RolePolicy(f"{self.name}-{label}", role=role.id, policy=policy, opts=self.child)
        return role


def trust_policy(service: str, account_id: str, source_arn: str) -> dict[str, Any]:
    """One service, for sources of this account alone (IAM User Guide, "The confused deputy problem")."""
    condition = {"StringEquals": {"aws:SourceAccount": account_id}, "ArnLike": {"aws:SourceArn": source_arn}}
    allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def permissions(statements: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """An IAM policy of statements (Sid → actions, resources, conditions)."""
    listed = []
    for sid, (actions, resources, condition) in statements.items():
        one = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
        listed.append({**one, "Condition": dict(condition)} if condition else one)
    return {"Version": "2012-10-17", "Statement": listed}


class Delivery:
    """The way to the SIEM's cloud intake, made as far as sources ask for it."""

    def __init__(self, site: Site, siem: Siem, bucket: Bucket | None) -> None:
        self._site, self._siem, self._bucket = site, siem, bucket
        self._streams: dict[str, Any] = {}
        self._roles: dict[str, Any] = {}

    def subscribe(self, label: str, log_group: pulumi.Input[str]) -> None:
        """Sends everything in a log group to the SIEM. Nothing to make where the SIEM reads log groups in place."""
        cloud = self._siem.cloud
        if cloud is None or (isinstance(cloud, CloudWatchIntake) and cloud.in_place):
            return
        if isinstance(cloud, CloudWatchIntake):
            # The destination's own access policy decides: a role is for streams of this account.
            self._filter(label, log_group, str(cloud.destination_arn), None)
        else:
            self._filter(label, log_group, self._log_stream.arn, self._subscriber.arn)

    def _filter(
        self, label: str, log_group: pulumi.Input[str], to: pulumi.Input[str], role_arn: pulumi.Input[str] | None
    ) -> None:
        aws.cloudwatch.LogSubscriptionFilter(
            f"{self._site.name}-{label}",
            log_group=log_group,
            filter_pattern="",  # everything
            destination_arn=to,
            role_arn=role_arn,
            distribution="ByLogStream",
            opts=self._site.child,
        )

    @property
    def flow_stream(self) -> Any:
        """The stream for what AWS's log delivery writes: VPC flow logs."""
        # Log delivery's own role writes to streams with this tag, and to no other.
        return self._stream("flows", decompress=False, tags={"LogDeliveryEnabled": "true"})

    @property
    def _log_stream(self) -> Any:
        return self._stream("logs", decompress=True)

    @property
    def _subscriber(self) -> Any:
        if "subscriber" not in self._roles:
            site = self._site
            put: Any = (["firehose:PutRecord", "firehose:PutRecordBatch"], [self._log_stream.arn], {})
            groups = site.arn("logs", "*")
            self._roles["subscriber"] = site.role("subscriber", f"logs.{site.region}.amazonaws.com", groups, {"Put": put})
        return self._roles["subscriber"]

    def _stream(self, kind: str, decompress: bool, tags: Mapping[str, str] | None = None) -> Any:
        if kind not in self._streams:
            assert self._bucket is not None  # noqa: S101  # whatever is delivered by a stream has a bucket
            site = self._site
            self._streams[kind] = aws.kinesis.FirehoseDeliveryStream(
                f"{site.name}-{kind}",
                name=f"{site.name}-{kind}",
                server_side_encryption={"enabled": True, "key_type": "CUSTOMER_MANAGED_CMK", "key_arn": site.key_arn},
                tags={**site.tags, **(tags or {})},
                **self._destination(kind, decompress, self._bucket),
                opts=pulumi.ResourceOptions.merge(site.after(*self._bucket.before), self._secret),
            )
        return self._streams[kind]

    @property
    def _secret(self) -> pulumi.ResourceOptions:
        """A token that is given stays secret in what the provider answers, too."""
        cloud = self._siem.cloud
        given = isinstance(cloud, SplunkIntake) and cloud.token is not None
        return pulumi.ResourceOptions(additional_secret_outputs=["splunkConfiguration"] if given else None)

    def _destination(self, kind: str, decompress: bool, bucket: Bucket) -> dict[str, Any]:
        stored = {
            "role_arn": self._writer(bucket).arn,
            "bucket_arn": bucket.arn,
            "kms_key_arn": bucket.key_arn,
            "prefix": f"{bucket.prefix}{kind}/",
            "error_output_prefix": f"{bucket.prefix}{ERRORS}/{kind}/!{{firehose:error-output-type}}/",
            "compression_format": "GZIP",
            "buffering_size": 5,
            "buffering_interval": 300,
        }
        logging = self._error_log(kind)
        cloud = self._siem.cloud
        if isinstance(cloud, SplunkIntake):
            processing = _processing(decompress, cloud.extract_messages)
            splunk = _splunk(cloud, self._writer(bucket).arn)
            splunk |= {"s3_configuration": stored, "cloudwatch_logging_options": logging, "processing_configuration": processing}
            return {"destination": "splunk", "splunk_configuration": splunk}
        processing = _processing(decompress, extract=False)
        extended = {**stored, "cloudwatch_logging_options": logging, "processing_configuration": processing}
        return {"destination": "extended_s3", "extended_s3_configuration": extended}

    def _error_log(self, kind: str) -> dict[str, Any]:
        """Where a stream tells why it could not deliver: never to the SIEM itself, which it cannot reach then."""
        site = self._site
        if "errors" not in self._roles:
            self._roles["errors"] = site.log_group("delivery-errors", f"/aws/kinesisfirehose/{site.name}")
        group = self._roles["errors"]
        stream = aws.cloudwatch.LogStream(f"{site.name}-{kind}-errors", name=kind, log_group_name=group.name, opts=site.child)
        return {"enabled": True, "log_group_name": group.name, "log_stream_name": stream.name}

    def _writer(self, bucket: Bucket) -> Any:
        """The streams' role: the bucket's folders, the keys, the error log, and the token's secret where it is in one.

        Source: Data Firehose Developer Guide, "Grant Firehose access to an Amazon S3 destination".
        """
        if "writer" in self._roles:
            return self._roles["writer"]
        site, cloud = self._site, self._siem.cloud
        through = {"StringEquals": {"kms:ViaService": f"s3.{site.region}.amazonaws.com"}}
        objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        statements: dict[str, Any] = {
            "Bucket": (["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket.arn], {}),
            "Objects": (objects, [bucket.arn.apply(lambda arn: f"{arn}/{bucket.prefix}*")], {}),
            "BucketKey": (["kms:Decrypt", "kms:GenerateDataKey"], [bucket.key_arn], through),
            "StreamKey": (["kms:Decrypt", "kms:GenerateDataKey"], [site.key_arn], {}),
            "ErrorLog": (["logs:PutLogEvents"], [site.arn("logs", f"log-group:/aws/kinesisfirehose/{site.name}:*")], {}),
        }
        if isinstance(cloud, SplunkIntake) and cloud.token_secret_arn is not None:
            statements["Token"] = (["secretsmanager:GetSecretValue"], [cloud.token_secret_arn], {})
        streams = site.arn("firehose", f"deliverystream/{site.name}-*")
        self._roles["writer"] = site.role("writer", "firehose.amazonaws.com", streams, statements)
        return self._roles["writer"]


def _splunk(intake: SplunkIntake, role_arn: pulumi.Output[str]) -> dict[str, Any]:
    token: dict[str, Any] = (
        {"hec_token": pulumi.Output.secret(intake.token)}
        if intake.token_secret_arn is None
        else {"secrets_manager_configuration": {"enabled": True, "secret_arn": intake.token_secret_arn, "role_arn": role_arn}}
    )
    return {
        "hec_endpoint": intake.url,
        # Records of CloudWatch Logs are not the events that the other kind of endpoint takes.
        "hec_endpoint_type": "Raw",
        "hec_acknowledgment_timeout": 300,
        "retry_duration": 3600,
        # A copy of everything stays, so that nobody can make a trace vanish in the SIEM alone.
        "s3_backup_mode": "AllEvents",
        **token,
    }


def _processing(decompress: bool, extract: bool) -> dict[str, Any]:
    processors: list[dict[str, Any]] = []
    if decompress:
        processors.append({"type": "Decompression", "parameters": _parameter("CompressionFormat", "GZIP")})
        if extract:
            processors.append({"type": "CloudWatchLogProcessing", "parameters": _parameter("DataMessageExtraction", "true")})
    if not extract:
        # Records stand one behind the other otherwise, with nothing between them.
        processors.append({"type": "AppendDelimiterToRecord", "parameters": []})
    return {"enabled": True, "processors": processors}


def _parameter(name: str, value: str) -> list[dict[str, str]]:
    return [{"parameter_name": name, "parameter_value": value}]


def direct_to_bucket(siem: Siem) -> bool:
    """Whether services that can write to a bucket themselves do: the SIEM is one."""
    return isinstance(siem.cloud, S3Intake)
