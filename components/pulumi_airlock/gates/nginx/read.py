"""What the gateways of people let through: nginx by the configuration that it runs, and the objects of other controllers.

A gateway carries on: behind it, gates of the cluster meet its own workload, and its upstream in place of the name that people
typed. Of a request it sees the groups of whoever signed in, the host, the method and the path. A location that passes on an
identity header as the client sends it is read as what it is: whoever comes may be anybody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...environments import read_environments
from ...proof.filters import Action, Combine, Filter, Match, Need, Relay, Rule, Source
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import NGINX_GATEWAY
from ..declaration import declared_hosts
from ..kubernetes import Cluster, Workload, read_cluster
from ..stack import Resource, Stack
from .directives import ConfigError, Directive
from .names import names_of
from .own import needs_of
from .pods import Nginx, SignIn, gateways, sign_ins
from .servers import Passed, Server, Surroundings, read_servers
from .synth import Made, made

DEFAULT_NAME = "nginx"


def read(stack: Stack) -> Iterator[Filter]:
    """One filter for each gateway: its component, or by its default name all that belong to none."""
    found = list(_gateways(stack))
    components = {one.name: one for one in stack.of_type(NGINX_GATEWAY)}
    declared = Hosts.from_names(sorted(declared_hosts(stack)))
    for gate in dict.fromkeys(one.gate for one in found):
        needs = needs_of(components[gate], stack) if gate in components else ()
        yield _filter(gate, [one for one in found if one.gate == gate], needs, declared)


@dataclass(frozen=True)
class _Gateway:
    """What one nginx, or one object of another controller, passes on."""

    gate: str
    urn: str
    workload: str | None
    servers: tuple[tuple[Server, Services], ...]
    source: "_Sources"
    broken: str = ""


@dataclass(frozen=True)
class _Sources:
    """The resource behind a directive, and its place there."""

    resources: Mapping[str, tuple[Resource, str]]
    otherwise: Resource

    def of(self, one: Directive, label: str) -> Source:
        if one.file in self.resources:
            resource, key = self.resources[one.file]
            return resource.at("data", key, label=f"{label} ({key}:{one.line})")
        return Source(self.otherwise.urn, one.file, label)


def _gateways(stack: Stack) -> Iterator[_Gateway]:
    if not any(one.startswith("kubernetes:") for one in stack.types):
        return
    cluster = read_cluster(stack)
    components = stack.of_type(NGINX_GATEWAY)
    around = Surroundings(
        namespace="default",
        signs_in=dict(_signs_in(sign_ins(stack), cluster)),
        tasks=frozenset(one.name for one in read_environments(stack)),
    )
    for one in gateways(stack, cluster):
        yield _of_nginx(one, components, around)
    for other in made(stack):
        yield _of_object(other, components, around)


def _named(resource: Resource, components: tuple[Resource, ...]) -> tuple[str, str, str | None]:
    """The gate that a resource belongs to: its component's name, that component, and as which workload it goes on."""
    mine = next((one for one in resource.ancestors() if one.type == NGINX_GATEWAY), components[0] if components else None)
    if mine is None:
        return DEFAULT_NAME, resource.urn, None
    workload = mine.get("workload")
    return mine.name, mine.urn, workload if isinstance(workload, str) else None


def _of_nginx(one: Nginx, components: tuple[Resource, ...], around: Surroundings) -> _Gateway:
    gate, urn, _ = _named(one.owner.resource, components)
    sources = _Sources({path: (kept.resource, key) for path, (kept, key, _) in one.files.items()}, one.owner.resource)
    name = one.workload.name if one.workload is not None else f"{one.owner.namespace}/default"
    try:
        servers = tuple(read_servers(one.root(), replace(around, namespace=one.owner.namespace)))
    except ConfigError as error:
        return _Gateway(gate, urn, name, (), sources, broken=str(error))
    found = tuple((server, _services(one.workload, server)) for server in servers)
    return _Gateway(gate, urn, name, found, sources)


def _of_object(one: Made, components: tuple[Resource, ...], around: Surroundings) -> _Gateway:
    gate, urn, workload = _named(one.object.resource, components)
    servers = read_servers(one.root, replace(around, namespace=one.object.namespace, shared=True))
    found = tuple((server, Services.union(Services.of("tcp", port, port) for port in server.ports)) for server in servers)
    return _Gateway(gate, urn, workload, found, _Sources({}, one.object.resource))


def _services(workload: Workload | None, server: Server) -> Services:
    """The ports by which people reach a server: those of the Services in front of it, or its own where there is none."""
    own = Services.union(Services.of("tcp", port, port) for port in server.ports)
    if workload is None or not workload.services:
        return own
    ports = (
        one for service in workload.services for one in service.ports if one.protocol == "tcp" and one.target in server.ports
    )
    return Services.union(Services.of("tcp", one.port, one.port) for one in ports)


def _signs_in(found: Iterable[SignIn], cluster: Cluster) -> Iterator[tuple[str, tuple[frozenset[str], tuple[str, ...]]]]:
    for one in found:
        for workload in cluster.workloads:
            if workload.urn == one.owner.resource.urn:
                for name in workload.names:
                    yield name, (one.groups, one.unsure)


def _filter(gate: str, found: list[_Gateway], needs: tuple[Need, ...], declared: Hosts) -> Filter:
    allowing: list[Rule] = []
    denying: list[Rule] = []
    relays: dict[Relay, None] = {}
    for one in found:
        if one.broken:
            reason = (f"its configuration: {one.broken}",)
            allowing.append(Rule(Action.ALLOW, Match(), one.source.of(Directive("", (), 0), "a configuration"), reason))
        for server, services in one.servers:
            for passed in server.passed if services else ():
                rule = _rule(passed, server, services, one.source)
                (allowing if passed.action is Action.ALLOW else denying).append(rule)
            relays |= dict.fromkeys(_relays(server, one.workload, declared))
    # Locations do not overlap, and of two gateways of one name either may be asked: what either allows comes first.
    shape = Shape(nouns=("rule", "rules"))
    rules = (*allowing, *denying)
    return Filter(
        gate, "people", Combine.FIRST_MATCH, Action.DENY, rules, found[0].urn, relays=tuple(relays), shape=shape, needs=needs
    )


def _rule(passed: Passed, server: Server, services: Services, sources: _Sources) -> Rule:
    match = Match(who=passed.who, hosts=server.hosts, services=services, operations=passed.operations)
    return Rule(passed.action, match, sources.of(passed.directive, passed.label), passed.unknown, implied=passed.implied)


def _relays(server: Server, workload: str | None, declared: Hosts) -> Iterator[Relay]:
    # Of all the names that a default server takes, only some have its address: its own, and what is declared, at most.
    said, _ = names_of(server.directive)
    hosts = server.hosts & (said | declared) if server.hosts.addresses() else server.hosts
    if not hosts or not server.upstreams or not any(one.action is Action.ALLOW for one in server.passed):
        return
    onward, services = server.upstreams[0].hosts, server.upstreams[0].services
    for one in server.upstreams[1:]:
        onward, services = onward | one.hosts, services | one.services
    yield Relay(hosts=hosts, workload=workload, onward=Match(hosts=onward, services=services))
