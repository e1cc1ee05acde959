"""The component that puts an access file's routes into Google Cloud's firewall."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal

import pulumi
import pulumi_gcp as gcp

from ...access.model import Access
from ...environments.composer.network import ComposerNetwork
from ...errors import Problems
from ...tokens import GCP_FIREWALL_GATE
from ..naming import cut_name
from ..proxies import ProxyEntry
from .compile import FIRST_PRIORITY, MAX_RULE_ATTRIBUTES, FirewallPlan, FirewallRule, compile_firewall

Order = Literal["BEFORE_CLASSIC_FIREWALL", "AFTER_CLASSIC_FIREWALL"]

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_ANCESTOR = re.compile(r"(organizations|folders)/[0-9]+")
_ORDERS: Final = ("BEFORE_CLASSIC_FIREWALL", "AFTER_CLASSIC_FIREWALL")


class GcpFirewallGate(pulumi.ComponentResource):
    """Lets each environment's tasks out to the destinations of its routes, and nowhere else.

    It makes a global network firewall policy, associated with the environments' network: for each environment the rules of what
    Composer itself needs, rules of its routes, and one that denies and logs all else. The firewall sees the environment, not the
    DAG: another gate on the path must tell tasks apart. Zones name this gate by `name`.

    A network takes one global policy. Where it has one already, `policy` names it, and the rules are put there; `first_priority`
    says where.

    Args:
        name: the gate's name, as zones write it.
        access: what is declared.
        environments: `ComposerEnvironment.network` of each; all of them are in one VPC network.
        network_id: that network; by default that of the first environment.
        policy: the name of the network's own global policy; by default one is made, named after the gate.
        first_priority: the first of 1,100,000 priorities that the rules take.
        enforcement_order: what the network has, where it is not in this stack; readers cannot know it otherwise.
        ancestors: `organizations/…` and `folders/…` above the network's project, from the top: where hierarchical policies of
            this stack are attached.
        max_rule_attributes: the project's quota.
        proxies: by zone, where tasks connect to the proxy before it (`TcpProxy.entry`), in place of its destinations.
        today: what routes' expiry is held against.

    Raises:
        InputError: everything that Google would refuse, and destinations that no rule can name, at once.
    """

    policy_name: pulumi.Output[str]
    """The policy that the rules are in."""
    rule_count: dict[str, int]
    """Rules written, per environment."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        environments: Sequence[ComposerNetwork],
        network_id: pulumi.Input[str] | None = None,
        policy: pulumi.Input[str] | None = None,
        first_priority: int = FIRST_PRIORITY,
        enforcement_order: Order | None = None,
        ancestors: Sequence[str] = (),
        max_rule_attributes: int = MAX_RULE_ATTRIBUTES,
        proxies: Mapping[str, ProxyEntry] | None = None,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        policy_name = cut_name(63, name).lower().replace("_", "-").replace(".", "-")
        _check(policy_name, policy, environments, enforcement_order, ancestors, problems)
        plan: FirewallPlan | None = None
        with problems.noting("access"):
            plan = compile_firewall(
                access,
                name,
                environments,
                first_priority=first_priority,
                max_rule_attributes=max_rule_attributes,
                proxies=proxies,
                today=today or datetime.now(UTC).date(),
            )
        if plan is None or len(problems):
            raise problems.error()
        network = network_id if network_id is not None else environments[0].network_id
        project = environments[0].project or None
        told = {
            "environments": [one.environment for one in environments],
            "network": network,
            "project": project,
            "enforcementOrder": enforcement_order,
            "ancestors": list(ancestors) or None,
        }
        # Readers need it, and `pulumi preview --json` has no outputs of components.
        super().__init__(GCP_FIREWALL_GATE, name, {key: value for key, value in told.items() if value is not None}, opts)
        child = pulumi.ResourceOptions(parent=self)

        made = None
        if policy is None:
            made = gcp.compute.NetworkFirewallPolicy(
                f"{name}-policy",
                name=policy_name,
                project=project,
                description=f"What Airflow's tasks may reach: gate {name}",
                opts=child,
            )
        self.policy_name = made.name if made is not None else pulumi.Output.from_input(policy or "")
        networks = {one.environment: one for one in environments}
        rules = [self._rule(name, one, networks[one.environment], project) for one in plan.rules]
        if made is not None:
            gcp.compute.NetworkFirewallPolicyAssociation(
                f"{name}-association",
                name=policy_name,
                project=project,
                firewall_policy=made.id,
                attachment_target=network,
                # In force only once it is whole: without its last rules, everything would get out.
                opts=pulumi.ResourceOptions(parent=self, depends_on=rules),
            )
        if plan.ipv6_only:
            pulumi.log.warn(f"no rule for {', '.join(plan.ipv6_only)}: IPv6 alone, and Composer's tasks speak IPv4", self)

        self.rule_count = _counted(plan, networks)
        self.register_outputs(
            {"environments": list(networks), "policyName": self.policy_name, "ruleCount": self.rule_count, "network": network}
        )

    def _rule(self, name: str, one: FirewallRule, network: ComposerNetwork, project: str | None) -> pulumi.Resource:
        own, others = sorted(network.source_cidrs), list(one.ranges) or None
        match = gcp.compute.NetworkFirewallPolicyRuleMatchArgs(
            src_ip_ranges=others if one.inward else own,
            dest_ip_ranges=own if one.inward else others,
            dest_fqdns=list(one.fqdns) or None,
            layer4_configs=[
                gcp.compute.NetworkFirewallPolicyRuleMatchLayer4ConfigArgs(
                    ip_protocol=each.protocol, ports=list(each.ports) or None
                )
                for each in one.services
            ],
        )
        made: pulumi.Resource = gcp.compute.NetworkFirewallPolicyRule(
            f"{name}-{one.environment}-{'allow' if one.allow else 'deny'}-{one.key}",
            project=project,
            firewall_policy=self.policy_name,
            priority=one.priority,
            action="allow" if one.allow else "deny",
            direction="INGRESS" if one.inward else "EGRESS",
            match=match,
            # Composer 3's tasks come from Google's own project: no account of ours is seen there.
            target_service_accounts=[network.service_account_email] if network.sees_nodes else None,
            enable_logging=True,
            disabled=False,
            description=one.description,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return made


def _check(
    policy_name: str,
    policy: pulumi.Input[str] | None,
    environments: Sequence[ComposerNetwork],
    enforcement_order: str | None,
    ancestors: Sequence[str],
    problems: Problems,
) -> None:
    if policy is None and not _NAME.fullmatch(policy_name):
        problems.add("name", f"{policy_name!r} names no policy: begin with a letter, and end with a letter or digit")
    if enforcement_order is not None and enforcement_order not in _ORDERS:
        problems.add("enforcement_order", f"{enforcement_order!r} is none of {', '.join(_ORDERS)}")
    for position, one in enumerate(ancestors):
        path = f"ancestors[{position}]"
        if not _ANCESTOR.fullmatch(one):
            problems.add(path, f"{one!r}: write organizations/<number> or folders/<number>")
        elif one.startswith("organizations/") != (position == 0):
            problems.add(path, f"{one}: the organization comes first, then the folders from the top down")
    projects = sorted({one.project for one in environments if one.project})
    if len(projects) > 1:
        listed = ", ".join(projects)
        problems.add("environments", f"their networks are in {listed}: one gate is for one network; write one gate for each")


def _counted(plan: FirewallPlan, environments: Mapping[str, ComposerNetwork]) -> dict[str, int]:
    return {name: sum(one.environment == name for one in plan.rules) for name in environments}
