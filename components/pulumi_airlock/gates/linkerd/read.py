"""What Linkerd lets through, as one filter on what reaches workloads of the mesh.

Semantics: Linkerd, "Authorization Policy". A port with a Server is for whom an AuthorizationPolicy of the Server, of its
namespace, or of the HTTPRoute that takes the request lets in; what no HTTPRoute of a Server with routes takes is not found (404).
A port without a Server goes by the `default-inbound-policy` of the workload. Proxies see TCP alone. Traffic of a pod to itself,
and the kubelet's probes from declared node networks, are no traffic of the proof.
"""

from collections.abc import Iterable, Iterator, Mapping
from glob import escape

from ...proof.filters import Action, Combine, Filter, HttpOperation, Match, Rule, Source, Who
from ...proof.sets import Services
from ...proof.shape import Shape
from ...tokens import LINKERD_GATE
from ..kubernetes import Cluster, KubeObject, LabelSelector, Workload, objects, read_cluster
from ..kubernetes.outside import without_proxy
from ..stack import UNKNOWN, Stack, port_number
from .callers import Callers, Grant
from .compile import POLICY
from .pods import Pods, Settings, selects
from .requests import RouteMatch, ranked, tied

DEFAULT_NAME = "linkerd"
GATEWAY_API = "gateway.networking.k8s.io"
_ANY_REQUEST = frozenset({HttpOperation()})
_TCP = Services.of("tcp")
_SHAPE = Shape(nouns=("authorization", "authorizations"))


def read(stack: Stack) -> Iterator[Filter]:
    """The filter of the mesh; none where the stack has no Server."""
    gates = stack.of_type(LINKERD_GATE)
    servers = objects(stack, POLICY, "Server")
    if not servers and not gates:
        return
    cluster = read_cluster(stack)
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, servers[0].resource.urn)
    pods = Pods(stack, cluster, servers)
    if pods.members:
        reader = _Reader(stack, cluster, servers, pods)
        yield Filter(
            gate,
            "authorization at workloads",
            Combine.FIRST_MATCH,
            Action.DENY,
            tuple(rule for one in pods.members for rule in reader.at(one)),
            urn,
            scope=Match(hosts=cluster.hosts(pods.members), services=_TCP),
            always=True,
            shape=_SHAPE,
        )
    # Where Servers are, somebody takes workloads for held.
    spaces = {one.namespace for one in servers}
    free = [one for one in cluster.workloads if one.namespace in spaces and one.name in pods.outside]
    yield from without_proxy(gate, urn, cluster, free, _SHAPE)


class _Reader:
    """Reads one mesh."""

    def __init__(self, stack: Stack, cluster: Cluster, servers: tuple[KubeObject, ...], pods: Pods) -> None:
        self.cluster, self.servers, self.pods = cluster, servers, pods
        self.callers = Callers(stack, cluster, pods)
        self.routes = {
            "HTTPRoute": [*objects(stack, POLICY, "HTTPRoute"), *objects(stack, GATEWAY_API, "HTTPRoute")],
            "GRPCRoute": list(objects(stack, GATEWAY_API, "GRPCRoute")),
        }

    def at(self, one: Workload) -> Iterator[Rule]:
        """Every authorization at a workload, port by port."""
        said = self.pods.settings(one)
        yield from _allow(one, said.skipped, [self._anybody(one, "that its proxy skips")])
        if said.subnets:
            anybody = self._anybody(one, "from networks that its proxy skips")
            yield from _allow(one, _TCP, [Grant(Who(sources=said.subnets), anybody.source)])
        mine = [(server, ports) for server in self.servers if (ports := self._ports(server, one) - said.skipped)]
        for server, ports in sorted(mine, key=lambda each: _age(each[0])):
            others = [other for other, theirs in mine if other is not server and theirs & ports]
            yield from self._of_server(server, one, ports, said, others)
        yield from self._elsewhere(one, _TCP - said.skipped - Services.union(ports for _, ports in mine), said)

    def _anybody(self, one: Workload, ports: str, *unknown: str) -> Grant:
        source = Source(one.urn or self.cluster.declared.urn, label=f"ports of {one.name} {ports}")
        return Grant(Who(), source, unknown)

    def _ports(self, server: KubeObject, one: Workload) -> Services:
        """The ports of a workload that a Server is for."""
        if not selects(server, one):
            return Services()
        port = server.get("spec", "port")
        if isinstance(port, str) and not port.isdigit():
            named = one.ports.get(port)
            return Services.of("tcp", named[1], named[1]) if named and named[0] == "tcp" else Services()
        number = port_number(port)
        return Services.of("tcp", number, number) if number is not None else _TCP

    def _of_server(
        self, server: KubeObject, one: Workload, ports: Services, said: Settings, others: list[KubeObject]
    ) -> Iterator[Rule]:
        doubts = _which(server, others)
        doubts += [f"{server.resource.name}.spec.port"] if not _has_port(server) else []
        doubts += list(LabelSelector.parse(server.get("spec", "podSelector")).unknown)
        protocol = server.get("spec", "proxyProtocol", default="unknown")
        doubts += [f"{server.resource.name}.spec.proxyProtocol"] if protocol is UNKNOWN else []
        granted = [_doubted(each, doubts) for each in self.callers.of_server(server)]
        if protocol not in ("opaque", "TLS"):
            routes = [each for each in self.routes["GRPCRoute" if protocol == "gRPC" else "HTTPRoute"] if _parent(each, server)]
            if routes:
                yield from self._of_requests(one, ports, ranked(routes), granted, doubts)
            else:
                yield from self._of_probes(one, ports, said, doubts)
        only_requests = protocol in ("HTTP/1", "HTTP/2", "gRPC")
        yield from _allow(one, ports, granted, _ANY_REQUEST if only_requests else None)
        if others and not doubts:
            # Nobody else comes in at these ports, whatever younger Servers say.
            yield from _deny(one, ports, server)

    def _of_requests(
        self, one: Workload, ports: Services, matches: list[RouteMatch], granted: list[Grant], doubts: list[str]
    ) -> Iterator[Rule]:
        """Requests by the routes that take them, the best first; then what no route takes."""
        of = {each.route.resource.urn: list(self.callers.of_route(each.route)) for each in matches}
        for each in matches:
            mine = of[each.route.resource.urn]
            rivals = [other.route for other in tied(each, matches) if _whos(of[other.route.resource.urn]) != _whos(mine)]
            unsure = [*doubts, *each.unknown, *(f"{each.route} and {other}: which of them is older" for other in rivals)]
            operations = frozenset({each.operation})
            yield from _allow(one, ports, [_doubted(grant, unsure) for grant in (*granted, *mine)], operations)
            yield from _deny(one, ports, each.route, operations, unsure)
        yield from _deny(one, ports, matches[0].route, _ANY_REQUEST, doubts)

    def _of_probes(self, one: Workload, ports: Services, said: Settings, doubts: Iterable[str] = ()) -> Iterator[Rule]:
        """Where no HTTPRoute is, anybody may ask for what the kubelet probes."""
        for number, paths in said.probes.items():
            here = ports & Services.of("tcp", number, number)
            asked = frozenset(HttpOperation("GET", escape(path)) for path in paths)
            yield from _allow(one, here, [self._anybody(one, "that the kubelet probes", *doubts)], asked)

    def _elsewhere(self, one: Workload, rest: Services, said: Settings) -> Iterator[Rule]:
        """Ports without a Server."""
        yield from self._of_probes(one, rest - said.opaque, said)
        anybody = self._anybody(one, "without a Server", f"{one.name}: the default-inbound-policy of its pods")
        if said.default is None:
            yield from _allow(one, rest, [anybody])
            return
        for ports, with_identity in ((rest & said.with_identity, True), (rest - said.with_identity, False)):
            found = self.callers.by_default(said.default, anybody.source, with_identity=with_identity)
            yield from _allow(one, ports, list(found))


def _has_port(server: KubeObject) -> bool:
    """Whether it is known which port a Server is for."""
    port = server.get("spec", "port")
    return port is None or isinstance(port, str) or port_number(port) is not None


def _allow(
    one: Workload, ports: Services, grants: Iterable[Grant], operations: frozenset[HttpOperation] | None = None
) -> Iterator[Rule]:
    for grant in grants:
        for hosts, services in one.reached(ports):
            yield Rule(Action.ALLOW, Match(grant.who, hosts, services, operations), grant.source, grant.unknown)


def _deny(
    one: Workload,
    ports: Services,
    by: KubeObject,
    operations: frozenset[HttpOperation] | None = None,
    unknown: Iterable[str] = (),
) -> Iterator[Rule]:
    for hosts, services in one.reached(ports):
        match = Match(hosts=hosts, services=services, operations=operations)
        yield Rule(Action.DENY, match, by.at("spec"), tuple(unknown), implied=True)


def _doubted(grant: Grant, doubts: Iterable[str]) -> Grant:
    return Grant(grant.who, grant.source, tuple(dict.fromkeys((*grant.unknown, *doubts))))


def _whos(grants: Iterable[Grant]) -> set[tuple[Who, tuple[str, ...]]]:
    return {(grant.who, grant.unknown) for grant in grants}


def _age(one: KubeObject) -> tuple[str, str]:
    made = one.get("metadata", "creationTimestamp")
    return made if isinstance(made, str) else "", one.name


def _which(server: KubeObject, others: Iterable[KubeObject]) -> list[str]:
    """Of several Servers for a port the oldest counts (policy-controller, inbound/index.rs); a preview knows no age."""
    return [f"{server} and {other}: which of them is older" for other in others if not (_age(server)[0] and _age(other)[0])]


def _parent(route: KubeObject, server: KubeObject) -> bool:
    """Whether a route is attached to a Server: one of its namespace, and as a whole (policy-controller, inbound/routes.rs)."""
    return route.namespace == server.namespace and any(
        ref.get("kind") == "Server"
        and ref.get("name") == server.name
        and ref.get("namespace") in (None, route.namespace)
        and not ref.get("port")
        and not ref.get("sectionName")
        for ref in route.get_list("spec", "parentRefs")
        if isinstance(ref, Mapping)
    )
