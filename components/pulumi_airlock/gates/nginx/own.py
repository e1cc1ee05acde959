"""A gateway's own flows as plain data, and read back: what no route declares, and no proof counts as excess. No SDK in here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...environments.helm.flows import Flow
from ...proof.filters import HttpOperation, Match, Who
from ...proof.sets import Hosts, Services, protocol_name
from ...tokens import NGINX_GATEWAY
from ..stack import Stack


@dataclass(frozen=True, slots=True)
class Own:
    """What the gateways of a stack need themselves."""

    workloads: frozenset[str] = frozenset()
    """As which they connect: to be counted among an environment's components."""
    matches: tuple[Match, ...] = ()


def describe_flow(one: Flow) -> dict[str, Any]:
    """A flow in the form in which the component registers it."""
    without = {path for each in one.operations or () for path in each.not_paths}
    return {
        "callers": sorted(one.callers),
        "cidrs": list(one.cidrs),
        "hosts": sorted(one.to.names.mentioned()),
        "services": [f"{first}-{last}/{protocol_name(number)}" for number, first, last in one.services.ranges()],
        "except": sorted(without),
        "reason": one.reason,
    }


def read_own(stack: Stack) -> Own:
    """What all gateways of a stack have registered."""
    flows = [each for one in stack.of_type(NGINX_GATEWAY) for each in one.get_list("ownFlows") if isinstance(each, Mapping)]
    callers = frozenset(str(name) for each in flows for name in each.get("callers") or ())
    return Own(callers, tuple(_match(each) for each in flows))


def _match(one: Mapping[str, Any]) -> Match:
    cidrs, without = one.get("cidrs") or (), frozenset(str(path) for path in one.get("except") or ())
    who = Who(sources=Hosts.from_cidrs(cidrs)) if cidrs else Who(workloads=frozenset(map(str, one.get("callers") or ())))
    requests = frozenset({HttpOperation("*", "/*", not_paths=without)}) if without else None
    services = Services.union(_service(str(each)) for each in one.get("services") or ())
    return Match(who=who, hosts=Hosts.from_names(map(str, one.get("hosts") or ())), services=services, operations=requests)


def _service(text: str) -> Services:
    ports, _, protocol = text.partition("/")
    first, _, last = ports.partition("-")
    return Services.of(protocol, int(first), int(last))
