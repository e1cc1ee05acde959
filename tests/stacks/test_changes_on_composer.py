"""What somebody changes by hand on the way out of Composer is found, with the resource named, before anything is applied."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ON_FIREWALL = """
def rule(name, **changes):
    given = dict(action="allow", direction="EGRESS", priority=100, enable_logging=True, description="by hand")
    match = {"src_ip_ranges": ["10.80.0.0/26"], "dest_ip_ranges": ["10.20.0.0/16"], "layer4_configs": [{"ip_protocol": "all"}]}
    gcp.compute.NetworkFirewallPolicyRule(
        name, project=place.project, firewall_policy=firewall.policy_name, match=match, **{**given, **changes}
    )
"""
LET_OUT = ON_FIREWALL + 'rule("hand-written-rule")\n'
REFUSED_FIRST = ON_FIREWALL + 'rule("hand-written-rule", action="deny")\n'
ANY_TO_ANY = """
import pulumiverse_fortios as fortios
def any_to_any(name, srcintf):
    made = fortios.firewall.Policy(
        name, name=name, action="accept", status="enable", schedule="always", logtraffic="all",
        srcintfs=[{"name": srcintf}], dstintfs=[{"name": "port3"}], srcaddrs=[{"name": "all"}], dstaddrs=[{"name": "all"}],
        services=[{"name": "ALL"}], opts=pulumi.ResourceOptions(provider=device),
    )
    fortios.firewall.PolicyMove(
        f"{name}-first", policyid_src=made.policyid, policyid_dst=next(iter(on_fortigate.policy_ids.values())), move="before",
        opts=pulumi.ResourceOptions(provider=device),
    )
"""
ANY_FROM_OFFICES = ANY_TO_ANY + 'any_to_any("hand-written-policy", "port2")\n'
ANY_FROM_TUNNEL = ANY_TO_ANY + 'any_to_any("hand-written-policy", settings.fortigate.tunnel_zone)\n'
ON_ZPA = """
import zscaler_pulumi_zpa
extra = zscaler_pulumi_zpa.PolicyAccessRuleV2("hand-written-access", name="hand-written-access", action="ALLOW", conditions=[
    {"operator": "OR", "operands": [{"object_type": "APP", "values": [on_zpa.segment_ids["airlock-group-liquidity"]]}]},
    {"operator": "OR", "operands": [{"object_type": "CLIENT_TYPE", "values": ["zpn_client_type_zapp"]}]},
])
zscaler_pulumi_zpa.PolicyAccessReorderRule(
    "hand-written-order", policy_type="ACCESS_POLICY", rules=[{"id": extra.id, "order": "1"}]
)
"""
A_SESSION_BESIDE = """
router = gcp.compute.Router(
    "hand-written-router", project=place.project, region=place.region, network=network.id, bgp={"asn": 64999}
)
gcp.compute.RouterPeer(
    "hand-written-session", project=place.project, region=place.region, router=router.name, interface="partner", peer_asn=65123
)
"""
A_DEFAULT_ROUTE = """
gcp.compute.RouterPeer(
    "hand-written-session", project=place.project, region=place.region, router=vpn.gcp.router_name, interface="partner",
    peer_asn=65123, advertise_mode="CUSTOM", advertised_ip_ranges=[{"range": "0.0.0.0/0"}],
)
"""
AN_EDITOR = """
gcp.projects.IAMMember(
    "hand-written-grant", project=settings.project, role="roles/editor",
    member=pulumi.Output.concat("serviceAccount:", environments[0].service_account_email),
)
"""


A_KEY_OF_ONES_OWN = """
key = pulumi.Output.secret("one.key.that.is.brought.{}")
tunnels = (TunnelEnd(settings.vpn.inside_cidrs[0], preshared_key=key), TunnelEnd(settings.vpn.inside_cidrs[1]))
"""


def _append(text: str) -> Callable[[Path], None]:
    def change(stacks: Path) -> None:
        program = stacks / "on_composer.py"
        named = program.read_text().replace("\nGcpFirewallGate(", "\nfirewall = GcpFirewallGate(")
        named = named.replace("\nFortigateGate(", "\non_fortigate = FortigateGate(").replace("\nZpaGate(", "\non_zpa = ZpaGate(")
        program.write_text(named + text)

    return change


def _take_the_route_to_zscaler_out(stacks: Path) -> None:
    program = stacks / "on_composer.py"
    changed = program.read_text().replace('enumerate(behind("zpa"))', "enumerate([])")
    assert changed != program.read_text()
    program.write_text(changed)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_append(REFUSED_FIRST), ["hand-written-rule", "finance-reporting-db", "gcp_firewall"]),
        (_append(LET_OUT + ANY_FROM_TUNNEL), ["hand-written-rule", "hand-written-policy", "risk-warehouse"]),
        (_append(ANY_FROM_OFFICES), ["hand-written-policy", "fortigate"]),
        (_append(ON_ZPA), ["hand-written-access", "group-liquidity"]),
        (_take_the_route_to_zscaler_out, ["no route leads there", "routes of network airflow", "group-limits"]),
    ],
    ids=[
        "a firewall rule of a higher priority that refuses",
        "one that lets out, and a FortiGate policy from any to any behind the tunnel",
        "a FortiGate policy from any to any for the offices",
        "a rule of ZPA for everybody",
        "no route to the Cloud Connectors",
    ],
)
def test_what_the_proof_finds(airlock, project: Path, change: Callable[[Path], None], says: list[str]) -> None:
    change(project / "stacks")
    done = airlock("prove", "--stack", "prod-composer")
    assert done.returncode == 3, done.stdout + done.stderr
    for one in says:
        assert one in done.stdout, f"{one!r} is not in the output:\n{done.stdout}"


def test_what_one_gate_lets_out_and_another_stops_is_told(airlock, project: Path) -> None:
    _append(LET_OUT)(project / "stacks")
    done = airlock("prove", "--stack", "prod-composer", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hand-written-rule" in done.stdout


@pytest.mark.parametrize(
    ("change", "policy", "says"),
    [
        (_append(ANY_FROM_TUNNEL), "fortigate-no-any-any", "hand-written-policy"),
        (_append(A_SESSION_BESIDE), "gcp-vpn-learned-routes", "hand-written-session"),
        (_append(A_SESSION_BESIDE), "gcp-vpn-advertised-routes", "hand-written-router"),
        (_append(A_DEFAULT_ROUTE), "gcp-vpn-advertised-routes", "is 0.0.0.0/0"),
        (_append(AN_EDITOR), "composer-scoped-service-account", "hand-written-grant"),
    ],
    ids=["any to any", "a session without an import policy", "a router that tells everything", "a default route", "an editor"],
)
def test_what_the_policies_find(airlock, project: Path, change: Callable[[Path], None], policy: str, says: str) -> None:
    change(project / "stacks")
    done = airlock("preview", "--stack", "prod-composer", "--policy-pack", "policy-packs/least-privilege")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert policy in done.stdout
    assert says in done.stdout


def test_a_line_of_the_firewalls_log_is_held_against_the_stack(airlock) -> None:
    rule = {"reference": "network:airflow/firewallPolicy:gcp-firewall", "priority": 77, "direction": "EGRESS"}
    ends = {"src_ip": "10.80.0.70", "src_port": 51234, "dest_ip": "10.20.4.11", "dest_port": 1521, "protocol": 6}
    payload = {"connection": ends, "disposition": "ALLOWED", "rule_details": rule, "vpc": {"vpc_name": "airflow"}}
    line = json.dumps({"jsonPayload": payload, "timestamp": "2026-11-24T09:20:01.5Z"})
    done = airlock("explain", "--from-log", line, "--stack", "prod-composer")
    for said in ("allowed at airflow by rule 77", "The stack has no rule 77", "risk: everything else", "a task of risk"):
        assert said in done.stdout, done.stdout + done.stderr


def _with_a_key(stacks: Path, program: str, number: int) -> None:
    made = "    tunnels=(TunnelEnd(settings.vpn.inside_cidrs[0]), TunnelEnd(settings.vpn.inside_cidrs[1])),\n"
    assert made in program
    key = A_KEY_OF_ONES_OWN.format(number)
    changed = program.replace(made, "    tunnels=tunnels,\n").replace("vpn = GcpSite", f"{key}vpn = GcpSite")
    (stacks / "on_composer.py").write_text(changed)


def test_a_new_key_replaces_one_tunnel_and_leaves_the_other_alone(airlock, project: Path) -> None:
    stacks = project / "stacks"
    program = (stacks / "on_composer.py").read_text()
    summaries = []
    for number in (1, 1, 2):
        _with_a_key(stacks, program, number)
        done = airlock("up", "--stack", "prod-composer", "--yes", "--no-policy-packs")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "one.key.that.is.brought" not in done.stdout + done.stderr
        summaries.append(next(one for one in reversed(done.stdout.splitlines()) if one.startswith("prod-composer: ")))
    first, again, renewed = summaries
    assert " created" in first
    assert again.endswith(" unchanged")
    assert "," not in again
    # The tunnel, its interface and its session; the FortiGate takes the key as it is.
    assert "1 updated, 3 replaced (3 of them deleted first)" in renewed
