"""What gateways need themselves, as their components register it: no excess, and blocked where another gate refuses it.

No SDK in here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ...proof.filters import HttpOperation, Match, Need, Who
from ...proof.sets import Hosts, Services
from ...tokens import CLUSTER, HELM_ENVIRONMENT
from ..stack import Resource, Stack, cidrs, listed


def needs_of(component: Resource, stack: Stack) -> tuple[Need, ...]:
    """The flows of a gateway's own, of each caller apart."""
    pods, cluster = _pods(stack, str(component.get("namespace"))), _cluster(stack)
    found = (_needs(one, pods, cluster) for one in component.get_list("ownFlows") if isinstance(one, Mapping))
    return tuple(need for each in found for need in each)


def _needs(one: Mapping[str, Any], pods: Hosts, cluster: Hosts) -> Iterator[Need]:
    people, without = cidrs(one.get("cidrs")), frozenset(map(str, listed(one.get("except"))))
    requests = frozenset({HttpOperation("*", "/*", not_paths=without)}) if without else None
    services = Services.union(filter(None, map(_service, listed(one.get("services")))))
    hosts = Hosts.from_names(map(str, listed(one.get("hosts")))) | Hosts.from_cidrs(cidrs(one.get("addresses")))
    reason = str(one.get("reason") or "")
    if people:
        sources = (Hosts.from_cidrs(people) - pods - cluster).addresses()
        yield Need(Match(Who(frozenset(), sources, workloads=frozenset({""})), hosts, services, requests), reason)
    for caller in map(str, listed(one.get("callers"))):
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
    return Hosts.from_cidrs(cidrs(one.get(key)))


def _service(text: object) -> Services | None:
    """`443-443/tcp`; None for what is no such thing."""
    ports, _, protocol = str(text).partition("/")
    first, _, last = ports.partition("-")
    try:
        return Services.of(protocol, int(first), int(last))
    except ValueError:
        return None
