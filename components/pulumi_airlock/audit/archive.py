"""The bucket that keeps what AWS logs, where the SIEM is no bucket itself: nobody deletes from it before the time is over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from ..environments.mwaa.limits import BUCKET_NAME, partition
from ..environments.mwaa.storage import bucket_policy
from ..errors import Problems
from .siem import S3Intake

_TRAIL = "cloudtrail.amazonaws.com"

WRITE = ("AbortMultipartUpload", "GetBucketLocation", "GetObject", "ListBucket", "ListBucketMultipartUploads", "PutObject")
"""What Data Firehose does in a bucket (Data Firehose Developer Guide, "Grant Firehose access to an Amazon S3 destination")."""

LockMode = Literal["GOVERNANCE", "COMPLIANCE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """How the archive keeps logs."""

    retention_days: int = 365
    """Until an object is deleted."""
    object_lock: LockMode | None = "GOVERNANCE"
    """`COMPLIANCE`: nobody, the root user included, deletes before the time. Can be switched on at creation alone."""
    glacier_after_days: int | None = 90
    """When objects go to Glacier Instant Retrieval; None: never."""
    bucket_name: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that logs are written to, made here or brought."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    prefix: str
    """With a slash at its end, or empty."""
    before: tuple[pulumi.Resource, ...] = ()
    """What has to be there before a service tries to write."""


def default_archive(days: int) -> Archive:
    """An archive that keeps logs for so long; what is kept for less than a few months never goes to Glacier."""
    return Archive(retention_days=days, glacier_after_days=90 if days > 180 else None)


def check_archive(archive: Archive, minimum_days: int, problems: Problems) -> None:
    """Notes what the archive cannot be, and a retention under the SIEM's."""
    days = archive.retention_days
    if days < minimum_days:
        problems.add("archive.retention_days", f"{days}: the SIEM's declaration keeps logs {minimum_days} days at least")
    if archive.object_lock not in (None, "GOVERNANCE", "COMPLIANCE"):
        problems.add("archive.object_lock", f"{archive.object_lock!r} is none of GOVERNANCE, COMPLIANCE")
    cold = archive.glacier_after_days
    if cold is not None and not 1 <= cold < days:
        problems.add(
            "archive.glacier_after_days", f"{cold}: between 1 and {days - 1}, before objects are deleted; None for never"
        )
    if archive.bucket_name is not None and not BUCKET_NAME.fullmatch(archive.bucket_name):
        problems.add("archive.bucket_name", f"{archive.bucket_name!r}: write 3 to 63 lower-case letters, digits and -")


def archive_policy(bucket_arn: str, account_id: str, trail_arn: str) -> dict[str, Any]:
    """TLS alone; CloudTrail writes for this trail. What comes by a stream comes by the stream's role.

    Source: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
    """
    trail = {"aws:SourceArn": trail_arn}
    whole = {**trail, "s3:x-amz-acl": "bucket-owner-full-control"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            *bucket_policy(bucket_arn)["Statement"],
            _allow("TrailLooks", "s3:GetBucketAcl", bucket_arn, trail),
            _allow("TrailWrites", "s3:PutObject", f"{bucket_arn}/AWSLogs/{account_id}/*", whole),
        ],
    }


def bucket_statements(intake: S3Intake, *, name: str, account_id: str) -> list[dict[str, Any]]:
    """What the owner of the SIEM's bucket has to allow the `AuditTrail` called `name` of an account, beside TLS alone.

    Sources: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"; VPC User Guide, "Amazon S3 bucket permissions for
    flow logs"; Data Firehose Developer Guide, "Cross-account delivery to an Amazon S3 destination".
    """
    arn = f"arn:{partition(intake.region)}"
    bucket, folder = f"{arn}:s3:::{intake.bucket}", f"{intake.prefix}/" if intake.prefix else ""
    written = f"{bucket}/{folder}AWSLogs/{account_id}/*"
    trail = {"aws:SourceArn": f"{arn}:cloudtrail:{intake.region}:{account_id}:trail/{trail_name(name)}"}
    account = {"aws:SourceAccount": account_id}
    whole = {"s3:x-amz-acl": "bucket-owner-full-control"}
    delivery = "delivery.logs.amazonaws.com"
    stream = {
        "Sid": "StreamWrites",
        "Effect": "Allow",
        "Principal": {"AWS": f"{arn}:iam::{account_id}:root"},
        "Action": [f"s3:{action}" for action in WRITE],
        "Resource": [bucket, f"{bucket}/{folder}*"],
        "Condition": {"ArnLike": {"aws:PrincipalArn": f"{arn}:iam::{account_id}:role/{name}-writer-*"}},
    }
    return [
        _allow("TrailLooks", "s3:GetBucketAcl", bucket, trail),
        _allow("TrailWrites", "s3:PutObject", written, {**trail, **whole}),
        _allow("DeliveryLooks", "s3:GetBucketAcl", bucket, account, delivery),
        _allow("DeliveryWrites", "s3:PutObject", written, {**account, **whole}, delivery),
        stream,
    ]


def trail_name(name: str) -> str:
    """The name of a component's trail. Known before the trail is there: the bucket's and the key's policies name it."""
    return f"{name}-trail"


def _allow(sid: str, action: str, resource: str, condition: Mapping[str, str], service: str = _TRAIL) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": dict(condition)},
    }


def make_archive(
    name: str,
    archive: Archive,
    region: str,
    account_id: pulumi.Output[str],
    key_arn: pulumi.Output[str],
    trail_arn: pulumi.Output[str],
    tags: dict[str, str],
    child: pulumi.ResourceOptions,
    protect: bool,
) -> Bucket:
    """The bucket: private, versioned, encrypted, locked, with an end."""
    bucket_name = account_id.apply(lambda account: archive.bucket_name or f"{name.lower()}-logs-{account}-{region}")
    arn = bucket_name.apply(lambda known: f"arn:{partition(region)}:s3:::{known}")
    label = f"{name}-archive"
    bucket = aws.s3.Bucket(
        label,
        bucket=bucket_name,
        object_lock_enabled=archive.object_lock is not None,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=protect or None)),
    )
    private = aws.s3.BucketPublicAccessBlock(
        label,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    owned = aws.s3.BucketOwnershipControls(label, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child)
    versioned = aws.s3.BucketVersioning(label, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child)
    by_default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn}
    encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
        label,
        bucket=bucket.id,
        rules=[{"apply_server_side_encryption_by_default": by_default, "bucket_key_enabled": True}],
        opts=child,
    )
    after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[versioned]))
    settings: list[pulumi.Resource] = [private, owned, versioned, encrypted]
    if archive.object_lock is not None:
        kept = {"mode": archive.object_lock, "days": archive.retention_days}
        lock = aws.s3.BucketObjectLockConfiguration(label, bucket=bucket.id, rule={"default_retention": kept}, opts=after)
        settings.append(lock)
    aws.s3.BucketLifecycleConfiguration(label, bucket=bucket.id, rules=[_lifecycle(archive)], opts=after)
    policy = pulumi.Output.all(arn, account_id, trail_arn).apply(lambda known: json.dumps(archive_policy(*known)))
    # Two calls that change a bucket's access at once collide.
    alone = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[private]))
    settings.append(aws.s3.BucketPolicy(label, bucket=bucket.id, policy=policy, opts=alone))
    return Bucket(bucket.bucket, bucket.arn, key_arn, "", tuple(settings))


def _lifecycle(archive: Archive) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": "audit",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": archive.retention_days},
        # What is deleted, or overwritten, is kept as long: a deletion must not be a way around the retention.
        "noncurrent_version_expiration": {"noncurrent_days": archive.retention_days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
    }
    if archive.glacier_after_days is not None:
        rule["transitions"] = [{"days": archive.glacier_after_days, "storage_class": "GLACIER_IR"}]
    return rule
