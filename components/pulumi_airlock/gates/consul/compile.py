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
_REFUSED: Mapping[str, Any] = {"action": "deny", "http": {"pathPrefix": "/"}}
"""The last permission: where none matches the default policy decides, which allows where there are no ACLs."""


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
    for account, group in _by_account(cluster, spaces).items():
        mine = [each for each in found if each.callers and any(one in each.workloads for one in group)]
        if mine and (others := {one.namespace for one in group} - {group[0].namespace}):
            where = ", ".join(sorted({group[0].namespace, *others}))
            why = "Consul calls services by their accounts, whatever their namespace: rename one"
            problems.append(Problem(gate, account, f"is a service account in {where}: {why}"))
        problems += [
            Problem(gate, f"{caller} → {account}", "takes different things out of different requests, which one order cannot say")
            for caller, wanted in _by_caller(mine, cluster).items()
            if len({_taken_out(one) for each in wanted for one in each.operations or ()} - {None}) > 1
        ]
        objects += _at(group[0].namespace, account, mine, cluster)
    if problems:
        raise InputError(problems)
    beyond: dict[str, list[Wanted]] = {}
    for each in found:
        if goes_out(each):
            beyond.setdefault(name_of(each), []).append(each)
    for name, wanted in beyond.items():
        objects += _external(name, wanted, home, cluster)
    if gateway is not None and beyond:
        services = [{"name": name} for name in beyond]
        objects.append(ConsulObject("TerminatingGateway", gateway.namespace, gateway.name, {"services": services}))
    return objects


def _by_account(cluster: Cluster, spaces: Sequence[str]) -> dict[str, list[Workload]]:
    """The workloads of each service: Consul's name of it is that of their service account."""
    found: dict[str, list[Workload]] = {}
    for one in cluster.workloads:
        if one.namespace in spaces and not one.stands_for:
            found.setdefault(one.service_account, []).append(one)
    return found


def goes_out(one: Wanted) -> bool:
    """Whether a destination is reached by its name, through the terminating gateway."""
    return bool(one.routes) and not one.workloads and bool(one.to.names.mentioned())


def name_of(one: Wanted) -> str:
    """How Consul calls a service beyond the cluster: as the access file does."""
    return one.destination.name if one.destination else min(one.to.names.mentioned())


def _intention(destination: str, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"destination": {"name": destination}, "sources": sources}


def _at(namespace: str, name: str, found: Sequence[Wanted], cluster: Cluster) -> Iterator[ConsulObject]:
    """What reaches one service of the mesh."""
    if not found:
        return
    http = any(each.operations is not None for each in found)
    routes = tuple(dict.fromkeys(route for each in found for route in each.routes))
    defaults = {"protocol": "http" if http else "tcp", "mutualTLSMode": "strict", "transparentProxy": {"dialedDirectly": True}}
    yield ConsulObject("ServiceDefaults", namespace, name, defaults)
    sources: list[dict[str, Any]] = []
    for account, mine in _by_caller(found, cluster).items():
        if all(each.operations is not None for each in mine):
            operations = {operation for each in mine for operation in each.operations or ()}
            sources.append({"name": account, "permissions": list(_permissions(sorted(operations, key=str)))})
        else:
            sources.append({"name": account, "action": "allow"})
    yield ConsulObject("ServiceIntentions", namespace, name, _intention(name, sources), routes)


def _by_caller(found: Sequence[Wanted], cluster: Cluster) -> dict[str, list[Wanted]]:
    """What each caller wants, by its service account."""
    result: dict[str, list[Wanted]] = {}
    for caller in sorted({name for each in found for name in each.callers}):
        account = cluster.by_name[caller].service_account if caller in cluster.by_name else caller.rpartition("/")[2]
        result.setdefault(account, []).extend(each for each in found if caller in each.callers)
    return result


def _permissions(operations: Sequence[HttpOperation]) -> Iterator[dict[str, Any]]:
    """One caller's permissions, of which the first that matches decides: what is taken out comes before what it is taken from."""
    cut = [one for one in operations if _taken_out(one)]
    yield from (_permission("allow", one.path, [one.method]) for one in operations if one not in cut)
    for one in cut:
        yield from (_permission("deny", path, [one.method]) for path in sorted(one.not_paths))
        if one.not_methods:
            yield _permission("deny", one.path, sorted(one.not_methods))
    yield from (_permission("allow", one.path, [one.method]) for one in cut)
    yield dict(_REFUSED)


def _taken_out(one: HttpOperation) -> tuple[frozenset[str], frozenset[str]] | None:
    return (one.not_paths, one.not_methods) if one.not_paths or one.not_methods else None


def _permission(action: str, path: str, methods: Sequence[str]) -> dict[str, Any]:
    http: dict[str, Any] = {"pathPrefix": path.removesuffix("*")} if path.endswith("/*") else {"pathExact": path}
    if path == "*":
        http = {"pathPrefix": "/"}
    if "*" not in methods:
        http["methods"] = list(methods)
    return {"action": action, "http": http}


def _external(name: str, found: Sequence[Wanted], home: str, cluster: Cluster) -> Iterator[ConsulObject]:
    port = next(first for _, first, _ in found[0].services.ranges())
    addresses = sorted({address for each in found for address in each.to.names.mentioned()})
    routes = tuple(dict.fromkeys(route for each in found for route in each.routes))
    destination = {"addresses": addresses, "port": port}
    yield ConsulObject("ServiceDefaults", home, name, {"protocol": "tcp", "destination": destination}, routes)
    sources = [{"name": account, "action": "allow"} for account in _by_caller(found, cluster)]
    yield ConsulObject("ServiceIntentions", home, name, _intention(name, sources), routes)


def _problems(found: Sequence[Wanted], gate: str, gateway: TerminatingGateway | None) -> Iterator[Problem]:
    for one in found:
        if not one.routes:
            continue
        what = f"route {one.routes[0]}"
        for path in sorted({path for each in one.operations or () for path in (each.path, *each.not_paths)}):
            if path != "*" and any(char in path.removesuffix("/*") for char in "*?["):
                fix = "write it exactly, or with /* at its end"
                yield Problem(gate, what, f"path {path!r}: Consul's permissions know exact paths and prefixes: {fix}")
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
