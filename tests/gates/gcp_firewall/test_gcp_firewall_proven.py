"""The gate in a program: proven to be what is declared; what is added or changed by hand is found, with its rule."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest
from gcp_programs import declared, environment, network
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.explanation.explaining import explain
from pulumi_airlock.proof.findings import Proof

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ACCESS = declared()
RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"
EVERYTHING = {"layer4_configs": [{"ip_protocol": "all"}], "dest_ip_ranges": ["0.0.0.0/0"]}


def program(
    more: Callable[[gcp.compute.Network], object] = lambda vpc: None,
    generation: int = 3,
    order: str | None = "BEFORE_CLASSIC_FIREWALL",
) -> Callable[[], None]:
    def run() -> None:
        vpc = network(order)
        made = [environment(name, vpc, f"10.{number}", generation) for number, name in enumerate(("finance", "markets"), 1)]
        GcpFirewallGate("gcp_firewall", access=ACCESS, environments=[one.network for one in made], network_id=vpc.id)
        more(vpc)

    return run


def proven(stack: Stack) -> Proof:
    found = read_all(stack, ACCESS)
    # The firewall alone: the VPC's routes have a gate of their own.
    filters = [one for one in found.filters if one.name.startswith("firewall")]
    return prove(ACCESS, found.environments, filters, at=NOW, around=found.around)


def holds(proof: Proof) -> bool:
    return not (proof.excess or proof.blocked or proof.unproven)


@pytest.mark.parametrize("generation", [2, 3])
def test_what_is_compiled_is_what_is_declared(run, generation):
    proof = proven(run(program(generation=generation)))
    assert not proof.excess, proof.excess[0].message
    assert not proof.blocked, proof.blocked[0].message
    assert not proof.unproven, proof.unproven[0].message
    assert not proof.dead


def by_policy_rule(priority: int, action: str, **match: Any) -> Callable[[gcp.compute.Network], object]:
    return lambda vpc: gcp.compute.NetworkFirewallPolicyRule(
        "by-hand",
        firewall_policy="gcp-firewall",
        priority=priority,
        direction="EGRESS",
        action=action,
        match={**EVERYTHING, **match},
    )


def by_vpc_rule(**more: Any) -> Callable[[gcp.compute.Network], object]:
    return lambda vpc: gcp.compute.Firewall("by-hand", network=vpc.id, direction="EGRESS", allows=[{"protocol": "all"}], **more)


def blamed(found: Any) -> set[str]:
    return {one.rule.urn.rpartition("::")[2] for one in found if one.rule is not None}


def test_a_rule_of_higher_priority_that_lets_all_through(run):
    assert blamed(proven(run(program(by_policy_rule(5, "allow")))).excess) == {"by-hand"}


def test_a_rule_of_higher_priority_that_hands_all_on(run):
    """Behind the policy everything gets out: by the implied rule of the network."""
    assert blamed(proven(run(program(by_policy_rule(5, "goto_next")))).excess) == {"vpc"}


def test_a_vpc_rule_is_looked_at_before_the_policy_unless_the_network_says_otherwise(run):
    assert blamed(proven(run(program(by_vpc_rule(), order=None))).excess) == {"by-hand"}
    assert holds(proven(run(program(by_vpc_rule()))))


def test_a_vpc_rule_that_denies_first(run):
    denied = program(
        lambda vpc: gcp.compute.Firewall(
            "by-hand", network=vpc.id, direction="EGRESS", denies=[{"protocol": "tcp", "ports": ["5432"]}], priority=0
        ),
        order="AFTER_CLASSIC_FIREWALL",
    )
    (blocked,) = proven(run(denied)).blocked
    assert blocked.routes == ("ledger-warehouse",)
    assert blocked.rule.label.startswith("firewall rule 0")


def changed(stack: Stack, change: Callable[[dict[str, Any]], None]) -> Stack:
    """The same stack, with what is changed by hand in the rule that denies finance the rest."""

    def made(one: Resource) -> Resource:
        properties = dict(one.properties)
        if one.type == RULE and properties["description"] == "finance: everything else":
            change(properties)
        return Resource(
            one.urn, one.type, properties, one.custom, one.parent, one.provider, one.dependencies, one.property_dependencies
        )

    return Stack([made(one) for one in stack.resources])


@pytest.mark.parametrize(
    "change",
    [
        lambda rule: rule.update(disabled=True),
        lambda rule: rule.update(direction="INGRESS"),
        lambda rule: rule.update(match={**rule["match"], "srcIpRanges": ["10.99.0.0/24"]}),
        lambda rule: rule.update(targetServiceAccounts=["other@bank-airflow.iam.gserviceaccount.com"]),
        lambda rule: rule.update(action="goto_next"),
    ],
    ids=["disabled", "direction", "sources", "account", "action"],
)
def test_a_deny_that_denies_nothing(run, change):
    stack = changed(run(program()), change)
    excess = proven(stack).excess
    assert blamed(excess) == {"vpc"}
    assert {name for one in excess for name in one.principals} <= {"ledger", "any other DAG of finance"}


def test_a_deny_that_leaves_a_part(run):
    stack = changed(run(program()), lambda rule: rule.update(match={**rule["match"], "destIpRanges": ["0.0.0.0/1"]}))
    assert blamed(proven(stack).excess) == {"vpc"}


@pytest.mark.parametrize("order", ["AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL"])
@pytest.mark.parametrize("generation", [2, 3])
def test_somebody_lets_the_office_into_the_tasks_subnetwork(run, generation, order):
    def more(vpc: gcp.compute.Network) -> None:
        gcp.compute.Firewall("ssh", network=vpc.id, allows=[{"protocol": "tcp", "ports": ["22"]}], source_ranges=["10.30.0.0/16"])

    excess = proven(run(program(more, generation, order))).excess
    stopped = generation == 3 and order == "BEFORE_CLASSIC_FIREWALL"
    assert blamed(excess) == (set() if stopped else {"ssh"})


def test_an_organizations_policy_blocks_what_is_declared(run):
    def program() -> None:
        vpc = network()
        finance, markets = environment("finance", vpc, "10.1"), environment("markets", vpc, "10.2")
        GcpFirewallGate(
            "gcp_firewall",
            access=ACCESS,
            environments=[finance.network, markets.network],
            network_id=vpc.id,
            ancestors=["organizations/1", "folders/2"],
        )
        policy = gcp.compute.FirewallPolicyWithRules(
            "guardrails",
            parent="organizations/1",
            short_name="guardrails",
            rules=[
                {
                    "priority": 10,
                    "action": "deny",
                    "direction": "EGRESS",
                    "description": "no databases",
                    "match": {"layer4_configs": [{"ip_protocol": "tcp", "ports": ["5432"]}], "dest_ip_ranges": ["10.20.0.0/16"]},
                }
            ],
        )
        gcp.compute.FirewallPolicyAssociation("folder", firewall_policy=policy.id, attachment_target="folders/2")

    (blocked,) = proven(run(program)).blocked
    assert 'rule 10 "no databases" (guardrails.rules[0])' in str(blocked.rule)


def test_explain_names_the_gate_the_rule_and_the_resource(preview):
    stack = preview(program())
    found = read_all(stack, ACCESS)
    filters = [one for one in found.filters if one.name.startswith("firewall")]

    def told(who: str, where: str) -> str:
        return repr(explain(ACCESS, found.environments, filters, who, where, at=NOW))

    assert "markets: everything else" in told("risk", "warehouse:5432")
    assert "finance: ledger-warehouse" in told("ledger", "warehouse:5432")
    assert "markets: risk-crm" in told("risk", "crm:443")


def test_a_network_of_another_stack_is_proven_where_its_order_is_told(run):
    def shared(order: str | None) -> Callable[[], None]:
        def program() -> None:
            vpc = pulumi.Output.from_input("projects/host-network/global/networks/shared")
            made = [
                environment(name, vpc, f"10.{number}", network_project="host-network")
                for number, name in enumerate(("finance", "markets"), 1)
            ]
            GcpFirewallGate(
                "gcp_firewall", access=ACCESS, environments=[one.network for one in made], network_id=vpc, enforcement_order=order
            )

        return program

    assert holds(proven(run(shared("BEFORE_CLASSIC_FIREWALL"))))
    unproven = proven(run(shared(None))).unproven
    assert any("projects/host-network/global/networks/shared (not in this stack)" in str(one) for one in unproven)
