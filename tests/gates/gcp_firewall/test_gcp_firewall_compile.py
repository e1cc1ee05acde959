"""What routes become in Google's firewall, and what is refused before Google would."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from gcp_programs import declared, environment, network
from pulumi_airlock.environments.composer import ComposerNetwork, Need
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate
from pulumi_airlock.gates.gcp_firewall.compile import FIRST_PRIORITY, LAST_PRIORITY, FirewallRule, compile_firewall

RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"
POLICY = "gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy"
ASSOCIATION = "gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation"


@dataclass(frozen=True)
class Placed:
    environment: str = "finance"
    source_cidrs: tuple[str, ...] = ("10.1.0.0/24",)
    sees_nodes: bool = False
    needs: tuple[Need, ...] = ()


FINANCE, MARKETS = Placed(), Placed("markets", ("10.2.0.0/24",))


def compiled(access: Any, *environments: Placed, **arguments: Any) -> tuple[FirewallRule, ...]:
    return compile_firewall(access, "gcp_firewall", environments or (FINANCE,), **arguments).rules


def allows(rules: tuple[FirewallRule, ...]) -> list[tuple[Any, ...]]:
    found = [(one.ranges, one.fqdns, *((each.protocol, *each.ports) for each in one.services)) for one in rules if one.allow]
    return sorted(found, key=repr)


def destinations(*given: dict[str, Any], **changes: Any) -> Any:
    """An access in which `ledger` may reach each of these."""
    named = [{"name": f"d{number}", "zone": "datacenter", **one} for number, one in enumerate(given)]
    routes = [{"name": f"r{number}", "from": ["ledger"], "to": [one["name"]], "reason": "R"} for number, one in enumerate(named)]
    return declared(destinations=named, routes=routes, **changes)


# Rules


def test_neighbours_share_a_rule_and_a_description_names_the_routes():
    (rule,) = [one for one in compiled(declared()) if one.allow]
    assert (rule.ranges, rule.description) == (("10.20.4.10/31",), "finance: ledger-warehouse")


def test_destinations_with_the_same_ports_share_a_rule_and_others_do_not():
    access = destinations(
        {"cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp", "443/tcp"]},
        {"cidrs": ["10.20.9.0/24"], "ports": ["443/tcp", "5432/tcp"]},
        {"cidrs": ["10.20.7.7/32"], "ports": ["8000-8010/tcp", "53/udp", "icmp"]},
    )
    assert allows(compiled(access)) == [
        (("10.20.4.10/32", "10.20.9.0/24"), (), ("tcp", "443", "5432")),
        (("10.20.7.7/32",), (), ("icmp",), ("tcp", "8000-8010"), ("udp", "53")),
    ]


def test_two_rules_hold_what_three_services_share():
    access = destinations(
        {"cidrs": ["10.20.0.1/32"], "ports": ["1/tcp"]},
        {"cidrs": ["10.20.0.3/32"], "ports": ["2/tcp"]},
        {"cidrs": ["10.20.0.5/32"], "ports": ["1/tcp", "2/tcp"]},
    )
    assert len(allows(compiled(access))) == 2


def test_names_are_written_where_there_are_no_addresses():
    access = destinations(
        {"hosts": ["a.example.com"], "cidrs": ["10.20.0.1/32"], "ports": ["443/tcp"]},
        {"hosts": ["B.example.com", "c.example.com"], "ports": ["443/tcp"]},
    )
    assert allows(compiled(access)) == [(("10.20.0.1/32",), ("b.example.com", "c.example.com"), ("tcp", "443"))]


def test_more_names_than_a_rule_takes_become_several_rules():
    access = destinations({"hosts": [f"h{number}.example.com" for number in range(250)], "ports": ["443/tcp"]})
    assert [len(one.fqdns) for one in sorted(compiled(access), key=lambda one: -len(one.fqdns)) if one.allow] == [100, 100, 50]


def test_only_the_environments_own_routes_and_those_of_every_environment():
    access = declared(
        principals=[
            {"name": "ledger", "dags": ["*"], "environment": "finance"},
            {"name": "risk", "dags": ["*"], "environment": "markets"},
            {"name": "people", "group": "g", "sources": ["10.30.0.0/16"]},
        ],
        routes=[
            {"name": "a", "from": ["ledger"], "to": ["warehouse"], "reason": "R"},
            {"name": "b", "from": ["people"], "to": ["crm"], "reason": "R"},
        ],
    )
    rules = compiled(access, FINANCE, MARKETS)
    assert [(one.environment, one.ranges) for one in rules if one.allow] == [("finance", ("10.20.4.10/32",))]
    assert sorted(one.environment for one in rules if not one.allow and not one.inward) == ["finance", "markets"]


def test_expired_routes_and_other_gates_zones_are_left_out():
    access = declared(
        routes=[{"name": "a", "from": ["ledger"], "to": ["warehouse"], "reason": "R", "expires": "2026-01-31"}],
    )
    assert not allows(compiled(access, today=date(2026, 2, 1)))
    assert allows(compiled(access, today=date(2026, 1, 31)))
    elsewhere = declared(zones={"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]}, "saas": {"gates": ["zia"]}})
    assert not allows(compiled(elsewhere))


def test_ipv6_is_left_out_and_told():
    access = destinations(
        {"cidrs": ["2001:db8::/32"], "ports": ["443/tcp"]}, {"cidrs": ["2001:db8::/32", "10.20.0.1/32"], "ports": ["443/tcp"]}
    )
    plan = compile_firewall(access, "gcp_firewall", [FINANCE])
    assert (plan.ipv6_only, allows(plan.rules)) == (("d0",), [(("10.20.0.1/32",), (), ("tcp", "443"))])


def test_what_the_environment_needs_itself():
    need = Need("Google's APIs", ("199.36.153.8/30",), (("tcp", 443, 443),))
    everything = Need("nodes", ("10.1.0.0/24",))
    rules = compiled(declared(routes=[]), replace(FINANCE, needs=(need, everything)))
    assert allows(rules) == [(("10.1.0.0/24",), (), ("all",)), (("199.36.153.8/30",), (), ("tcp", "443"))]
    assert {one.description for one in rules if one.allow} == {"finance: Google's APIs", "finance: nodes"}


def test_calls_into_composer_3_are_denied_and_those_into_composer_2s_nodes_are_gkes():
    def inward(placed: Placed) -> list[tuple[Any, ...]]:
        return [(one.allow, one.ranges, one.services) for one in compiled(declared(), placed) if one.inward]

    assert [(allow, ranges) for allow, ranges, _ in inward(FINANCE)] == [(False, ("0.0.0.0/0",))]
    assert not inward(replace(FINANCE, sees_nodes=True))


# Priorities


def test_all_that_allow_come_before_all_that_deny():
    rules = compiled(declared(), FINANCE, MARKETS)
    last = max(one.priority for one in rules if one.allow)
    first = min(one.priority for one in rules if not one.allow)
    assert FIRST_PRIORITY <= min(one.priority for one in rules) <= last < first
    assert len({one.priority for one in rules}) == len(rules)


def test_a_rule_keeps_its_priority_when_others_come_and_go():
    alone = {one.key: one.priority for one in compiled(declared(), FINANCE)}
    both = {one.key: one.priority for one in compiled(declared(), FINANCE, MARKETS)}
    assert alone.items() <= both.items()


def test_rules_that_fall_on_one_priority_move_aside(monkeypatch):
    monkeypatch.setattr("pulumi_airlock.gates.gcp_firewall.compile.ALLOWS", 2)
    access = destinations({"cidrs": ["10.20.0.1/32"], "ports": ["1/tcp"]}, {"cidrs": ["10.20.0.3/32"], "ports": ["2/tcp"]})
    assert sorted(one.priority for one in compiled(access) if one.allow) == [FIRST_PRIORITY, FIRST_PRIORITY + 1]


# Refusals


@pytest.mark.parametrize(
    ("access", "environments", "arguments", "says"),
    [
        (
            destinations({"hosts": ["*.example.com"], "ports": ["443/tcp"]}),
            (FINANCE,),
            {},
            "d0.hosts: *.example.com: an FQDN object",
        ),
        (
            destinations({"hosts": ["intranet"], "ports": ["443/tcp"]}),
            (FINANCE,),
            {},
            "d0.hosts: intranet is no name of two or more labels",
        ),
        (destinations({"hosts": ["a_b.example.com"], "ports": ["443/tcp"]}), (FINANCE,), {}, "write its `cidrs`"),
        (declared(), (), {}, "environments: none"),
        (declared(), (FINANCE, FINANCE), {}, "environments[finance]: given twice"),
        (declared(), (replace(FINANCE, source_cidrs=()),), {}, "rules would be for every VM"),
        (
            declared(),
            (replace(FINANCE, needs=(Need("database", (), (), "sql_cidr"),)),),
            {},
            "would be cut off: write sql_cidr of",
        ),
        (declared(), (replace(FINANCE, source_cidrs=("fd00::/64",)),), {}, "'fd00::/64' is no IPv4 network"),
        (declared(), (FINANCE,), {"first_priority": -1}, "first_priority: -1"),
        (declared(), (FINANCE,), {"first_priority": LAST_PRIORITY}, "write 0 to 2146383643"),
        (declared(), (FINANCE,), {"max_rule_attributes": 9}, "10 rule attributes are over 9"),
    ],
)
def test_what_google_would_refuse(access, environments, arguments, says):
    with pytest.raises(InputError) as raised:
        compile_firewall(access, "gcp_firewall", environments, **arguments)
    assert says in str(raised.value)


def test_every_problem_is_told_at_once():
    access = destinations({"hosts": ["*.example.com"], "ports": ["443/tcp"]}, {"hosts": ["intranet"], "ports": ["443/tcp"]})
    with pytest.raises(InputError) as raised:
        compile_firewall(access, "gcp_firewall", [FINANCE, FINANCE], first_priority=-1)
    assert len(raised.value.problems) == 4


def test_composer_2_whose_database_is_anywhere_would_be_cut_off(preview):
    def program() -> None:
        vpc = network()
        finance = environment("finance", vpc, "10.1", 2, connection_subnetwork_id=None, connection_subnetwork_cidr=None)
        GcpFirewallGate("gcp_firewall", access=declared(), environments=[finance.network], network_id=vpc.id)

    with pytest.raises(InputError) as raised:
        preview(program)
    assert "environments[finance].needs: Airflow's database: its network is not known" in str(raised.value)


# The component


def gate(generation: int = 3, **arguments: Any):
    def program() -> None:
        vpc = network()
        finance = environment("finance", vpc, "10.1", generation)
        GcpFirewallGate("gcp_firewall", access=declared(), environments=[finance.network], network_id=vpc.id, **arguments)

    return program


def test_the_policy_is_in_force_once_its_rules_are_there(run):
    stack = run(gate())
    (policy,), (association,), rules = stack.of_type(POLICY), stack.of_type(ASSOCIATION), stack.of_type(RULE)
    assert (policy.get("name"), policy.get("project"), policy.ancestors().__next__().name) == (
        "gcp-firewall",
        "bank-airflow",
        "gcp_firewall",
    )
    assert association.refers_to("firewallPolicy") == (policy,)
    assert [one.name for one in association.refers_to("attachmentTarget")] == ["vpc"]
    assert {one.urn for one in rules} <= set(association.dependencies)
    assert all(one.refers_to("firewallPolicy") == (policy,) for one in rules)


def test_rules_log_and_are_for_the_environments_addresses(run):
    for one in run(gate()).of_type(RULE):
        own = "srcIpRanges" if one.get("direction") == "EGRESS" else "destIpRanges"
        assert one.get("match", own) == ["10.1.0.0/24"]
        assert (one.get("enableLogging"), one.get("disabled")) == (True, False)
        assert one.get("targetServiceAccounts") is None


def test_composer_2_is_told_apart_by_its_account_too(run):
    stack = run(gate(2))
    rules = stack.of_type(RULE)
    assert all(
        [found.type for found in one.refers_to("targetServiceAccounts")] == ["gcp:serviceaccount/account:Account"]
        for one in rules
    )
    assert all(one.get("match", "srcIpRanges") == ["10.1.0.0/24", "10.1.8.0/21"] for one in rules)
    needed = {tuple(one.get("match", "destIpRanges")) for one in rules if "ledger" not in one.get("description")}
    assert needed == {("10.1.0.0/24", "10.1.8.0/21"), ("199.36.153.8/30",), ("10.1.17.0/28",), ("10.1.18.0/28",), ("0.0.0.0/0",)}


def test_rules_may_go_into_the_networks_own_policy(run):
    stack = run(gate(policy="landing-zone", first_priority=5000))
    assert not stack.of_type(POLICY, ASSOCIATION)
    assert {one.get("firewallPolicy") for one in stack.of_type(RULE)} == {"landing-zone"}
    assert all(5000 <= one.get("priority") < 1_105_000 for one in stack.of_type(RULE))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"enforcement_order": "FIRST"}, "enforcement_order: 'FIRST' is none of"),
        ({"ancestors": ["folders/x"]}, "ancestors[0]: 'folders/x': write organizations/<number>"),
        ({"ancestors": ["folders/1", "organizations/2"]}, "the organization comes first"),
    ],
)
def test_what_the_component_refuses(preview, arguments, says):
    with pytest.raises(InputError, match="") as raised:
        preview(gate(**arguments))
    assert says in str(raised.value)


def test_one_gate_is_for_one_network(preview):
    import pulumi

    text = pulumi.Output.from_input("projects/a/global/networks/n")
    networks = [
        ComposerNetwork(name, text, ("10.1.0.0/24",), text, project=project) for name, project in (("a", "x"), ("b", "y"))
    ]
    with pytest.raises(InputError) as raised:
        preview(lambda: GcpFirewallGate("gcp_firewall", access=declared(), environments=networks))
    assert "their networks are in x, y" in str(raised.value)
