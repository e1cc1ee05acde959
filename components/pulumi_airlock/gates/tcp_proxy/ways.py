"""A way through a proxy: from where it listens to one place, and for whom. The same for every engine. No SDK in here."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from ...proof.sets import Hosts, Services
from .logic import Cases

EVERY_PORT = Services.of("tcp")


@dataclass(frozen=True, slots=True)
class Way:
    """From a listener to one place."""

    hosts: Hosts
    services: Services
    cases: Cases
    """For whom it is open."""
    file: str
    label: str
    connect: bool = True
    """Whether it is a tunnel; False: a connection or a request that is passed on."""


def hosts_of(text: str) -> Hosts:
    """A host by its name or its address."""
    try:
        return Hosts.from_cidr(str(ip_address(text)))
    except ValueError:
        return Hosts.from_names([text])


def tcp(port: Any) -> Services:
    """A port; every one where it is none."""
    return Services.of("tcp", port, port) if isinstance(port, int) and 0 < port < 65536 else EVERY_PORT
