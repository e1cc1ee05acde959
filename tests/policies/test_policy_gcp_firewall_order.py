from typing import Any

from policy_testing import UNKNOWN, on, resource

VPC_RULE = "gcp:compute/firewall:Firewall"
RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"
NETWORK = "gcp:compute/network:Network"
POLICY = "gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy"
ASSOCIATION = "gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation"
ENVIRONMENT = "gcp:composer/environment:Environment"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
ALL = [{"ipProtocol": "all"}]


def rule(action: str = "allow", **match: Any) -> dict[str, Any]:
    return {"action": action, "direction": "EGRESS", "match": {"layer4Configs": ALL, **match}, "priority": 10}


def network(order: str | None = "BEFORE_CLASSIC_FIREWALL") -> Any:
    return resource(NETWORK, "vpc", name="vpc", autoCreateSubnetworks=False, networkFirewallPolicyEnforcementOrder=order)


def association() -> list[Any]:
    return [
        resource(POLICY, "policy", name="policy"),
        resource(ASSOCIATION, "in-force", links={"attachmentTarget": "vpc", "firewallPolicy": "policy"}),
    ]


def test_policy_first():
    policy = on("gcp-firewall-policy-first")
    policy.passes([network(), *association()])
    policy.passes([network(None)])
    policy.fails("is AFTER_CLASSIC_FIREWALL", [network(None), *association()], at="vpc")
    policy.undecided("networkFirewallPolicyEnforcementOrder", [network(UNKNOWN), *association()])


def around(*rules: Any, order: str = "BEFORE_CLASSIC_FIREWALL") -> list[Any]:
    config = {
        "nodeConfig": {"network": "vpc", "subnetwork": "subnet", "ipAllocationPolicy": {"clusterIpv4CidrBlock": "10.1.8.0/21"}}
    }
    config["softwareConfig"] = {"imageVersion": "composer-2.16.7-airflow-2.10.5"}
    subnet = resource(SUBNETWORK, "subnet", name="subnet", ipCidrRange="10.1.0.0/24", network="vpc")
    return [network(order), subnet, resource(ENVIRONMENT, "finance", config=config), *association(), *rules]


def in_policy(name: str, priority: Any, action: str, **match: Any) -> Any:
    fields = {**rule(action, **match), "priority": priority}
    return resource(RULE, name, firewallPolicy="policy", **fields)


def test_egress_denied():
    policy = on("gcp-firewall-egress-denied")
    deny = in_policy("deny", 100, "deny", destIpRanges=["0.0.0.0/0"])
    policy.passes(around(deny))
    policy.passes(around(in_policy("deny", 100, "deny", srcIpRanges=["10.0.0.0/8"])))
    policy.fails("no rule that denies the rest", around(), at="finance")
    policy.fails(
        "no rule that denies the rest", around(in_policy("deny", 100, "deny", destIpRanges=["10.0.0.0/8"])), at="finance"
    )
    policy.fails("no rule that denies", around(in_policy("deny", 100, "deny", srcIpRanges=["10.1.0.0/24"])), at="finance")
    policy.undecided(
        "targetSecureTags",
        around(resource(RULE, "deny", firewallPolicy="policy", **rule("deny"), targetSecureTags=[{"name": "tagValues/1"}])),
    )


def test_deny_not_shadowed():
    policy = on("gcp-firewall-deny-not-shadowed")
    deny = in_policy("deny", 100, "deny", destIpRanges=["10.9.0.0/16"])
    policy.passes(around(deny, in_policy("allow", 200, "allow", destIpRanges=["10.0.0.0/8"])))
    policy.passes(around(deny, in_policy("allow", 50, "allow", destIpRanges=["10.9.1.0/24"])))
    policy.fails("rule 50", around(deny, in_policy("allow", 50, "allow", destIpRanges=["10.0.0.0/8"])), at="deny")
    classic_allow = resource(VPC_RULE, "open", network="vpc", direction="EGRESS", allows=[{"protocol": "all"}])
    policy.fails("firewall rule", around(deny, classic_allow, order="AFTER_CLASSIC_FIREWALL"), at="deny")
    policy.passes(around(deny, classic_allow))
    policy.undecided("disabled", around(deny, resource(RULE, "allow", firewallPolicy="policy", **rule(), disabled=UNKNOWN)))
