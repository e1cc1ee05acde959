"""What a program declares of a cluster, as plain data; and how it is read back. No SDK in here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...proof.sets import Hosts
from ...tokens import CLUSTER
from ..stack import Stack, cidrs, listed, mapping, port_number
from .objects import text_map
from .workloads import DNS, SERVICE_DOMAIN, ServiceName, ServicePort, Workload

CNIS = {
    "cilium": False,
    "gke-dataplane-v2": False,
    "calico": True,
    "aws-vpc-cni": True,
    "antrea": True,
    "kube-router": True,
    "other": True,
}
"""Of each CNI, whether a CIDR in a policy also means pods that have such an address.

The API leaves it open (Kubernetes, "Network Policies", ipBlock). Cilium, and so GKE Dataplane V2, goes by identity there (Cilium
documentation, "Layer 3", "IP/CIDR based": does not apply to endpoints that Cilium manages).
"""


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a cluster is, beside the objects of the stack."""

    name: str = ""
    urn: str = ""
    cni: str = "other"
    pod_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    node_cidrs: tuple[str, ...] = ()
    api_server_cidrs: tuple[str, ...] = ()
    """Addresses of the API server behind `kubernetes.default`."""
    api_server_port: int = 443
    """Its port there: policies see connections to it, not to port 443 of the Service."""
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels of namespaces that the stack does not make."""
    workloads: tuple[Workload, ...] = ()

    @property
    def pods(self) -> Hosts:
        """Where pods can be."""
        return Hosts.from_cidrs(self.pod_cidrs)

    @property
    def blocks_mean_pods(self) -> bool:
        """Whether a CIDR in a policy also means pods that have such an address."""
        return CNIS.get(self.cni, True)

    def met_by_block(self, block: Hosts) -> Hosts:
        """What a CIDR in a policy means: a Service's address never stands in a packet that a policy sees."""
        met = block - Hosts.from_cidrs(self.service_cidrs)
        return met if self.blocks_mean_pods else met - self.pods


DNS_WORKLOAD = Workload(
    name="kube-system/coredns",
    namespace="kube-system",
    service_account="coredns",
    labels={"k8s-app": "kube-dns"},
    ports={"dns": ("udp", 53), "dns-tcp": ("tcp", 53)},
    services=(ServiceName(DNS, (ServicePort("udp", 53, 53), ServicePort("tcp", 53, 53))),),
)
"""The cluster's DNS, by the label that every distribution gives it (Kubernetes, "Customizing DNS Service")."""


def read_facts(stack: Stack) -> ClusterFacts:
    """What the stack declares of its cluster; one without facts where it declares none."""
    found = stack.of_type(CLUSTER)
    return facts_of(found[0].name, found[0].urn, found[0].properties) if found else ClusterFacts()


def facts_of(name: str, urn: str, document: Mapping[str, Any]) -> ClusterFacts:
    """What a declaration says, from its plain data."""

    namespaces = document.get("namespaces")
    return ClusterFacts(
        name=name,
        urn=urn,
        cni=str(document.get("cni") or "other"),
        pod_cidrs=cidrs(document.get("podCidrs")),
        service_cidrs=cidrs(document.get("serviceCidrs")),
        node_cidrs=cidrs(document.get("nodeCidrs")),
        api_server_cidrs=cidrs(document.get("apiServerCidrs")),
        api_server_port=port_number(document.get("apiServerPort")) or 443,
        namespaces={str(key): text_map(labels) for key, labels in namespaces.items()} if isinstance(namespaces, Mapping) else {},
        workloads=tuple(read_workloads(listed(document.get("workloads")), urn)),
    )


def read_workloads(given: Iterable[Any], urn: str) -> Iterator[Workload]:
    """Workloads from the form in which components register them (`describe`); what is no such thing is left out."""
    for one in given:
        if isinstance(one, Mapping) and isinstance(one.get("namespace"), str):
            yield _workload(one, urn)


def _workload(one: Mapping[str, Any], urn: str) -> Workload:
    namespace, account = one["namespace"], str(one.get("serviceAccount") or "default")
    given = one.get("ports")
    # Up to 0.1.0 a map by name. In a map no port is the first, to which Consul's sidecar leads: the CLI sorts maps.
    named = given.items() if isinstance(given, Mapping) else ((mapping(each).get("name"), each) for each in listed(given))
    ports = ((name, _port(each)) for name, each in named)
    services = (_service(each, namespace) for each in listed(one.get("services")) if isinstance(each, Mapping) and "name" in each)
    return Workload(
        name=f"{namespace}/{account}",
        namespace=namespace,
        service_account=account,
        labels=text_map(one.get("labels")),
        ports={str(name): each for name, each in ports if each is not None},
        services=tuple(services),
        addresses=Hosts.from_cidrs(cidrs(one.get("cidrs"))),
        host_network=bool(one.get("hostNetwork")),
        urn=urn,
    )


def _service(one: Mapping[str, Any], namespace: str) -> ServiceName:
    ports = ((_port(each), port_number(mapping(each).get("target"))) for each in listed(one.get("ports")))
    met = tuple(ServicePort(*port, target) for port, target in ports if port is not None and target is not None)
    return ServiceName(f"{one['name']}.{namespace}.{SERVICE_DOMAIN}", met)


def _port(one: Any) -> tuple[str, int] | None:
    protocol, port = mapping(one).get("protocol"), port_number(mapping(one).get("port"))
    return (protocol, port) if protocol in ("tcp", "udp", "sctp") and port is not None else None


def describe(one: Workload) -> dict[str, Any]:
    """A workload in the form in which components register it."""
    suffix = f".{one.namespace}.{SERVICE_DOMAIN}"
    return {
        "namespace": one.namespace,
        "serviceAccount": one.service_account,
        "labels": dict(one.labels),
        "ports": [{"name": name, "protocol": protocol, "port": port} for name, (protocol, port) in one.ports.items()],
        "services": [
            {
                "name": each.host.removesuffix(suffix),
                "ports": [{"protocol": p.protocol, "port": p.port, "target": p.target} for p in each.ports],
            }
            for each in one.services
        ],
        "cidrs": [str(network) for network in one.addresses.networks()],
        "hostNetwork": one.host_network,
    }
