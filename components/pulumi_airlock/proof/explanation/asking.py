"""Questions with wildcards: which callers and which destinations a text means.

'*'                  everybody                      '*'                  every destination, each port of its own
'finance-*'          principals whose names match   'ledger-*:1521'      destinations whose names match, on this port
'finance_*.load'     tasks whose ids match          '10.20.0.0/16:443'   what is declared in a network, and the rest of it
                                                    'vault:8000-9000'    a range of ports
"""

import ipaddress
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from ...access.errors import AccessError, nearest
from ...access.model import Access, Destination
from ...access.names import Target, select_destinations, select_principals, split_task
from ...access.values import PLAIN_PROTOCOLS, IPNetwork, Service, parse_port
from ..declared import destination_hosts
from ..filters import Match
from ..sets import Hosts, Services, protocol_name

Asked = tuple[Target, Match]
"""A destination, or a part of one, with its hosts and services."""

EVERYBODY = "*"


def is_wild(access: Access, who: str, where: str) -> bool:
    """Whether a question means many callers or destinations: a glob, a network, a range of ports."""
    names = {one.name for one in access.principals} | {one.name for one in access.destinations}
    if who not in names and _is_glob(who):
        return True
    host, port = split_port(access, where)
    return (host not in names and (_is_glob(host) or _is_network(host))) or "-" in port.partition("/")[0]


def callers(access: Access, who: str) -> tuple[str, ...]:
    """The callers that a text means, each as `Inquiry` takes it; none: everybody. AccessError when nobody is meant."""
    if who == EVERYBODY:
        return ()
    if not _is_glob(who) or split_task(who.rpartition("/")[2]):
        return (who,)
    environment, slash, name = who.rpartition("/")
    found = [one for one in access.principals if fnmatchcase(one.name, name) and not (slash and one.is_people)]
    if not found:
        hint = nearest(name, [one.name for one in access.principals])
        raise AccessError.of("", "", f'no principal matches "{name}"{hint}; globs on tasks are written as dag.task')
    if not slash:
        return tuple(one.name for one in found)
    there = [f"{environment}/{one.name}" for one in found] + ([f"{environment}/other"] if name == EVERYBODY else [])
    return tuple(one for one in there if _exists(access, one)) or tuple(there[:1])


def _exists(access: Access, who: str) -> bool:
    try:
        return bool(select_principals(access, who))
    except AccessError:
        return False


def asked(access: Access, where: str) -> list[Asked]:
    """The destinations that a text means, each port or range of ports apart. AccessError when nothing is meant."""
    host, port = split_port(access, where)
    if host != EVERYBODY and (any(one.name == host for one in access.destinations) or not (_is_glob(host) or _is_network(host))):
        return [
            (_only(one, service), _match(one, service)) for one in select_destinations(access, where) for service in _each(one)
        ]
    wanted = _wanted(port)
    if _is_network(host):
        return list(_within(access, ipaddress.ip_network(host, strict=False), wanted))
    found = [
        one for one in access.destinations if fnmatchcase(one.name, host) or any(fnmatchcase(name, host) for name in one.hosts)
    ]
    if not found:
        raise AccessError.of("", "", f'no destination matches "{host}"{nearest(host, [one.name for one in access.destinations])}')
    pairs = [pair for one in found for pair in _declared(one, wanted)]
    if not pairs:
        raise AccessError.of("", "", f"none of the {len(found)} destinations that match has port {port}")
    return pairs


def split_port(access: Access, where: str) -> tuple[str, str]:
    """The host and the port of a destination text; an empty port where it has none."""
    if where.startswith("[") and "]" in where:
        host, _, port = where[1:].partition("]")
        if not _is_glob(host):
            return host, port.removeprefix(":")
    if where.count(":") > 1:
        return where, ""
    host, colon, port = where.rpartition(":")
    return (host, port) if colon else (where, "")


def _is_glob(text: str) -> bool:
    return any(char in text for char in "*?[")


def _is_network(text: str) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).num_addresses > 1
    except ValueError:
        return False


def _wanted(port: str) -> Services | None:
    """The services of a port text; TCP where it names no protocol. None: any."""
    if not port:
        return None
    try:
        return Services.of(*parse_port(port if "/" in port or port in PLAIN_PROTOCOLS else f"{port}/tcp"))
    except ValueError as error:
        raise AccessError.of("", "", str(error)) from None


def _each(target: Target) -> Sequence[Service | None]:
    return target.services or (None,)


def _only(target: Target, service: Service | None) -> Target:
    return target if service is None else Target(target.destination, target.hosts, target.networks, (service,))


def _match(target: Target, service: Service | None) -> Match:
    hosts = Hosts.from_names(target.hosts) | Hosts.from_cidrs(target.networks)
    return Match(hosts=hosts, services=Services.every() if service is None else Services.of(*service))


def _declared(one: Destination, wanted: Services | None) -> Iterator[Asked]:
    """A destination on each of its ports, as far as they are wanted."""
    for service in one.services():
        services = Services.of(*service) if wanted is None else Services.of(*service) & wanted
        if services:
            match = Match(hosts=destination_hosts(one), services=services)
            yield Target(one.name, one.hosts, one.networks(), _plain(services)), match


def _within(access: Access, network: IPNetwork, wanted: Services | None) -> Iterator[Asked]:
    """What is declared in a network; then the rest of it, on the wanted ports, or on any."""
    whole = Hosts.from_cidr(network)
    rest = whole
    for one in access.destinations:
        hosts = Hosts.from_cidrs(one.networks()) & whole
        if not hosts:
            continue
        rest = rest - hosts
        for service in one.services():
            services = Services.of(*service) if wanted is None else Services.of(*service) & wanted
            if services:
                yield Target(one.name, (), tuple(hosts.networks()), _plain(services)), Match(hosts=hosts, services=services)
        others = wanted & Services.union(Services.of(*each) for each in one.services()).complement() if wanted else Services()
        if others:
            yield Target(one.name, (), tuple(hosts.networks()), _plain(others)), Match(hosts=hosts, services=others)
    if rest:
        name = None if rest == whole else f"elsewhere in {network}"
        target = Target(name, (), (network,), _plain(wanted) if wanted else ())
        yield target, Match(hosts=rest.addresses(), services=wanted or Services.every())


def _plain(services: Services) -> tuple[Service, ...]:

    return tuple((protocol_name(number), first, last) for number, first, last in services.ranges())
