"""IAM policy documents of identity: whom the roles of tasks and of people trust, and the one right of those who sign in."""

from collections.abc import Sequence
from typing import Any

from .plan import TAGS, Login, Workload

_VERSION = "2012-10-17"


def workload_trust(workload: Workload, execution_role_arns: Sequence[str]) -> dict[str, Any]:
    """Tasks of the declared DAGs, coming from their environment's own role, that say so in their session's tags.

    One statement for all three actions: a request that lacks a tag, has another, or hides who is behind it is refused as a whole
    (IAM User Guide, "Passing session tags in AWS STS"; "Monitor and control actions taken with assumed roles").
    """
    return _document(
        {
            "Sid": "TasksOfTheDeclaredDags",
            "Effect": "Allow",
            "Principal": {"AWS": list(execution_role_arns)},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {
                "StringLike": {"aws:RequestTag/dag_id": list(workload.dags), "aws:RequestTag/task_id": list(workload.tasks)},
                "StringEquals": {"sts:SourceIdentity": workload.service_account},
                "ForAllValues:StringEquals": {"aws:TagKeys": list(TAGS)},
            },
        }
    )


def login_trust(provider_arn: str, issuer: str, client_id: str) -> dict[str, Any]:
    """People whom the identity provider let into one client: the audience is all that AWS can tell them apart by.

    Groups are no condition key of an OIDC provider (IAM User Guide, "Available keys for AWS OIDC federation"): hence one client
    for each role, whose assignments say who may.
    """
    return _document(
        {
            "Sid": "PeopleOfTheAssignedGroups",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer_key(issuer)}:aud": client_id}},
        }
    )


def login_permissions(partition: str, region: str, account: str, mwaa_name: str, login: Login) -> dict[str, Any]:
    """Signing in with one role of Airflow, in one environment (MWAA User Guide, "Accessing an Amazon MWAA environment")."""
    return _document(
        {
            "Sid": "SignInToAirflow",
            "Effect": "Allow",
            "Action": ["airflow:CreateWebLoginToken"],
            "Resource": [f"arn:{partition}:airflow:{region}:{account}:role/{mwaa_name}/{login.base}"],
        }
    )


def issuer_key(issuer: str) -> str:
    """An issuer as IAM writes it, in an OIDC provider's ARN and in front of its condition keys: a `/` at its end belongs to it.

    >>> issuer_key("https://bank.auth0.example/")
    'bank.auth0.example/'
    """
    return issuer.removeprefix("https://")


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": list(statements)}
