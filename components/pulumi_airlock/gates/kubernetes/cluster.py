"""A cluster as its gates see it: workloads, namespaces with their labels, Services, and what is declared of it.

Workloads come from the objects of the stack (or of manifests), from the components that make Airflow, and from what the program
declares of others. O(objects × Services).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...proof.sets import Hosts, Services
from ...tokens import HELM_ENVIRONMENT
from ..stack import Stack, listed, mapping, port_number
from .control_planes import with_control_plane
from .declared import DNS_WORKLOAD, ClusterFacts, read_facts, read_workloads
from .objects import KubeObject, objects, text_map
from .selectors import LabelSelector
from .workloads import API_SERVER, DNS, SERVICE_DOMAIN, ServiceName, ServicePort, Workload, named, others

NAME_LABEL = "kubernetes.io/metadata.name"
"""Every namespace has it, set by the API server (Kubernetes, "Automatic labelling")."""
_TEMPLATES = {
    "Deployment": ("apps", ("spec", "template")),
    "StatefulSet": ("apps", ("spec", "template")),
    "DaemonSet": ("apps", ("spec", "template")),
    "ReplicaSet": ("apps", ("spec", "template")),
    "ReplicationController": ("", ("spec", "template")),
    "Job": ("batch", ("spec", "template")),
    "CronJob": ("batch", ("spec", "jobTemplate", "spec", "template")),
    "Pod": ("", ()),
}
"""Kind → its group, and where its pods' template is."""


@dataclass(frozen=True)
class Cluster:
    """What is known of a cluster."""

    workloads: tuple[Workload, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    """Labels of every namespace that is known."""
    declared: ClusterFacts = field(default_factory=ClusterFacts)

    def select(self, namespace: LabelSelector | str | None, pods: LabelSelector) -> tuple[Workload, ...]:
        """The workloads that two selectors choose; a namespace by its name, None: in every namespace."""
        return tuple(one for one in self.workloads if self.in_namespace(one, namespace) and pods.matches(one.labels))

    def in_namespace(self, one: Workload, namespace: LabelSelector | str | None) -> bool:
        """Whether a workload is in a namespace that is chosen so."""
        if namespace is None:
            return True
        if isinstance(namespace, str):
            return one.namespace == namespace
        return namespace.matches(self.labels_of(one.namespace))

    def labels_of(self, namespace: str) -> Mapping[str, str]:
        """The labels of a namespace; of one that nothing is known of, its name, and of all of these, none."""
        return {} if namespace == "*" else {NAME_LABEL: namespace, **self.namespaces.get(namespace, {})}

    def of_account(self, namespace: str, account: str) -> frozenset[str]:
        """The names of the workloads of a service account; of one that no workload has, a name all the same."""
        return frozenset(self._by_account.get(f"{namespace}/{account}", (f"{namespace}/{account}",)))

    @cached_property
    def _by_account(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for one in self.workloads:
            found.setdefault(one.account, []).append(one.name)
        return {account: tuple(names) for account, names in found.items()}

    @cached_property
    def by_name(self) -> Mapping[str, Workload]:
        """Every workload by its name."""
        return {one.name: one for one in self.workloads}

    @cached_property
    def by_host(self) -> Mapping[str, tuple[Workload, ...]]:
        """The workloads behind each name of a Service."""
        found: dict[str, list[Workload]] = {}
        for one in self.workloads:
            for name in one.names:
                found.setdefault(name, []).append(one)
        return {name: tuple(behind) for name, behind in found.items()}

    def behind(self, hosts: Hosts) -> tuple[Workload, ...]:
        """The workloads that some destinations are."""
        return tuple(
            one
            for one in self.workloads
            if not one.stands_for and (any(name in hosts.names for name in one.names) or (one.addresses & hosts).addresses())
        )

    def hosts(self, workloads: Iterable[Workload]) -> Hosts:
        """What workloads are as destinations: their names, and the addresses that are known."""
        return Hosts.union(one.hosts for one in workloads)

    def reached(self, workloads: Iterable[Workload], pods: Services) -> list[tuple[Hosts, Services]]:
        """What some ports of the pods of workloads are to a caller: the fewest products of hosts and services."""
        found: dict[Services, Hosts] = {}
        for one in workloads:
            for hosts, services in one.reached(pods):
                found[services] = found.get(services, Hosts()) | hosts
        return [(hosts, services) for services, hosts in found.items()]

    @property
    def api_server(self) -> Hosts:
        """The API server: its Service's name, and its addresses where they are declared."""
        return Hosts.from_names([API_SERVER]) | Hosts.from_cidrs(self.declared.api_server_cidrs)

    @property
    def api_service(self) -> ServiceName:
        """The API server's Service, which leads to another port than its own in most clusters."""
        return ServiceName(API_SERVER, (ServicePort("tcp", 443, self.declared.api_server_port),))

    def beyond(self, hosts: Hosts, services: Services) -> list[tuple[Hosts, Services]]:
        """What some ports of hosts that are no pods are to a caller: the API server by its name has its Service's port."""
        if API_SERVER not in hosts.names or self.declared.api_server_port == 443:
            return [(hosts, services)]
        name = Hosts.from_names([API_SERVER])
        found = [(hosts - name, services), (name, self.api_service.services(services))]
        return [(each, ports) for each, ports in found if each and ports]


def names_of(workloads: Iterable[Workload]) -> frozenset[str]:
    """The names of workloads, as a `Who` has them."""
    return frozenset(one.name for one in workloads)


def read_cluster(stack: Stack, *, strangers: bool = True) -> Cluster:
    """The cluster of a stack, or of a stack of manifests.

    `strangers`: with a workload for the pods of each namespace, and of other namespaces, that nothing is known of.
    """
    facts = read_facts(stack)
    found = [*_from_objects(stack), *_from_components(stack), *facts.workloads]
    meshes = dict.fromkeys(str(one.get("mesh") or "") for one in stack.of_type(HELM_ENVIRONMENT))
    found = with_control_plane(found, meshes)
    if facts.urn and not any(DNS in one.names for one in found):
        found.append(DNS_WORKLOAD)
    services = [one for one in map(_service, objects(stack, "", "Service")) if one is not None]
    served = [replace(one, services=(*one.services, *_in_front(one, services))) for one in found]
    namespaces: dict[str, dict[str, str]] = {name: dict(labels) for name, labels in facts.namespaces.items()}
    for one in objects(stack, "", "Namespace"):
        namespaces.setdefault(one.name, {}).update(one.labels)
    for name in {one.namespace for one in served} | namespaces.keys():
        namespaces.setdefault(name, {})[NAME_LABEL] = name
    known = named(served)
    rest = [others(name, known) for name in (*sorted(namespaces), "*")] if strangers and known else []
    return Cluster((*known, *rest), namespaces, facts)


def _from_components(stack: Stack) -> Iterator[Workload]:
    for one in stack.of_type(HELM_ENVIRONMENT):
        yield from read_workloads(one.get_list("workloads"), one.urn)


def _from_objects(stack: Stack) -> Iterator[Workload]:
    for _, _, one in workloads_of_objects(stack):
        yield one


def workloads_of_objects(stack: Stack) -> Iterator[tuple[str, str, Workload]]:
    """Kind, name and pods of each object that no other of the stack makes: pods of a missing owner one by one."""
    found = [(one, path) for kind, (group, path) in _TEMPLATES.items() for one in objects(stack, group, kind)]
    there = {(one.kind, one.namespace, one.name) for one, _ in found}
    for one, path in found:
        owner = _owner(one)
        # In a dump of a cluster, a Deployment stands beside its ReplicaSets and pods: they are its own.
        if owner is None or there.isdisjoint((kind, one.namespace, name) for kind, name in _makers(*owner)):
            yield one.kind, one.name, _workload(one, path, owner or (one.kind, one.name))


def _makers(kind: str, name: str) -> Iterator[tuple[str, str]]:
    """An owner, and the one that makes such owners where a dump leaves them out: `web` makes the ReplicaSet `web-5d4f`."""
    yield kind, name
    above = {"ReplicaSet": "Deployment", "Job": "CronJob"}.get(kind)
    if above:
        yield from ((above, each) for each in (name, name.rpartition("-")[0]))


def _owner(one: KubeObject) -> tuple[str, str] | None:
    """Kind and name of the object that makes it."""
    for each in one.get_list("metadata", "ownerReferences"):
        if isinstance(each, Mapping) and each.get("kind") in _TEMPLATES and isinstance(each.get("name"), str):
            return str(each["kind"]), str(each["name"])
    return None


def _workload(one: KubeObject, path: tuple[str, ...], owner: tuple[str, str]) -> Workload:
    account = one.get(*path, "spec", "serviceAccountName", default=one.get(*path, "spec", "serviceAccount", default="default"))
    account = account if isinstance(account, str) and account else "default"
    return Workload(
        name=f"{one.namespace}/{account}",
        namespace=one.namespace,
        service_account=account,
        labels=text_map(one.get(*path, "metadata", "labels")),
        ports=dict(_named_ports(one, (*path, "spec"))),
        addresses=_pod_addresses(one),
        host_network=one.get(*path, "spec", "hostNetwork") is True,
        owner=" ".join(owner),
        urn=one.resource.urn,
    )


def _named_ports(one: KubeObject, spec: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, int]]]:
    for place in ("containers", "initContainers"):
        for container in one.get_list(*spec, place):
            # Of init containers those run on that are sidecars (Kubernetes, "Sidecar Containers").
            runs = isinstance(container, Mapping) and (place == "containers" or container.get("restartPolicy") == "Always")
            for port in listed(container.get("ports") if runs else None):
                number, protocol = port_number(mapping(port).get("containerPort")), _protocol(port)
                if number is not None and protocol is not None and isinstance(port.get("name"), str):
                    yield port["name"], (protocol, number)


def _pod_addresses(one: KubeObject) -> Hosts:
    given = [
        one.get("status", "podIP"),
        *(each.get("ip") for each in one.get_list("status", "podIPs") if isinstance(each, Mapping)),
    ]
    try:
        return Hosts.from_cidrs(each for each in given if isinstance(each, str) and each)
    except ValueError:
        return Hosts()


@dataclass(frozen=True)
class _Service:
    namespace: str
    selector: LabelSelector
    name: str
    ports: tuple[tuple[str, int, str | int | None], ...]
    """(protocol, port, target: a number, a container port's name, or None)."""
    headless: bool

    def before(self, one: Workload) -> ServiceName:
        """This Service in front of a workload."""
        host = f"{self.name}.{self.namespace}.{SERVICE_DOMAIN}"
        if self.headless:
            return ServiceName(host)
        found = []
        for protocol, port, target in self.ports:
            if isinstance(target, str):
                target = one.ports.get(target, ("", port))[1]
            found.append(ServicePort(protocol, port, target or port))
        return ServiceName(host, tuple(found))


def _service(one: KubeObject) -> _Service | None:
    selector = one.get("spec", "selector")
    if not isinstance(selector, Mapping) or not selector:
        return None
    ports = []
    for each in one.get_list("spec", "ports"):
        number, protocol = port_number(mapping(each).get("port")), _protocol(each)
        if number is not None and protocol is not None:
            target = each.get("targetPort")
            named = isinstance(target, str) and not target.isdigit()
            ports.append((protocol, number, target if named else port_number(target)))
    headless = one.get("spec", "clusterIP") == "None"
    return _Service(one.namespace, LabelSelector.of_labels(selector), one.name, tuple(ports), headless)


def _protocol(port: Any) -> str | None:
    """A port's protocol; None where it is none that a Service or container may have."""
    protocol = str(mapping(port).get("protocol") or "TCP").lower()
    return protocol if protocol in ("tcp", "udp", "sctp") else None


def _in_front(one: Workload, services: Iterable[_Service]) -> Iterator[ServiceName]:
    for each in services:
        if each.namespace == one.namespace and each.selector.matches(one.labels):
            yield each.before(one)
