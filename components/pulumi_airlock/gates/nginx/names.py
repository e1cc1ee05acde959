"""Names, ports and addresses as a configuration writes them. No SDK in here."""

import re
from collections.abc import Sequence

from ...proof.filters import Match
from ...proof.sets import Hosts, Services
from ..stack import cidrs, port_number
from .directives import Directive


def names_of(server: Directive) -> tuple[Hosts, tuple[str, ...]]:
    """The names of a server, and those that are no names."""
    plain: list[str] = []
    unsure: list[str] = []
    for directive in server.all("server_name"):
        for name in directive.args:
            if name in ("_", "", '""'):
                continue
            if name.startswith("~") or name.endswith(".*"):
                unsure.append(f"server_name {name}")
            elif name.startswith("."):
                plain += [name[1:], f"*{name}"]
            else:
                plain.append(name)
    return Hosts.from_names(plain), tuple(unsure)


def ports_of(server: Directive) -> tuple[int, ...]:
    """The ports that a server listens on: 80 without any (nginx, "listen")."""
    found = []
    for one in server.all("listen"):
        text = one.args[0] if one.args else ""
        last = port_number(text.rsplit(":", 1)[-1])
        found.append(80 if last is None else last)
    return tuple(dict.fromkeys(found or [80]))


def is_default(server: Directive, port: int) -> bool:
    """Whether a server takes the names of a port that no other has."""
    return any(
        {"default_server", "default"} & set(one.args[1:]) and ports_of(Directive("", (), 0, "", (one,))) == (port,)
        for one in server.all("listen")
    )


def destination(netloc: str, port: int) -> Match | None:
    """A `host:port` as a destination; None where it is none that a network knows."""
    host, _, given = netloc.partition(":")
    number = port_number(given) or port
    if not host or host == "unix" or not 0 < number < 65536 or (is_address(host) and not cidrs(host)):
        return None
    hosts = Hosts.from_cidr(host) if is_address(host) else Hosts.from_names([host])
    return Match(hosts=hosts, services=Services.of("tcp", number, number))


def is_address(host: str) -> bool:
    """Whether a host is an address."""
    return bool(re.fullmatch(r"[0-9.]+", host))


def same_host(name: str, hosts: Sequence[str]) -> bool:
    """Whether one of some `host:port` is of this name."""
    return any(host.partition(":")[0] == name for host in hosts)
