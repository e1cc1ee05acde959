"""Policies on IAM: what identities may do, and whom roles and resources trust."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_airlock.gates.stack import listed
from pulumi_policy import Severity

from .controls import Cis, Soc2
from .documents import condition_keys, principals, statements
from .reading import UNKNOWN, Subject
from .registry import Findings, path_text, resource_policy, setting, undecided, wrong

ROLE = "aws:iam/role:Role"
IDENTITY = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    ROLE,
)
"""What grants rights to an identity."""
RESOURCE_POLICIES = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:kms/key:Key",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sns/topicPolicy:TopicPolicy",
)
"""What says who may use a resource."""
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    ROLE,
)

WITHOUT_RESOURCE = (
    "airflow:ListEnvironments",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "ec2:Describe*",
    "ecr:GetAuthorizationToken",
    "iam:ListAccountAliases",
    "kms:ListAliases",
    "kms:ListKeys",
    "logs:DescribeLogGroups",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:ListSecrets",
    "sns:ListTopics",
    "sqs:ListQueues",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "sts:GetWebIdentityToken",
    "sts:TagGetWebIdentityToken",
    "tag:GetResources",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
"""Actions that take no resource, so that `*` is the only one there is (AWS, Service Authorization Reference; read 2025-11)."""

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"


def _allowed(it: Subject, *props: str) -> Iterator[tuple[str, Any]]:
    """Each Allow statement of the resource's documents, with its path; `UNKNOWN` where a document is unknown."""
    for path, document in _documents(it, props or ("policy", "inlinePolicies")):
        for position, statement in statements(document):
            if statement is UNKNOWN:
                yield path, UNKNOWN
            elif str(statement.get("Effect", "Allow")) == "Allow":
                yield f"{path}.Statement[{position}]", statement


def _documents(it: Subject, props: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The policy documents in these properties, with their paths; a role has its inline ones in a list."""
    for prop in props:
        if prop != "inlinePolicies":
            yield prop, it.get(prop)
            continue
        for path, inline in it.items(prop):
            yield f"{path_text(path)}.policy", inline if inline is UNKNOWN else it.get(*path, "policy")


@resource_policy(
    "aws-iam-no-wildcard-action",
    types=(*IDENTITY, "aws:s3/bucketPolicy:BucketPolicy"),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    cis=Cis.ADMIN_POLICIES,
    fix="Name the actions that the workload calls; CloudTrail or IAM Access Analyzer lists them.",
    url=_GUIDE,
)
def no_wildcard_action(it: Subject) -> Findings:
    """No statement allows all actions, or all actions of a service (`*`, `s3:*`)."""
    for path, statement in _allowed(it):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        for action in listed(statement.get("Action")):
            if action is UNKNOWN:
                yield undecided(it, f"{path}.Action")
            elif not str(action).rpartition(":")[2].strip("*?") or "*" in str(action).partition(":")[0]:
                yield wrong(it, f"{path}.Action", f"allows {action}")


@resource_policy(
    "aws-iam-no-wildcard-resource",
    types=IDENTITY,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the ARNs that the workload uses. Actions that know no resource go into a statement of their own.",
    url="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    settings={"actionsWithoutResource": setting("Further actions that support no resource, beside those the pack knows.", [])},
)
def no_wildcard_resource(it: Subject) -> Findings:
    """No statement allows actions on every resource, except actions that support none."""
    exempt = (*WITHOUT_RESOURCE, *it.config["actionsWithoutResource"])
    for path, statement in _allowed(it):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        resources = listed(statement.get("Resource"))
        actions = [str(action) for action in listed(statement.get("Action")) if action is not UNKNOWN]
        named = [action for action in actions if not any(fnmatchcase(action.lower(), one.lower()) for one in exempt)]
        if UNKNOWN in resources:
            yield undecided(it, f"{path}.Resource")
        for resource in resources:
            if resource is not UNKNOWN and named and _every_resource(str(resource)):
                yield wrong(it, f"{path}.Resource", f"is {resource} for {', '.join(sorted(named))}")


def _every_resource(arn: str) -> bool:
    """`*`, and ARNs that say no more than the service: `arn:aws:s3:::*`, `arn:aws:logs:*:*:*`."""
    parts = arn.split(":", 5)
    return not arn.strip("*") or (len(parts) == 6 and not parts[5].strip("*:/") and not (parts[4] and parts[4].strip("*")))


@resource_policy(
    "aws-iam-no-not-action",
    types=(*IDENTITY, *RESOURCE_POLICIES),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="List what is allowed instead of what is not: everything that AWS adds later is allowed otherwise.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
)
def no_not_action(it: Subject) -> Findings:
    """No Allow statement is written with NotAction, NotResource or NotPrincipal."""
    for path, statement in _allowed(it, "policy", "assumeRolePolicy", "inlinePolicies"):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        for element in ("NotAction", "NotResource", "NotPrincipal"):
            if element in statement:
                yield wrong(it, f"{path}.{element}", "allows everything except what it lists")


@resource_policy(
    "aws-iam-trust-source-account",
    types=(ROLE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Add a condition on `aws:SourceAccount` (your account) or `aws:SourceArn` (the environment) to the trust policy.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/cross-service-confused-deputy-prevention.html",
    settings={"services": setting("Service principals that need it.", ["airflow.amazonaws.com", "airflow-env.amazonaws.com"])},
)
def trust_source_account(it: Subject) -> Findings:
    """A role that Airflow's service may assume asks for whom: without `aws:SourceAccount` the service is a confused deputy."""
    for position, statement in statements(it.get("assumeRolePolicy")):
        path = f"assumeRolePolicy.Statement[{position}]"
        if statement is UNKNOWN:
            yield undecided(it, "assumeRolePolicy")
        elif statement.get("Effect", "Allow") == "Allow":
            trusted = [one for one in principals(statement, "Service") if one in it.config["services"]]
            if trusted and not condition_keys(statement) & {"aws:sourceaccount", "aws:sourcearn"}:
                yield wrong(it, path, f"trusts {' and '.join(map(str, trusted))} on behalf of any account")


@resource_policy(
    "aws-iam-no-admin-policy",
    types=ATTACHMENTS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_3,
    cis=Cis.ADMIN_POLICIES,
    fix="Attach a policy of your own that names actions and resources.",
    url=_GUIDE,
    settings={
        "forbidden": setting(
            "Names of AWS-managed policies (globs) that nobody gets.",
            ["AdministratorAccess*", "PowerUserAccess", "IAMFullAccess", "*FullAccess"],
        )
    },
)
def no_admin_policy(it: Subject) -> Findings:
    """No AWS-managed policy with full access is attached to anyone."""
    found = [("policyArn", it.get("policyArn"))]
    if it.kind == ROLE:
        found = [(f"managedPolicyArns[{path[-1]}]", arn) for path, arn in it.items("managedPolicyArns")]
    for path, arn in found:
        if arn is UNKNOWN:
            yield undecided(it, path)
        # A managed policy of AWS has the account `aws` in its ARN.
        elif str(arn).split(":")[4:5] == ["aws"]:
            name = str(arn).rpartition("/")[2]
            if any(fnmatchcase(name, pattern) for pattern in it.config["forbidden"]):
                yield wrong(it, path, f"is {name}")


@resource_policy(
    "aws-iam-no-public-principal",
    types=(*RESOURCE_POLICIES, ROLE),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Name the accounts, roles or services, or restrict `*` by a condition on the organisation, account or VPC endpoint.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
)
def no_public_principal(it: Subject) -> Findings:
    """No trust, key, bucket, queue, topic or secret policy lets anybody in."""
    for path, statement in _allowed(it, "policy", "assumeRolePolicy"):
        if statement is UNKNOWN:
            yield undecided(it, path)
        elif "*" in principals(statement) and not _who(statement):
            yield wrong(it, f"{path}.Principal", "is *: anybody")


def _who(statement: Mapping[str, Any]) -> bool:
    """Whether a condition says who it is, in place of the principal."""
    says = ("account", "orgid", "orgpaths", "principalarn", "sourcearn", "sourcevpc", "sourcevpce", "sourceip", ":sub", ":aud")
    return any(key.endswith(says) for key in condition_keys(statement))


@resource_policy(
    "aws-iam-pass-role-scoped",
    types=IDENTITY,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the role in `Resource`, and the service in a condition on `iam:PassedToService`.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
)
def pass_role_scoped(it: Subject) -> Findings:
    """Who may pass a role may pass it to one service: `iam:PassRole` is a way to any right that a role has."""
    for path, statement in _allowed(it):
        if statement is UNKNOWN:
            yield undecided(it, path)
            continue
        passes = any(fnmatchcase("iam:passrole", str(one).lower()) for one in listed(statement.get("Action")))
        if passes and "iam:passedtoservice" not in condition_keys(statement):
            yield wrong(it, path, "lets roles be passed to any service")


@resource_policy(
    "aws-iam-no-access-key",
    types=("aws:iam/accessKey:AccessKey",),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    cis=Cis.ACCESS_KEYS,
    fix="Use a role; outside AWS, IAM Roles Anywhere or OIDC federation. An inactive key may stay until it is deleted.",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles",
)
def no_access_key(it: Subject) -> Findings:
    """Nobody gets a long-lived access key."""
    status: Any = it.get("status", default="Active")
    if status is UNKNOWN:
        yield undecided(it, "status")
    elif status == "Active":
        yield wrong(it, "", "is a credential that never expires")
