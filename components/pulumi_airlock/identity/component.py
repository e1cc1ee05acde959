"""The component: one declaration compiled to the identity provider and to AWS; for the other systems, the names to use there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from ..access.model import Access
from ..environments.mwaa.checks import check_account, checked_tags, current_account, resolved_region
from ..environments.mwaa.limits import partition
from ..errors import InputError, Problems
from ..tokens import IDENTITY
from .airflow import described as described_for_airflow
from .airflow import policy_module, roles_to_import
from .aws_policies import issuer_key, login_permissions, login_trust, workload_trust
from .plan import MAX_SESSION_DURATION, IdentityPlan, Login, Place, Workload, plan_identity
from .providers import Made, Order, Provider, slug
from .saml import SamlService, SamlSignOn, assigned


@dataclass(frozen=True, slots=True)
class IdentityEnvironment:
    """An Airflow environment as identity needs it."""

    execution_role_arn: pulumi.Input[str]
    """The role that its tasks run with: the only one that may assume their principals' roles."""
    mwaa_name: str | None = None
    """MWAA's name for it, where that is not the environment's."""
    callback_urls: Sequence[str] = ()
    """Where the identity provider sends people back to after they have signed in (the gateway's `/oauth2/callback`)."""


class Identity(pulumi.ComponentResource):
    """Groups, service accounts and roles of one access file, the same everywhere.

    At the identity provider: a group for each group of people; for each Airflow role of an environment that a route leads people
    to, a client and the assignment of its groups. At AWS: for each of these a role that signs in with that role of Airflow and
    can do nothing else; for each principal of workloads a role without any permission of its own, which its environment's tasks
    may assume when they say which DAG and task they are. What they say is asserted, not attested: code that shares the
    environment's role can say something else.

    For FortiGate and ZPA, whose components make their own objects: `user_groups` and `scim_groups`.
    """

    plan: IdentityPlan
    group_ids: Mapping[str, pulumi.Output[str]]
    """Group → its id at the identity provider; empty for `Oidc`."""
    client_ids: Mapping[str, pulumi.Input[str]]
    """`environment/role` → the client to sign in with."""
    workload_role_arns: Mapping[str, pulumi.Output[str]]
    """Principal → the AWS role that its tasks assume: attach to it what its credentials need."""
    workload_role_names: Mapping[str, pulumi.Output[str]]
    """The same by name, for policies."""
    login_role_arns: Mapping[str, pulumi.Output[str]]
    """`environment/role` → the AWS role that signs in with it."""
    saml: Mapping[str, SamlSignOn]
    """Gate → what it has to be told of the identity provider, for each of `saml_services`."""
    user_groups: Mapping[str, str]
    """The identity provider's group → the FortiGate's user group (`FortigateGate(user_groups=…)`)."""
    scim_groups: Mapping[str, str]
    """The identity provider's group → ZPA's SCIM group."""
    zscaler_groups: Mapping[str, tuple[str, ...]]
    """Service account → the groups at Zscaler that its environment's machines are in."""
    airflow_roles: list[dict[str, str]]
    """For `airflow roles import`, as JSON."""
    airflow_policy: str
    """Source of a module with a `dag_policy` for the DAG-level permissions."""

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        access: Access,
        provider: Provider,
        environments: Mapping[str, IdentityEnvironment],
        web_servers: Mapping[str, str],
        prefix: str = "airflow-",
        user_groups: Mapping[str, str] | None = None,
        scim_groups: Mapping[str, str] | None = None,
        zscaler_groups: Mapping[str, Sequence[str]] | None = None,
        saml_services: Sequence[SamlService] = (),
        other_groups: Sequence[str] = (),
        other_roles: Sequence[str] = (),
        oidc_provider_arn: str | None = None,
        airflow_version: str = "3",
        account_id: str | None = None,
        region: str | None = None,
        permissions_boundary_arn: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """Makes groups, clients and roles.

        - `owner`: who answers for them; a tag of every role.
        - `access`: whose groups, roles and service accounts they are.
        - `provider`: `Okta`, `Entra` or `Oidc`, as the access file's `identityProvider` says.
        - `environments`: each Airflow environment that principals name.
        - `web_servers`: destination → environment whose web server it is: people with a route there may sign in, and no others.
        - `prefix`: in front of the names of AWS roles and of clients.
        - `user_groups`, `scim_groups`: group → what the FortiGate and ZPA call it, where the names differ.
        - `zscaler_groups`: environment → its machines' groups at Zscaler, where they are not called like it.
        - `saml_services`: gates that people sign in at by SAML: each gets an application at Okta or Entra.
        - `other_groups`: groups of the identity provider that are in this stack for something else: the proof leaves them alone.
        - `other_roles`: the same of AWS roles that tasks may assume, or that sign in, by name.
        - `oidc_provider_arn`: AWS's entry for the identity provider, if there is one; an account has one for each issuer.
        - `airflow_version`: for `airflow_roles`.
        - `permissions_boundary_arn`: of every AWS role.
        - `account_id`: the AWS account (12 digits); asked of AWS unless given.
        - `region`: the provider's, unless given.
        - `tags`: further tags for every role.

        InputError, with every problem, for whatever a system would refuse.
        """
        problems = Problems(name)
        region = resolved_region(region, problems, opts)
        check_account("account_id", account_id, problems)
        all_tags = checked_tags(owner, tags, problems)
        place = Place(
            tuple(environments),
            dict(web_servers),
            prefix,
            dict(user_groups or {}),
            dict(scim_groups or {}),
            {environment: tuple(groups) for environment, groups in (zscaler_groups or {}).items()},
        )
        plan = _planned(access, place, name, problems)
        callbacks = {environment: tuple(one.callback_urls) for environment, one in environments.items()}
        _check_provider(access, provider, plan, callbacks, problems)
        services = assigned(access, saml_services, problems)
        issuer = access.identity_provider.issuer if access.identity_provider else ""
        if services:
            provider.check_services(issuer, problems)
        problems.raise_any()

        recorded = _recorded(access, place, plan, provider, (other_groups, other_roles), environments)
        super().__init__(IDENTITY, name, recorded, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = current_account(account_id, self)
        made = provider.make(Order(name, plan, callbacks, child, services, issuer))
        self._aws = _Aws(name, partition(region), region, account, all_tags, permissions_boundary_arn, child)

        self.plan = plan
        self.group_ids = made.groups
        self.client_ids = made.client_ids
        self.saml = made.saml
        logins = self._aws.logins(plan, made, issuer, environments, oidc_provider_arn)
        workloads = self._aws.workloads(plan, environments)
        self.login_role_arns = {key: role.arn for key, role in logins.items()}
        self.workload_role_arns = {principal: role.arn for principal, role in workloads.items()}
        self.workload_role_names = {principal: role.name for principal, role in workloads.items()}
        self.user_groups = {one.group: one.user_group for one in plan.people}
        self.scim_groups = {one.group: one.scim_group for one in plan.people}
        self.zscaler_groups = {one.service_account: one.zscaler_groups for one in plan.workloads}
        self.airflow_roles = roles_to_import(plan.roles, airflow_version=airflow_version)
        self.airflow_policy = policy_module(described_for_airflow(plan)["dagPermissions"])
        self.register_outputs(
            {
                # Stack policies see the outputs of a component, and none of its inputs.
                **recorded,
                "groupIds": dict(made.groups),
                "clientIds": dict(made.client_ids),
                "workloadRoleArns": self.workload_role_arns,
                "loginRoleArns": self.login_role_arns,
            }
        )


def _planned(access: Access, place: Place, name: str, problems: Problems) -> IdentityPlan:
    """The plan; its problems are noted beside the others."""
    try:
        return plan_identity(access, place, name)
    except InputError as error:
        for one in error.problems:
            problems.add(one.path, one.message)
        return IdentityPlan((), (), (), ())


def _check_provider(
    access: Access, provider: Provider, plan: IdentityPlan, callbacks: Mapping[str, Sequence[str]], problems: Problems
) -> None:
    declared = access.identity_provider
    if declared is None:
        problems.add("access.identityProvider", "is missing: people sign in with one")
    elif declared.kind != provider.kind:
        problems.add("provider", f"{type(provider).__name__} is given, and the access file says {declared.kind}: make them one")
    for environment in dict.fromkeys(login.environment for login in plan.logins):
        urls = callbacks.get(environment, ())
        if not urls and provider.managed:
            problems.add(f'environments["{environment}"].callback_urls', "empty: where does sign-in send people back to?")
        for position, url in enumerate(urls):
            if not url.startswith("https://") or "*" in url:
                problems.add(
                    f'environments["{environment}"].callback_urls[{position}]', f"{url!r}: write one https:// address, without *"
                )
    provider.check(plan, problems)


def _recorded(
    access: Access,
    place: Place,
    plan: IdentityPlan,
    provider: Provider,
    others: tuple[Sequence[str], Sequence[str]],
    environments: Mapping[str, IdentityEnvironment],
) -> dict[str, Any]:
    """What readers need: among the inputs too, since `pulumi preview --json` has no outputs of components."""
    existing: Mapping[str, Any] = getattr(provider, "existing_groups", {})
    managed = provider.managed
    return {
        "provider": provider.kind,
        "issuer": access.identity_provider.issuer if access.identity_provider else None,
        "environments": {one: given.mwaa_name or one for one, given in environments.items()},
        "executionRoles": {one: given.execution_role_arn for one, given in environments.items()},
        "webServers": dict(place.web_servers),
        "groups": {
            group: {"managed": managed and group not in existing, **({"id": existing[group]} if group in existing else {})}
            for group in plan.groups
        },
        "otherGroups": list(others[0]),
        "otherRoles": list(others[1]),
        "userGroups": {one.group: one.user_group for one in plan.people},
        "scimGroups": {one.group: one.scim_group for one in plan.people},
        "logins": {
            one.key: {
                "environment": one.environment,
                "role": one.role,
                "base": one.base,
                "groups": list(one.groups),
                "awsRole": one.role_name,
                **_client_of(provider, one),
            }
            for one in plan.logins
        },
        "workloads": {
            one.principal: {
                "serviceAccount": one.service_account,
                "awsRole": one.role_name,
                "environments": list(one.environments),
                "sessionSeconds": one.session,
                "zscalerGroups": list(one.zscaler_groups),
            }
            for one in plan.workloads
        },
        "airflow": described_for_airflow(plan),
    }


def _client_of(provider: Provider, login: Login) -> dict[str, str]:
    client = provider.client(login)
    return {} if client is None else {"client": client}


def _trusted_tasks(workload: Workload, callers: Sequence[str]) -> str:
    return json.dumps(workload_trust(workload, callers))


@dataclass(frozen=True, slots=True)
class _Aws:
    """Makes the roles."""

    name: str
    partition: str
    region: str
    account: pulumi.Output[str]
    tags: dict[str, str]
    boundary: pulumi.Input[str] | None
    opts: pulumi.ResourceOptions

    def workloads(self, plan: IdentityPlan, environments: Mapping[str, IdentityEnvironment]) -> dict[str, aws.iam.Role]:
        """Principal → its role."""
        found = {}
        for one in plan.workloads:
            callers = pulumi.Output.all(*(environments[home].execution_role_arn for home in one.environments))
            found[one.principal] = self._role(
                f"{self.name}-tasks-{slug(one.principal)}",
                one.role_name,
                f"Tasks of {one.principal}, as {one.service_account}",
                callers.apply(partial(_trusted_tasks, one)),
            )
        return found

    def logins(
        self,
        plan: IdentityPlan,
        made: Made,
        issuer: str,
        environments: Mapping[str, IdentityEnvironment],
        provider_arn: str | None,
    ) -> dict[str, aws.iam.Role]:
        """`environment/role` → the role that signs in with it."""
        if not plan.logins:
            return {}
        trusted: pulumi.Output[str]
        after: list[pulumi.Resource] = []
        if provider_arn is None:
            entry = aws.iam.OpenIdConnectProvider(
                f"{self.name}-provider",
                url=issuer,
                client_id_lists=[made.client_ids[login.key] for login in plan.logins],
                tags=self.tags,
                opts=self.opts,
            )
            after = [entry]
            # Known before it is there, so that a preview shows whom a role trusts.
            trusted = self.account.apply(
                lambda account: f"arn:{self.partition}:iam::{account}:oidc-provider/{issuer_key(issuer)}"
            )
        else:
            trusted = pulumi.Output.from_input(provider_arn)
        return {
            login.key: self._login(login, trusted, issuer, made.client_ids[login.key], environments[login.environment], after)
            for login in plan.logins
        }

    def _login(
        self,
        login: Login,
        trusted: pulumi.Output[str],
        issuer: str,
        client_id: pulumi.Input[str],
        environment: IdentityEnvironment,
        after: list[pulumi.Resource],
    ) -> aws.iam.Role:
        key = f"{self.name}-sign-in-{login.environment}-{slug(login.role)}"
        role = self._role(
            key,
            login.role_name,
            f"People who are {login.role} ({login.base}) in Airflow {login.environment}",
            pulumi.Output.all(trusted, client_id).apply(lambda known: json.dumps(login_trust(known[0], issuer, known[1]))),
            after,
        )
        mwaa_name = environment.mwaa_name or login.environment
        aws.iam.RolePolicy(
            key,
            role=role.id,
            policy=self.account.apply(
                lambda account: json.dumps(login_permissions(self.partition, self.region, account, mwaa_name, login))
            ),
            opts=self.opts,
        )
        return role

    def _role(
        self, key: str, name: str, description: str, trust: pulumi.Output[str], after: Sequence[pulumi.Resource] = ()
    ) -> aws.iam.Role:
        return aws.iam.Role(
            key,
            name=name,
            description=description,
            assume_role_policy=trust,
            max_session_duration=MAX_SESSION_DURATION,
            permissions_boundary=self.boundary,
            tags=self.tags,
            opts=pulumi.ResourceOptions.merge(self.opts, pulumi.ResourceOptions(depends_on=list(after))),
        )
