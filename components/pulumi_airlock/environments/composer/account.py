"""The account that tasks run as, with the least roles; the service agents; and what each of them is granted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from ...gates.naming import cut_name
from .checks import known
from .limits import FORBIDDEN_ROLES, SERVICE_ACCOUNT
from .operation import Snapshots
from .software import SecretsBackend

WORKER: Final = "roles/composer.worker"
"""What every environment's account needs ("Access control with IAM")."""

AGENT_EXTENSION: Final = "roles/composer.ServiceAgentV2Ext"
"""Composer 2's agent binds the account to the cluster's own: it may read and set the account's policy (the same page)."""

AGENTS: Final = {
    "composer": "cloudcomposer-accounts",
    "artifactregistry": "gcp-sa-artifactregistry",
    "container": "container-engine-robot",
    "pubsub": "gcp-sa-pubsub",
    "compute": "compute-system",
    "storage": "gs-project-accounts",
}
"""Service → the domain of its agent, `service-<project number>@<domain>.iam.gserviceaccount.com`: all of them use the key.

Source: what terraform-provider-google grants before its own tests with a key (`resource_composer_environment_test.go`, of
August 2026: `bootstrapComposerServiceAgents`, and the bucket's in `testAccComposerEnvironment_encryptionCfg`). Those tests make a
Composer 2; Composer 3 gets the same grants, of which it may use fewer.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The account, and the grants that the environment has to come after."""

    email: pulumi.Output[str]
    before: tuple[pulumi.Resource, ...]


def check_account(service_account: pulumi.Input[str] | None, roles: Sequence[str], problems: Problems) -> None:
    """Notes an account that nobody made for this, and roles that give a DAG too much."""
    text = known(service_account)
    if text is not None and not SERVICE_ACCOUNT.fullmatch(text):
        what = (
            "is a default account, with the project's rights"
            if "developer.gserviceaccount" in text or "appspot" in text
            else "is none"
        )
        problems.add("service_account", f"{text!r} {what}: write one made for this, name@project.iam.gserviceaccount.com")
    for position, role in enumerate(roles):
        at = f"roles[{position}]"
        if role in FORBIDDEN_ROLES:
            problems.add(at, f"{role}: {FORBIDDEN_ROLES[role]}")
        elif role in (WORKER, AGENT_EXTENSION):
            problems.add(at, f"{role} is granted already; remove it")
        elif not role.startswith(("roles/", "projects/", "organizations/")):
            problems.add(at, f"{role!r} is no role; write roles/bigquery.jobUser")


def agent(service: str, number: pulumi.Output[str]) -> pulumi.Output[str]:
    """A service agent of the project, as a member of a policy."""
    return pulumi.Output.format("serviceAccount:service-{0}@{1}.iam.gserviceaccount.com", number, AGENTS[service])


def make_account(
    name: str,
    environment_name: str,
    project: str,
    generation: int,
    number: pulumi.Output[str] | None,
    brought: pulumi.Input[str] | None,
    roles: Sequence[str],
    opts: pulumi.ResourceOptions,
) -> Account:
    """The account, made or brought, with the worker's role and what is declared; in Composer 2 the agent's role on it too."""
    if brought is None:
        made = gcp.serviceaccount.Account(
            f"{name}-account",
            account_id=account_id(environment_name),
            project=project,
            display_name=f"Tasks of the Airflow environment {environment_name}",
            opts=opts,
        )
        email: pulumi.Output[str] = made.email
    else:
        email = pulumi.Output.from_input(brought)
    member = pulumi.Output.concat("serviceAccount:", email)
    before: list[pulumi.Resource] = [
        gcp.projects.IAMMember(f"{name}-{_last(role)}", project=project, role=role, member=member, opts=opts)
        for role in (WORKER, *dict.fromkeys(roles))
    ]
    if number is not None and generation == 2:
        before.append(
            gcp.serviceaccount.IAMMember(
                f"{name}-agent-extension",
                # On this account alone: the documentation's grant on the project would reach every account.
                service_account_id=pulumi.Output.format("projects/{0}/serviceAccounts/{1}", project, email),
                role=AGENT_EXTENSION,
                member=agent("composer", number),
                opts=opts,
            )
        )
    return Account(email, tuple(before))


def grant_declared(
    name: str,
    account: Account,
    project: str,
    secrets: SecretsBackend | None,
    snapshots: Snapshots | None,
    opts: pulumi.ResourceOptions,
) -> Iterable[pulumi.Resource]:
    """What the account may do for what is declared: read the named secrets, write snapshots into their bucket."""
    member = pulumi.Output.concat("serviceAccount:", account.email)
    for secret in dict.fromkeys(secrets.secrets) if secrets is not None else ():
        yield gcp.secretmanager.SecretIamMember(
            f"{name}-secret-{secret}",
            project=secrets.project or project if secrets is not None else project,
            secret_id=secret,
            role="roles/secretmanager.secretAccessor",
            member=member,
            opts=opts,
        )
    if snapshots is not None:
        yield gcp.storage.BucketIAMMember(
            f"{name}-snapshots", bucket=snapshots.bucket, role="roles/storage.objectAdmin", member=member, opts=opts
        )


def account_id(environment_name: str) -> str:
    """An account's id: 6 to 30 characters, by the environment's name."""
    return cut_name(30, "airflow", environment_name).lower().replace("_", "-").replace(".", "-")


def _last(role: str) -> str:
    return role.rsplit("/", 1)[-1].replace(".", "-").lower()
