"""What changes Istio's proxies past its policies, and what keeps connections from them.

An EnvoyFilter may take authorization out of a proxy, or put something before it; a WasmPlugin may answer, or rewrite what
policies look at. Neither is read further than to whom it applies: there, policies perhaps decide nothing.

Sources: Istio, "Envoy Filter", "Wasm Plugin", "Resource Annotations" (traffic capture, `bypass-inbound-capture`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...proof.filters import Action, Match, Rule
from ...proof.sets import Services
from ..kubernetes import KubeObject, LabelSelector, Workload, objects
from ..kubernetes.annotations import Annotations, ports_of
from ..stack import UNKNOWN, Stack
from .members import EXCLUDED, Proxy

INCLUDED = "traffic.sidecar.istio.io/includeInboundPorts"
INTERCEPTION = "sidecar.istio.io/interceptionMode"
BYPASS = "ambient.istio.io/bypass-inbound-capture"
SIDECAR, GATEWAY = "SIDECAR_INBOUND", "GATEWAY"
"""In which proxies a patch of an EnvoyFilter is."""
_TCP = Services.of("tcp")


@dataclass(frozen=True)
class Extension:
    """Something that is put into proxies."""

    object: KubeObject
    selector: LabelSelector
    attached: bool
    """Whether it is attached to waypoints, Services or gateways, and holds at no sidecar."""
    contexts: frozenset[str] | None
    """In which proxies; None: in any."""

    def rule(self, match: Match) -> Rule:
        """It may let whatever comes through."""
        return Rule(Action.ALLOW, match, self.object.at("spec"), (self.reason,))

    @property
    def reason(self) -> str:
        """What is not known of it."""
        return f"{self.object.resource.name}: what it makes of the proxies"


@dataclass(frozen=True)
class Extensions:
    """All of a mesh."""

    all: tuple[Extension, ...] = ()
    root: str = ""

    def on(self, one: Workload, context: str) -> list[Extension]:
        """Those that are, or may be, in the proxy of a workload."""
        return [
            each
            for each in self._in(one.namespace, context)
            if not each.attached and (each.selector.matches(one.labels) or bool(each.selector.unknown))
        ]

    def before(self, namespace: str) -> list[Extension]:
        """Those that may be in waypoints of a namespace: which of them they are attached to is not looked at."""
        return [each for each in self._in(namespace, GATEWAY) if each.attached or not each.selector.requirements]

    def _in(self, namespace: str, context: str) -> Iterator[Extension]:
        for each in self.all:
            if each.object.namespace in (self.root, namespace) and (each.contexts is None or context in each.contexts):
                yield each


def read_extensions(stack: Stack, root: str) -> Extensions:
    """The EnvoyFilters and WasmPlugins of a stack."""
    found = []
    for group, kind, prop in (
        ("networking.istio.io", "EnvoyFilter", ("workloadSelector", "labels")),
        ("extensions.istio.io", "WasmPlugin", ("selector", "matchLabels")),
    ):
        for one in objects(stack, group, kind):
            labels = one.get("spec", *prop, default={})
            selector = LabelSelector.of_labels(labels, f"{one.resource.name}.spec.{'.'.join(prop)}")
            attached = bool(one.get("spec", "targetRefs") or one.get("spec", "targetRef"))
            found.append(Extension(one, selector, attached, _contexts(one) if kind == "EnvoyFilter" else None))
    return Extensions(tuple(found), root)


def _contexts(one: KubeObject) -> frozenset[str] | None:
    patches = one.get("spec", "configPatches")
    if not isinstance(patches, list | tuple):
        return None
    found: set[str] = set()
    for patch in patches:
        match = patch.get("match", {}) if isinstance(patch, Mapping) else UNKNOWN
        context = match.get("context", "ANY") if isinstance(match, Mapping) else "ANY"
        if context not in (SIDECAR, GATEWAY, "SIDECAR_OUTBOUND"):
            return None
        found.add(str(context))
    return frozenset(found)


def changed(rules: Iterable[Rule], extensions: Iterable[Extension], match: Match) -> Iterator[Rule]:
    """Rules at a proxy into which something is put: what refuses does so perhaps, and everything is perhaps let through."""
    listed = tuple(extensions)
    why = tuple(one.reason for one in listed)
    for rule in rules:
        yield replace(rule, unknown=(*rule.unknown, *why)) if why and rule.action is Action.DENY else rule
    for one in listed:
        yield one.rule(match)


def past_its_proxy(one: Workload, proxy: Proxy, annotations: Annotations) -> Services:
    """Ports of a workload that lead past what stands before it."""
    if proxy is Proxy.AMBIENT:
        return _TCP if annotations.said(one, BYPASS) == "true" else Services()
    if annotations.said(one, INTERCEPTION) == "NONE":
        return _TCP
    included = annotations.said(one, INCLUDED)
    left_out = Services() if included is None or "*" in included else _TCP - ports_of(included)
    return left_out | ports_of(annotations.said(one, EXCLUDED))


__all__ = ["GATEWAY", "SIDECAR", "Extension", "Extensions", "changed", "past_its_proxy", "read_extensions"]
