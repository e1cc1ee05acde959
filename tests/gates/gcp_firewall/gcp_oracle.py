"""Google's firewall by brute force: packet by packet, rule by rule, in the order that Google documents.

It shares no code with the reader. Rules are plain mappings; a packet is (source, destination, protocol, port). `stack_of`
writes the same rules down as the provider's resources.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from pulumi_airlock.gates.stack import Resource, Stack

NETWORK = "projects/bank-airflow/global/networks/vpc"
OTHER_NETWORK = "projects/bank-airflow/global/networks/other"
ACCOUNT = "finance@bank-airflow.iam.gserviceaccount.com"
OTHER_ACCOUNT = "other@bank-airflow.iam.gserviceaccount.com"
TAG = "airflow"
REGION = "europe-west1"
ORGANIZATION, FOLDER = "organizations/1", "folders/2"
NODES, PODS = "10.1.0.0/24", "10.1.8.0/21"

Rule = Mapping[str, Any]
Packet = tuple[str, str, str, int]


@dataclass(frozen=True)
class Setting:
    """Everything that is in force around one environment."""

    generation: int = 2
    order: Any = None
    organization: list[Rule] = field(default_factory=list)
    folder: list[Rule] = field(default_factory=list)
    network: list[Rule] = field(default_factory=list)
    regional: list[Rule] = field(default_factory=list)
    region: str = REGION
    """Where the regional policy is."""
    classic: list[Rule] = field(default_factory=list)
    inline: bool = False
    """Whether the policies have their rules within."""


def lets_through(setting: Setting, direction: str, packet: Packet) -> bool:
    """Whether a packet of a new connection passes."""
    before = setting.order == "BEFORE_CLASSIC_FIREWALL"
    policies = [setting.network, setting.regional if setting.region == REGION else []]
    stages: list[tuple[str, list[Rule]]] = [("policy", setting.organization), ("policy", setting.folder)]
    if not before:
        stages.append(("classic", setting.classic))
    stages += [("policy", one) for one in policies]
    if before:
        stages.append(("classic", setting.classic))
    for kind, rules in stages:
        hit = [one for one in rules if _matches(setting, kind, one, direction, packet)]
        if not hit:
            continue
        first = min(one["priority"] for one in hit)
        actions = {one["action"] for one in hit if one["priority"] == first}
        if kind == "classic":
            return actions == {"allow"}
        (action,) = actions
        if action != "goto_next":
            return action == "allow"
    return direction == "EGRESS"


def _matches(setting: Setting, kind: str, rule: Rule, direction: str, packet: Packet) -> bool:
    source, destination, protocol, port = packet
    near, far = (source, destination) if direction == "EGRESS" else (destination, source)
    if rule["direction"] != direction or rule.get("disabled"):
        return False
    if rule.get("lb"):
        return False
    if rule.get("networks") and NETWORK not in rule["networks"]:
        return False
    if rule.get("accounts") and (setting.generation != 2 or ACCOUNT not in rule["accounts"]):
        return False
    if kind == "classic" and rule.get("tags") and TAG not in rule["tags"]:
        return False
    if rule.get("near") and not _inside(near, rule["near"]):
        return False
    if not _inside(far, rule.get("far") or ["0.0.0.0/0"]):
        return False
    return any(name == "all" or (name == protocol and (not ports or _port(port, ports))) for name, ports in rule["layer4"])


def _inside(address: str, ranges: list[str]) -> bool:
    return any(ip_address(address) in ip_network(one) for one in ranges)


def _port(port: int, ports: list[str]) -> bool:
    for one in ports:
        first, _, last = one.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False


# The same as resources


def stack_of(setting: Setting) -> Stack:
    """What readers see after an update."""
    return Stack([*_surroundings(setting), *_policies(setting), *_classic(setting)])


def _made(kind: str, logical: str, /, custom: bool = True, **properties: Any) -> Resource:
    urn = f"urn:pulumi:test::bank::{kind}::{logical}"
    return Resource(urn, kind, {key: value for key, value in properties.items() if value is not None}, custom)


def _surroundings(setting: Setting) -> Iterator[Resource]:
    yield _made("gcp:compute/network:Network", "vpc", id=NETWORK, name="vpc", networkFirewallPolicyEnforcementOrder=setting.order)
    yield _made("gcp:compute/network:Network", "other", id=OTHER_NETWORK, name="other")
    subnet = "projects/bank-airflow/regions/europe-west1/subnetworks/finance"
    yield _made("gcp:compute/subnetwork:Subnetwork", "finance", id=subnet, network=NETWORK, ipCidrRange=NODES, region=REGION)
    node: dict[str, Any] = {"serviceAccount": ACCOUNT}
    if setting.generation == 2:
        node |= {"network": NETWORK, "subnetwork": subnet, "ipAllocationPolicy": {"clusterIpv4CidrBlock": PODS}, "tags": [TAG]}
    else:
        attachment = "projects/bank-airflow/regions/europe-west1/networkAttachments/finance"
        yield _made("gcp:compute/networkAttachment:NetworkAttachment", "finance", id=attachment, subnetworks=[subnet])
        node |= {"composerNetworkAttachment": attachment}
    image = f"composer-{setting.generation}-airflow-2.10.5"
    config = {"nodeConfig": node, "softwareConfig": {"imageVersion": image}}
    yield _made("gcp:composer/environment:Environment", "finance", id="e", region=REGION, config=config)
    told = {"environments": ["finance"], "ancestors": [ORGANIZATION, FOLDER]}
    yield _made("airlock:index:GcpFirewallGate", "gcp_firewall", custom=False, **told)


def _policies(setting: Setting) -> Iterator[Resource]:
    yield from _policy("FirewallPolicy", "org", setting.organization, setting.inline, ORGANIZATION)
    yield from _policy("FirewallPolicy", "folder", setting.folder, setting.inline, FOLDER)
    yield from _policy("FirewallPolicy", "stray", [_anything("deny")], setting.inline, "folders/9")
    yield from _policy("NetworkFirewallPolicy", "global", setting.network, setting.inline, NETWORK)
    yield from _policy("NetworkFirewallPolicy", "elsewhere", [_anything("deny")], setting.inline, OTHER_NETWORK)
    yield from _policy(
        "RegionNetworkFirewallPolicy", "regional", setting.regional, setting.inline, NETWORK, region=setting.region
    )


def _anything(action: str) -> Rule:
    return {"priority": 0, "action": action, "direction": "EGRESS", "layer4": [("all", [])]}


def _policy(kind: str, name: str, rules: list[Rule], inline: bool, target: str, **where: Any) -> Iterator[Resource]:
    member = kind[0].lower() + kind[1:]
    written = [_policy_rule(one) for one in rules]
    if inline:
        yield _made(f"gcp:compute/{member}WithRules:{kind}WithRules", name, id=name, name=name, rules=written, **where)
    else:
        yield _made(f"gcp:compute/{member}:{kind}", name, id=name, name=name, **where)
        for number, one in enumerate(written):
            yield _made(f"gcp:compute/{member}Rule:{kind}Rule", f"{name}-{number}", firewallPolicy=name, **one, **where)
    association = f"gcp:compute/{member}Association:{kind}Association"
    yield _made(association, name, firewallPolicy=name, attachmentTarget=target, **where)


def _policy_rule(rule: Rule) -> dict[str, Any]:
    near, far = ("srcIpRanges", "destIpRanges") if rule["direction"] == "EGRESS" else ("destIpRanges", "srcIpRanges")
    match = {near: rule.get("near"), far: rule.get("far")}
    match["layer4Configs"] = [{"ipProtocol": name, "ports": ports or None} for name, ports in rule["layer4"]]
    found = {key: rule.get(key) for key in ("priority", "action", "direction", "disabled")}
    found |= {"match": match, "targetServiceAccounts": rule.get("accounts"), "targetResources": rule.get("networks")}
    found |= {"targetType": "INTERNAL_MANAGED_LB"} if rule.get("lb") else {}
    return {key: value for key, value in found.items() if value is not None}


def _classic(setting: Setting) -> Iterator[Resource]:
    for number, rule in enumerate(setting.classic):
        near, far = ("sourceRanges", "destinationRanges")
        if rule["direction"] == "INGRESS":
            near, far = far, near
        blocks = [{"protocol": name, "ports": ports or None} for name, ports in rule["layer4"]]
        yield _made(
            "gcp:compute/firewall:Firewall",
            f"classic-{number}",
            network="vpc",
            name=f"classic-{number}",
            targetServiceAccounts=rule.get("accounts"),
            targetTags=rule.get("tags"),
            **{near: rule.get("near"), far: rule.get("far"), "allows" if rule["action"] == "allow" else "denies": blocks},
            **{key: rule.get(key) for key in ("priority", "direction", "disabled")},
        )
