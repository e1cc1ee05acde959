"""What Linkerd lets through, as one filter on what reaches workloads of the mesh.

Semantics: Linkerd, "Authorization Policy": a port with a Server is for whom an AuthorizationPolicy of the Server, of one of its
HTTPRoutes or of the namespace names; the authentications of one policy must all hold. A request that no HTTPRoute of a Server
with routes has is not found (404). A port without a Server goes by the `default-inbound-policy` of the workload. Traffic of a pod
to itself, and the kubelet's probes from declared node networks, are no traffic of the proof.
"""

import re
from collections.abc import Iterator, Mapping
from glob import escape
from typing import Any

from ...proof.filters import Action, Combine, Filter, HttpOperation, Match, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import HELM_ENVIRONMENT, LINKERD_GATE
from ..kubernetes import Cluster, KubeObject, LabelSelector, Workload, names_of, objects, read_cluster
from ..stack import UNKNOWN, Stack
from .compile import POLICY

DEFAULT_NAME = "linkerd"
DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
"""An annotation, fixed when a pod starts; of namespaces that the stack does not make, a declaration says it among the labels."""
_OPEN = ("all-unauthenticated", "cluster-unauthenticated", "audit")


def read(stack: Stack) -> Iterator[Filter]:
    """The filter of the mesh; none where the stack has no Server."""
    gates = stack.of_type(LINKERD_GATE)
    servers = objects(stack, POLICY, "Server")
    if not servers and not gates:
        return
    cluster = read_cluster(stack)
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, servers[0].resource.urn)
    reader = _Reader(stack, cluster, servers)
    if reader.members:
        yield Filter(
            gate,
            "authorization at workloads",
            Combine.ANY_ALLOW,
            Action.DENY,
            tuple(reader.rules()),
            urn,
            scope=Match(hosts=cluster.hosts(reader.members)),
            always=True,
            shape=Shape(nouns=("authorization", "authorizations")),
        )


class _Reader:
    """Reads one mesh."""

    def __init__(self, stack: Stack, cluster: Cluster, servers: tuple[KubeObject, ...]) -> None:
        self.cluster, self.servers = cluster, servers
        self.policies = objects(stack, POLICY, "AuthorizationPolicy")
        self.routes = objects(stack, POLICY, "HTTPRoute")
        self.tls = {(one.namespace, one.name): one for one in objects(stack, POLICY, "MeshTLSAuthentication")}
        self.networks = {(one.namespace, one.name): one for one in objects(stack, POLICY, "NetworkAuthentication")}
        self.denying = {str(one.get("namespace")) for one in stack.of_type(HELM_ENVIRONMENT) if one.get("mesh") == "linkerd"}
        self.members = [one for one in cluster.workloads if not one.stands_for and self._meshed(one)]
        self.nodes = Hosts.from_cidrs(cluster.declared.node_cidrs)

    def _meshed(self, one: Workload) -> bool:
        labelled = self.cluster.labels_of(one.namespace).get("linkerd.io/inject") == "enabled"
        return one.namespace in self.denying or labelled or any(self._selects(server, one) for server in self.servers)

    def rules(self) -> Iterator[Rule]:
        """Every authorization at every workload."""
        for one in self.members:
            mine = [server for server in self.servers if self._selects(server, one)]
            for server in mine:
                yield from self._of_server(server, one)
            yield from self._elsewhere(one, mine)

    def _selects(self, server: KubeObject, one: Workload) -> bool:
        selector = LabelSelector.parse(server.get("spec", "podSelector"))
        return server.namespace == one.namespace and selector.matches(one.labels)

    def _port(self, server: KubeObject, one: Workload) -> Services:
        port = server.get("spec", "port")
        if isinstance(port, str) and not port.isdigit():
            named = one.ports.get(port)
            return Services.of("tcp", named[1], named[1]) if named else Services()
        return Services.of("tcp", int(port), int(port)) if port is not UNKNOWN and port is not None else Services.of("tcp")

    def _elsewhere(self, one: Workload, servers: list[KubeObject]) -> Iterator[Rule]:
        """Ports without a Server: the chart's environments deny there, of others nobody says."""
        rest = Services.every() - Services.union(self._port(server, one) for server in servers)
        labels = self.cluster.labels_of(one.namespace)
        if one.namespace in self.denying or labels.get(DEFAULT_POLICY) == "deny":
            return
        source = Source(one.urn, label=f"ports of {one.name} without a Server")
        reason = (f"{one.name}: the default-inbound-policy of its pods",)
        for hosts, services in one.reached(rest):
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), source, reason)

    def _of_server(self, server: KubeObject, one: Workload) -> Iterator[Rule]:
        port = self._port(server, one)
        routes = [route for route in self.routes if self._parent(route, server)]
        access = server.get("spec", "accessPolicy", default="deny")
        if access in _OPEN or access is UNKNOWN:
            doubt = (f"{server.resource.name}.spec.accessPolicy",) if access is UNKNOWN else ()
            yield from self._rules(one, port, None, Who(), server.at("spec", "accessPolicy"), doubt)
        elif access in ("all-authenticated", "cluster-authenticated"):
            yield from self._rules(one, port, None, self._everybody(), server.at("spec", "accessPolicy"), ())
        for policy in self.policies:
            kind, name = policy.get("spec", "targetRef", "kind"), policy.get("spec", "targetRef", "name")
            if policy.namespace != server.namespace:
                continue
            target: list[KubeObject | None] = []
            if (kind == "Server" and name == server.name) or kind == "Namespace":
                target = [None]
            elif kind == "HTTPRoute":
                target = [route for route in routes if route.name == name]
            for route in target:
                who, unknown = self._callers(policy)
                operations, doubts = (None, ()) if route is None else self._requests(route)
                if who is not None:
                    yield from self._rules(one, port, operations, who, policy.at("spec"), (*unknown, *doubts))

    def _rules(
        self,
        one: Workload,
        port: Services,
        operations: frozenset[HttpOperation] | None,
        who: Who,
        source: Source,
        unknown: tuple[str, ...],
    ) -> Iterator[Rule]:
        for hosts, services in one.reached(port):
            yield Rule(Action.ALLOW, Match(who, hosts, services, operations), source, unknown)

    def _everybody(self) -> Who:
        return Who(workloads=names_of(self.members))

    def _parent(self, route: KubeObject, server: KubeObject) -> bool:
        refs = [one for one in route.get_list("spec", "parentRefs") if isinstance(one, Mapping)]
        return route.namespace == server.namespace and any(
            one.get("kind") == "Server" and one.get("name") == server.name for one in refs
        )

    def _requests(self, route: KubeObject) -> tuple[frozenset[HttpOperation], tuple[str, ...]]:
        """The requests of a route, and what of its patterns is not known here."""
        found: set[HttpOperation] = set()
        unknown: list[str] = []
        for rule in route.get_list("spec", "rules"):
            matches = rule.get("matches") if isinstance(rule, Mapping) else None
            for match in matches or [{}]:
                given = match if isinstance(match, Mapping) else {}
                operations = list(_operations(given))
                if not operations:
                    unknown.append(f"{route.resource.name}: path {given.get('path')}")
                found |= set(operations or [HttpOperation(str(given.get("method") or "*"))])
        return frozenset(found), tuple(unknown)

    def _callers(self, policy: KubeObject) -> tuple[Who | None, tuple[str, ...]]:
        """Who fulfils all authentications of a policy; None for the kubelet, whose probes are no traffic of the proof."""
        names: frozenset[str] | None = None
        sources: Hosts | None = None
        unknown: list[str] = []
        refs = policy.get_list("spec", "requiredAuthenticationRefs")
        for number, ref in enumerate(refs):
            where = f"{policy.resource.name}.spec.requiredAuthenticationRefs[{number}]"
            kind, name = (ref.get("kind"), ref.get("name")) if isinstance(ref, Mapping) else (UNKNOWN, UNKNOWN)
            key = (str(ref.get("namespace") or policy.namespace) if isinstance(ref, Mapping) else "", str(name))
            if kind == "ServiceAccount":
                mine = self.cluster.of_account(*key)
            elif kind == "MeshTLSAuthentication" and key in self.tls:
                mine = self._identities(self.tls[key])
            elif kind == "NetworkAuthentication" and key in self.networks:
                met = self._addresses(self.networks[key])
                sources = met if sources is None else sources & met
                continue
            elif kind is UNKNOWN:
                unknown.append(where)
                continue
            else:
                mine = frozenset()  # A reference to nothing refuses everybody.
            names = mine if names is None else names & mine
        if names is None and sources is not None and self.nodes.covers_addresses(sources):
            return None, ()
        return Who(workloads=names, sources=sources), tuple(unknown)

    def _identities(self, one: KubeObject) -> frozenset[str]:
        found: set[str] = set()
        for ref in one.get_list("spec", "identityRefs"):
            if not isinstance(ref, Mapping):
                continue
            namespace = str(ref.get("namespace") or one.namespace)
            if ref.get("kind") == "ServiceAccount":
                found |= self.cluster.of_account(namespace, str(ref.get("name")))
            elif ref.get("kind") == "Namespace":
                found |= {each.name for each in self.cluster.workloads if each.namespace == str(ref.get("name"))}
        for text in one.get_list("spec", "identities"):
            found |= self._of_identity(str(text))
        return frozenset(found)

    def _of_identity(self, text: str) -> frozenset[str]:
        """`ledger.airflow.serviceaccount.identity.linkerd.cluster.local`, `*` or `*.` and a suffix."""
        if text == "*":
            return names_of(self.members)
        suffix = text.removeprefix("*")
        return frozenset(
            one.name
            for one in self.cluster.workloads
            if (identity := f"{one.service_account}.{one.namespace}.serviceaccount.identity.linkerd.cluster.local") == text
            or (text.startswith("*") and identity.endswith(suffix))
        )

    def _addresses(self, one: KubeObject) -> Hosts:
        found = Hosts()
        for network in one.get_list("spec", "networks"):
            if isinstance(network, Mapping) and isinstance(network.get("cidr"), str):
                whole = Hosts.from_cidr(network["cidr"])
                out = [str(each) for each in network.get("except") or ()]
                found |= whole - Hosts.from_cidrs(out) if out else whole
        return found


def _operations(match: Mapping[str, Any]) -> Iterator[HttpOperation]:
    method = str(match.get("method") or "*")
    path = match.get("path")
    if not isinstance(path, Mapping):
        yield HttpOperation(method)
        return
    value = escape(str(path.get("value") or "/"))
    match path.get("type") or "PathPrefix":
        case "Exact":
            yield HttpOperation(method, value)
        case "PathPrefix":
            # A prefix is of whole segments (Gateway API, "HTTPPathMatch").
            bare = value.rstrip("/")
            if bare:
                yield HttpOperation(method, bare)
            yield HttpOperation(method, f"{bare}/*")
        case _:
            # The whole path has to match (linkerd2-proxy); of patterns, a text and what is below it.
            if found := re.fullmatch(r"((?:[\w/~%-]|\\[^\w])*)(\.\*)?", str(path.get("value") or "")):
                yield HttpOperation(method, re.sub(r"\\(.)", r"\1", found[1]) + ("*" if found[2] else ""))
