"""Which pods Linkerd's proxies stand before, and what annotations say of their ports.

Sources: Linkerd, "Proxy Configuration" (annotations), "Authorization Policy" (default policies); linkerd/linkerd2,
policy-controller/k8s/index (workload.rs: settings and probes). An annotation of a pod decides before its namespace's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.sets import Hosts, Services
from ...tokens import HELM_ENVIRONMENT
from ..kubernetes import Cluster, KubeObject, LabelSelector, Workload
from ..kubernetes.annotations import Annotations, chart_values, ports_of
from ..kubernetes.meshes import INJECT, injected
from ..stack import Resource, Stack, port_number

DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
SKIPPED = "config.linkerd.io/skip-inbound-ports"
SUBNETS = "config.linkerd.io/skip-subnets"
OPAQUE = "config.linkerd.io/opaque-ports"
WITH_IDENTITY = "config.linkerd.io/proxy-require-identity-inbound-ports"
_INJECT = INJECT["linkerd"][0]
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
CLUSTER_NETWORKS = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")
"""What counts as the cluster where the chart's values do not say otherwise (linkerd-control-plane, `clusterNetworks`)."""
_CHART = "linkerd-control-plane"
_GALERA = "4567,4568"
"""Ports that the chart has proxies skip where its values do not say otherwise (linkerd-control-plane, `proxyInit`)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What annotations say of a workload's ports."""

    default: str | None
    """The policy of ports without a Server; None: nobody says."""
    skipped: Services
    """Ports that the proxy does not see: whoever connects there is at the application."""
    subnets: Hosts
    """Addresses from which nothing comes to the proxy."""
    opaque: Services
    with_identity: Services
    """Ports without a Server at which the default policy asks for an identity."""
    probes: Mapping[int, tuple[str, ...]]
    """Port → paths of the kubelet's probes, which anybody may ask for where no HTTPRoute is (its default `probeNetworks`)."""


class Pods:
    """The workloads of a cluster, as Linkerd meets them."""

    def __init__(self, stack: Stack, cluster: Cluster, servers: tuple[KubeObject, ...]) -> None:
        self._annotations = Annotations(stack, cluster)
        self._ours = {one.urn for one in stack.of_type(HELM_ENVIRONMENT) if one.get("mesh") == "linkerd"}
        self._values = chart_values(stack, _CHART)
        marked = {name for name, mesh in injected(stack, cluster).items() if mesh == "linkerd"}
        self.members = [
            one
            for one in cluster.workloads
            if not one.stands_for
            and (one.name in marked or (self._unsaid(one) and any(selects(server, one) for server in servers)))
        ]
        inside = {one.name for one in self.members}
        self.outside = frozenset(one.name for one in cluster.workloads if one.name not in inside and not self._unsaid(one))
        """Workloads that surely have no proxy, and so no identity."""
        networks = self._values.get("clusterNetworks") if self._values else None
        given = [part.strip() for part in networks.split(",")] if isinstance(networks, str) else CLUSTER_NETWORKS
        self.networks = Hosts.from_cidrs(given)

    def settings(self, one: Workload) -> Settings:
        """What annotations say of a workload's ports."""
        if one.urn in self._ours:
            return Settings("deny", Services(), Hosts(), Services(), Services(), {})
        said, found = self._annotations.said, self._annotations.template(one)
        return Settings(
            said(one, DEFAULT_POLICY) or self._usual(),
            ports_of(self._or_chart(said(one, SKIPPED), "ignoreInboundPorts", _GALERA)),
            _networks(self._or_chart(said(one, SUBNETS), "skipSubnets", "")),
            ports_of(said(one, OPAQUE)),
            ports_of(said(one, WITH_IDENTITY)),
            _probes(found[0], found[1], one) if found else {},
        )

    def _or_chart(self, said: str | None, name: str, default: str) -> str:
        """What an annotation says, else the chart's `proxyInit`, where the stack has it."""
        given = (self._values or {}).get("proxyInit")
        found = given.get(name, default) if isinstance(given, Mapping) else default
        return said if said is not None else str(found) if self._values is not None else ""

    def _unsaid(self, one: Workload) -> bool:
        """Whether nothing says if its pods have a proxy: neither pods nor namespace are objects of the stack."""
        if one.urn in self._ours or one.host_network or self._annotations.said(one, _INJECT):
            return False
        return one.stands_for or not self._annotations.makes(one.namespace)

    def _usual(self) -> str | None:
        """The default of the whole mesh, where the stack has its chart."""
        proxy = (self._values or {}).get("proxy")
        said = proxy.get("defaultInboundPolicy") if isinstance(proxy, Mapping) else None
        return str(said or "all-unauthenticated") if self._values is not None else None


def _networks(text: str) -> Hosts:
    """A list of networks; one that is none may be any."""
    try:
        return Hosts.from_cidrs(part.strip() for part in text.split(",") if part.strip())
    except ValueError:
        return Hosts.every().addresses()


def selects(server: KubeObject, one: Workload) -> bool:
    """Whether a Server is for pods of a workload; one without a selector of pods is for none."""
    chosen = server.get("spec", "podSelector")
    return server.namespace == one.namespace and chosen is not None and LabelSelector.parse(chosen).matches(one.labels)


def _probes(found: Resource, path: tuple[str, ...], one: Workload) -> dict[int, tuple[str, ...]]:
    result: dict[int, tuple[str, ...]] = {}
    for number, where in _http_probes(found, path, one):
        result[number] = (*result.get(number, ()), where)
    return result


def _http_probes(found: Resource, path: tuple[str, ...], one: Workload) -> Iterator[tuple[int, str]]:
    for place in ("containers", "initContainers"):
        for container in found.get_list(*path, "spec", place):
            for probe in _PROBES:
                asked: Any = container.get(probe) if isinstance(container, Mapping) else None
                http = asked.get("httpGet") if isinstance(asked, Mapping) else None
                if isinstance(http, Mapping):
                    port = http.get("port")
                    named = one.ports.get(port) if isinstance(port, str) else None
                    number = named[1] if named else port_number(port)
                    if number:
                        yield number, str(http.get("path") or "/").partition("?")[0]
