"""What each mesh asks of Airflow's namespace and pods. No SDK in here.

The namespace enforces "restricted", where a pod may not set up its own redirection: the mesh's CNI plugin does it (Istio CNI,
Linkerd CNI, Consul's `connectInject.cni`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mesh:
    """One mesh."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the namespace."""
    namespace_annotations: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of every pod: sidecars start before Airflow, and end with a task's pod."""
    tokens: bool = False
    """Whether every pod needs a token of the API server, though its account may do nothing."""
    kept_out: str = ""
    """The annotation of a pod with its ports that the sidecar leaves alone: who connects there is no workload of the mesh."""


_LINKERD = {
    "linkerd.io/inject": "enabled",
    # Fixed when a pod starts, for ports that no Server names (Linkerd, "Authorization Policy").
    "config.linkerd.io/default-inbound-policy": "deny",
}
MESHES: Mapping[str, Mesh] = {
    "istio": Mesh(
        labels={"istio-injection": "enabled"},
        annotations={
            "proxy.istio.io/config": '{"holdApplicationUntilProxyStarts": true}',
            # The default since Istio 1.27, on Kubernetes 1.29 and later; before, a task's pod would never end.
            "sidecar.istio.io/nativeSidecar": "true",
        },
        kept_out="traffic.sidecar.istio.io/excludeInboundPorts",
    ),
    "linkerd": Mesh(
        namespace_annotations=_LINKERD,
        annotations={
            **_LINKERD,
            "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
            # PgBouncer's port is none of those that Linkerd takes for opaque by itself (Linkerd, "Protocol Detection").
            "config.linkerd.io/opaque-ports": "5432,6543,6379",
        },
        kept_out="config.linkerd.io/skip-inbound-ports",
    ),
    "consul": Mesh(
        annotations={
            "consul.hashicorp.com/connect-inject": "true",
            # Pods that end: the sidecar has to end with them (consul-k8s, "Enable sidecar for jobs").
            "consul.hashicorp.com/enable-consul-dataplane-as-sidecar": "true",
        },
        # Its sidecar signs in to Consul with the pod's token; without one injection fails (consul-k8s, `mesh_webhook.go`).
        tokens=True,
        kept_out="consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
    ),
}
NONE = Mesh()
