"""Policies on data at rest in AWS: buckets and what must stand beside them, keys, log groups."""

from collections.abc import Iterator
from typing import Any

from pulumi_airlock.gates.stack import listed
from pulumi_policy import EnforcementLevel, Severity

from .controls import Cis, Soc2
from .documents import condition_keys, principals, statements
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, resource_policy, setting, stack_policy, undecided, wrong

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
KEY = "aws:kms/key:Key"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _missing(stack: Stack, bucket: Resource, types: tuple[str, ...], prop: str, message: str) -> Findings:
    """The finding where none of `types` belongs to the bucket: definite, unless one may belong to it that nobody can link."""
    if any(one.get("bucket") is UNKNOWN and not one.refers_to("bucket") for one in stack.of_type(*types)):
        yield undecided(bucket, prop)
    else:
        yield wrong(bucket, "", message)


def _companions(stack: Stack, bucket: Resource, *types: str) -> list[Resource]:
    """The resources beside a bucket that configure it: by property dependency, or by its name where that is written out."""
    names = {bucket.get(prop) for prop in ("bucket", "id")} - {None, UNKNOWN}
    return [one for one in stack.of_type(*types) if bucket in one.refers_to("bucket") or one.get("bucket") in names]


@stack_policy(
    "aws-s3-public-access-blocked",
    types=BUCKETS,
    beside=(PUBLIC_ACCESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    cis=Cis.S3_PUBLIC,
    fix="Add an `aws.s3.BucketPublicAccessBlock` for the bucket with all four flags true.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
)
def s3_public_access_blocked(stack: Stack, _: Config) -> Findings:
    """Every bucket has a public access block."""
    for bucket in stack.of_type(*BUCKETS):
        if not _companions(stack, bucket, PUBLIC_ACCESS):
            yield from _missing(stack, bucket, (PUBLIC_ACCESS,), "publicAccessBlock", "has no public access block")


@resource_policy(
    "aws-s3-public-access-block-complete",
    types=(PUBLIC_ACCESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    cis=Cis.S3_PUBLIC,
    fix="Set all four flags to true; each closes another way to make objects public.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    remedy=lambda _, properties: properties.update(dict.fromkeys(_FLAGS, True)),
)
def s3_public_access_block_complete(it: Subject) -> Findings:
    """A public access block blocks all four ways."""
    for flag in _FLAGS:
        value = it.get(flag, default=False)
        if value is UNKNOWN:
            yield undecided(it, flag)
        elif value is not True:
            yield wrong(it, flag, "is not true")


@resource_policy(
    "aws-s3-no-public-acl",
    types=(*ACLS, *BUCKETS),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    cis=Cis.S3_PUBLIC,
    fix="Use `private`, and a bucket policy that names who may read.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl",
)
def s3_no_public_acl(it: Subject) -> Findings:
    """No canned ACL opens a bucket to everybody, or to everybody with an AWS account."""
    acl = it.get("acl", default="private")
    if acl is UNKNOWN:
        yield undecided(it, "acl")
    elif acl in ("public-read", "public-read-write", "authenticated-read"):
        yield wrong(it, "acl", f"is {acl}")


@stack_policy(
    "aws-s3-versioning",
    types=BUCKETS,
    beside=VERSIONING,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Add an `aws.s3.BucketVersioning` for the bucket with status Enabled. MWAA refuses buckets without it.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
)
def s3_versioning(stack: Stack, _: Config) -> Findings:
    """Every bucket keeps versions, so that no change to code or data is final."""
    for bucket in stack.of_type(*BUCKETS):
        companions = _companions(stack, bucket, *VERSIONING)
        states = [one.get("versioningConfiguration", "status") for one in companions]
        inline = bucket.get("versioning", "enabled", default=False)
        if "Enabled" in states or inline is True:
            continue
        if UNKNOWN in states or inline is UNKNOWN:
            yield undecided(bucket, "versioning")
        elif states:
            yield wrong(companions[0], "versioningConfiguration.status", f"is {states[0]}")
        else:
            yield from _missing(stack, bucket, VERSIONING, "versioning", "keeps no versions")


@stack_policy(
    "aws-s3-tls-only",
    types=BUCKETS,
    beside=(BUCKET_POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    cis=Cis.S3_TLS,
    fix="Add a statement to the bucket's policy that denies `s3:*` to `*` where `aws:SecureTransport` is false.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
)
def s3_tls_only(stack: Stack, _: Config) -> Findings:
    """Every bucket refuses requests that are not encrypted on the way."""
    for bucket in stack.of_type(*BUCKETS):
        policies = _companions(stack, bucket, BUCKET_POLICY)
        found = [statement for one in policies for _, statement in statements(one.get("policy"))]
        if any(statement is not UNKNOWN and _denies_plain(statement) for statement in found):
            continue
        if UNKNOWN in found:
            yield undecided(policies[0], "policy")
        elif policies:
            yield wrong(policies[0], "policy", "does not deny requests without TLS")
        else:
            yield from _missing(stack, bucket, (BUCKET_POLICY,), "policy", "has no policy that denies requests without TLS")


def _denies_plain(statement: Any) -> bool:
    condition = statement.get("Condition") or {}
    tests = {str(key).lower(): value for key, value in (condition.get("Bool") or {}).items()}
    return (
        statement.get("Effect") == "Deny"
        and "*" in principals(statement)
        and bool({"s3:*", "*"} & set(map(str, listed(statement.get("Action")))))
        and condition_keys(statement) == {"aws:securetransport"}
        and str(tests.get("aws:securetransport")).lower() == "false"
    )


@stack_policy(
    "aws-s3-encryption",
    types=BUCKETS,
    beside=ENCRYPTION,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Add an `aws.s3.BucketServerSideEncryptionConfiguration` with `aws:kms` and your key.",
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    settings={"algorithms": setting("What counts as encryption.", ["aws:kms", "aws:kms:dsse"])},
)
def s3_encryption(stack: Stack, config: Config) -> Findings:
    """Every bucket encrypts with a KMS key, so that reading takes two rights."""
    for bucket in stack.of_type(*BUCKETS):
        companions = _companions(stack, bucket, *ENCRYPTION)
        found = [algorithm for one in companions for algorithm in _algorithms(one, "rules")]
        found += _algorithms(bucket, "serverSideEncryptionConfiguration", "rule")
        if any(one is not UNKNOWN and one in config["algorithms"] for one in found):
            continue
        if UNKNOWN in found:
            yield undecided(bucket, "serverSideEncryptionConfiguration")
        elif companions:
            yield wrong(companions[0], "rules", f"encrypts with {', '.join(map(str, found)) or 'nothing'}")
        else:
            yield from _missing(stack, bucket, ENCRYPTION, "serverSideEncryptionConfiguration", "is not encrypted with a KMS key")


def _algorithms(one: Resource, *path: str) -> list[Any]:
    return list(_each_algorithm(one, path))


def _each_algorithm(one: Resource, path: tuple[str, ...]) -> Iterator[Any]:
    for rule in one.get_list(*path):
        applied = rule if rule is UNKNOWN else rule.get("applyServerSideEncryptionByDefault")
        yield applied if applied is UNKNOWN else (applied or {}).get("sseAlgorithm")


@resource_policy(
    "aws-kms-rotation",
    types=(KEY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    cis=Cis.KMS_ROTATION,
    fix="Set `enableKeyRotation` to true.",
    url="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    remedy=lambda _, properties: properties.update(enableKeyRotation=True),
)
def kms_rotation(it: Subject) -> Findings:
    """Symmetric customer keys rotate."""
    usage, spec = it.get("keyUsage", default="ENCRYPT_DECRYPT"), it.get("customerMasterKeySpec", default="SYMMETRIC_DEFAULT")
    rotation = it.get("enableKeyRotation", default=False)
    if (
        rotation is True
        or (usage is not UNKNOWN and usage != "ENCRYPT_DECRYPT")
        or (spec is not UNKNOWN and spec != "SYMMETRIC_DEFAULT")
    ):
        return
    for prop, value in (("enableKeyRotation", rotation), ("keyUsage", usage), ("customerMasterKeySpec", spec)):
        if value is UNKNOWN:
            yield undecided(it, prop)
            return
    yield wrong(it, "enableKeyRotation", "is off")


@resource_policy(
    "aws-kms-deletion-window",
    types=(KEY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Raise `deletionWindowInDays`, or leave it out: AWS waits 30 days then.",
    url="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    settings={"minimumDays": setting("Shortest time to notice that a key is still needed.", 14)},
    remedy=lambda it, properties: properties.update(deletionWindowInDays=it.config["minimumDays"]),
)
def kms_deletion_window(it: Subject) -> Findings:
    """A key that is deleted by mistake can be saved for two weeks: all data under it goes with it."""
    days = it.number("deletionWindowInDays", 30)
    if days is UNKNOWN:
        yield undecided(it, "deletionWindowInDays")
    elif days < it.config["minimumDays"]:
        yield wrong(it, "deletionWindowInDays", f"is {days:g}; at least {it.config['minimumDays']:g}")


@resource_policy(
    "aws-log-group-retention",
    types=(LOG_GROUP,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `retentionInDays` to what your audit period asks for.",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html#SettingLogRetention",
    settings={
        "minimumDays": setting("Shortest retention that is accepted.", 30),
        "defaultDays": setting("What the remediation sets.", 365),
    },
    remedy=lambda it, properties: properties.update(retentionInDays=it.config["defaultDays"]),
)
def log_group_retention(it: Subject) -> Findings:
    """Every log group states how long it keeps logs, and that is long enough to look into an incident."""
    days = it.number("retentionInDays", 0)
    if days is UNKNOWN:
        yield undecided(it, "retentionInDays")
    elif not days:
        yield wrong(it, "retentionInDays", "is not set: logs are kept for ever, by nobody's decision")
    elif days < it.config["minimumDays"]:
        yield wrong(it, "retentionInDays", f"is {days:g}; at least {it.config['minimumDays']:g}")


@resource_policy(
    "aws-log-group-kms",
    types=(LOG_GROUP,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `kmsKeyId` to a key whose policy lets `logs.<region>.amazonaws.com` use it.",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    # CloudWatch encrypts every group by itself; a key of one's own adds a second right to read.
    level=EnforcementLevel.ADVISORY,
)
def log_group_kms(it: Subject) -> Findings:
    """Logs are encrypted with a customer's key."""
    key = it.get("kmsKeyId", default="")
    if key is UNKNOWN:
        yield undecided(it, "kmsKeyId")
    elif not key:
        yield wrong(it, "kmsKeyId", "is not set")


@resource_policy(
    "aws-data-protected",
    types=(KEY, *BUCKETS, "aws:secretsmanager/secret:Secret"),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Give the resource `protect=True` among its options.",
    url="https://www.pulumi.com/docs/iac/concepts/options/protect/",
    level=EnforcementLevel.ADVISORY,
)
def data_protected(it: Subject) -> Findings:
    """Keys, buckets and secrets are protected against deletion by an update."""
    if not it.protect:
        yield wrong(it, "", "can be deleted by an update: it is not protected")
