"""What the TCP proxies of a stack let through: Envoy and HAProxy by the configuration that they run, hand-written ones included.

A proxy is connected to in place of the destination, and goes on from addresses of its own: gates before it see the proxy, gates
behind it as well. Whom it lets through it tells by tokens, or by certificates: a task of an environment, or a service account.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...proof.filters import Action, Combine, Filter, Match, Need, Relay, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import HELM_ENVIRONMENT, TCP_PROXY
from ..kubernetes import Cluster, Workload, read_cluster
from ..kubernetes.workloads import DNS
from ..stack import UNKNOWN, Resource, Stack
from .haproxy.read import HaproxyConfiguration, Holder
from .haproxy.syntax import Document
from .logic import Box, Case, Cases, any_of
from .places import Found, found
from .read_config import Configuration, Issuer
from .ways import Way

DEFAULT_NAME = "tcp_proxy"
"""The gate of a configuration that belongs to no component."""


def read(stack: Stack) -> Iterator[Filter]:
    """One filter for each proxy: its component, or by its default name all that belong to none."""
    every = list(found(stack))
    cluster = read_cluster(stack) if any(one.owner is not None for one in every) else None
    gates: dict[str, list[Found]] = {}
    for one in every:
        gates.setdefault(one.component.name if one.component else DEFAULT_NAME, []).append(one)
    for component in stack.of_type(TCP_PROXY):
        if component.name not in gates:
            yield _unread(component)
    for gate, several in gates.items():
        yield _filter(gate, several, cluster, frozenset(one.name for one in stack.of_type(HELM_ENVIRONMENT)))


def _unread(component: Resource) -> Filter:
    """A proxy of which nobody knows the configuration: it may let anything through."""
    beside = "which no pod's template of the stack has beside tasks" if component.get("sidecar") else "configuration"
    rule = Rule(Action.ALLOW, Match(), component.at(label="its configuration"), (f"{component.name}.{beside}",))
    return Filter(component.name, "tunnels", Combine.FIRST_MATCH, Action.DENY, (rule,), component.urn)


@dataclass(frozen=True)
class _Place:
    """Where the ways of a proxy lead: hosts and services that no other way's are mixed with."""

    hosts: Hosts
    services: Services
    ways: tuple[tuple[Way, "_Proxy"], ...]


@dataclass(frozen=True)
class _Proxy:
    """One configuration."""

    found: Found
    config: Configuration | HaproxyConfiguration

    def source(self, way: Way, case: Case) -> Source:
        """Where a rule comes from, as an engineer calls it."""
        file = self.found.files.get(way.file) or self.found.files[self.found.bootstrap]
        return file.resource.at(*file.path, label=f'policy "{case.label}"' if case.label else way.label)


def _filter(gate: str, several: Sequence[Found], cluster: Cluster | None, charts: frozenset[str]) -> Filter:
    """`charts`: the environments whose tasks run in a cluster."""
    first = several[0].component
    proxies = [_Proxy(one, _configuration(one)) for one in several]
    ways = [(way, one) for one in proxies for way in one.config.ways()]
    rules: list[Rule] = []
    for place in _places(ways):
        rules += _rules(place)
    for one in proxies:
        rules += _unknown(one)
    leads = Hosts.union(rule.match.hosts for rule in rules if rule.action is Action.ALLOW)
    urn = first.urn if first else several[0].files[several[0].bootstrap].resource.urn
    # Also of one that leads nowhere: it is the network that sends tasks there, or past it.
    relays = tuple(one for one in _relays(several, cluster, leads) if leads or one.entry is not None)
    own = _needs(first, dict.fromkeys(one.workload for one in relays if one.workload))
    needs = tuple(dict.fromkeys((*own, *_reached(rules, relays, charts), *_reached_from_outside(several, cluster))))
    shape = Shape(nouns=("policy", "policies"))
    trusts = tuple(dict.fromkeys(said for one in proxies for said in _trusts(one)))
    decides = Filter(gate, "tunnels", Combine.FIRST_MATCH, Action.DENY, tuple(rules), urn)
    # Beside a task it is passed, or not, by whatever goes on as the task's own pod.
    voluntary = any(one.beside is not None for one in several)
    return replace(decides, relays=relays, shape=shape, needs=needs, trusts=trusts, voluntary=voluntary)


_WORTH = {
    "asserted": "asserted: code that shares the environment's role can name another",
    "attested": "attested: no task gets another's token",
}


def _trusts(one: _Proxy) -> Iterator[str]:
    """Whose word it takes for which task is calling."""
    component = one.found.component
    listed = component.get_list("issuers") if component else []
    known = {str(each.get("name")): each for each in listed if isinstance(each, Mapping)}
    for name, issuer in one.config.providers() if isinstance(one.config, Configuration) else _signed(known):
        said = known.get(name, {})
        worth = _WORTH.get(str(said.get("assurance")), "and nothing says what that is worth")
        where = f"task of {said['environment']}" if isinstance(said.get("environment"), str) else "task"
        yield f"takes the word of {issuer} for which {where} is calling, {worth}"


def _signed(known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Who vouches for tasks without tokens: whatever the certificates are called, one authority signs them."""
    yield from ((name, "whoever signs its clients' certificates") for name in known or ("",))


def _configuration(one: Found) -> Configuration | HaproxyConfiguration:
    documents = {name: file.document for name, file in one.files.items()}
    upstreams = one.component.get("upstreams") if one.component else None
    names = {str(at): str(target) for target, at in upstreams.items()} if isinstance(upstreams, Mapping) else {}
    if isinstance(haproxy := documents[one.bootstrap], Document):
        return HaproxyConfiguration(haproxy, one.bootstrap, list(_holders(one.component)), names)
    return Configuration(documents, one.bootstrap, dict(_issuers(one.component)), names)


def _holders(component: Resource | None) -> Iterator[Holder]:
    """Whose certificates are, as the component says."""
    known = dict(_issuers(component))
    for one in component.get_list("certificates") if component else ():
        subject = one.get("subject") if isinstance(one, Mapping) else None
        if not isinstance(subject, Mapping):
            continue
        environment = known.get(str(one.get("issuer")), Issuer()).environment
        environments = frozenset({environment}) if environment else None
        names = {str(part): str(text) for part, text in subject.items()}
        if isinstance(workload := one.get("workload"), str):
            yield Holder(names, Box(environments, frozenset({workload})))
        elif pairs := frozenset((str(dag), str(task)) for dag in one.get("dags") or () for task in one.get("tasks") or ()):
            yield Holder(names, Box(environments, tasks=(pairs,)))


def _issuers(component: Resource | None) -> Iterator[tuple[str, Issuer]]:
    for one in component.get_list("issuers") if component else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            environment, subject = one.get("environment"), one.get("subject")
            yield one["name"], Issuer(environment if isinstance(environment, str) else None, subject or None)


def _unknown(one: _Proxy) -> Iterator[Rule]:
    names = [name for name, file in one.found.files.items() if file.document is UNKNOWN]
    for reason in dict.fromkeys([*one.config.unread, *names]):
        source = one.found.files[one.found.bootstrap].resource.at(label="its configuration")
        yield Rule(Action.ALLOW, Match(), source, (f"{one.found.bootstrap}: {reason}",))


_Key = tuple[Hosts, Services]


def _places(ways: Sequence[tuple[Way, _Proxy]]) -> Iterator[_Place]:
    """Where ways lead, the narrowest first: whom one of the ways to a place lets through gets there, also by a wider one."""
    same: dict[_Key, list[tuple[Way, _Proxy]]] = {}
    for way, one in ways:
        same.setdefault((way.hosts, way.services), []).append((way, one))
    wide = [key for key in same if not _is_single(*key)]
    keys = dict.fromkeys(same)
    for each in wide:
        keys |= dict.fromkeys(both for other in list(keys) if (both := _common(each, other)) is not None)
    around = {key: [each for each in wide if each != key and _common(key, each) == key] for key in keys}
    for key in sorted(keys, key=lambda key: -len(around[key])):
        several = [*same.get(key, ()), *(way for each in around[key] for way in same[each])]
        yield _Place(*key, tuple(several))


def _is_single(hosts: Hosts, services: Services) -> bool:
    ranges = list(services.ranges())
    return len(ranges) == 1 and ranges[0][1] == ranges[0][2] and hosts.names.is_list and not hosts.covers_addresses(_SOME)


_SOME = Hosts.from_cidr("0.0.0.0/0")


def _common(one: _Key, other: _Key) -> _Key | None:
    hosts, services = one[0] & other[0], one[1] & other[1]
    return (hosts, services) if hosts and services else None


def _rules(place: _Place) -> Iterator[Rule]:
    cases: Cases = any_of(way.cases for way, _ in place.ways)
    way, proxy = place.ways[0]
    last = max((number for number, one in enumerate(cases) if one.answer is not False), default=-1)
    for one in cases[: last + 1]:
        match = Match(who=one.box.who(), hosts=place.hosts, services=place.services, times=one.box.times)
        action = Action.DENY if one.answer is False else Action.ALLOW
        yield Rule(action, match, proxy.source(way, one), one.unknown, implied=action is Action.DENY)


# What other gates see of it


def _relays(several: Sequence[Found], cluster: Cluster | None, leads: Hosts) -> Iterator[Relay]:
    for one in (each for each in several if each.beside is None):
        component = one.component
        workload = _workload(one, cluster)
        sources = _networks(component, "sources") if component else None
        environments = frozenset(each.environment for _, each in _issuers(component) if each.environment)
        yield Relay(
            hosts=leads,
            sources=sources,
            entry=_entry(component, workload),
            environments=environments or None,
            workload=workload.name if workload is not None else None,
            others=False,
        )


def _workload(one: Found, cluster: Cluster | None) -> Workload | None:
    if one.owner is None or cluster is None:
        return None
    return next((each for each in cluster.workloads if each.urn == one.owner.resource.urn), None)


def _entry(component: Resource | None, workload: Workload | None) -> Match | None:
    """Where tasks connect to, as gates before it see that."""
    said = component.get("entry") if component else None
    if isinstance(said, Mapping):
        names = [str(each) for each in said.get("hosts") or () if isinstance(each, str)]
        cidrs = [str(each) for each in said.get("cidrs") or () if isinstance(each, str)]
        port = said.get("port")
        services = Services.of("tcp", int(port), int(port)) if isinstance(port, int | float) else Services.of("tcp")
        return Match(hosts=Hosts.from_names(names) | Hosts.from_cidrs(cidrs), services=services)
    if workload is None:
        return None
    ports = [port for service in workload.services for port in service.ports]
    return Match(hosts=workload.hosts, services=Services.union(Services.of(one.protocol, one.port, one.port) for one in ports))


def _networks(component: Resource, name: str) -> Hosts | None:
    known = [str(one) for one in component.get_list(name) if isinstance(one, str)]
    return Hosts.from_cidrs(known) if known else None


def _needs(component: Resource | None, workloads: Iterable[str]) -> Iterator[Need]:
    """What a proxy in a cluster needs itself: names, and where it fetches issuers' keys, as its component says."""
    for name in workloads:
        who = Who(workloads=frozenset({name}))
        names = Services.of("udp", 53, 53) | Services.of("tcp", 53, 53)
        yield Need(Match(who, Hosts.from_names([DNS]), names), "names")
        for one in component.get_list("keys") if component is not None else ():
            host, port = (one.get("host"), one.get("port")) if isinstance(one, Mapping) else (None, None)
            if isinstance(host, str) and isinstance(port, int | float):
                services = Services.of("tcp", int(port), int(port))
                yield Need(Match(who, Hosts.from_names([host]), services), "keys of an issuer")


def _reached(rules: Sequence[Rule], relays: Sequence[Relay], charts: frozenset[str]) -> Iterator[Need]:
    """That callers in a cluster reach it: zones name the proxy alone, and gates of the cluster stand before it.

    Networks of environments elsewhere stand on every way that leaves them: there, the routes themselves are blocked.
    """
    for entry in dict.fromkeys(relay.entry for relay in relays if relay.entry is not None):
        for who in dict.fromkeys(_callers(rules, charts)):
            yield Need(replace(entry, who=who), "tasks to the proxy")


def _callers(rules: Sequence[Rule], charts: frozenset[str]) -> Iterator[Who]:
    """Whom rules surely let through: service accounts, and tasks of environments that run in a cluster."""
    for number, rule in enumerate(rules):
        who = rule.match.who
        if rule.action is Action.DENY or rule.unknown:
            continue
        refused = [one.match.who for one in rules[:number] if _refuses(one, rule)]
        for name in sorted(who.workloads or ()):
            if not any(one.workloads is None or name in one.workloads for one in refused):
                yield Who(workloads=frozenset({name}))
        here = charts & (who.environments or frozenset())
        if who.workloads is None and here and not refused:
            yield Who(environments=here, tasks=who.tasks)


def _refuses(one: Rule, other: Rule) -> bool:
    """Whether a rule refuses, at any time, some of what a later one lets through."""
    same = one.match.hosts == other.match.hosts and one.match.services == other.match.services
    return one.action is Action.DENY and same and not one.match.times


def _reached_from_outside(several: Sequence[Found], cluster: Cluster | None) -> Iterator[Need]:
    """That those reach its pods who come by a load balancer, as the component says."""
    for one in several:
        workload = _workload(one, cluster)
        callers = _networks(one.component, "callers") if one.component is not None else None
        if workload is None or callers is None:
            continue
        who = Who(environments=frozenset(), workloads=frozenset({""}), sources=callers)
        ports = [Services.of(port.protocol, port.port, port.port) for service in workload.services for port in service.ports]
        yield Need(Match(who, workload.hosts, Services.union(ports)), "tasks outside of the cluster")
