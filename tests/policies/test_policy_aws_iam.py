import json

import pytest
from policy_testing import UNKNOWN, on

POLICY = "aws:iam/policy:Policy"
ROLE = "aws:iam/role:Role"
ARN = "arn:aws:s3:::dags/*"


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def test_no_wildcard_action():
    policy = on("aws-iam-no-wildcard-action", POLICY)
    policy.passes(policy=document(Action=["s3:GetObject*", "s3:List*"], Resource=ARN))
    policy.passes(policy=document(Effect="Deny", Action="*", Resource="*"))
    policy.fails("policy.Statement[0].Action allows s3:*", policy=document(Action=["logs:PutLogEvents", "s3:*"], Resource=ARN))
    policy.fails("allows *", policy=document(Action="*", Resource=ARN))
    policy.undecided("policy", policy=UNKNOWN)
    role = on("aws-iam-no-wildcard-action", ROLE)
    role.fails(
        "inlinePolicies[1]", inlinePolicies=[{"name": "a", "policy": UNKNOWN}, {"name": "b", "policy": document(Action="iam:*")}]
    )


def test_no_wildcard_resource():
    policy = on("aws-iam-no-wildcard-resource", POLICY)
    policy.passes(policy=document(Action="s3:GetObject", Resource=[ARN]))
    policy.passes(policy=document(Action=["cloudwatch:PutMetricData", "ec2:DescribeSubnets"], Resource="*"))
    policy.passes(policy=document(Action=["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"], Resource="*"))
    policy.fails(
        "Resource is * for s3:GetObject", policy=document(Action=["s3:GetObject", "cloudwatch:PutMetricData"], Resource="*")
    )
    policy.fails("arn:aws:logs:*:*:*", policy=document(Action="logs:CreateLogStream", Resource="arn:aws:logs:*:*:*"))
    policy.undecided("policy", policy=UNKNOWN)
    on("aws-iam-no-wildcard-resource", POLICY, actionsWithoutResource=["s3:Get*"]).passes(
        policy=document(Action="s3:GetObject", Resource="*")
    )


@pytest.mark.parametrize("arn", ["arn:aws:sqs:eu-west-1:*:airflow-celery-*", "arn:aws:logs:eu-west-1:123456789012:*", ARN])
def test_a_resource_with_some_name_in_it_is_no_wildcard(arn):
    on("aws-iam-no-wildcard-resource", POLICY).passes(policy=document(Action="x:Do", Resource=arn))


def test_no_not_action():
    policy = on("aws-iam-no-not-action", POLICY)
    policy.passes(policy=document(Effect="Deny", NotAction="iam:*", Resource="*"))
    policy.fails("NotAction", policy=document(NotAction="iam:*", Resource=ARN))
    policy.fails("NotResource", policy=document(Action="s3:GetObject", NotResource=ARN))
    policy.undecided("policy", policy=UNKNOWN)
    on("aws-iam-no-not-action", "aws:s3/bucketPolicy:BucketPolicy").fails(
        "NotPrincipal", bucket=UNKNOWN, policy=document(NotPrincipal={"AWS": "x"}, Action="s3:GetObject", Resource=ARN)
    )


def test_trust_source_account():
    role, airflow = on("aws-iam-trust-source-account", ROLE), {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]}
    account = {"StringEquals": {"AWS:sourceAccount": "123456789012"}}
    role.passes(assumeRolePolicy=document(Action="sts:AssumeRole", Principal=airflow, Condition=account))
    role.passes(assumeRolePolicy=document(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}))
    role.fails(
        "trusts airflow.amazonaws.com and", assumeRolePolicy=document(Action="sts:AssumeRole", Principal=airflow), name=UNKNOWN
    )
    role.undecided("assumeRolePolicy", assumeRolePolicy=UNKNOWN)


def test_no_admin_policy():
    attachment = on("aws-iam-no-admin-policy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    attachment.passes(role="r", policyArn="arn:aws:iam::123456789012:policy/AdministratorAccessReview")
    attachment.passes(role="r", policyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    attachment.fails("is AdministratorAccess", role=UNKNOWN, policyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    attachment.undecided("policyArn", role="r", policyArn=UNKNOWN)
    role = on("aws-iam-no-admin-policy", ROLE)
    role.fails(
        "managedPolicyArns[1] is AmazonS3FullAccess", managedPolicyArns=[UNKNOWN, "arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    )


def test_no_public_principal():
    bucket = on("aws-iam-no-public-principal", "aws:s3/bucketPolicy:BucketPolicy")
    bucket.passes(policy=document(Effect="Deny", Principal="*", Action="s3:*", Resource="*"))
    bucket.passes(
        policy=document(Principal="*", Action="s3:GetObject", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    )
    bucket.fails("Principal is *: anybody", bucket=UNKNOWN, policy=document(Principal={"AWS": "*"}, Action="s3:GetObject"))
    bucket.undecided("policy", policy=UNKNOWN)
    on("aws-iam-no-public-principal", ROLE).fails(
        "assumeRolePolicy.Statement[0]", assumeRolePolicy=document(Principal="*", Action="sts:AssumeRole")
    )


def test_pass_role_scoped():
    policy = on("aws-iam-pass-role-scoped", POLICY)
    to = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    policy.passes(policy=document(Action="iam:PassRole", Resource="arn:aws:iam::1:role/task", Condition=to))
    policy.fails("to any service", policy=document(Action=["iam:Pass*"], Resource="arn:aws:iam::1:role/task"))
    policy.undecided("policy", policy=UNKNOWN)


def test_no_access_key():
    policy = on("aws-iam-no-access-key", "aws:iam/accessKey:AccessKey")
    policy.passes(user="etl", status="Inactive")
    policy.fails("never expires", user=UNKNOWN)
    policy.undecided("status", user="etl", status=UNKNOWN)


def test_a_document_that_is_no_json_is_left_to_aws():
    on("aws-iam-no-wildcard-action", POLICY).passes(policy="{")
