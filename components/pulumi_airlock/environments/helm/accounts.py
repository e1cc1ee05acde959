"""The service accounts of tasks: each with its cloud identity, without rights in the cluster, and held to its own pods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ...gates.kubernetes.marks import MANAGED
from .authority import LAUNCHER_RULES, SCHEDULER_RULES, admission
from .network import ClusterNetwork
from .platforms import Eks, Gke, identity_of
from .workloads import SCHEDULER, account_of, default_account


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes them, under an environment's component."""

    name: str
    """The component's."""
    network: ClusterNetwork
    platform: Eks | Gke
    launchers: Sequence[str]
    """Accounts whose tasks start pods."""
    tokens: bool
    """Whether all have a token of the API server in their pods."""
    parent: pulumi.Resource
    namespace: pulumi.Resource

    def make(self) -> list[pulumi.Resource]:
        """All of it; what the chart has to come after."""
        wanted = list(dict.fromkeys([*self.network.accounts.values(), default_account(self.network.release)]))
        scheduler = account_of(SCHEDULER, self.network.release)
        return [
            *(each for account in wanted for each in self._account(account)),
            *self._role(f"{self.network.release}-scheduler-pods", SCHEDULER_RULES, [scheduler]),
            *(self._role(f"{self.network.release}-task-pods", LAUNCHER_RULES, self.launchers) if self.launchers else ()),
            *self._admission(wanted),
        ]

    def _account(self, account: str) -> Iterator[pulumi.Resource]:
        principals = [principal for principal, one in self.network.accounts.items() if one == account]
        found = (identity_of(self.platform, one) for one in principals)
        annotations, binding = next((one for one in found if one != ({}, None)), ({}, None))
        made = kubernetes.core.v1.ServiceAccount(
            f"{self.name}-account-{account}",
            metadata=self._named(account, annotations=annotations or None),
            automount_service_account_token=self.tokens or account in self.launchers,
            opts=self._opts(),
        )
        yield made
        if binding is not None:
            self._bind(account, binding, made)

    def _bind(self, account: str, binding: str, made: pulumi.Resource) -> None:
        """Lets a service account act as an identity of the cloud, where that is a resource of its own."""
        opts = pulumi.ResourceOptions(parent=self.parent, depends_on=[made])
        if isinstance(self.platform, Gke):
            import pulumi_gcp as gcp  # here: Airflow on EKS needs no SDK of Google's

            gcp.serviceaccount.IAMMember(
                f"{self.name}-identity-{account}",
                service_account_id=f"projects/-/serviceAccounts/{binding}",
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{self.platform.project}.svc.id.goog[{self.network.namespace}/{account}]",
                opts=opts,
            )
        elif self.platform.pod_identity_cluster is not None:
            import pulumi_aws as aws

            aws.eks.PodIdentityAssociation(
                f"{self.name}-identity-{account}",
                cluster_name=self.platform.pod_identity_cluster,
                namespace=self.network.namespace,
                service_account=account,
                role_arn=binding,
                opts=opts,
            )

    def _role(
        self, role: str, rules: Sequence[Mapping[str, Sequence[str]]], accounts: Sequence[str]
    ) -> Iterator[pulumi.Resource]:
        """Rights in Airflow's namespace alone."""
        made = kubernetes.rbac.v1.Role(
            f"{self.name}-role-{role}",
            metadata=self._named(role),
            rules=[
                kubernetes.rbac.v1.PolicyRuleArgs(
                    api_groups=list(one["apiGroups"]), resources=list(one["resources"]), verbs=list(one["verbs"])
                )
                for one in rules
            ],
            opts=self._opts(),
        )
        yield made
        yield kubernetes.rbac.v1.RoleBinding(
            f"{self.name}-binding-{role}",
            metadata=self._named(role),
            role_ref=kubernetes.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=role),
            subjects=[
                kubernetes.rbac.v1.SubjectArgs(kind="ServiceAccount", name=account, namespace=self.network.namespace)
                for account in accounts
            ],
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=[made]),
        )

    def _admission(self, accounts: Sequence[str]) -> Iterator[pulumi.Resource]:
        name = f"{self.network.namespace}-{self.network.release}-task-accounts"
        metadata = kubernetes.meta.v1.ObjectMetaArgs(name=name, labels=MANAGED)
        spec: Any = admission(self.network.namespace, self.network.release, accounts, self.launchers)
        policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
            f"{self.name}-admission", metadata=metadata, spec=spec, opts=self._opts()
        )
        yield policy
        yield kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            f"{self.name}-admission-binding",
            metadata=metadata,
            spec=kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=name, validation_actions=["Deny"]
            ),
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=[policy]),
        )

    def _named(self, name: str, annotations: Mapping[str, str] | None = None) -> kubernetes.meta.v1.ObjectMetaArgs:
        return kubernetes.meta.v1.ObjectMetaArgs(
            name=name, namespace=self.network.namespace, annotations=annotations, labels=MANAGED
        )

    def _opts(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent, depends_on=[self.namespace])
