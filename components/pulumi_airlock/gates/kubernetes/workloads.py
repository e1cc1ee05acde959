"""Workloads of a cluster: what its gates tell callers and destinations apart by.

One workload is the pods that one object makes, or one line of a declaration: they have one namespace, one service account, one
set of labels. Who it is to the proof is its name, `<namespace>/<service account>`; of several with one account, the object too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ...proof.sets import Hosts, Names, Services

POD_DOMAIN = "pod.cluster.local"
SERVICE_DOMAIN = "svc.cluster.local"
"""The default cluster domain (Kubernetes, "DNS for Services and Pods")."""
API_SERVER = f"kubernetes.default.{SERVICE_DOMAIN}"
DNS = f"kube-dns.kube-system.{SERVICE_DOMAIN}"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service."""

    protocol: str
    """`tcp`, `udp`, `sctp`."""
    port: int
    target: int
    """The port of the pods."""


@dataclass(frozen=True, slots=True)
class ServiceName:
    """A Service in front of a workload."""

    host: str
    """`<service>.<namespace>.svc.cluster.local`."""
    ports: tuple[ServicePort, ...] = ()
    """Empty: the pods' own ports (a headless Service, or one that nothing is known of)."""

    def services(self, pods: Services) -> Services:
        """The Service's ports that lead to some ports of the pods; those that it does not map are met at the pods themselves."""
        mapped = Services.union(Services.of(one.protocol, one.target, one.target) for one in self.ports)
        found = [Services.of(one.protocol, one.port, one.port) for one in self.ports if _has(pods, one.protocol, one.target)]
        return Services.union([pods - mapped, *found])

    def pods(self, services: Services) -> Services:
        """The ports of the pods behind some of the Service's."""
        mapped = Services.union(Services.of(one.protocol, one.port, one.port) for one in self.ports)
        behind = (one for one in self.ports if _has(services, one.protocol, one.port))
        return Services.union([services - mapped, *(Services.of(one.protocol, one.target, one.target) for one in behind)])


def _has(services: Services, protocol: str, port: int) -> bool:
    return bool(services & Services.of(protocol, port, port))


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods that no gate tells apart."""

    name: str
    """Who it is to the proof: `airflow/ledger-close`."""
    namespace: str
    service_account: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Its containers' named ports: protocol and number."""
    services: tuple[ServiceName, ...] = ()
    addresses: Hosts = field(default_factory=Hosts)
    """Addresses that are known of its pods."""
    host_network: bool = False
    """Whether its pods have their node's address, where no policy of pods applies."""
    owner: str = ""
    """The object that makes it (`Deployment warehouse`); empty where it is declared."""
    urn: str = ""
    """The resource that says so."""
    stands_for: bool = False
    """Whether it stands for pods that nothing is known of: `addresses` has all of their names."""

    @property
    def hosts(self) -> Hosts:
        """Its names, and the addresses that are known."""
        if self.stands_for:
            return self.addresses
        return Hosts.from_names(self.names) | self.addresses

    @property
    def names(self) -> tuple[str, ...]:
        """As what it is a destination: its Services; without any, a name of its own, which no DNS has."""
        if self.services or self.stands_for:
            return tuple(one.host for one in self.services)
        own = self.owner.rsplit(" ", 1)[-1] or self.service_account
        return (f"{own.lower()}.{self.namespace}.{POD_DOMAIN}",)

    def reached(self, pods: Services) -> list[tuple[Hosts, Services]]:
        """What some ports of its pods are to a caller: by each Service its ports, by address the pods' own."""
        found = [(Hosts.from_names([one.host]), one.services(pods)) for one in self.services]
        if not self.services and not self.stands_for:
            found.append((Hosts.from_names(self.names), pods))
        if self.addresses:
            found.append((self.addresses, pods))
        return [(hosts, services) for hosts, services in found if services]

    def pods(self, services: Services) -> Services:
        """The ports of its pods behind some ports of its Services."""
        return Services.union(each.pods(services) for each in self.services) if self.services else services

    @property
    def account(self) -> str:
        """`<namespace>/<service account>`."""
        return f"{self.namespace}/{self.service_account}"


def others(namespace: str, known: Iterable[Workload]) -> Workload:
    """The pods of a namespace that nothing is known of, without labels; of `*`, those of namespaces that nothing is known of."""
    within = f"{namespace}." if namespace != "*" else ""
    every = Hosts.from_names([f"*.{within}{domain}" for domain in (SERVICE_DOMAIN, POD_DOMAIN)])
    taken = {name for one in known for name in one.names if namespace in ("*", one.namespace)} | (
        {API_SERVER, DNS} if namespace in ("*", *(host.split(".")[1] for host in (API_SERVER, DNS))) else set()
    )
    rest = Names(every.names.patterns) & Names(frozenset(taken)).complement() if taken else every.names
    return Workload(f"{namespace}/*", namespace, "*", addresses=Hosts(names=rest), stands_for=True)


def named(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Workloads under names that tell them apart; those that are alike in all that gates see are one."""
    kept: dict[object, Workload] = {}
    for one in workloads:
        labels, ports = tuple(sorted(one.labels.items())), tuple(sorted(one.ports.items()))
        key = (one.account, one.owner, labels, one.host_network, ports)
        known = kept.get(key)
        if known is None:
            kept[key] = one
        else:
            services = tuple(dict.fromkeys((*known.services, *one.services)))
            kept[key] = replace(known, services=services, addresses=known.addresses | one.addresses)
    shared = Counter(one.account for one in kept.values())
    names = Counter(_name(one, shared) for one in kept.values())
    counted: Counter[str] = Counter()
    found = []
    for one in kept.values():
        name = _name(one, shared)
        counted[name] += 1
        found.append(replace(one, name=f"{name} {counted[name]}" if names[name] > 1 else name))
    return tuple(found)


def _name(one: Workload, shared: Counter[str]) -> str:
    return f"{one.account} ({one.owner})" if shared[one.account] > 1 and one.owner else one.account
