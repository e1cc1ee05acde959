"""Policies on Cilium: default deny where Airflow runs, nothing let through wholesale, names that DNS shows."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_airlock.gates.cilium.labels import NAMESPACE
from pulumi_airlock.gates.cilium.meshed import meshed_l7
from pulumi_airlock.gates.cilium.policies import CiliumPolicies
from pulumi_airlock.gates.cilium.rules import DIRECTIONS, EGRESS, INGRESS
from pulumi_airlock.gates.kubernetes import read_cluster
from pulumi_airlock.tokens import HELM_ENVIRONMENT
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

POLICIES = ("kubernetes:cilium.io/v2:CiliumNetworkPolicy", "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy")
_PREFIX = {INGRESS: "from", EGRESS: "to"}
_PEERS = ("Endpoints", "Entities", "CIDR", "CIDRSet", "FQDNs", "Services", "Nodes", "Groups")
_CLUSTERWIDE = "CiliumClusterwideNetworkPolicy"
_WIDE = 8
"""A network of fewer bits is no company's: the internet, in pieces or whole."""
Path = tuple[str | int, ...]


def _specs(it: Subject) -> Iterator[Path]:
    if it.get("spec") is not None:
        yield ("spec",)
    for path, _ in it.items("specs"):
        yield path


def _rules(it: Subject) -> Iterator[tuple[str, Path, Any]]:
    """Direction, place and content of each rule that lets through."""
    for spec in _specs(it):
        for direction in DIRECTIONS:
            for path, rule in it.items(*spec, direction):
                yield direction, path, rule


def _peers(it: Subject, *kinds: str) -> Iterator[tuple[str, Path, Any, Any]]:
    """Direction, place, content and rule of each peer of some kinds."""
    for direction, path, rule in _rules(it):
        for kind in kinds if rule is not UNKNOWN else ():
            for place, peer in it.items(*path, f"{_PREFIX[direction]}{kind}"):
                yield direction, place, peer, rule


def _names(it: Subject) -> Iterator[tuple[Path, Any, Path]]:
    """Place and content of each entry of a DNS rule, and the rule that it stands in."""
    for direction, path, rule in _rules(it):
        if direction == EGRESS and rule is not UNKNOWN:
            for place, _ in it.items(*path, "toPorts"):
                for entry, name in it.items(*place, "rules", "dns"):
                    yield entry, name, path


# Single policies


@resource_policy(
    "cilium-no-entity-all",
    types=POLICIES,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name endpoints, names (toFQDNs) or networks (toCIDR), with ports.",
)
def no_entity_all(it: Subject) -> Findings:
    """No rule lets through the entities `all` and `world`: everybody, or everybody beyond the cluster."""
    for direction, path, peer, _ in _peers(it, "Entities"):
        if peer is UNKNOWN:
            yield undecided(it, path)
        elif peer == "all":
            yield wrong(it, path, "is all: everybody is let through, whatever other policies say")
        elif str(peer).startswith("world"):
            yield wrong(
                it, path, f"is {peer}: whoever is beyond the cluster is let {'in' if direction == INGRESS else 'be reached'}"
            )


@resource_policy(
    "cilium-no-any-endpoint",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the namespace (k8s:io.kubernetes.pod.namespace) and the account (io.cilium.k8s.policy.serviceaccount).",
)
def no_any_endpoint(it: Subject) -> Findings:
    """No rule lets through all pods of every namespace, or pods by labels that anybody may choose, in whichever namespace."""
    clusterwide = it.kind.endswith(_CLUSTERWIDE)
    for _, path, peer, _ in _peers(it, "Endpoints"):
        if peer is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(peer, Mapping) and _any_namespace(peer, clusterwide):
            yield wrong(it, path, "names no namespace: pods of every namespace are meant")


def _any_namespace(peer: Mapping[str, Any], clusterwide: bool) -> bool:
    labels, expressions = peer.get("matchLabels"), peer.get("matchExpressions")
    if UNKNOWN in (labels, expressions):
        return False
    labels, expressions = labels or {}, expressions or ()
    keys = [*labels, *(one.get("key", "") for one in expressions if isinstance(one, Mapping) and one.get("operator") == "In")]
    exists = any(
        isinstance(one, Mapping) and str(one.get("key")).endswith(NAMESPACE) and one.get("operator") in ("Exists", "NotIn")
        for one in expressions
    )
    named = any(key.rpartition(":")[2].startswith((NAMESPACE, "io.cilium.k8s.namespace.labels")) for key in keys)
    reserved = any(key.startswith("reserved:") for key in keys)
    return not named and not reserved and (clusterwide or exists)


@resource_policy(
    "cilium-no-any-peer",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the peers of every rule with ports.",
)
def no_any_peer(it: Subject) -> Findings:
    """Every rule with ports says for whom: one without peers is for everybody, in the cluster and beyond."""
    for direction, path, rule in _rules(it):
        if rule is UNKNOWN:
            yield undecided(it, path)
            continue
        if not isinstance(rule, Mapping) or not (rule.get("toPorts") or rule.get("icmps")):
            continue
        if all(rule.get(f"{_PREFIX[direction]}{kind}") is None for kind in _PEERS):
            yield wrong(it, path, "names no peers: the ports are open for everybody")


@resource_policy(
    "cilium-no-world-cidr",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Give the destination's own networks, or its names (toFQDNs).",
)
def no_world_cidr(it: Subject) -> Findings:
    """No block is the whole internet, with exceptions or without."""
    for _, path, peer, _ in _peers(it, "CIDR", "CIDRSet"):
        cidr = peer.get("cidr") if isinstance(peer, Mapping) else peer
        if cidr is UNKNOWN:
            yield undecided(it, path)
        elif cidr is not None and (bits := str(cidr).rpartition("/")[2]).isdigit() and int(bits) < _WIDE:
            yield wrong(it, path, f"is {cidr}: the whole internet")


@resource_policy(
    "cilium-no-any-name",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Write names (matchName), or patterns below a domain of the destination's own (`**.files.example`).",
)
def no_any_name(it: Subject) -> Findings:
    """No pattern of toFQDNs is `*`, or that of a whole top-level domain: it lets through whatever has a name."""
    for _, path, peer, _ in _peers(it, "FQDNs"):
        pattern = peer.get("matchPattern") if isinstance(peer, Mapping) else peer
        if pattern is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(pattern, str) and _wide(pattern):
            yield wrong(it, (*path, "matchPattern"), f"is {pattern}: any name")


def _wide(pattern: str) -> bool:
    fixed = [one for one in pattern.rstrip(".").split(".") if one and "*" not in one]
    return "*" in pattern and len(fixed) < 2


@resource_policy(
    "cilium-dns-in-cluster",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Let DNS out to the cluster's resolver alone: toEndpoints with its namespace and `k8s-app: kube-dns`.",
)
def dns_in_cluster(it: Subject) -> Findings:
    """DNS goes to the cluster's resolver alone: any resolver of the world carries data out in its questions."""
    for direction, path, rule in _rules(it):
        if direction == EGRESS and rule is UNKNOWN:
            yield undecided(it, path)
        if direction != EGRESS or not isinstance(rule, Mapping) or not _is_dns(it, path):
            continue
        for key in ("toEntities", "toCIDR", "toCIDRSet", "toFQDNs"):
            if rule.get(key):
                yield wrong(it, (*path, key), "lets DNS leave the cluster")


def _is_dns(it: Subject, path: Path) -> bool:
    for place, entry in it.items(*path, "toPorts"):
        if not isinstance(entry, Mapping):
            continue
        if it.get(*place, "rules", "dns") or any(
            isinstance(port, Mapping) and str(port.get("port")).removesuffix(".0") == "53"
            for _, port in it.items(*place, "ports")
        ):
            return True
    return False


@resource_policy(
    "cilium-dns-names",
    types=POLICIES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="List the names that the pods' routes need, and `**.cluster.local`.",
)
def dns_names(it: Subject) -> Findings:
    """DNS rules name what may be asked: with `*` a pod carries data out in the names that it asks for."""
    for path, name, _ in _names(it):
        if name is UNKNOWN:
            yield undecided(it, path)
            continue
        pattern = name.get("matchPattern") if isinstance(name, Mapping) else None
        if isinstance(pattern, str) and _wide(pattern) and not pattern.endswith(".local"):
            yield wrong(it, (*path, "matchPattern"), f"is {pattern}: any name may be asked for")


@resource_policy(
    "cilium-denies-by-default",
    types=POLICIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Leave enableDefaultDeny out, or keep it for a policy that only denies.",
)
def denies_by_default(it: Subject) -> Findings:
    """No policy that lets something through turns default deny off for what it selects."""
    for spec in _specs(it):
        for direction in DIRECTIONS:
            said = it.get(*spec, "enableDefaultDeny", direction)
            if said is UNKNOWN:
                yield undecided(it, (*spec, "enableDefaultDeny", direction))
            elif said is False and it.get(*spec, direction):
                yield wrong(it, (*spec, "enableDefaultDeny", direction), "is false: what no rule names is let through as well")


@resource_policy(
    "cilium-no-requires",
    types=POLICIES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Write a deny rule for what must not be reached.",
)
def no_requires(it: Subject) -> Findings:
    """No rule has `fromRequires` or `toRequires`: releases from 1.17 on refuse the whole policy."""
    for direction, path, rule in _rules(it):
        key = f"{_PREFIX[direction]}Requires"
        if rule is UNKNOWN or (isinstance(rule, Mapping) and rule.get(key) is UNKNOWN):
            yield undecided(it, path)
        elif isinstance(rule, Mapping) and rule.get(key):
            yield wrong(it, (*path, key), "is no longer taken by Cilium")


# Policies together, over the workloads that are known


@stack_policy(
    "cilium-default-deny",
    types=(HELM_ENVIRONMENT,),
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Use `CiliumGate`, or add a policy with `endpointSelector: {}`, `ingress: [{}]` and `egress: [{}]`.",
)
def default_deny(stack: Stack, _: Config) -> Findings:
    """Where Cilium's policies are, every pod of Airflow's namespaces is denied by default, in both directions."""
    cluster = read_cluster(stack)
    found = CiliumPolicies(stack, cluster)
    if not found.specs:
        return
    for environment in stack.of_type(HELM_ENVIRONMENT):
        spaces = {one.namespace for one in cluster.workloads if one.urn == environment.urn}
        for namespace in sorted(spaces):
            for direction in DIRECTIONS:
                here = [one for one in cluster.workloads if one.namespace == namespace and not one.host_network]
                open_ = [one for one in here if not found.isolated(one, direction)]
                if open_:
                    whom = "pods of other labels" if open_[0].stands_for else open_[0].name
                    yield wrong(environment, "", f"runs in namespace {namespace}, where no policy denies {direction} of {whom}")
                elif any(reasons := found.doubted(one, direction) for one in here):
                    yield undecided(environment, reasons[0])


@stack_policy(
    "cilium-names-shown",
    types=POLICIES,
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.HIGH,
    soc2=Soc2.CC8_1,
    fix="Add a rule to the cluster's DNS, port 53, with `rules.dns` that names it, for the same pods.",
)
def names_shown(stack: Stack, _: Config) -> Findings:
    """Every rule by name has a DNS rule for the same pods that shows Cilium the name: without one it never lets through."""
    found = CiliumPolicies(stack, read_cluster(stack))
    for spec in found.specs:
        for clause in spec.allow[EGRESS]:
            by_name = any(peer.kind == "FQDNs" for peer in clause.peers or ())
            for one in found.selected(spec) if by_name else ():
                names = found.names(one, clause)
                if not names.known and not names.maybe and not one.stands_for:
                    yield wrong(spec.object.resource, clause.position, f"names hosts that no DNS rule shows for {one.name}")
                    break


@stack_policy(
    "cilium-requests-seen",
    types=POLICIES,
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Allow the port alone in Cilium's policy, and put methods and paths into the mesh's policy at the destination.",
)
def requests_seen(stack: Stack, _: Config) -> Findings:
    """No rule of requests is on a way that a mesh encrypts: Cilium's proxy cannot read it, and refuses or breaks it."""
    for one in meshed_l7(stack):
        hop = f"{one.hop.caller} → {one.hop.destination}"
        yield wrong(stack.find(one.urn), one.position, f"looks into {hop}, which {one.hop.mesh} encrypts")


@stack_policy(
    "cilium-means-someone",
    types=POLICIES,
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Compare the labels with those of the pods; an account goes by io.cilium.k8s.policy.serviceaccount.",
)
def means_someone(stack: Stack, _: Config) -> Findings:
    """Every policy selects a known workload, where any of its namespace is known: one that selects nobody is misspelt."""
    cluster = read_cluster(stack)
    found = CiliumPolicies(stack, cluster)
    peopled = {one.namespace for one in cluster.workloads if not one.stands_for}
    for spec in found.specs:
        here = bool(peopled) if spec.namespace is None else spec.namespace in peopled
        if spec.nodes or spec.unknown or spec.subject.entities or not here:
            continue
        if all(one.stands_for for one in found.selected(spec)):
            where = "of the cluster" if spec.namespace is None else f"of {spec.namespace}"
            yield wrong(spec.object.resource, "endpointSelector", f"selects no pod {where}: {spec.subject}")
