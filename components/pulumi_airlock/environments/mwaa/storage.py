"""The bucket that MWAA takes an environment's code from, and the code in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from .artifacts import ExistingCode, MwaaCode, S3Object, StrPath, dag_files, fingerprint
from .limits import partition

Generated = tuple[pulumi.Asset | pulumi.Archive, str]
"""What is uploaded, and its digest."""


@dataclass(frozen=True, slots=True)
class StoredCode:
    """Where the code is, as `aws.mwaa.Environment` wants it, and what has to be there before the environment is."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    arguments: dict[str, pulumi.Input[str]]
    before: tuple[pulumi.Resource, ...] = ()


def bucket_policy(bucket_arn: str) -> dict[str, Any]:
    """Nobody without TLS 1.2, the account's own administrators included."""
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "TlsOnly", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "Tls12", **everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        ],
    }


def existing(code: ExistingCode) -> StoredCode:
    """Code in a bucket that somebody else fills."""
    arn = pulumi.Output.from_input(code.bucket_arn)
    arguments: dict[str, pulumi.Input[str]] = {"source_bucket_arn": arn, "dag_s3_path": code.dags_path}
    for what in ("requirements", "plugins", "startup_script"):
        given: S3Object | None = getattr(code, what)
        if given is not None:
            arguments |= {f"{what}_s3_path": given.path, f"{what}_s3_object_version": given.version}
    return StoredCode(arn.apply(lambda value: value.rsplit(":", 1)[-1]), arn, arguments)


def upload(
    name: str,
    code: MwaaCode,
    bucket_name: pulumi.Output[str],
    region: str,
    key_arn: pulumi.Output[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
    generated: Mapping[str, Generated] | None = None,
    more: Mapping[str, str] | None = None,
) -> StoredCode:
    """A bucket, private, versioned and encrypted, with the code in it.

    `generated` takes the place of the code's `requirements`, `plugins` or `startup_script`; `more` are texts beside the DAGs.

    Its ARN is made of its name, so that what refers to it is known at preview.
    """
    arn = bucket_name.apply(lambda bucket: f"arn:{partition(region)}:s3:::{bucket}")
    bucket, settings = _make_bucket(name, bucket_name, arn, key_arn, tags, opts)
    opts = pulumi.ResourceOptions(parent=opts.parent)
    # An object that is there before versioning is has the version "null", which MWAA refuses.
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(settings)))

    def put(key: str, path: StrPath, label: str) -> pulumi.Resource:
        local = _portable(Path(path))
        source = pulumi.FileArchive(str(local)) if local.is_dir() else pulumi.FileAsset(str(local))
        return keep(key, source, fingerprint(local), label)

    def keep(key: str, source: pulumi.Asset | pulumi.Archive, digest: str, label: str) -> pulumi.Resource:
        # An encrypted object's ETag is no digest of its content: `source_hash` makes a change show.
        made: pulumi.Resource = aws.s3.BucketObjectv2(
            f"{name}-{label}", bucket=bucket.bucket, key=key, source=source, source_hash=digest, opts=after
        )
        return made

    for key, path in dag_files(code.dags):
        put(f"dags/{key}", path, f"dags/{key}")
    for key, text in (more or {}).items():
        keep(f"dags/{key}", pulumi.StringAsset(text), digest_of(text), f"dags/{key}")
    arguments: dict[str, pulumi.Input[str]] = {"source_bucket_arn": bucket.arn, "dag_s3_path": "dags"}
    files = {
        "requirements": ("requirements.txt", code.requirements),
        "plugins": ("plugins.zip", code.plugins),
        "startup_script": ("startup.sh", code.startup_script),
    }
    for what, (key, given) in files.items():
        label = what.replace("_", "-")
        stored: Any = None
        if generated is not None and what in generated:
            stored = keep(key, *generated[what], label)
        elif given is not None:
            stored = put(key, given, label)
        if stored is not None:
            arguments |= {f"{what}_s3_path": key, f"{what}_s3_object_version": stored.version_id}
    return StoredCode(bucket.bucket, arn, arguments, settings)


def text(content: str) -> Generated:
    """A text to upload."""
    return pulumi.StringAsset(content), digest_of(content)


def digest_of(content: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


def _portable(path: Path) -> Path:
    """A path within the working directory relative to it: the state then says the same on every machine."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _make_bucket(
    name: str,
    bucket_name: pulumi.Output[str],
    arn: pulumi.Output[str],
    key_arn: pulumi.Output[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[Any, tuple[pulumi.Resource, ...]]:
    bucket = aws.s3.Bucket(f"{name}-code", bucket=bucket_name, tags=tags, opts=opts)
    # Protection, if asked for, is for the bucket alone: its settings go with it.
    opts = pulumi.ResourceOptions(parent=opts.parent)
    private = aws.s3.BucketPublicAccessBlock(
        f"{name}-code",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    owned = aws.s3.BucketOwnershipControls(
        f"{name}-code", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=opts
    )
    versioned = aws.s3.BucketVersioning(
        f"{name}-code", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=opts
    )
    encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-code",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
                "bucket_key_enabled": True,
            }
        ],
        opts=opts,
    )
    tls_only = aws.s3.BucketPolicy(
        f"{name}-code",
        bucket=bucket.id,
        policy=arn.apply(lambda known: json.dumps(bucket_policy(known))),
        # Two calls that change a bucket's access at once collide.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[private])),
    )
    return bucket, (private, owned, versioned, encrypted, tls_only)
