"""Names, ports and addresses as a configuration writes them. No SDK in here."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

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


def listens(server: Directive) -> list[tuple[str, int, bool]]:
    """Address, port, and whether it is the default there, of each `listen`; port 80 of all without any (nginx, "listen").

    What listens on a socket of the file system alone is reached by nobody, and datagrams are nothing that it passes on here.
    """
    found = []
    for one in server.all("listen"):
        text = one.args[0] if one.args else ""
        if text.startswith("unix:") or "udp" in one.args:
            continue
        address, _, last = text.rpartition(":")
        port = port_number(last)
        if port is None:
            address, port = text, 80
        found.append((address or "*", port, bool({"default_server", "default"} & set(one.args[1:]))))
    return found if server.all("listen") else [("*", 80, False)]


Listening = Mapping[tuple[str, int], Sequence[tuple[Directive, bool]]]
"""Address and port → the servers that listen there, each with whether it says that it is the default there."""


def listening(servers: Iterable[Directive]) -> Listening:
    """Which servers listen where, in their order."""
    found: dict[tuple[str, int], list[tuple[Directive, bool]]] = {}
    for one in servers:
        for address, port, default in listens(one):
            found.setdefault((address, port), []).append((one, default))
    return found


def taken(server: Directive, there: Listening, names: Hosts, *, rest: bool) -> Iterator[tuple[Hosts, tuple[int, ...]]]:
    """The names by which people meet a server, of these `names`, and at which ports.

    Every address and port has a default server, the first where none says that it is: with `rest`, it has there all names that
    no server has at that very address and port, whatever servers elsewhere have.
    """
    found: dict[Hosts, dict[int, None]] = {}
    for address, port, _ in listens(server):
        here = there[address, port]
        mine = names
        if rest and next((one for one, default in here if default), here[0][0]) is server:
            every = Hosts.every()
            others = Hosts.union(names_of(one)[0] for one, _ in here).names
            mine = Hosts(every.v4, every.v6, (others | names.names).complement() | names.names)
        found.setdefault(mine, {})[port] = None
    yield from ((hosts, tuple(ports)) for hosts, ports in found.items())


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
