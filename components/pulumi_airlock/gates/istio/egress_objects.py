"""Compiles what leaves the cluster by names into the egress gateway's objects: plain data, no SDK in here.

The sidecar wraps what goes to a name into the mesh's mTLS, with that name as the server name (DestinationRule, ISTIO_MUTUAL):
only so does the gateway see who calls, and which name. What is inside, the caller's own TLS or not, passes as it is. With
PASSTHROUGH, as Istio's "Egress Gateways" has it, there is the caller's TLS alone, and the gateway knows no identity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Problem
from ..kubernetes.wanted import Wanted
from ..naming import cut_name
from .mesh_config import ROOT
from .objects import LONGEST, NETWORKING, SECURITY, IstioObject, sources

SERVICE_PORT = 443
"""The port of the gateway's Service, as its chart has it (istio/istio, manifests/charts/gateway)."""
GATEWAY_PORT = 8443
"""Where the gateway's pods listen for it: what an AuthorizationPolicy calls the port."""
_TLS = ("https", "tls")


@dataclass(frozen=True, slots=True)
class EgressGateway:
    """The mesh's egress gateway, which somebody else deploys: pods, their account, and the Service before them."""

    namespace: str = "istio-egress"
    service: str = "istio-egressgateway"
    service_account: str = "istio-egressgateway"
    labels: tuple[tuple[str, str], ...] = (("istio", "egressgateway"),)

    @property
    def host(self) -> str:
        """The Service's name."""
        return f"{self.service}.{self.namespace}.svc.cluster.local"

    @property
    def workload(self) -> str:
        """Its name as a workload."""
        return f"{self.namespace}/{self.service_account}"


@dataclass(frozen=True, slots=True)
class _Way:
    """One name, and where it leads."""

    name: str
    port: int
    tls: bool
    spaces: tuple[str, ...]
    """Namespaces of the callers: nobody else is sent this way."""
    routes: tuple[str, ...]

    @property
    def subset(self) -> str:
        """The DestinationRule's subset for it, and the name of its objects."""
        return cut_name(LONGEST, self.name.replace(".", "-"))


def goes_out(one: Wanted) -> bool:
    """Whether a destination is reached by its name, through the egress gateway."""
    return bool(one.routes) and not one.workloads and bool(one.to.names.mentioned())


def problems(beyond: Sequence[Wanted], gate: str, egress: EgressGateway | None) -> Iterator[Problem]:
    """What the gateway cannot hold."""
    ports: dict[str, tuple[int, str]] = {}
    if egress is not None and egress.namespace == ROOT and beyond:
        yield Problem(gate, "egress_gateway", f"{ROOT} is the root namespace, whose policies hold in the whole mesh: use another")
    for one in beyond:
        what, names = f"route {one.routes[0]}", sorted(one.to.names.mentioned())
        if egress is None:
            yield Problem(
                gate,
                what,
                f"{', '.join(names)} is beyond the cluster, and without an egress gateway a sidecar holds nothing there",
            )
            continue
        for name in (each for each in names if each.startswith("*")):
            yield Problem(
                gate, what, f"{name}: the egress gateway goes on to single names: name them, or leave it to another gate"
            )
        ranges = list(one.services.ranges())
        if len(ranges) != 1 or ranges[0][0] != 6 or ranges[0][1] != ranges[0][2]:
            yield Problem(gate, what, f"{one.services}: through the egress gateway a name has one TCP port")
            continue
        for name in names:
            port, route = ports.setdefault(name, (ranges[0][1], one.routes[0]))
            if port != ranges[0][1]:
                yield Problem(
                    gate, what, f"{name} has port {port} in route {route}: through the egress gateway a name has one port"
                )


def way_out(beyond: Sequence[Wanted], gate: str, version: tuple[int, ...], egress: EgressGateway) -> Iterator[IstioObject]:
    """The way to every name, and for each destination whom its policy lets out."""
    if not beyond:
        return
    ways = list(_ways(beyond))
    yield _trust(ways, gate, egress)
    for one in ways:
        yield from _way(one, gate, egress)
    for each in beyond:
        names = sorted(each.to.names.mentioned())
        rule = {
            "from": sources(sorted(name.partition(" (")[0] for name in each.callers), version),
            "to": [{"operation": {"ports": [str(GATEWAY_PORT)]}}],
            "when": [{"key": "connection.sni", "values": names}],
        }
        spec = {"selector": {"matchLabels": dict(egress.labels)}, "action": "ALLOW", "rules": [rule]}
        key = cut_name(LONGEST, gate, each.destination.name if each.destination else names[0], *each.routes[1:])
        yield IstioObject(SECURITY, "AuthorizationPolicy", egress.namespace, key, spec, each.routes)


def _ways(beyond: Sequence[Wanted]) -> Iterator[_Way]:
    found: dict[str, _Way] = {}
    for one in beyond:
        _, port, _ = next(iter(one.services.ranges()))
        kind = (one.destination.protocol or "").lower() if one.destination else ""
        for name in sorted(one.to.names.mentioned()):
            known = found.get(name)
            spaces = {caller.partition("/")[0] for caller in one.callers} | set(known.spaces if known else ())
            routes = tuple(dict.fromkeys((*(known.routes if known else ()), *one.routes)))
            found[name] = _Way(name, port, port == 443 or kind in _TLS, tuple(sorted(spaces)), routes)
    yield from found.values()


def _trust(ways: Sequence[_Way], gate: str, egress: EgressGateway) -> IstioObject:
    """How sidecars connect to the gateway: one subset for each name, by which the gateway is asked for that name."""
    subsets = [{"name": one.subset, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL", "sni": one.name}}} for one in ways]
    spec = {"host": egress.host, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}, "subsets": subsets}
    routes = tuple(dict.fromkeys(route for one in ways for route in one.routes))
    return IstioObject(NETWORKING, "DestinationRule", egress.namespace, cut_name(LONGEST, gate, "egress"), spec, routes)


def _way(one: _Way, gate: str, egress: EgressGateway) -> Iterator[IstioObject]:
    key = cut_name(LONGEST, gate, one.subset)
    protocol = "TLS" if one.tls else "TCP"
    shared = [".", *(space for space in one.spaces if space != egress.namespace)]
    entry = {
        "hosts": [one.name],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "ports": [{"number": one.port, "name": f"{protocol.lower()}-{one.port}", "protocol": protocol}],
        "exportTo": shared,
    }
    server = {
        "port": {"number": SERVICE_PORT, "name": one.subset, "protocol": "TLS"},
        "hosts": [one.name],
        "tls": {"mode": "ISTIO_MUTUAL"},
    }
    leading: dict[str, Any] = {"gateways": ["mesh"], "port": one.port}
    to_gateway = {"destination": {"host": egress.host, "subset": one.subset, "port": {"number": SERVICE_PORT}}}
    onward = {
        "match": [{"gateways": [f"{egress.namespace}/{key}"], "port": SERVICE_PORT}],
        "route": [{"destination": {"host": one.name, "port": {"number": one.port}}}],
    }
    in_mesh = {"match": [{**leading, "sniHosts": [one.name]} if one.tls else leading], "route": [to_gateway]}
    rules = {"tls": [in_mesh], "tcp": [onward]} if one.tls else {"tcp": [in_mesh, onward]}
    spec = {"hosts": [one.name], "gateways": ["mesh", f"{egress.namespace}/{key}"], **rules, "exportTo": shared}
    yield IstioObject(NETWORKING, "ServiceEntry", egress.namespace, key, entry, one.routes)
    gateway = {"selector": dict(egress.labels), "servers": [server]}
    yield IstioObject(NETWORKING, "Gateway", egress.namespace, key, gateway, one.routes)
    yield IstioObject(NETWORKING, "VirtualService", egress.namespace, key, spec, one.routes)
