"""What Istio's security objects say: AuthorizationPolicies and PeerAuthentications, over the workloads of a cluster.

Semantics: Istio, "Authorization Policy", "PeerAuthentication", "Authorization Policy Conditions". No SDK in here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...proof.filters import HttpOperation, Who
from ...proof.sets import Hosts, Services
from ..kubernetes import Cluster, KubeObject, LabelSelector, Workload, names_of, objects
from ..stack import UNKNOWN, Stack

SECURITY = "security.istio.io"
ROOT = "istio-system"
"""The root namespace, whose policies hold mesh-wide (MeshConfig `rootNamespace`, its default)."""
TRUST_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule of an AuthorizationPolicy, as boxes: any of the callers, on any of the ports, with any of the requests."""

    position: int
    callers: tuple[Who, ...]
    ports: Services
    operations: frozenset[HttpOperation] | None
    """None: the rule does not look at HTTP."""
    names: frozenset[str] | None = None
    """Server names (`connection.sni`); None: not looked at."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Authorization:
    """One AuthorizationPolicy."""

    object: KubeObject
    action: str
    selector: LabelSelector
    clauses: tuple[Clause, ...]
    unknown: tuple[str, ...] = ()

    def selects(self, one: Workload) -> bool:
        """Whether it holds at a workload; those of the root namespace hold everywhere."""
        return self.object.namespace in (ROOT, one.namespace) and self.selector.matches(one.labels)


@dataclass(frozen=True)
class Mesh:
    """The mesh: which workloads are in it, what authorizes them, and how they take connections."""

    cluster: Cluster
    members: frozenset[str]
    """Names of the workloads with a sidecar, or in ambient mode."""
    authorizations: tuple[Authorization, ...]
    modes: Mapping[str, tuple[str, KubeObject | None]] = field(default_factory=dict)
    """Workload → its mTLS mode (STRICT, PERMISSIVE, DISABLE, or UNKNOWN), and the object that says so; None: the default."""

    def on(self, one: Workload) -> list[Authorization]:
        """The policies that hold at a workload."""
        return [each for each in self.authorizations if each.selects(one)]

    def strict(self, one: Workload) -> bool:
        """Whether a workload surely takes nothing without a certificate of the mesh."""
        return self.modes.get(one.name, ("PERMISSIVE", None))[0] == "STRICT"


def read_mesh(stack: Stack, cluster: Cluster) -> Mesh:
    """The mesh of a stack."""
    members = frozenset(one.name for one in cluster.workloads if _injected(one, cluster))
    found = tuple(_authorization(one, cluster, members) for one in objects(stack, SECURITY, "AuthorizationPolicy"))
    peers = objects(stack, SECURITY, "PeerAuthentication")
    modes = {one.name: _mode(one, peers) for one in cluster.workloads}
    return Mesh(cluster, members, found, modes)


def _injected(one: Workload, cluster: Cluster) -> bool:
    """Whether a workload is put into the mesh (Istio, "Installing the Sidecar", "Add workloads to an ambient mesh")."""
    pod = one.labels.get("sidecar.istio.io/inject")
    if pod is not None:
        return pod == "true"
    labels = cluster.labels_of(one.namespace)
    return (
        labels.get("istio-injection") == "enabled"
        or (bool(labels.get("istio.io/rev")) and labels.get("istio-injection") != "disabled")
        or labels.get("istio.io/dataplane-mode") == "ambient"
    )


def _mode(one: Workload, peers: Iterable[KubeObject]) -> tuple[str, KubeObject | None]:
    """The mode at a workload: its own policy's, else its namespace's, else the mesh's, else PERMISSIVE."""
    ranked: list[tuple[int, str, KubeObject]] = []
    for each in peers:
        selector = each.get("spec", "selector")
        mode = each.get("spec", "mtls", "mode", default="UNSET")
        mode = "UNKNOWN" if mode is UNKNOWN else str(mode)
        if mode == "UNSET":
            continue
        if selector and each.namespace == one.namespace:
            if LabelSelector.parse(selector).matches(one.labels):
                ranked.append((0, _weakest(each, mode), each))
        elif not selector and each.namespace == one.namespace:
            ranked.append((1, mode, each))
        elif not selector and each.namespace == ROOT:
            ranked.append((2, mode, each))
    if not ranked:
        return "PERMISSIVE", None
    # Of several at one place the oldest counts, which no preview tells: the weakest is taken.
    best = min(ranked, key=lambda found: (found[0], found[1] == "STRICT"))
    return best[1], best[2]


def _weakest(one: KubeObject, mode: str) -> str:
    """The mode, or that of a port that is weaker."""
    ports = one.get("spec", "portLevelMtls")
    found = [str(each.get("mode")) for each in ports.values() if isinstance(each, Mapping)] if isinstance(ports, Mapping) else []
    return next((each for each in found if each not in ("STRICT", "UNSET")), mode)


def _authorization(one: KubeObject, cluster: Cluster, members: frozenset[str]) -> Authorization:
    action = one.get("spec", "action", default="ALLOW")
    unknown: list[str] = []
    if action is UNKNOWN:
        unknown.append(f"{one.resource.name}.spec.action")
        action = "ALLOW"
    if one.get("spec", "targetRefs") or one.get("spec", "targetRef"):
        unknown.append(f"{one.resource.name}.spec.targetRefs: at a waypoint or a gateway, which this reader does not follow")
    rules = one.get("spec", "rules")
    clauses: list[Clause] = []
    for position, rule in enumerate(one.get_list("spec", "rules")) if rules is not None else ():
        clauses += _clauses(one, position, rule, cluster, members)
    labels = one.get("spec", "selector", "matchLabels", default={})
    selector = LabelSelector.of_labels(labels, f"{one.resource.name}.spec.selector")
    return Authorization(one, str(action), selector, tuple(clauses), (*unknown, *selector.unknown))


def _clauses(one: KubeObject, position: int, rule: Any, cluster: Cluster, members: frozenset[str]) -> Iterator[Clause]:
    where = f"{one.resource.name}.spec.rules[{position}]"
    if not isinstance(rule, Mapping):
        yield Clause(position, (Who(),), Services.every(), None, unknown=(where,))
        return
    unknown: list[str] = []
    callers = list(_callers(rule.get("from"), one, cluster, members, where, unknown))
    names = _conditions(rule.get("when"), where, unknown)
    for ports, operations in _operations(rule.get("to"), where, unknown):
        yield Clause(position, tuple(callers), ports, operations, names, tuple(unknown))


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _callers(
    given: Any, one: KubeObject, cluster: Cluster, members: frozenset[str], where: str, unknown: list[str]
) -> Iterator[Who]:
    if not given:
        yield Who()
        return
    for number, entry in enumerate(_listed(given)):
        source = entry.get("source") if isinstance(entry, Mapping) else UNKNOWN
        here = f"{where}.from[{number}]"
        if not isinstance(source, Mapping) or any(value is UNKNOWN or UNKNOWN in _listed(value) for value in source.values()):
            unknown.append(here)
            yield Who()
            continue
        names: frozenset[str] | None = None
        everybody = names_of(cluster.workloads)
        for key, values in source.items():
            wanted = [str(value) for value in _listed(values)]
            chosen = _chosen(str(key).removeprefix("not").lower(), wanted, one, cluster)
            if key in ("ipBlocks", "remoteIpBlocks", "notIpBlocks", "notRemoteIpBlocks"):
                continue
            if chosen is None:
                unknown.append(f"{here}.source.{key}")
                continue
            # Whoever has no certificate has no identity: it matches no list of identities, and every list of others.
            chosen -= everybody - members
            mine = (everybody | {""}) - chosen if str(key).startswith("not") else chosen
            names = mine if names is None else names & mine
        yield Who(workloads=names, sources=_sources(source))


def _chosen(key: str, wanted: list[str], one: KubeObject, cluster: Cluster) -> frozenset[str] | None:
    """The workloads that identities mean; None for what a reader cannot tell (request principals)."""
    found: set[str] = set()
    for text in wanted:
        if key == "serviceaccounts":
            namespace, _, account = text.rpartition("/")
            found |= cluster.of_account(namespace or one.namespace, account)
        elif key == "namespaces":
            found |= {each.name for each in cluster.workloads if _matches(text, each.namespace)}
        elif key == "principals":
            found |= _of_principal(text, cluster)
        else:
            return None
    return frozenset(found)


def _of_principal(text: str, cluster: Cluster) -> frozenset[str]:
    """`cluster.local/ns/airflow/sa/ledger`, with a wildcard at either end."""
    found = {
        each.name for each in cluster.workloads if _matches(text, f"{TRUST_DOMAIN}/ns/{each.namespace}/sa/{each.service_account}")
    }
    if not found and text.startswith(f"{TRUST_DOMAIN}/ns/") and "*" not in text:
        namespace, _, account = text.removeprefix(f"{TRUST_DOMAIN}/ns/").partition("/sa/")
        return cluster.of_account(namespace, account)
    return frozenset(found)


def _matches(pattern: str, text: str) -> bool:
    """Istio's matching of texts: exact, `a*`, `*a`, and `*` for anything there."""
    if pattern == "*":
        return bool(text)
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return pattern == text


def _sources(source: Mapping[str, Any]) -> Hosts | None:
    blocks = _listed(source.get("ipBlocks")) + _listed(source.get("remoteIpBlocks"))
    without = _listed(source.get("notIpBlocks")) + _listed(source.get("notRemoteIpBlocks"))
    try:
        found = Hosts.from_cidrs(map(str, blocks)) if blocks else None
        return ((found or Hosts.every()) - Hosts.from_cidrs(map(str, without))).addresses() if without else found
    except ValueError:
        return None


def _operations(given: Any, where: str, unknown: list[str]) -> Iterator[tuple[Services, frozenset[HttpOperation] | None]]:
    if not given:
        yield Services.every(), None
        return
    for number, entry in enumerate(_listed(given)):
        one = entry.get("operation") if isinstance(entry, Mapping) else UNKNOWN
        here = f"{where}.to[{number}]"
        if not isinstance(one, Mapping) or any(value is UNKNOWN or UNKNOWN in _listed(value) for value in one.values()):
            unknown.append(here)
            yield Services.every(), None
            continue
        if any(_listed(one.get(key)) for key in ("hosts", "notHosts")):
            unknown.append(f"{here}.operation.hosts")
        yield _ports(one), _requests(one, here, unknown)


def _ports(one: Mapping[str, Any]) -> Services:
    ports, without = _listed(one.get("ports")), _listed(one.get("notPorts"))
    found = Services.union(Services.of("tcp", int(each), int(each)) for each in ports) if ports else Services.every()
    return found - Services.union(Services.of("tcp", int(each), int(each)) for each in without) if without else found


def _requests(one: Mapping[str, Any], where: str, unknown: list[str]) -> frozenset[HttpOperation] | None:
    methods, paths = _texts(one, "methods"), _texts(one, "paths")
    not_methods, not_paths = _texts(one, "notMethods"), _texts(one, "notPaths")
    if not (methods or paths or not_methods or not_paths):
        return None
    if any("{" in path for path in (*paths, *not_paths)):
        # A template's `{*}` is one segment; a glob's `*` is any number of them.
        unknown.append(f"{where}.operation.paths")
    return frozenset(
        HttpOperation(method, _glob(path), frozenset(not_methods), frozenset(map(_glob, not_paths)))
        for method in methods or ["*"]
        for path in paths or ["*"]
    )


def _texts(one: Mapping[str, Any], key: str) -> list[str]:
    return [str(value) for value in _listed(one.get(key))]


def _glob(path: str) -> str:
    """A path of Istio's as a glob: what is special in one alone is taken for itself."""
    head, star, tail = ("", "", path) if "*" not in path else (path[:-1], "*", "") if path.endswith("*") else ("", "*", path[1:])
    return f"{_plain(head)}{star}{_plain(tail)}".replace("{**}", "*").replace("{*}", "*")


def _plain(text: str) -> str:
    return "".join(f"[{char}]" if char in "?[" else char for char in text)


def _conditions(given: Any, where: str, unknown: list[str]) -> frozenset[str] | None:
    """Server names that conditions ask for; all other conditions are not known here."""
    names: frozenset[str] | None = None
    for number, one in enumerate(_listed(given)):
        values = _listed(one.get("values")) if isinstance(one, Mapping) else [UNKNOWN]
        if isinstance(one, Mapping) and one.get("key") == "connection.sni" and not one.get("notValues") and UNKNOWN not in values:
            names = frozenset(map(str, values)) if names is None else names & frozenset(map(str, values))
        else:
            unknown.append(f"{where}.when[{number}]")
    return names
