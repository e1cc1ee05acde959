"""What gateways need themselves, as their components register it: no excess, and blocked where another gate refuses it.

No SDK in here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ...proof.filters import HttpOperation, Match, Need, Who
from ...proof.sets import Hosts, Services
from ...tokens import CLUSTER, HELM_ENVIRONMENT
from ..stack import UNKNOWN, Resource, Stack


def needs_of(component: Resource, stack: Stack) -> tuple[Need, ...]:
    """The flows of a gateway's own, of each caller apart."""
    pods, cluster = _pods(stack, str(component.get("namespace"))), _cluster(stack)
    found = (_needs(one, pods, cluster) for one in component.get_list("ownFlows") if isinstance(one, Mapping))
    return tuple(need for each in found for need in each)


def _needs(one: Mapping[str, Any], pods: Hosts, cluster: Hosts) -> Iterator[Need]:
    cidrs, without = one.get("cidrs") or (), frozenset(str(path) for path in one.get("except") or ())
    requests = frozenset({HttpOperation("*", "/*", not_paths=without)}) if without else None
    services = Services.union(_service(str(each)) for each in one.get("services") or ())
    hosts = Hosts.from_names(map(str, one.get("hosts") or ())) | Hosts.from_cidrs(map(str, one.get("addresses") or ()))
    reason = str(one.get("reason") or "")
    if cidrs:
        people = (Hosts.from_cidrs(map(str, cidrs)) - pods - cluster).addresses()
        yield Need(Match(Who(frozenset(), people, workloads=frozenset({""})), hosts, services, requests), reason)
    for caller in map(str, one.get("callers") or ()):
        yield Need(Match(Who(workloads=frozenset({caller})), hosts, services, requests), reason, pods or None)


def _pods(stack: Stack, namespace: str) -> Hosts:
    """Where pods of a namespace have their addresses: those of the environment there, else those of the cluster."""
    own = [one for one in stack.of_type(HELM_ENVIRONMENT) if one.get("namespace") == namespace]
    return Hosts.union(_networks(one, "podCidrs") for one in own or stack.of_type(CLUSTER))


def _cluster(stack: Stack) -> Hosts:
    """The cluster's own networks, from which nobody comes but its pods and nodes."""
    keys = ("podCidrs", "serviceCidrs", "nodeCidrs")
    return Hosts.union(_networks(one, key) for one in stack.of_type(CLUSTER) for key in keys)


def _networks(one: Resource, key: str) -> Hosts:
    return Hosts.from_cidrs(str(each) for each in one.get_list(key) if each is not UNKNOWN)


def _service(text: str) -> Services:
    ports, _, protocol = text.partition("/")
    first, _, last = ports.partition("-")
    return Services.of(protocol, int(first), int(last))
