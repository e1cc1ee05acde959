"""Meshes as the other gates of a cluster meet them: who is in one, and by which port it carries connections.

Sources: Linkerd, "Automatic Proxy Injection", "NetworkPolicy" (common errors); Consul, "Annotations and
labels", consul-k8s (`constants.go`); Istio, "Ambient and Kubernetes NetworkPolicy". No SDK in here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ...proof.sets import Services
from ...tokens import CONSUL_GATE, HELM_ENVIRONMENT
from ..stack import Stack
from .annotations import Annotations
from .cluster import Cluster
from .control_planes import CONSUL, ISTIO, LINKERD, control_plane
from .workloads import DNS, Workload

AMBIENT = "istio.io/dataplane-mode"
"""Where this label of a namespace is `ambient`, its pods are in the mesh (Istio, "Add workloads to the mesh")."""
INJECT: Mapping[str, tuple[str, frozenset[str]]] = {
    LINKERD: ("linkerd.io/inject", frozenset({"enabled", "ingress"})),
    CONSUL: ("consul.hashicorp.com/connect-inject", frozenset({"true"})),
}
"""Mesh → the annotation that puts pods into it, and its values that do. A pod's own decides before its namespace's."""
_LABELS: Mapping[str, Mapping[str, frozenset[str]]] = {
    ISTIO: {"istio-injection": frozenset({"enabled"}), AMBIENT: frozenset({"ambient"})},
    **{mesh: {key: values} for mesh, (key, values) in INJECT.items()},
}
_TCP = Services.of("tcp")


# Who is in a mesh


def declares(mesh: str, labels: Mapping[str, str]) -> bool:
    """Whether a namespace with these labels is declared to be in a mesh.

    Linkerd and Consul go by annotations: of a namespace that the stack does not make, a declaration says them among its labels.
    """
    return any(labels.get(key) in values for key, values in _LABELS.get(mesh, {}).items())


def injected(stack: Stack, cluster: Cluster) -> dict[str, str]:
    """Workload → linkerd or consul, by annotations of pods and namespaces, and by what `HelmEnvironment` says of its own."""
    said = Annotations(stack, cluster).said
    ours = {one.urn: str(one.get("mesh") or "") for one in stack.of_type(HELM_ENVIRONMENT)}
    return {
        one.name: mesh
        for one in cluster.workloads
        for mesh, (key, values) in INJECT.items()
        if not one.host_network and (ours.get(one.urn) == mesh or said(one, key) in values)
    }


def in_meshes(stack: Stack, cluster: Cluster) -> dict[str, str]:
    """Workload → istio, linkerd or consul."""
    from ..istio.policies import read_mesh  # which reads clusters itself

    gateways = [str(one.get("gateway", "workload")) for one in stack.of_type(CONSUL_GATE)]
    return {
        **injected(stack, cluster),
        **{name: CONSUL for name in gateways if name in cluster.by_name},
        **dict.fromkeys(sorted(read_mesh(stack, cluster).members), ISTIO),
    }


# By which port


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A port by which a mesh takes all connections of a pod, whichever port is meant."""

    port: int
    single: bool = False
    """Whether it leads to one port of the pod alone; otherwise to any."""

    @property
    def services(self) -> Services:
        """It as a service."""
        return Services.of("tcp", self.port, self.port)

    def behind(self, services: Services, one: Workload) -> Services:
        """What is reached at some ports of a workload: in place of the tunnel's, those that it leads to."""
        return (services | self._led(one)) - self.services if services & self.services else services

    def _led(self, one: Workload) -> Services:
        if not self.single:
            return _TCP  # Which of them, the mesh alone knows.
        first = next((port for protocol, port in one.ports.values() if protocol == "tcp"), None)
        first = first or next((each.target for name in one.services for each in name.ports if each.protocol == "tcp"), None)
        return Services.of("tcp", first, first) if first is not None else _TCP


HBONE = Tunnel(15008)
"""Of Istio's ambient mode."""
TUNNELS: Mapping[str, Tunnel] = {LINKERD: Tunnel(4143), CONSUL: Tunnel(20000, single=True)}
"""Linkerd's inbound proxy: newer releases send all there, older ones what is opaque; the header says which port is meant.
Consul's sidecar: it leads to the service's port, by default the first of the containers (`connect-service-port`)."""
PROBES = "169.254.7.127/32"
"""Where kubelet's probes come from in an ambient mesh: a link-local address, which nobody else can have."""


def tunnels(stack: Stack, cluster: Cluster, gate: str) -> Callable[[Workload], Tunnel | None]:
    """The tunnel of each workload that has one. `gate`: the type of the gate that says whether the mesh is ambient."""
    members = injected(stack, cluster)
    ambient = any(one.get("ambient") is True for one in stack.of_type(gate))

    def of(one: Workload) -> Tunnel | None:
        if ambient or cluster.labels_of(one.namespace).get(AMBIENT) == "ambient":
            return HBONE
        return TUNNELS.get(members.get(one.name, ""))

    return of


@dataclass(frozen=True, slots=True)
class Carrying:
    """How the mesh of a program carries connections, as the gates of layer 4 have to open it."""

    mesh: str = ""
    """Empty: there is none."""
    members: frozenset[str] = frozenset()
    ambient: bool = False

    @property
    def tunnel(self) -> Tunnel | None:
        """Its port, where it has one."""
        return HBONE if self.ambient else TUNNELS.get(self.mesh)

    def hides(self, caller: Workload, to: Workload) -> bool:
        """Whether it encrypts what one workload says to another."""
        return caller.name in self.members and to.name in self.members

    def ports(self, caller: Workload, to: Workload, pods: Services) -> Services:
        """What has to be open from one workload to another, for some ports of the latter's pods."""
        tunnel = self.tunnel
        if tunnel is None or not pods & _TCP or not self.hides(caller, to):
            return pods
        return (pods - _TCP if tunnel.single else pods) | tunnel.services


# Of a program, before there are objects


def members(mesh: str, cluster: Cluster, namespaces: Collection[str], *, ambient: bool = False) -> frozenset[str]:
    """Workloads of a mesh: all of `namespaces`, and of those that are declared to be in it; in ambient mode of the cluster."""
    controllers = {one.name for one in control_plane(mesh)}
    return frozenset(
        one.name
        for one in cluster.workloads
        if (ambient or one.namespace in namespaces or declares(mesh, cluster.labels_of(one.namespace)))
        and DNS not in one.names
        and one.name not in controllers
    )
