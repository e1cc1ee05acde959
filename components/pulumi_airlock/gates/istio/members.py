"""Who is in the mesh: by a sidecar, or by the ambient mode. Whoever is not has no identity, and no policy holds at it.

Sources: Istio, "Installing the Sidecar" (controlling the injection policy), and the selectors of its webhook (istio/istio, chart
istio-discovery, mutatingwebhook); "Add workloads to an ambient mesh". Revisions are taken to exist.
"""

from collections.abc import Mapping
from enum import Enum

from ..kubernetes import Cluster, Workload
from ..kubernetes.objects import text_map
from ..stack import Stack

INJECT = "sidecar.istio.io/inject"
REVISION = "istio.io/rev"
DATAPLANE = "istio.io/dataplane-mode"
EXCLUDED = "traffic.sidecar.istio.io/excludeInboundPorts"
"""An annotation: ports that lead past the sidecar (Istio, "Resource Annotations")."""
_NEVER = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
"""Namespaces that are never injected (istio/istio, pkg/kube/inject: IgnoredNamespaces)."""


class Proxy(Enum):
    """What stands before a workload."""

    SIDECAR = "a sidecar"
    AMBIENT = "ztunnel"


def proxy_of(one: Workload, cluster: Cluster, stack: Stack) -> Proxy | None:
    """What stands before a workload; None: nothing, it is outside of the mesh."""
    if one.host_network:
        return None
    space = cluster.labels_of(one.namespace)
    if _injected(one, space, stack):
        return Proxy.SIDECAR
    mode = one.labels.get(DATAPLANE, space.get(DATAPLANE))
    return Proxy.AMBIENT if mode == "ambient" else None


def _injected(one: Workload, space: Mapping[str, str], stack: Stack) -> bool:
    pod = one.labels.get(INJECT)
    if one.namespace in _NEVER or pod == "false" or (pod is None and _annotations(one, stack).get(INJECT) == "false"):
        return False
    if "istio-injection" in space:
        return space["istio-injection"] == "enabled"
    if space.get(REVISION):
        return True
    return pod == "true" or bool(one.labels.get(REVISION))


def _annotations(one: Workload, stack: Stack) -> Mapping[str, str]:
    """Those of its pods, where the stack has the object: the form before the label, still kept (istio/istio, inject)."""
    found = stack.find(one.urn) if one.urn else None
    if found is None:
        return {}
    for path in (("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ()):
        given = text_map(found.get(*path, "metadata", "annotations"))
        if given:
            return given
    return {}
