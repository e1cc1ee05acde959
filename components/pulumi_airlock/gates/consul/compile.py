"""Compiles what the mesh has to let through into Consul's objects: plain data, no SDK in here.

One intention denies everything; for each service one says who may, with the requests where these count. With ACLs a service's
name is that of its service account, so that an intention's source is an account.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, Problem
from ...proof.filters import HttpOperation
from ...proof.sets import Services
from ..kubernetes import Cluster, Workload
from ..kubernetes.wanted import Wanted

GROUP = "consul.hashicorp.com"


@dataclass(frozen=True, slots=True)
class ConsulObject:
    """One object to make."""

    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any]
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminatingGateway:
    """The gateway by which services beyond the cluster are reached, which Consul's chart deploys."""

    name: str = "terminating-gateway"
    namespace: str = "consul"

    @property
    def workload(self) -> str:
        """Its name as a workload."""
        return f"{self.namespace}/{self.name}"


def compile_mesh(
    found: Sequence[Wanted], cluster: Cluster, namespaces: Sequence[str], gate: str, gateway: TerminatingGateway | None
) -> list[ConsulObject]:
    """The objects. InputError with every route that the mesh cannot hold."""
    problems = list(_problems(found, gate, gateway))
    if problems:
        raise InputError(problems)
    spaces = list(dict.fromkeys(namespaces))
    home = spaces[0]
    objects = [ConsulObject("ServiceIntentions", home, f"{gate}-deny-all", _intention("*", [{"name": "*", "action": "deny"}]))]
    for one in cluster.workloads:
        if one.namespace in spaces and not one.stands_for:
            objects += _at(one, [each for each in found if one in each.workloads and each.callers], cluster)
    beyond = [one for one in found if goes_out(one)]
    for each in beyond:
        objects += _external(each, home)
    if gateway is not None and beyond:
        services = [{"name": name_of(each)} for each in beyond]
        objects.append(ConsulObject("TerminatingGateway", gateway.namespace, gateway.name, {"services": services}))
    return objects


def goes_out(one: Wanted) -> bool:
    """Whether a destination is reached by its name, through the terminating gateway."""
    return bool(one.routes) and not one.workloads and bool(one.to.names.mentioned())


def name_of(one: Wanted) -> str:
    """How Consul calls a service beyond the cluster: as the access file does."""
    return one.destination.name if one.destination else min(one.to.names.mentioned())


def _intention(destination: str, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"destination": {"name": destination}, "sources": sources}


def _at(one: Workload, found: Sequence[Wanted], cluster: Cluster) -> Iterator[ConsulObject]:
    if not found:
        return
    http = any(each.operations is not None for each in found)
    routes = tuple(dict.fromkeys(route for each in found for route in each.routes))
    defaults = {"protocol": "http" if http else "tcp", "mutualTLSMode": "strict", "transparentProxy": {"dialedDirectly": True}}
    yield ConsulObject("ServiceDefaults", one.namespace, one.service_account, defaults)
    sources = []
    for caller in sorted({name for each in found for name in each.callers}):
        mine = [each for each in found if caller in each.callers]
        account = cluster.by_name[caller].service_account if caller in cluster.by_name else caller.rpartition("/")[2]
        if http and all(each.operations is not None for each in mine):
            permissions = [_permission(each) for each in sorted({o for w in mine for o in w.operations or ()}, key=str)]
            sources.append({"name": account, "permissions": permissions})
        else:
            sources.append({"name": account, "action": "allow"})
    yield ConsulObject("ServiceIntentions", one.namespace, one.service_account, _intention(one.service_account, sources), routes)


def _permission(one: HttpOperation) -> dict[str, Any]:
    http: dict[str, Any] = {}
    if one.path.endswith("/*"):
        http["pathPrefix"] = one.path.removesuffix("*")
    else:
        http["pathExact"] = one.path
    if one.method != "*":
        http["methods"] = [one.method]
    return {"action": "allow", "http": http}


def _external(one: Wanted, home: str) -> Iterator[ConsulObject]:
    name = name_of(one)
    port = next(first for _, first, _ in one.services.ranges())
    destination = {"addresses": sorted(one.to.names.mentioned()), "port": port}
    yield ConsulObject("ServiceDefaults", home, name, {"protocol": "tcp", "destination": destination}, one.routes)
    sources = [{"name": caller.rpartition("/")[2], "action": "allow"} for caller in sorted(one.callers)]
    yield ConsulObject("ServiceIntentions", home, name, _intention(name, sources), one.routes)


def _problems(found: Sequence[Wanted], gate: str, gateway: TerminatingGateway | None) -> Iterator[Problem]:
    for one in found:
        if not one.routes:
            continue
        what = f"route {one.routes[0]}"
        for operation in one.operations or ():
            body = operation.path.removesuffix("/*")
            if any(char in body for char in "*?["):
                fix = "write it exactly, or with /* at its end"
                yield Problem(gate, what, f"path {operation.path!r}: Consul's permissions know exact paths and prefixes: {fix}")
            if operation.not_paths:
                out = ", ".join(sorted(operation.not_paths))
                yield Problem(gate, what, f"{out}: taken out of a path, which this gate does not say: write what is allowed")
        if one.workloads:
            continue
        if goes_out(one) and not one.to.addresses():
            single = len(list(one.services.ranges())) == 1 and all(first == last for _, first, last in one.services.ranges())
            if gateway is None:
                names = ", ".join(sorted(one.to.names.mentioned()))
                yield Problem(gate, what, f"{names} is beyond the cluster: a terminating gateway is needed")
            elif not single or not one.services & Services.of("tcp"):
                yield Problem(gate, what, f"{one.services}: a service beyond the cluster has one TCP port")
        else:
            yield Problem(gate, what, f"{one.to}: the mesh holds no addresses beyond the cluster: leave the gate out of the zone")
