"""What leaves the mesh by an egress gateway, read from the objects that lead there.

A VirtualService for the gateway named `mesh` takes a name to the egress gateway's Service; a DestinationRule says whether the
sidecar shows its certificate on that way, and which server name it asks for; the gateway's AuthorizationPolicies decide by both.
Where TLS only passes through (PASSTHROUGH, without ISTIO_MUTUAL before it), the gateway sees no identity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Action, Combine, Filter, Match, Relay, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ..kubernetes import KubeObject, LabelSelector, Workload, objects
from ..kubernetes.workloads import SERVICE_DOMAIN
from ..stack import Stack, listed, mapping, port_number
from .extensions import GATEWAY, changed
from .matching import matches
from .policies import Mesh
from .rules import Box, Enforcer

NETWORKING = "networking.istio.io"
_HTTP = ("HTTP", "HTTPS", "HTTP2", "GRPC")


@dataclass(frozen=True, slots=True)
class Exit:
    """Where one name goes: by which gateway, and what that one sees of who goes there."""

    name: str
    ports: Services
    gateway: Workload
    entry: int
    """The port of the gateway's Service."""
    sni: str
    """The server name that the gateway sees."""
    identity: bool | None
    """Whether it sees the caller's identity; None where that is not known."""
    http: bool = False


def leaving(stack: Stack, mesh: Mesh, gate: str, urn: str, shape: Shape) -> Iterator[Filter]:
    """A filter for each egress gateway: by the caller's identity and the server name."""
    found = list(exits(stack, mesh))
    for gateway in {one.gateway.name: one.gateway for one in found}.values():
        mine = [one for one in found if one.gateway is gateway]
        names = Hosts.from_names(one.name for one in mine)
        rules = [*_open(mesh, gateway, names), *(rule for one in mine for rule in _rules(mesh, one))]
        rules = list(changed(rules, mesh.extensions.on(gateway, GATEWAY), Match(hosts=names)))
        entry = Match(hosts=gateway.hosts, services=Services.union(Services.of("tcp", one.entry, one.entry) for one in mine))
        yield Filter(
            gate,
            f"egress gateway {gateway.name}",
            Combine.DENY_OVERRIDES,
            Action.DENY,
            tuple(rules),
            urn,
            scope=Match(hosts=names),
            always=True,
            relays=(Relay(hosts=names, entry=entry, alone=False),),
            shape=shape,
        )


def exits(stack: Stack, mesh: Mesh) -> Iterator[Exit]:
    """Every name that is led to a gateway of the mesh."""
    gateways = objects(stack, NETWORKING, "Gateway")
    rules = objects(stack, NETWORKING, "DestinationRule")
    for service in objects(stack, NETWORKING, "VirtualService"):
        via = [str(one) for one in service.get_list("spec", "gateways")] or ["mesh"]
        chosen = [one for one in gateways if any(_is(name, one, service.namespace) for name in via)]
        for protocol in ("tls", "tcp", "http"):
            for route in service.get_list("spec", protocol):
                if isinstance(route, Mapping):
                    yield from _of_route(service, protocol, route, via, chosen, rules, mesh)


def _of_route(
    service: KubeObject,
    protocol: str,
    route: Mapping[str, Any],
    via: list[str],
    gateways: list[KubeObject],
    rules: tuple[KubeObject, ...],
    mesh: Mesh,
) -> Iterator[Exit]:
    for match in listed(route.get("match")) or [{}]:
        given = match if isinstance(match, Mapping) else {}
        if "mesh" not in (listed(given.get("gateways")) or via):
            continue
        names = [str(one) for one in listed(given.get("sniHosts")) or service.get_list("spec", "hosts")]
        ports = _port(given.get("port"))
        for target in listed(route.get("route")):
            destination = target.get("destination") if isinstance(target, Mapping) else None
            if not isinstance(destination, Mapping):
                continue
            host = _full(str(destination.get("host") or ""), service.namespace)
            number = port_number(mapping(destination.get("port")).get("number"))
            for gateway in mesh.cluster.by_host.get(host, ()):
                for name in names:
                    yield _exit(
                        name,
                        ports,
                        gateway,
                        host,
                        number or 443,
                        str(destination.get("subset") or ""),
                        gateways,
                        rules,
                        protocol,
                    )


def _exit(
    name: str,
    ports: Services,
    gateway: Workload,
    host: str,
    entry: int,
    subset: str,
    gateways: list[KubeObject],
    rules: tuple[KubeObject, ...],
    protocol: str,
) -> Exit:
    shows, sni = _shown(host, subset, entry, rules)
    server = next(
        (
            each
            for one in gateways
            if LabelSelector.of_labels(one.get("spec", "selector", default={})).matches(gateway.labels)
            for each in one.get_list("spec", "servers")
            if isinstance(each, Mapping) and any(_serves(str(pattern), sni or name) for pattern in listed(each.get("hosts")))
        ),
        {},
    )
    mode = str(mapping(server.get("tls")).get("mode") or "")
    identity = (shows if mode in ("ISTIO_MUTUAL", "MUTUAL") else False if mode == "PASSTHROUGH" else None) if server else None
    kind = str(mapping(server.get("port")).get("protocol") or protocol).upper()
    return Exit(name, ports, gateway, entry, sni or name, identity, kind in _HTTP)


def _shown(host: str, subset: str, port: int, rules: tuple[KubeObject, ...]) -> tuple[bool | None, str]:
    """Whether sidecars show their certificate to a Service (its subset, its port), and the server name that they ask for."""
    for rule in rules:
        if _full(str(rule.get("spec", "host", default="")), rule.namespace) != host:
            continue
        policy = rule.get("spec", "trafficPolicy")
        for one in rule.get_list("spec", "subsets"):
            if isinstance(one, Mapping) and one.get("name") == subset and one.get("trafficPolicy"):
                policy = one["trafficPolicy"]
        if not isinstance(policy, Mapping):
            continue
        tls = policy.get("tls")
        for one in policy.get("portLevelSettings") or ():
            if isinstance(one, Mapping) and isinstance(one.get("port"), Mapping) and one["port"].get("number") == port:
                tls = one.get("tls", tls)
        if isinstance(tls, Mapping):
            return tls.get("mode") == "ISTIO_MUTUAL", str(tls.get("sni") or "")
    return None, ""


def _open(mesh: Mesh, gateway: Workload, names: Hosts) -> Iterator[Rule]:
    if not any("ALLOW" in one.actions and not one.unknown for one in mesh.on(gateway)):
        source = Source(gateway.urn or mesh.cluster.declared.urn, label=f"no ALLOW policy selects {gateway.name}")
        yield Rule(Action.ALLOW, Match(hosts=names), source)


def _rules(mesh: Mesh, one: Exit) -> Iterator[Rule]:
    """What the gateway's policies say of one name."""
    arriving = one.gateway.pods(Services.of("tcp", one.entry, one.entry))
    here = Hosts.from_names([one.name])
    for policy in mesh.on(one.gateway):
        for action in policy.actions & {"ALLOW", "DENY", "CUSTOM"}:
            enforcer = Enforcer.HTTP if one.http else Enforcer.TCP
            for position, box in mesh.boxes(policy, enforcer, action, sni=True):
                named = _asked(box, one.sni)
                if named is False or not box.ports & arriving:
                    continue
                doubts = [*policy.unknown, *box.unknown]
                doubts += [] if named else [f"{policy.object.resource.name}: whether {one.sni} is meant"]
                doubts += [f"{policy.object.resource.name}: an external authorizer decides"] if action == "CUSTOM" else []
                for who, doubt in _callers(mesh, box, one):
                    source = policy.object.at("spec", "rules", position)
                    match = Match(who, here, one.ports, box.operations)
                    yield Rule(
                        Action.ALLOW if action == "ALLOW" else Action.DENY, match, source, tuple(dict.fromkeys([*doubts, *doubt]))
                    )


def _callers(mesh: Mesh, box: Box, one: Exit) -> Iterator[tuple[Who, tuple[str, ...]]]:
    caller = box.caller
    assert mesh.identities is not None  # noqa: S101  # a mesh that was read has them
    if caller.named is None and caller.unnamed:
        yield Who(sources=caller.sources), ()
    elif one.identity is False:
        if caller.unnamed:
            yield Who(sources=caller.sources), ()
    else:
        strangers = (mesh.identities.everybody - mesh.members) | {""}
        named = (mesh.members if caller.named is None else caller.named & mesh.members) | (
            strangers if caller.unnamed else frozenset()
        )
        doubt = () if one.identity else (f"{one.gateway.name}: whether callers have an identity there",)
        if named:
            yield Who(workloads=named, sources=caller.sources), doubt


def _asked(box: Box, sni: str) -> bool | None:
    """Whether the conditions on the server name hold for one; None where it is a pattern that they hold for in part."""
    answers = [_among(values, sni) if values else True for values, _ in box.names]
    answers += [(None if (found := _among(out, sni)) is None else not found) for _, out in box.names if out]
    return False if False in answers else None if None in answers else True


def _among(values: tuple[str, ...], sni: str) -> bool | None:
    if not sni.startswith("*"):
        return any(matches(one, sni) for one in values)
    if any(one in ("*", sni) or (one.startswith("*") and sni[1:].endswith(one[1:])) for one in values):
        return True
    return None if any(matches(sni, one) or one.endswith("*") or one.startswith("*") for one in values) else False


def _serves(pattern: str, name: str) -> bool:
    """Whether a server of a Gateway is for a name: `*`, `*.example.com`, perhaps with a namespace before it."""
    host = pattern.rpartition("/")[2]
    return host in ("*", name) or (host.startswith("*") and name.endswith(host[1:]))


def _is(name: str, one: KubeObject, namespace: str) -> bool:
    """Whether a VirtualService means a Gateway: by its name in its namespace, or by both."""
    space, slash, own = name.rpartition("/")
    return (space if slash else namespace, own) == (one.namespace, one.name)


def _full(host: str, namespace: str) -> str:
    return host if "." in host else f"{host}.{namespace}.{SERVICE_DOMAIN}"


def _port(value: Any) -> Services:
    return Services.of("tcp", int(value), int(value)) if isinstance(value, int | float) else Services.every()
