"""The control planes of meshes, as sidecars reach them before they start: certificates, configuration, policies. No SDK in here.

Sources: Istio, "Application Requirements" (ports used by Istio) and its chart istio-discovery; Linkerd's chart
linkerd-control-plane; Consul, "Consul ports reference" and the chart of consul-k8s.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload

ISTIO, LINKERD, CONSUL = "istio", "linkerd", "consul"


@dataclass(frozen=True, slots=True)
class Controller:
    """A part of a mesh's control plane that sidecars connect to."""

    service_account: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]
    """TCP ports of its pods, and of the Services before them."""
    services: tuple[str, ...]
    """Names of the Services by which sidecars reach it."""
    reason: str


NAMESPACES: Mapping[str, str] = {ISTIO: "istio-system", LINKERD: "linkerd", CONSUL: "consul"}
"""Mesh → where its control plane is, as its documentation installs it."""
_COMPONENT = "linkerd.io/control-plane-component"
CONTROLLERS: Mapping[str, tuple[Controller, ...]] = {
    ISTIO: (
        Controller("istiod", {"app": "istiod"}, (15012,), ("istiod",), "certificates and configuration of Istio's sidecars"),
    ),
    LINKERD: (
        Controller(
            "linkerd-identity",
            {_COMPONENT: "identity"},
            (8080,),
            ("linkerd-identity-headless",),
            "certificates of Linkerd's sidecars",
        ),
        Controller(
            "linkerd-destination",
            {_COMPONENT: "destination"},
            (8086, 8090),
            ("linkerd-dst-headless", "linkerd-policy"),
            "destinations and policies of Linkerd's sidecars",
        ),
    ),
    CONSUL: (
        Controller(
            "consul-server",
            {"app": "consul", "component": "server"},
            (8501, 8502),
            ("consul-server",),
            "sign-in and configuration of Consul's sidecars",
        ),
    ),
}
"""Mesh → what its sidecars need before they start. The API server calls the webhooks, which is no sidecar's flow."""


def control_plane(mesh: str) -> tuple[Workload, ...]:
    """The control plane of a mesh, as its chart deploys it; none for an unknown mesh."""
    return tuple(_controller(NAMESPACES[mesh], one) for one in CONTROLLERS.get(mesh, ()))


def _controller(namespace: str, one: Controller) -> Workload:
    ports = tuple(ServicePort("tcp", port, port) for port in one.ports)
    return Workload(
        name=f"{namespace}/{one.service_account}",
        namespace=namespace,
        service_account=one.service_account,
        labels=dict(one.labels),
        services=tuple(ServiceName(f"{name}.{namespace}.{SERVICE_DOMAIN}", ports) for name in one.services),
    )


def with_control_plane(found: Sequence[Workload], meshes: Collection[str]) -> list[Workload]:
    """Some workloads, and the control planes of meshes where these are not among them, by the names of their Services."""
    known = {name for one in found for name in one.names}
    return [*found, *(one for mesh in meshes for one in control_plane(mesh) if known.isdisjoint(one.names))]
