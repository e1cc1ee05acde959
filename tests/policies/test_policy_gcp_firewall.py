from typing import Any

import pytest
from policy_testing import UNKNOWN, on

VPC_RULE = "gcp:compute/firewall:Firewall"
RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"
WITH_RULES = "gcp:compute/regionNetworkFirewallPolicyWithRules:RegionNetworkFirewallPolicyWithRules"
HIERARCHICAL_RULE = "gcp:compute/firewallPolicyRule:FirewallPolicyRule"
NETWORK = "gcp:compute/network:Network"
ENVIRONMENT = "gcp:composer/environment:Environment"
ALL = [{"ipProtocol": "all"}]
HTTPS = [{"ipProtocol": "tcp", "ports": ["443"]}]


def rule(action: str = "allow", direction: str = "EGRESS", layer4: Any = HTTPS, **match: Any) -> dict[str, Any]:
    return {"action": action, "direction": direction, "match": {"layer4Configs": layer4, **match}, "priority": 10}


def classic(direction: str = "INGRESS", blocks: Any = None, action: str = "allows", **more: Any) -> dict[str, Any]:
    return {"direction": direction, action: blocks or [{"protocol": "tcp", "ports": ["443"]}], **more}


@pytest.mark.parametrize("kind", [RULE, HIERARCHICAL_RULE])
def test_no_world_open_ingress(kind):
    policy = on("gcp-firewall-no-world-open-ingress", kind)
    policy.passes(**rule(direction="INGRESS", srcIpRanges=["10.0.0.0/8"]))
    policy.passes(**rule("deny", direction="INGRESS", srcIpRanges=["0.0.0.0/0"]))
    policy.passes(**rule(direction="INGRESS", srcIpRanges=["0.0.0.0/0"]), disabled=True)
    policy.passes(**rule(direction="INGRESS", srcSecureTags=[{"name": "tagValues/1"}]))
    policy.passes(**rule(destIpRanges=["0.0.0.0/0"]))
    policy.fails("is 0.0.0.0/0: ingress from", **rule(direction="INGRESS", srcIpRanges=["10.0.0.0/8", "0.0.0.0/0"]))
    policy.fails("match is 0.0.0.0/0", **rule(direction="INGRESS"))
    policy.fails("srcIpRanges[0]", **rule("apply_security_profile_group", direction="INGRESS", srcIpRanges=["0.0.0.0/1"]))
    policy.undecided("match.srcIpRanges[0]", **rule(direction="INGRESS", srcIpRanges=[UNKNOWN]))
    policy.undecided("match.srcIpRanges[0]", **{**rule(direction="INGRESS", srcIpRanges=["0.0.0.0/0"]), "action": UNKNOWN})


def test_vpc_rules_let_nobody_in_from_everywhere():
    policy = on("gcp-firewall-no-world-open-ingress", VPC_RULE)
    policy.passes(**classic(sourceRanges=["35.191.0.0/16"]))
    policy.passes(**classic(sourceTags=["web"]))
    policy.fails("sourceRanges[0] is 0.0.0.0/0", **classic(sourceRanges=["0.0.0.0/0"]))
    policy.fails("is 0.0.0.0/0", allows=[{"protocol": "tcp"}])
    policy.undecided("sourceRanges", **classic(sourceRanges=UNKNOWN))


def test_no_world_open_egress():
    policy = on("gcp-firewall-no-world-open-egress", WITH_RULES)
    policy.passes(rules=[rule(destIpRanges=["199.36.153.8/30"]), rule("deny", layer4=ALL, destIpRanges=["0.0.0.0/0"])])
    policy.passes(rules=[rule(destFqdns=["crm.example.com"])])
    policy.passes(rules=[rule("goto_next", destIpRanges=["0.0.0.0/0"])])
    policy.fails(
        "rules[1].match.destIpRanges[0] is 0.0.0.0/0", rules=[rule(destIpRanges=["10.0.0.0/8"]), rule(destIpRanges=["0.0.0.0/0"])]
    )
    policy.fails("is ::/0", rules=[rule(destIpRanges=["::/0"])])
    policy.undecided("rules[0].match.destIpRanges", rules=[rule(destIpRanges=UNKNOWN)])
    policy.undecided("rules", rules=UNKNOWN)
    vpc = on("gcp-firewall-no-world-open-egress", VPC_RULE)
    vpc.passes(**classic("EGRESS", destinationRanges=["10.20.0.0/16"]))
    vpc.fails("egress to the whole internet", **classic("EGRESS"))


def test_no_any_any():
    policy = on("gcp-firewall-no-any-any", RULE)
    policy.passes(**rule(layer4=ALL, destIpRanges=["10.1.0.0/24"]))
    policy.passes(**rule(destIpRanges=["0.0.0.0/0"]))
    policy.passes(**rule("deny", layer4=ALL, destIpRanges=["0.0.0.0/0"]))
    policy.fails("every protocol, to everywhere", **rule(layer4=ALL, destIpRanges=["0.0.0.0/0"]))
    policy.fails("every protocol, from everywhere", **rule(layer4=ALL, direction="INGRESS"))
    policy.undecided("ipProtocol", **rule(layer4=[{"ipProtocol": UNKNOWN}], destIpRanges=["0.0.0.0/0"]))
    policy.undecided("ipProtocol", **rule(layer4=ALL, destIpRanges=[UNKNOWN]))
    vpc = on("gcp-firewall-no-any-any", VPC_RULE)
    vpc.fails("allows[0].protocol is all", **classic("EGRESS", [{"protocol": "all"}]))
    vpc.passes(**classic("EGRESS", [{"protocol": "all"}], "denies"))


def test_logging():
    policy = on("gcp-firewall-logging", RULE)
    policy.passes(**rule(), enableLogging=True)
    policy.passes(**rule("goto_next"))
    policy.passes(**rule(), disabled=True)
    policy.fails("enableLogging is off", **rule())
    policy.undecided("enableLogging", **rule(), enableLogging=UNKNOWN)
    assert policy.remedied(**rule())["enableLogging"] is True
    inline = on("gcp-firewall-logging", WITH_RULES)
    inline.fails("rules[0].enableLogging is off", rules=[rule()])
    assert inline.remedied(rules=[rule(), rule("goto_next")])["rules"][0]["enableLogging"] is True
    vpc = on("gcp-firewall-logging", VPC_RULE)
    vpc.passes(**classic(), logConfig={"metadata": "EXCLUDE_ALL_METADATA"})
    vpc.fails("logConfig is missing", **classic())
    assert vpc.remedied(**classic())["logConfig"] == {"metadata": "INCLUDE_ALL_METADATA"}


def test_no_disabled_deny():
    policy = on("gcp-firewall-no-disabled-deny", RULE)
    policy.passes(**rule("deny"), disabled=False)
    policy.passes(**rule("allow"), disabled=True)
    policy.fails("disabled is on", **rule("deny"), disabled=True)
    policy.undecided("disabled", **rule("deny"), disabled=UNKNOWN)
    on("gcp-firewall-no-disabled-deny", VPC_RULE).fails("denies nothing", **classic(action="denies"), disabled=True)


def test_no_default_rules():
    policy = on("gcp-firewall-no-default-rules", VPC_RULE)
    policy.passes(**classic(), name="allow-health-checks", network="projects/p/global/networks/airflow")
    policy.fails("a rule of the default network", **classic(), name="default-allow-ssh", network="airflow")
    policy.fails("network is the project's default network", **classic(), network="projects/p/global/networks/default")
    policy.undecided("network", **classic(), network=UNKNOWN)
    network = on("gcp-firewall-no-default-rules", NETWORK)
    network.passes(autoCreateSubnetworks=False)
    network.fails("autoCreateSubnetworks is on", name="n")
    network.undecided("autoCreateSubnetworks", autoCreateSubnetworks=UNKNOWN)
    environment = on("gcp-firewall-no-default-rules", ENVIRONMENT)
    environment.fails("is the project's default network", config={"nodeConfig": {"network": "default"}})


def test_rule_described():
    policy = on("gcp-firewall-rule-described", RULE)
    policy.passes(**rule(), description="FIN-1")
    policy.fails("description is empty", **rule())
    policy.undecided("description", **rule(), description=UNKNOWN)
