"""Reads what a component says of its environments' way out: proxy, ports, and what is reached directly. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...gates.stack import Resource, Stack, mapping
from ...proof.sets import Hosts, Services
from ...tokens import MWAA_ENVIRONMENT


@dataclass(frozen=True)
class WayOut:
    """An environment's explicit proxy, as far as its component tells it."""

    proxy: str
    """The proxy's name or address."""
    cidrs: tuple[str, ...]
    ports: Mapping[str, int]
    """Component (`scheduler`, `worker`, `webserver`) → port."""
    no_proxy: tuple[str, ...]
    urn: str

    @cached_property
    def hosts(self) -> Hosts:
        """Where the proxy is: its name resolves to these addresses."""
        return Hosts.union([Hosts.from_cidrs(self.cidrs), _address(self.proxy) or Hosts()])

    @cached_property
    def services(self) -> Services:
        """The ports of all components."""
        return Services.union(Services.of("tcp", port, port) for port in self.ports.values())

    @cached_property
    def direct(self) -> Hosts:
        """What is reached without the proxy: names, and addresses as far as clients know networks there."""
        found = []
        for entry in self.no_proxy:
            bare = entry.removeprefix(".")
            found.append(_address(entry) or Hosts.from_names([bare, f"*.{bare}"]))
        return Hosts.union(found)


def told_egress(component: Resource) -> WayOut | None:
    """The way out that a component tells; None where it tells none, or nothing that can be read."""
    told = component.get("egress")
    if not isinstance(told, Mapping):
        return None
    ports = {str(key): int(value) for key, value in mapping(told.get("ports")).items() if isinstance(value, int | float)}
    ports = {key: port for key, port in ports.items() if 0 <= port <= 65535}
    cidrs = tuple(one for one in _texts(told.get("cidrs")) if _address(one) is not None)
    proxy = told.get("proxy")
    if not isinstance(proxy, str) or not ports:
        return None
    return WayOut(proxy, cidrs, ports, tuple(_texts(told.get("noProxy"))), component.urn)


def ways_out(stack: Stack) -> dict[str, WayOut]:
    """Environment → its way out, for every MWAA environment that is told one."""
    found = ((one.name, told_egress(one)) for one in stack.of_type(MWAA_ENVIRONMENT))
    return {name: way for name, way in found if way is not None}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def _address(text: str) -> Hosts | None:
    try:
        return Hosts.from_cidr(text)
    except ValueError:
        return None
