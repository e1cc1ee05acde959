"""Waypoints of the ambient mode: proxies before a Service, which alone see requests there.

Sources: Istio, "Configure waypoint proxies" (labels, `istio.io/waypoint-for`), "Use Layer 7 features" (policies by `targetRefs`).
The ztunnel of the destination then sees the waypoint in place of the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..kubernetes import Cluster, KubeObject, objects
from ..kubernetes.workloads import SERVICE_DOMAIN
from ..stack import Stack
from .policies import Authorization, Target

GATEWAY_API = "gateway.networking.k8s.io"
CLASS = "istio-waypoint"
_USE, _USE_NAMESPACE, _FOR = "istio.io/use-waypoint", "istio.io/use-waypoint-namespace", "istio.io/waypoint-for"


@dataclass(frozen=True, slots=True)
class Waypoint:
    """One waypoint."""

    object: KubeObject

    @property
    def account(self) -> str:
        """As whom it connects on: its service account has its name."""
        return f"{self.object.namespace}/{self.object.name}"


def waypoints_of(stack: Stack, cluster: Cluster) -> Mapping[str, Waypoint]:
    """Name of a Service → the waypoint before it."""
    found = {
        (one.namespace, one.name): Waypoint(one)
        for one in objects(stack, GATEWAY_API, "Gateway")
        if one.get("spec", "gatewayClassName") == CLASS and one.labels.get(_FOR, "service") in ("service", "all")
    }
    if not found:
        return {}
    labelled = {(one.namespace, one.name): one.labels for one in objects(stack, "", "Service")}
    result: dict[str, Waypoint] = {}
    for host in cluster.by_host:
        name, _, rest = host.partition(".")
        namespace = rest.removesuffix(f".{SERVICE_DOMAIN}")
        space = cluster.labels_of(namespace)
        labels = {**space, **labelled.get((namespace, name), {})}
        used = labels.get(_USE)
        if used and used != "none" and (one := found.get((labels.get(_USE_NAMESPACE, namespace), used))):
            result[host] = one
    return result


def holds_at(policy: Authorization, host: str, waypoint: Waypoint, root: str) -> bool:
    """Whether a policy is attached to the waypoint before a Service, or to that Service."""
    name, _, rest = host.partition(".")
    space = rest.removesuffix(f".{SERVICE_DOMAIN}")
    one = waypoint.object
    for target in policy.targets:
        if target in (Target("Service", space, name), Target("Gateway", one.namespace, one.name)):
            return True
        if target.kind == "GatewayClass" and target.name == CLASS and policy.object.namespace == root:
            return True
    return False
