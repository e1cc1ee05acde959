"""Policies on Kubernetes NetworkPolicies: default deny where Airflow runs, nothing let through wholesale, selectors that fit."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_airlock.gates.kubernetes import Cluster, Workload, objects, read_cluster
from pulumi_airlock.gates.network_policy.policies import Policies
from pulumi_airlock.gates.network_policy.rules import DIRECTIONS, EGRESS, INGRESS, Allowance, Peer, Policy
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.tokens import HELM_ENVIRONMENT
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_KEYS = {INGRESS: "from", EGRESS: "to"}
_DNS = Services.of("udp", 53, 53) | Services.of("tcp", 53, 53)
_PRIVATE = Hosts.from_cidrs(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"])
"""RFC 1918, RFC 6598 and RFC 4193: where a company's own networks are."""
_WIDE = 8
"""A network of fewer bits is no company's: the internet, in pieces or whole."""


def _rules(it: Subject) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
    """Direction, place and content of each rule."""
    for direction in DIRECTIONS:
        for path, rule in it.items("spec", direction):
            yield direction, path, rule


def _peers(it: Subject) -> Iterator[tuple[str, tuple[str | int, ...], Any, Any]]:
    """Direction, place, content and rule of each peer."""
    for direction, path, rule in _rules(it):
        if rule is not UNKNOWN:
            for place, peer in it.items(*path, _KEYS[direction]):
                yield direction, place, peer, rule


def _only_dns(rule: Mapping[str, Any]) -> bool:
    ports = rule.get("ports") or ()
    return bool(ports) and all(isinstance(one, Mapping) and one.get("port") in (53, "53", "dns", "dns-tcp") for one in ports)


# Single policies


@resource_policy(
    "network-policy-no-allow-all",
    types=(NETWORK_POLICY,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name peers and ports in every rule; for no access at all leave the list of rules empty.",
)
def no_allow_all(it: Subject) -> Findings:
    """No rule lets through everybody on every port: an empty rule (`ingress: [{}]`, `egress: [{}]`) does."""
    for direction, path, rule in _rules(it):
        if rule is UNKNOWN:
            yield undecided(it, path)
            continue
        given = [rule.get(_KEYS[direction]), rule.get("ports")] if isinstance(rule, Mapping) else []
        if not any(given):
            if UNKNOWN in given:
                yield undecided(it, path)
            else:
                yield wrong(it, path, "names neither peers nor ports: everything is let through, whatever other policies say")


@resource_policy(
    "network-policy-no-any-peer",
    types=(NETWORK_POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the peers: pods by namespaceSelector and podSelector, networks by ipBlock.",
)
def no_any_peer(it: Subject) -> Findings:
    """Every rule with ports says for whom: one without peers is for everybody, in the cluster and beyond."""
    for direction, path, rule in _rules(it):
        if rule is UNKNOWN or not isinstance(rule, Mapping) or not rule.get("ports"):
            continue
        peers = rule.get(_KEYS[direction])
        if peers is UNKNOWN:
            yield undecided(it, (*path, _KEYS[direction]))
        elif not peers and not (direction == EGRESS and _only_dns(rule)):
            yield wrong(it, (*path, _KEYS[direction]), "names no peers: the ports are open for everybody")


@resource_policy(
    "network-policy-no-world",
    types=(NETWORK_POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Give the destination's own networks. For the internet, name ports and take private networks out (`except`).",
)
def no_world(it: Subject) -> Findings:
    """No block is the whole internet: into the cluster never, out of it with ports and without private networks alone."""
    for direction, path, peer, rule in _peers(it):
        block = peer.get("ipBlock") if isinstance(peer, Mapping) else None
        if not isinstance(block, Mapping):
            continue
        if block.get("cidr") is UNKNOWN:
            yield undecided(it, (*path, "ipBlock", "cidr"))
        elif _wide(str(block.get("cidr"))):
            if direction == INGRESS:
                yield wrong(it, (*path, "ipBlock", "cidr"), f"is {block['cidr']}: whoever finds a way in is let in")
            elif not rule.get("ports") and rule.get("ports") is not UNKNOWN:
                yield wrong(it, (*path, "ipBlock", "cidr"), f"is {block['cidr']} on every port")
            elif _holds_private(block):
                yield wrong(
                    it, (*path, "ipBlock", "cidr"), f"is {block['cidr']} with private networks: take them out by `except`"
                )


def _wide(cidr: str) -> bool:
    bits = cidr.rpartition("/")[2]
    return bits.isdigit() and int(bits) < _WIDE


def _holds_private(block: Mapping[str, Any]) -> bool:
    excepts = block.get("except") or ()
    if excepts is UNKNOWN or UNKNOWN in excepts:
        return False
    try:
        rest = Hosts.from_cidr(str(block["cidr"])) - Hosts.from_cidrs(map(str, excepts))
    except ValueError:
        return False
    return bool((rest & _PRIVATE).addresses())


@resource_policy(
    "network-policy-dns-in-cluster",
    types=(NETWORK_POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Let DNS out to the cluster's resolver alone: its namespace and `k8s-app: kube-dns`, ports 53 of UDP and TCP.",
)
def dns_in_cluster(it: Subject) -> Findings:
    """DNS goes to the cluster's resolver alone: any resolver of the world carries data out in its questions."""
    for direction, path, rule in _rules(it):
        if direction != EGRESS or not isinstance(rule, Mapping) or not _only_dns(rule):
            continue
        peers = rule.get("to")
        if peers is UNKNOWN:
            yield undecided(it, (*path, "to"))
        elif not peers:
            yield wrong(it, (*path, "to"), "names no resolver: DNS is open to the world")
        else:
            for place, peer in it.items(*path, "to"):
                block = peer.get("ipBlock") if isinstance(peer, Mapping) else None
                if isinstance(block, Mapping) and block.get("cidr") is not UNKNOWN and _wide(str(block.get("cidr"))):
                    yield wrong(it, (*place, "ipBlock", "cidr"), f"is {block['cidr']}: DNS is open to the world")


@resource_policy(
    "network-policy-no-any-namespace",
    types=(NETWORK_POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the namespace (`kubernetes.io/metadata.name`), and its pods.",
)
def no_any_namespace(it: Subject) -> Findings:
    """No peer is in whichever namespace: labels of pods are for anybody to choose who may create one."""
    for _, path, peer, _ in _peers(it):
        if not isinstance(peer, Mapping) or peer.get("namespaceSelector") is None:
            continue
        selector = peer["namespaceSelector"]
        if selector is UNKNOWN:
            yield undecided(it, (*path, "namespaceSelector"))
        elif not any(selector.get(one) or selector.get(one) is UNKNOWN for one in ("matchLabels", "matchExpressions")):
            pods = "all pods" if not peer.get("podSelector") else "pods with such labels"
            yield wrong(it, (*path, "namespaceSelector"), f"is empty: {pods} of every namespace are meant")


@resource_policy(
    "network-policy-types",
    types=(NETWORK_POLICY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="List in policyTypes every direction that has rules.",
)
def types_of_rules(it: Subject) -> Findings:
    """Every direction with rules is in policyTypes: those of another are never looked at, and nothing is isolated there."""
    given = it.get("spec", "policyTypes")
    if given is UNKNOWN:
        yield undecided(it, "spec.policyTypes")
    elif given and UNKNOWN not in given:
        for direction in DIRECTIONS:
            if it.get("spec", direction) and direction.capitalize() not in given:
                yield wrong(it, ("spec", direction), f"has rules, and policyTypes leaves {direction.capitalize()} out")


# Policies together, over the workloads that are known


@stack_policy(
    "network-policy-default-deny",
    types=(HELM_ENVIRONMENT,),
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Use `NetworkPolicyGate` or `CiliumGate`, or add a policy with `podSelector: {}` and both policyTypes, without rules.",
)
def default_deny(stack: Stack, _: Config) -> Findings:
    """In every namespace of Airflow a policy isolates all pods in both directions: a pod that nothing selects is open."""
    cluster = read_cluster(stack)
    found = Policies(stack, cluster)
    cilium = {one.namespace for one in objects(stack, "cilium.io", "CiliumNetworkPolicy")}
    everywhere = bool(objects(stack, "cilium.io", "CiliumClusterwideNetworkPolicy"))
    for environment in stack.of_type(HELM_ENVIRONMENT):
        spaces = sorted({one.namespace for one in cluster.workloads if one.urn == environment.urn})
        for namespace in spaces:
            if everywhere or namespace in cilium:
                continue  # Cilium's own policies say it, and its own policies judge them.
            whole = [one for one in found.all if one.namespace == namespace and not one.selector.requirements]
            for direction in DIRECTIONS:
                here = [one for one in whole if direction in one.directions]
                if here and all(one.unknown for one in here):
                    yield undecided(here[0].object.resource, here[0].unknown[0])
                elif not here:
                    yield wrong(
                        environment, "", f"runs in namespace {namespace}, where no policy denies all {direction} by default"
                    )


@stack_policy(
    "network-policy-means-someone",
    types=(NETWORK_POLICY,),
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Compare the labels with those of the pods; a namespace goes by `kubernetes.io/metadata.name`.",
)
def means_someone(stack: Stack, _: Config) -> Findings:
    """Every selector means a known workload, where any of its namespace is known: one that means nobody is a misspelt label."""
    cluster = read_cluster(stack)
    found = Policies(stack, cluster)
    known = tuple(one for one in cluster.workloads if not one.stands_for)
    peopled = {one.namespace for one in known}
    for policy in found.all:
        resource = policy.object.resource
        if policy.namespace in peopled and not policy.selector.unknown and not any(map(policy.selects, known)):
            yield wrong(resource, "spec.podSelector", f"means no pod of {policy.namespace}: {policy.selector}")
        for direction, rule, number, peer in _each_peer(policy):
            if peer.block is not None or peer.unknown or not _should_be_known(cluster, peer, peopled):
                continue
            if all(one.stands_for for one in found.meant(policy.namespace, peer).workloads):
                path = ("spec", direction, rule.position, _KEYS[direction], number)
                yield wrong(resource, path, f"means no pod: {peer.pods} in {_spaces(peer)}")


def _each_peer(policy: Policy) -> Iterator[tuple[str, Allowance, int, Peer]]:
    for direction in DIRECTIONS:
        for rule in policy.rules[direction]:
            for number, peer in enumerate(rule.peers or ()):
                yield direction, rule, number, peer


def _should_be_known(cluster: Cluster, peer: Peer, peopled: set[str]) -> bool:
    """Whether the pods that it chooses would be known: of every namespace that it may mean, some are."""
    if isinstance(peer.namespace, str):
        return peer.namespace in peopled
    chosen = {name for name in cluster.namespaces if peer.namespace is None or peer.namespace.matches(cluster.labels_of(name))}
    return bool(chosen) and chosen <= peopled


def _spaces(peer: Peer) -> str:
    return peer.namespace if isinstance(peer.namespace, str) else f"namespaces with {peer.namespace}"


@stack_policy(
    "network-policy-named-ports",
    types=(NETWORK_POLICY,),
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Give the port's number, or the name that the destination's containers have, with its protocol.",
)
def named_ports(stack: Stack, _: Config) -> Findings:
    """Every port by name is one of a pod that the rule leads to: a name that no pod has lets nothing through."""
    cluster = read_cluster(stack)
    found = Policies(stack, cluster)
    for policy in found.all:
        for direction in DIRECTIONS:
            for rule in policy.rules[direction]:
                led_to = [one for one in _led_to(found, cluster, policy, direction, rule) if not one.stands_for]
                for number, port in enumerate(rule.ports or ()):
                    if port.unknown:
                        yield undecided(policy.object.resource, ("spec", direction, rule.position, "ports", number))
                    elif port.name and led_to and not any(port.services(one) for one in led_to):
                        path = ("spec", direction, rule.position, "ports", number, "port")
                        yield wrong(policy.object.resource, path, f"is {port.name}: no pod that is meant has such a port")


def _led_to(found: Policies, cluster: Cluster, policy: Policy, direction: str, rule: Allowance) -> tuple[Workload, ...]:
    if direction == INGRESS:
        return found.selected(policy)
    if rule.peers is None:
        return cluster.workloads
    return tuple(one for peer in rule.peers for one in found.meant(policy.namespace, peer).workloads)
