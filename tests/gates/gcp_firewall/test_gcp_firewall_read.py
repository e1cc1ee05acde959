"""What the reader makes of Google's firewall, one case a behaviour: links, targets, and what cannot be known."""

import re
import subprocess
import sys
from inspect import signature
from typing import Any

import pulumi_gcp as gcp
import pytest
from gcp_programs import declared, environment, network, plain_environment
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate, read, references
from pulumi_airlock.gates.gcp_firewall.entries import MATCHES
from pulumi_airlock.proof.filters import Action, Filter, Rule
from pulumi_airlock.proof.sets import Hosts, Services

ALL = [{"ip_protocol": "all"}]
ACCOUNT = "finance@bank-airflow.iam.gserviceaccount.com"


def egress(stack: Any, name: str = "finance") -> Filter:
    (found,) = [one for one in read(stack) if one.scope.who.environments == {name}]
    return found


def ingress(stack: Any) -> Filter:
    (found,) = [one for one in read(stack) if one.scope.who.environments is None]
    return found


def at(found: Filter, address: str, service: tuple[str, int] = ("tcp", 443)) -> tuple[set[str], list[str]]:
    """What a filter may do with a call to an address, and what is not known there."""
    point, services = Hosts.from_cidr(address), Services.of(service[0], service[1], service[1])
    seen, reasons = set(), []
    for rule in found.rules:
        if rule.match.hosts & point and rule.match.services & services:
            seen.add(rule.action.value)
            reasons += rule.unknown
            if not rule.unknown:
                return seen, reasons
    raise AssertionError("the implied rules match everything")


def named(found: Filter, name: str) -> list[Rule]:
    return [one for one in found.rules if one.source.urn.endswith(f"::{name}")]


def policy_with(vpc: gcp.compute.Network, *rules: dict[str, Any]) -> gcp.compute.NetworkFirewallPolicy:
    policy = gcp.compute.NetworkFirewallPolicy("policy", name="policy")
    gcp.compute.NetworkFirewallPolicyAssociation("in-force", name="in-force", firewall_policy=policy.id, attachment_target=vpc.id)
    for number, one in enumerate(rules):
        fields = {"priority": 100 + number, "direction": "EGRESS", "firewall_policy": policy.name, "action": "deny", **one}
        match = {"layer4_configs": ALL, **fields.pop("match", {})}
        gcp.compute.NetworkFirewallPolicyRule(f"rule-{number}", match=match, **fields)
    return policy


def with_rules(*rules: dict[str, Any]) -> Any:
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        policy_with(vpc, *rules)

    return program


# Links


def test_by_itself_everything_gets_out_and_nothing_in(run):
    stack = run(lambda: environment("finance", network(), "10.1"))
    assert at(egress(stack), "10.20.4.10") == ({"allow"}, [])
    # Nothing lets in: there is nothing to look at.
    assert len(list(read(stack))) == 1
    assert {one.implied for one in egress(stack).rules} == {True}


@pytest.mark.parametrize("generation", [2, 3])
def test_an_environment_without_components_is_found_on_its_network(run, generation):
    def program() -> None:
        vpc = network()
        plain_environment("finance", "10.1", vpc.id, ACCOUNT, generation=generation)
        policy_with(vpc, {"match": {"dest_ip_ranges": ["10.20.0.0/16"]}})

    found = egress(run(program))
    assert (found.gate, found.name, found.always) == ("finance", "firewall of network vpc, out of finance", True)
    assert at(found, "10.20.4.10") == ({"deny"}, [])
    assert at(found, "10.21.4.10") == ({"allow"}, [])


def test_rules_of_other_networks_regions_and_directions_do_not_count(run):
    def program() -> None:
        vpc, other = network(), gcp.compute.Network("other", name="other")
        environment("finance", vpc, "10.1")
        policy = gcp.compute.NetworkFirewallPolicy("policy", name="policy")
        gcp.compute.NetworkFirewallPolicyAssociation("there", firewall_policy=policy.id, attachment_target=other.id)
        regional = gcp.compute.RegionNetworkFirewallPolicy("regional", name="regional", region="us-east1")
        gcp.compute.RegionNetworkFirewallPolicyAssociation(
            "far", firewall_policy=regional.id, attachment_target=vpc.id, region="us-east1"
        )
        match = {"layer4_configs": ALL}
        gcp.compute.NetworkFirewallPolicyRule(
            "a", firewall_policy=policy.name, priority=1, direction="EGRESS", action="deny", match=match
        )
        gcp.compute.RegionNetworkFirewallPolicyRule(
            "b", firewall_policy=regional.name, region="us-east1", priority=1, direction="EGRESS", action="deny", match=match
        )
        gcp.compute.Firewall("c", network=other.id, direction="EGRESS", denies=[{"protocol": "all"}])
        gcp.compute.Firewall("d", network=vpc.id, direction="INGRESS", denies=[{"protocol": "all"}], source_ranges=["0.0.0.0/0"])

    assert at(egress(run(program)), "10.20.4.10") == ({"allow"}, [])


def test_a_policy_of_another_stack_may_say_anything(run):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        gcp.compute.NetworkFirewallPolicyAssociation(
            "in-force", firewall_policy="projects/bank-airflow/global/firewallPolicies/theirs", attachment_target=vpc.id
        )

    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert any("theirs, which is not in this stack" in reason for reason in reasons)


def test_the_rules_of_a_network_of_another_stack_are_not_known(run):
    def program() -> None:
        plain_environment("finance", "10.1", "projects/host/global/networks/shared", ACCOUNT)

    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert any("projects/host/global/networks/shared (not in this stack)" in reason for reason in reasons)


def test_two_global_policies_on_one_network_contradict_each_other(run):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        policy_with(vpc, {})
        second = gcp.compute.NetworkFirewallPolicy("second", name="second")
        gcp.compute.NetworkFirewallPolicyAssociation("too", firewall_policy=second.id, attachment_target=vpc.id)

    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert any("which global network firewall policy comes first (in-force, too)" in reason for reason in reasons)


def test_what_a_policy_is_attached_to_may_not_be_known(preview):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        policy = gcp.compute.NetworkFirewallPolicy("policy", name="policy")
        somewhere = gcp.compute.Address("somewhere", region="europe-west1").id
        gcp.compute.NetworkFirewallPolicyAssociation("in-force", firewall_policy=policy.id, attachment_target=somewhere)
        gcp.compute.NetworkFirewallPolicyRule(
            "rule", firewall_policy=policy.name, priority=1, direction="EGRESS", action="deny", match={"layer4_configs": ALL}
        )

    seen, reasons = at(egress(preview(program)), "10.20.4.10")
    assert (seen, reasons) == ({"allow", "deny"}, ["in-force.attachmentTarget (not known)"])


def test_rules_of_a_hierarchical_policy_may_be_for_other_networks(run):
    def program() -> None:
        vpc, other = network(), gcp.compute.Network("other", name="other")
        finance = environment("finance", vpc, "10.1")
        GcpFirewallGate(
            "gcp_firewall",
            access=declared(),
            environments=[finance.network],
            network_id=vpc.id,
            ancestors=["organizations/1"],
        )
        policy = gcp.compute.FirewallPolicy("guardrails", parent="organizations/1", short_name="guardrails")
        gcp.compute.FirewallPolicyAssociation("top", firewall_policy=policy.id, attachment_target="organizations/1")
        for number, where in enumerate((other, vpc)):
            gcp.compute.FirewallPolicyRule(
                f"h{number}",
                firewall_policy=policy.id,
                priority=number,
                direction="EGRESS",
                action="allow",
                target_resources=[where.id],
                match={"layer4_configs": ALL, "dest_ip_ranges": [f"10.99.0.{number}/32"]},
            )

    found = egress(run(program))
    assert at(found, "10.99.0.0") == ({"deny"}, [])
    assert at(found, "10.99.0.1") == ({"allow"}, [])


# Targets


def test_an_account_tells_composer_2_apart_before_it_is_known(preview):
    def program() -> None:
        vpc = network()
        mine = gcp.serviceaccount.Account("mine", account_id="finance")
        other = gcp.serviceaccount.Account("other", account_id="other")
        plain_environment("finance", "10.1", vpc.id, mine.email)
        policy_with(
            vpc,
            {"target_service_accounts": [other.email]},
            {"target_service_accounts": [mine.email], "match": {"dest_ip_ranges": ["10.20.0.0/16"]}},
        )

    found = egress(preview(program))
    assert not named(found, "rule-0")
    assert at(found, "10.20.4.10") == ({"deny"}, [])


def test_composer_3_runs_as_no_account_that_a_rule_could_name(run):
    def program() -> None:
        vpc = network()
        plain_environment("finance", "10.1", vpc.id, ACCOUNT, generation=3)
        policy_with(vpc, {"target_service_accounts": [ACCOUNT]})

    assert at(egress(run(program)), "10.20.4.10") == ({"allow"}, [])


def test_network_tags(run):
    def program(generation: int) -> None:
        vpc = network()
        plain_environment("finance", "10.1", vpc.id, ACCOUNT, tags=["airflow"], generation=generation)
        for tag, address in (("airflow", "10.20.0.0/32"), ("web", "10.20.0.1/32"), ("gke-x-1-node", "10.20.0.2/32")):
            gcp.compute.Firewall(
                f"to-{tag}",
                network=vpc.id,
                direction="EGRESS",
                denies=[{"protocol": "all"}],
                destination_ranges=[address],
                target_tags=[tag],
            )

    nodes = egress(run(lambda: program(2)))
    assert at(nodes, "10.20.0.0") == ({"deny"}, [])
    assert at(nodes, "10.20.0.1") == ({"allow"}, [])
    # GKE gives nodes a tag that nobody knows before.
    assert at(nodes, "10.20.0.2") == ({"allow", "deny"}, ["to-gke-x-1-node.targetTags (gke-x-1-node)"])
    # The tags of an attachment's interfaces are Google's to set.
    assert at(egress(run(lambda: program(3))), "10.20.0.0") == ({"allow", "deny"}, ["to-airflow.targetTags (airflow)"])


def test_secure_tags_are_bound_by_nobody_that_the_stack_shows(run):
    seen, reasons = at(egress(run(with_rules({"target_secure_tags": [{"name": "tagValues/1"}]}))), "10.20.4.10")
    assert (seen, reasons) == ({"allow", "deny"}, ["rule-0.targetSecureTags (tagValues/1)"])


def test_rules_of_load_balancers_are_for_no_task(run):
    assert at(egress(run(with_rules({"target_type": "INTERNAL_MANAGED_LB"}))), "10.20.4.10") == ({"allow"}, [])


def test_what_is_disabled_is_not_there(run):
    assert at(egress(run(with_rules({"disabled": True}))), "10.20.4.10") == ({"allow"}, [])


# Hierarchical policies


def hierarchical(program: Any, *targets: Any, order: str = "deny") -> None:
    for number, target in enumerate(targets):
        policy = gcp.compute.FirewallPolicy(f"policy{number}", parent="organizations/1", short_name=f"policy{number}")
        gcp.compute.FirewallPolicyAssociation(f"at{number}", firewall_policy=policy.id, attachment_target=target)
        gcp.compute.FirewallPolicyRule(
            f"h{number}",
            firewall_policy=policy.id,
            priority=1,
            direction="EGRESS",
            action="allow" if number else order,
            match={"layer4_configs": ALL, "dest_ip_ranges": ["10.20.0.0/16"]},
        )


def test_where_a_hierarchical_policy_is_attached_has_to_be_known(run):
    def program() -> None:
        environment("finance", network(), "10.1")
        hierarchical(program, "folders/7")

    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert reasons == ["whether vpc is in folders/7"]


def test_the_stack_may_have_the_project_and_its_folders(run):
    def program() -> None:
        top = gcp.organizations.Folder("top", parent="organizations/1", display_name="top")
        team = gcp.organizations.Folder("team!", parent=top.name, display_name="team")
        gcp.organizations.Project("project", project_id="bank-airflow", folder_id=team.name, name="bank")
        aside = gcp.organizations.Folder("aside!!", parent=top.name, display_name="aside")
        environment("finance", network(), "10.1")
        # In the order of the tree, whatever the order of the program.
        hierarchical(program, team.name, top.name, aside.name)

    found = egress(run(program))
    assert at(found, "10.20.4.10") == ({"allow"}, [])
    assert [one.source.urn.rpartition("::")[2] for one in found.rules if not one.implied] == ["h1", "h0"]


def test_a_folder_that_is_not_made_yet_may_be_the_one_that_the_gate_was_told(preview):
    def program() -> None:
        vpc = network()
        finance = environment("finance", vpc, "10.1")
        GcpFirewallGate(
            "gcp_firewall",
            access=declared(),
            environments=[finance.network],
            network_id=vpc.id,
            ancestors=["organizations/1", "folders/2"],
        )
        hierarchical(program, gcp.organizations.Folder("f", parent="organizations/1", display_name="f").name)

    seen, reasons = at(egress(preview(program)), "10.20.9.9")
    assert (seen, reasons) == ({"deny"}, ["whether vpc is in what at0 is attached to"])


def test_a_legacy_security_policy_is_told_and_not_read(run):
    def program() -> None:
        environment("finance", network(), "10.1")
        policy = gcp.compute.OrganizationSecurityPolicy("old", parent="organizations/1", display_name="old")
        gcp.compute.OrganizationSecurityPolicyAssociation("attached", attachment_id="organizations/1", policy_id=policy.id)

    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert "which is not read: replace it by a firewall policy" in reasons[0]


# Matches


def test_countries_and_threats_have_public_addresses_alone(run):
    found = egress(
        run(with_rules({"match": {"dest_region_codes": ["KP"], "dest_threat_intelligences": ["iplist-tor-exit-nodes"]}}))
    )
    assert at(found, "10.20.4.10") == ({"allow"}, [])
    seen, reasons = at(found, "192.0.2.1")
    assert seen == {"allow", "deny"}
    assert any("countries: KP" in reason for reason in reasons)
    assert any("threat intelligence: iplist-tor-exit-nodes" in reason for reason in reasons)


def test_network_contexts(run):
    internet = egress(run(with_rules({"match": {"dest_network_context": "INTERNET"}})))
    assert at(internet, "10.20.4.10") == ({"allow"}, [])
    assert at(internet, "192.0.2.1")[0] == {"allow", "deny"}
    inside = egress(run(with_rules({"match": {"dest_network_context": "NON_INTERNET"}})))
    assert at(inside, "10.20.4.10") == ({"deny"}, [])
    assert at(inside, "192.0.2.1") == ({"allow", "deny"}, ["rule-0.destNetworkContext (NON_INTERNET)"])


def test_address_groups(run):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        group = gcp.networksecurity.AddressGroup(
            "known",
            name="known",
            location="global",
            type="IPV4",
            capacity=10,
            items=["10.20.0.0/16"],
            parent="projects/bank-airflow",
        )
        policy_with(
            vpc,
            {"match": {"dest_address_groups": [group.id]}},
            {"match": {"dest_address_groups": ["projects/x/locations/global/addressGroups/theirs"]}},
        )

    found = egress(run(program))
    assert at(found, "10.20.4.10") == ({"deny"}, [])
    seen, reasons = at(found, "10.21.4.10")
    assert seen == {"allow", "deny"}
    assert "addressGroups/theirs: not in this stack" in reasons[0]


def fields(of: Any) -> set[str]:
    """The inputs of one of the SDK's classes, as they stand on the wire."""
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in signature(of.__init__).parameters}


@pytest.mark.parametrize("kind", ["FirewallPolicy", "NetworkFirewallPolicy", "RegionNetworkFirewallPolicy"])
@pytest.mark.parametrize("written", ["RuleMatchArgs", "WithRulesRuleMatchArgs"])
def test_every_field_of_a_match_that_the_sdk_has_is_read(kind, written):
    found = {one for one in fields(getattr(gcp.compute, kind + written)) if one[0].islower()}
    vpc_alone = {"srcTags", "srcServiceAccounts"}
    assert found - vpc_alone <= MATCHES["EGRESS"] | MATCHES["INGRESS"]
    # Of the fields that are read, the SDK has those that are written in rules with their own resource.
    assert written != "RuleMatchArgs" or MATCHES["EGRESS"] | MATCHES["INGRESS"] <= found | vpc_alone


def test_a_field_that_is_not_read_may_mean_anything(run):
    """A newer provider may know more; and a rule for egress has no other sources than ranges."""
    found = egress(run(with_rules({"match": {"src_secure_tags": [{"name": "tagValues/1"}]}})))
    assert at(found, "10.20.4.10") == ({"allow", "deny"}, ["rule-0.srcSecureTags (not read)"])


def test_a_firewall_endpoint_decides_what_it_inspects(run):
    group = "organizations/1/locations/global/securityProfileGroups/ips"
    program = with_rules({"action": "apply_security_profile_group", "security_profile_group": group})
    seen, reasons = at(egress(run(program)), "10.20.4.10")
    assert seen == {"allow", "deny"}
    assert reasons == [f"rule-0.securityProfileGroup ({group} decides)"]


def test_goto_next_that_is_not_known_leaves_two_ways(run):
    """The policy's next rule denies; behind the policy, everything gets out."""
    hidden = {"action": "goto_next", "match": {"dest_address_groups": ["projects/x/locations/global/addressGroups/theirs"]}}
    found = egress(run(with_rules(hidden, {"action": "deny"})))
    assert at(found, "10.20.4.10")[0] == {"allow", "deny"}
    # What an earlier rule has decided, it has decided.
    surely = egress(
        run(with_rules({"action": "deny", "match": {"dest_ip_ranges": ["10.20.0.0/16"]}}, hidden, {"action": "allow"}))
    )
    assert at(surely, "10.20.4.10") == ({"deny"}, [])
    # Either way it is let out: by the policy's rule, or behind the policy.
    both = egress(run(with_rules(hidden, {"action": "allow"}, {"action": "deny"})))
    assert at(both, "10.20.4.10")[0] == {"allow"}


def test_goto_next_that_is_not_known_takes_no_more_than_it_may(run):
    found = egress(run(with_rules({"action": "goto_next", "match": {"dest_region_codes": ["CH"]}}, {"action": "deny"})))
    assert at(found, "10.20.4.10") == ({"deny"}, [])
    assert at(found, "192.0.2.1")[0] == {"allow", "deny"}
    narrow = {"action": "deny", "match": {"dest_ip_ranges": ["10.20.0.0/16"]}}
    apart = egress(run(with_rules({"action": "goto_next", "match": {"dest_region_codes": ["CH"]}}, narrow)))
    assert at(apart, "10.20.4.10") == ({"deny"}, [])


def test_goto_next_by_name_is_by_addresses_that_are_not_known(run):
    found = egress(run(with_rules({"action": "goto_next", "match": {"dest_fqdns": ["crm.example.com"]}}, {"action": "deny"})))
    seen, reasons = at(found, "192.0.2.1")
    assert seen == {"allow", "deny"}
    assert "which addresses the names of rule-0 have" in reasons


def test_icmp_esp_and_numbers_are_protocols_and_others_are_not_guessed(run):
    configs = [{"ip_protocol": "esp"}, {"ip_protocol": "51"}, {"ip_protocol": "udp", "ports": ["53", "1000-1010"]}]
    found = egress(run(with_rules({"match": {"layer4_configs": configs}})))
    for service, expected in (
        (("esp", 0), {"deny"}),
        (("udp", 1005), {"deny"}),
        (("udp", 54), {"allow"}),
        (("tcp", 53), {"allow"}),
    ):
        assert at(found, "10.20.4.10", service)[0] == expected, service
    strange = egress(run(with_rules({"match": {"layer4_configs": [{"ip_protocol": "ipip"}]}})))
    assert at(strange, "10.20.4.10") == ({"allow", "deny"}, ["rule-0.layer4Configs[0].ipProtocol (ipip)"])


def test_ingress_meets_the_rules_for_those_who_call(run):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        gcp.compute.Firewall(
            "in",
            network=vpc.id,
            allows=[{"protocol": "tcp", "ports": ["8080"]}],
            source_ranges=["10.30.0.0/16"],
            source_tags=["bastion"],
        )

    rules = named(ingress(run(program)), "in")
    assert [(one.action, str(one.match.services)) for one in rules] == [(Action.ALLOW, "8080/tcp")] * 2
    assert str(rules[0].match.who.sources) == "10.30.0.0/16"
    assert rules[1].unknown == ("in.sourceTags (bastion)",)


def test_a_refusal_names_the_gate_the_rule_and_its_fields(run):
    stack = run(with_rules({"description": "FIN-1", "match": {"dest_ip_ranges": ["10.20.0.0/16"]}}))
    (rule,) = named(egress(stack), "rule-0")
    assert str(rule.source) == 'rule 100 "FIN-1" (rule-0)'
    assert [str(part) for part in rule.parts()] == ["10.20.0.0/16", "every protocol and port"]


# Around it


def test_what_nothing_uses(run):
    def program() -> None:
        vpc = network()
        environment("finance", vpc, "10.1")
        policy = policy_with(vpc, {})
        gcp.compute.FirewallPolicyWithRules("nowhere", parent="organizations/1", short_name="nowhere", rules=[])
        for name in ("used", "unused"):
            gcp.networksecurity.AddressGroup(
                name, name=name, location="global", type="IPV4", capacity=10, items=[], parent="projects/bank-airflow"
            )
        gcp.compute.NetworkFirewallPolicyRule(
            "names",
            firewall_policy=policy.name,
            priority=7,
            direction="EGRESS",
            action="deny",
            match={"layer4_configs": ALL, "dest_address_groups": ["projects/bank-airflow/locations/global/addressGroups/used"]},
        )

    found = {(one.what, one.name) for one in references(run(program))}
    assert ("hierarchical firewall policy", "nowhere") in found
    assert ("address group", "unused") in found
    assert ("global network firewall policy", "policy") not in found


def test_it_is_read_with_every_other_gate(run):
    stack = run(lambda: environment("finance", network(), "10.1"))
    names = {one.name for one in read_all(stack).filters}
    assert "firewall of network vpc, out of finance" in names


PROGRAM = """
import sys
sys.modules["pulumi_gcp"] = None  # importing it fails
from pulumi_airlock.gates.gcp_firewall import read, references
from pulumi_airlock.gates.stack import Stack
assert not list(read(Stack([])))
"""


def test_reading_works_without_the_sdk():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
