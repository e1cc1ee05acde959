"""Compiles what a cluster has to let through into CiliumNetworkPolicies: one for each workload, beside a default deny. No SDK.

Workloads are told apart by their service accounts. Names beyond the cluster need a rule for DNS that Cilium's proxy looks at:
each workload may ask the cluster's DNS for the cluster's names and for those of its own routes, and for nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError, Problem
from ...proof.filters import HttpOperation
from ...proof.sets import Services, protocol_name
from ..kubernetes import API_SERVER, DNS, Cluster, Workload
from ..kubernetes.meshes import PROBES, Carrying
from ..kubernetes.wanted import Wanted
from ..naming import cut_name
from .labels import ACCOUNT, NAMESPACE
from .rules import EGRESS, INGRESS

_LONGEST = 253
_MOST_PORTS = 40
"""Entries of `ports` (Cilium API, `PortRule`: MaxItems)."""
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
CLUSTER_NAMES = "**.cluster.local"
"""Also what resolvers ask first for any name, by their search domains (`api.example.svc.cluster.local`)."""
_TLS = frozenset({"https", "tls"})
Rule = dict[str, Any]


@dataclass(frozen=True)
class CiliumPlan:
    """One CiliumNetworkPolicy to make."""

    name: str
    namespace: str
    selector: Mapping[str, Any]
    """Of its pods; empty: all of the namespace."""
    ingress: list[Rule] = field(default_factory=list)
    egress: list[Rule] = field(default_factory=list)
    routes: tuple[str, ...] = ()
    """The routes that it carries, for whoever reads the object."""

    def spec(self) -> dict[str, Any]:
        """As the API takes it."""
        found: dict[str, Any] = {"endpointSelector": dict(self.selector)}
        for key, rules in ((INGRESS, self.ingress), (EGRESS, self.egress)):
            if rules:
                found[key] = rules
        return found


@dataclass(frozen=True)
class Site:
    """What policies are compiled for."""

    cluster: Cluster
    namespaces: tuple[str, ...]
    gate: str
    mesh: Carrying
    """What its members say to one another is encrypted, and may go by a port of the mesh's own."""


def compile_policies(found: Sequence[Wanted], connections: Sequence[Wanted], site: Site) -> list[CiliumPlan]:
    """The policies of some namespaces: everything denied, then what is wanted, per workload. O(workloads × wanted).

    `found` is what is wanted, `connections` the same with what callers connect to in place of it (a mesh's egress gateway).
    InputError with every route that cannot be said.
    """
    problems = [*_problems(connections, site), *_unnamed(found, site)]
    if problems:
        raise InputError(problems)
    plans = [CiliumPlan(object_name(site.gate, "default-deny"), one, {}, [{}], [{}]) for one in site.namespaces]
    for one in site.cluster.workloads:
        if one.namespace in site.namespaces and not one.stands_for:
            plan = _of_workload(one, found, connections, site)
            if plan is not None:
                plans.append(plan)
    return plans


def object_name(gate: str, *parts: str) -> str:
    """A name that the API server takes: small letters, digits, `-` and `.` (RFC 1123)."""
    clean = [re.sub(r"[_/]+", "-", part.lower()) for part in (gate, *parts)]
    return cut_name(_LONGEST, *clean).replace("_", "-")


def _of_workload(one: Workload, found: Sequence[Wanted], connections: Sequence[Wanted], site: Site) -> CiliumPlan | None:
    names = _names([each for each in found if one.name in each.callers])
    out = [each for each in connections if one.name in each.callers]
    into = [each for each in connections if one in each.workloads]
    egress = _merged(rule for each in out for rule in _egress(one, each, names, site))
    ingress = _merged(rule for each in into for rule in _ingress(one, each, site))
    if not (egress or ingress):
        return None
    if ingress and site.mesh.ambient and one.ports:
        ports = Services.union(Services.of(protocol, number, number) for protocol, number in one.ports.values())
        ingress.append({"fromCIDR": [PROBES], "toPorts": _to_ports(ports)})
    routes = tuple(dict.fromkeys(route for each in (*out, *into) for route in each.routes))
    name = object_name(site.gate, one.name.removeprefix(f"{one.namespace}/"))
    return CiliumPlan(name, one.namespace, _pods(one, site.cluster), ingress, egress, routes)


def _names(found: Iterable[Wanted]) -> list[str]:
    """The names beyond the cluster that a workload has to look up."""
    names = {name for each in found if not each.workloads for name in each.to.names.mentioned()}
    return sorted(names - {API_SERVER, DNS})


# Rules


def _egress(mine: Workload, one: Wanted, names: Sequence[str], site: Site) -> Iterator[Rule]:
    if DNS in one.to.names:
        asked = [{"matchPattern": CLUSTER_NAMES}, *({_key(name): _pattern(name)} for name in names)]
        for each in one.workloads:
            yield {"toEndpoints": [_peer(each, site)], "toPorts": _to_ports(each.pods(one.services), {"rules": {"dns": asked}})}
        return
    if one.workloads:
        for each in one.workloads:
            # Requests are looked at where they arrive, by the destination's own policy, if it is one of these.
            seen = each.namespace not in site.namespaces
            more = _requests(one) if seen and not site.mesh.hides(mine, each) else {}
            ports = site.mesh.ports(mine, each, each.pods(one.services))
            yield {"toEndpoints": [_peer(each, site)], "toPorts": _to_ports(ports, more)}
        return
    if API_SERVER in one.to.names:
        yield {"toEntities": ["kube-apiserver"], "toPorts": _to_ports(site.cluster.api_service.pods(one.services))}
        return
    for name in sorted(one.to.names.mentioned()):
        yield {"toFQDNs": [{_key(name): _pattern(name)}], "toPorts": _beyond(one, name)}
    networks = [str(each) for each in one.to.networks()]
    if networks:
        yield {"toCIDR": networks, "toPorts": _to_ports(one.services, {} if _is_tls(one) else _requests(one))}


def _beyond(one: Wanted, name: str) -> list[Rule]:
    """The ports of a name beyond the cluster: with its server name where it speaks TLS, with requests where it does not."""
    if not _is_tls(one):
        return _to_ports(one.services, _requests(one))
    tcp = one.services & Services.of("tcp")
    # A server name with a `*` is taken by some releases alone: the names are the DNS rule's to tell.
    more = {} if name.startswith("*.") else {"serverNames": [name]}
    return [*_to_ports(tcp, more), *_to_ports(one.services - tcp)]


def _ingress(mine: Workload, one: Wanted, site: Site) -> Iterator[Rule]:
    services = mine.pods(one.services)
    callers = [site.cluster.by_name[name] for name in sorted(one.callers) if name in site.cluster.by_name]
    for each in callers:
        more = {} if site.mesh.hides(each, mine) or _is_tls(one) else _requests(one)
        yield {"fromEndpoints": [_peer(each, site)], "toPorts": _to_ports(site.mesh.ports(each, mine, services), more)}
    if one.cidrs:
        yield {"fromCIDR": list(one.cidrs), "toPorts": _to_ports(services)}


def _is_tls(one: Wanted) -> bool:
    return one.destination is not None and str(one.destination.protocol or "").lower() in _TLS


def _requests(one: Wanted) -> Rule:
    """Requests as Cilium's HTTP rules say them. Paths that are taken out again they cannot say: another gate has to."""
    if not one.operations:
        return {}
    rules = [
        {key: text for key, text in (("method", _method(each)), ("path", _regex(each.path))) if text} for each in one.operations
    ]
    return {"rules": {"http": sorted(rules, key=str)}}


def _method(one: HttpOperation) -> str:
    return "" if one.method == "*" else one.method


def _regex(glob: str) -> str:
    """A glob as the extended regex that has to match the whole path."""
    if glob == "*":
        return ""
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in glob).replace("\\-", "-")


def _to_ports(services: Services, more: Rule | None = None) -> list[Rule]:
    ports = [_port(*one) for one in services.ranges()]
    return [{"ports": ports[at : at + _MOST_PORTS], **(more or {})} for at in range(0, len(ports), _MOST_PORTS)]


def _port(number: int, first: int, last: int) -> Rule:
    found: Rule = {"port": str(first), "protocol": protocol_name(number).upper()}
    if (first, last) == (0, 65535):
        return {**found, "port": "0"}  # Every port of the protocol.
    return found if first == last else {**found, "port": str(max(first, 1)), "endPort": last}


def _merged(rules: Iterable[Rule]) -> list[Rule]:
    """Rules with the same ports share their peers: but for names, which each go with a server name of their own."""
    groups: dict[str, Rule] = {}
    for one in rules:
        (key, peers), ports = next(iter(one.items())), one["toPorts"]
        known = groups.setdefault(f"{key} {ports}", {key: [], "toPorts": ports})
        known[key] += [each for each in peers if each not in known[key]]
    return list(groups.values())


# Names of pods and of hosts


def _key(name: str) -> str:
    return "matchPattern" if name.startswith("*.") else "matchName"


def _pattern(name: str) -> str:
    """A name with all below it: `*` alone stands for one label."""
    return f"*{name}" if name.startswith("*.") else name


def _peer(one: Workload, site: Site) -> Rule:
    selector = _pods(one, site.cluster)
    labels = {f"k8s:{NAMESPACE}": one.namespace, **selector["matchLabels"]}
    return {**selector, "matchLabels": labels}


def _pods(one: Workload, cluster: Cluster) -> Rule:
    """Selects a workload's pods by their account; where others have it too, and for the cluster's DNS, by labels."""
    sharing = [each for each in cluster.workloads if each.account == one.account and each != one and not each.stands_for]
    if DNS in one.names and one.labels:
        return {"matchLabels": {f"k8s:{key}": value for key, value in sorted(one.labels.items())}}
    found: Rule = {"matchLabels": {f"k8s:{ACCOUNT}": one.service_account}}
    if sharing:
        found["matchLabels"].update({f"k8s:{key}": value for key, value in sorted(one.labels.items())})
        besides = sorted(
            {min(each.labels.keys() - one.labels.keys()) for each in sharing if one.labels.items() < each.labels.items()}
        )
        if besides:
            found["matchExpressions"] = [{"key": f"k8s:{key}", "operator": "DoesNotExist"} for key in besides]
    return found


def _problems(found: Sequence[Wanted], site: Site) -> Iterator[Problem]:
    for one in found:
        what = f"route {one.routes[0]}" if one.routes else one.reason
        protocols = {protocol_name(number) for number, _, _ in one.services.ranges()} - _PROTOCOLS
        if protocols:
            yield Problem(site.gate, what, f"{', '.join(sorted(protocols))}: this gate opens TCP, UDP and SCTP alone")


def _unnamed(found: Sequence[Wanted], site: Site) -> Iterator[Problem]:
    names = any(one.routes and not one.workloads and one.to.names.mentioned() for one in found)
    resolver = any(one.workloads for one in found if DNS in one.to.names)
    if names and not resolver:
        fix = "declare it as a workload of the ClusterDeclaration"
        yield Problem(site.gate, DNS, f"is no known workload, and names need a rule for it that Cilium looks at: {fix}")
