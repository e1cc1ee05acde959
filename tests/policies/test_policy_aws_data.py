import json

from policy_testing import UNKNOWN, on, resource

BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
KEY = "aws:kms/key:Key"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
FLAGS = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
DAGS = resource(BUCKET, "dags")


def beside(type_, **props):
    return resource(type_, "beside", links={"bucket": "dags"}, **props)


def test_s3_public_access_blocked():
    policy = on("aws-s3-public-access-blocked")
    policy.passes([DAGS, beside(BLOCK, **FLAGS)])
    policy.passes([resource(BUCKET, "named", bucket="acme-dags"), resource(BLOCK, "block", bucket="acme-dags")])
    policy.fails("has no public access block", [DAGS], at="dags")
    policy.fails("has no public access block", [DAGS, resource(BLOCK, "block", bucket="another")], at="dags")
    policy.undecided("publicAccessBlock", [DAGS, resource(BLOCK, "block", bucket=UNKNOWN)])


def test_s3_public_access_block_complete():
    policy = on("aws-s3-public-access-block-complete", BLOCK)
    policy.passes(bucket=UNKNOWN, **FLAGS)
    policy.fails(
        "ignorePublicAcls is not true", bucket=UNKNOWN, **{**FLAGS, "ignorePublicAcls": False, "blockPublicAcls": UNKNOWN}
    )
    policy.fails("blockPublicPolicy is not true", blockPublicAcls=True)
    policy.undecided("blockPublicAcls", **{**FLAGS, "blockPublicAcls": UNKNOWN})
    assert policy.remedied(bucket=UNKNOWN, blockPublicAcls=True) == {"bucket": UNKNOWN, **FLAGS}
    assert policy.remedied(**FLAGS) is None


def test_s3_no_public_acl():
    policy = on("aws-s3-no-public-acl", "aws:s3/bucketAcl:BucketAcl")
    policy.passes(acl="private")
    policy.fails("acl is public-read", acl="public-read", bucket=UNKNOWN)
    policy.undecided("acl", acl=UNKNOWN)


def test_s3_versioning():
    policy = on("aws-s3-versioning")
    policy.passes([DAGS, beside(VERSIONING, versioningConfiguration={"status": "Enabled"})])
    policy.fails("keeps no versions", [DAGS], at="dags")
    policy.fails("is Suspended", [DAGS, beside(VERSIONING, versioningConfiguration={"status": "Suspended"})], at="beside")
    policy.undecided("versioning", [DAGS, beside(VERSIONING, versioningConfiguration=UNKNOWN)])


def tls(**changed):
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return json.dumps({"Statement": [{**statement, "Condition": {"Bool": {"aws:SecureTransport": "false"}}, **changed}]})


def test_s3_tls_only():
    policy = on("aws-s3-tls-only")
    policy.passes([DAGS, beside(POLICY, policy=tls())])
    policy.fails("has no policy", [DAGS], at="dags")
    policy.fails("does not deny", [DAGS, beside(POLICY, policy=tls(Effect="Allow"))], at="beside")
    policy.fails("does not deny", [DAGS, beside(POLICY, policy=tls(Principal={"AWS": "arn:aws:iam::1:root"}))])
    policy.fails("does not deny", [DAGS, beside(POLICY, policy=tls(Action="s3:GetObject"))])
    policy.undecided("policy", [DAGS, beside(POLICY, policy=UNKNOWN)])


def sse(algorithm):
    return {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm, "kmsMasterKeyId": UNKNOWN}}]}


def test_s3_encryption():
    policy = on("aws-s3-encryption")
    policy.passes([DAGS, beside(ENCRYPTION, **sse("aws:kms"))])
    policy.fails("encrypts with AES256", [DAGS, beside(ENCRYPTION, **sse("AES256"))], at="beside")
    policy.fails("not encrypted with a KMS key", [DAGS])
    policy.undecided("serverSideEncryptionConfiguration", [DAGS, beside(ENCRYPTION, **sse(UNKNOWN))])
    on("aws-s3-encryption", algorithms=["AES256"]).passes([DAGS, beside(ENCRYPTION, **sse("AES256"))])


def test_kms_rotation():
    policy = on("aws-kms-rotation", KEY)
    policy.passes(enableKeyRotation=True)
    policy.passes(keyUsage="SIGN_VERIFY", enableKeyRotation=False)
    policy.fails("enableKeyRotation is off", policy=UNKNOWN)
    policy.undecided("enableKeyRotation", enableKeyRotation=UNKNOWN)
    policy.undecided("keyUsage", keyUsage=UNKNOWN)
    assert policy.remedied(policy=UNKNOWN) == {"policy": UNKNOWN, "enableKeyRotation": True}
    assert policy.remedied(enableKeyRotation=UNKNOWN) is None


def test_kms_deletion_window():
    policy = on("aws-kms-deletion-window", KEY)
    policy.passes()
    policy.fails("is 7; at least 14", deletionWindowInDays=7)
    policy.undecided("deletionWindowInDays", deletionWindowInDays=UNKNOWN)
    assert policy.remedied(deletionWindowInDays=7)["deletionWindowInDays"] == 14


def test_log_group_retention():
    policy = on("aws-log-group-retention", LOGS)
    policy.passes(retentionInDays=90, name=UNKNOWN)
    policy.fails("kept for ever", name="x")
    policy.fails("is 7; at least 30", retentionInDays=7, kmsKeyId=UNKNOWN)
    policy.undecided("retentionInDays", retentionInDays=UNKNOWN)
    assert policy.remedied(name="x", kmsKeyId=UNKNOWN) == {"name": "x", "kmsKeyId": UNKNOWN, "retentionInDays": 365}
    on("aws-log-group-retention", LOGS, minimumDays=400).fails("at least 400", retentionInDays=365)


def test_log_group_kms():
    policy = on("aws-log-group-kms", LOGS)
    policy.passes(kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1")
    policy.fails("kmsKeyId is not set", name=UNKNOWN)
    policy.undecided("kmsKeyId", kmsKeyId=UNKNOWN)


def test_data_protected():
    # Options are always known: no unknown value can keep it from deciding, not even with every property unknown.
    on("aws-data-protected", KEY, protect=True).passes(policy=UNKNOWN)
    on("aws-data-protected", BUCKET).fails("is not protected", bucket=UNKNOWN)
    on("aws-data-protected", BUCKET, unknown="violation").fails("is not protected")
