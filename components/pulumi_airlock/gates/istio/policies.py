"""The mesh of a stack: its workloads, its policies, and how its workloads take connections. No SDK in here.

Semantics: Istio, "Authorization Policy", "PeerAuthentication", "Authorization Policy Conditions", "Ambient: L4 and L7 policy".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...proof.sets import Services
from ..kubernetes import Cluster, KubeObject, LabelSelector, Workload, objects
from ..stack import UNKNOWN, Stack
from .extensions import Extensions, read_extensions
from .identities import Identities
from .members import Proxy, proxy_of
from .mesh_config import ROOT, MeshConfig, read_mesh_config
from .peers import Taking, takings
from .rules import Box, Enforcer, Rules

SECURITY = "security.istio.io"
DRY_RUN = "istio.io/dry-run"
"""An annotation: the policy is logged, and not enforced (Istio, "Dry Run")."""
ACTIONS = ("ALLOW", "DENY", "AUDIT", "CUSTOM")
_HTTP = frozenset({"http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"})
_TCP = frozenset({"tcp", "tls", "https", "mongo", "mysql", "redis", "kubernetes.io/wss"})
"""Protocols of a Service's port, by `appProtocol` or as the beginning of its name (Istio, "Protocol Selection")."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a policy is attached to, in place of a selector."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Authorization:
    """One AuthorizationPolicy."""

    object: KubeObject
    actions: frozenset[str]
    """What it does, or, where that is not known, all that it may do."""
    selector: LabelSelector
    targets: tuple[Target, ...] = ()
    """Waypoints, Services and gateways; with any of these it holds at no workload itself."""
    unknown: tuple[str, ...] = ()
    """What of it is not known: whether it holds here at all."""

    @property
    def action(self) -> str:
        """What it does."""
        return next(iter(self.actions)) if len(self.actions) == 1 else "UNKNOWN"

    def selects(self, one: Workload, root: str = ROOT) -> bool:
        """Whether it holds at a workload, or may; those of the root namespace hold everywhere."""
        return not self.targets and self.object.namespace in (root, one.namespace) and self.selector.matches(one.labels)


@dataclass(frozen=True, eq=False)
class Mesh:
    """The mesh."""

    cluster: Cluster
    members: frozenset[str]
    """Names of the workloads with a sidecar, or in ambient mode: whoever has an identity."""
    authorizations: tuple[Authorization, ...]
    config: MeshConfig = field(default_factory=MeshConfig)
    proxies: Mapping[str, Proxy] = field(default_factory=dict)
    identities: Identities | None = None
    peers: tuple[KubeObject, ...] = ()
    tokens: tuple[KubeObject, ...] = ()
    """RequestAuthentications."""
    services: tuple[KubeObject, ...] = ()
    extensions: Extensions = field(default_factory=Extensions)
    _read: dict[object, "Boxes"] = field(default_factory=dict)

    def on(self, one: Workload) -> list[Authorization]:
        """The policies that hold at a workload."""
        return [each for each in self.authorizations if each.selects(one, self.config.root)]

    def takings(self, one: Workload) -> tuple[Taking, ...]:
        """How a workload takes connections, by its ports."""
        return takings(one, self.peers, self.config.root, ambient=self.proxies.get(one.name) is Proxy.AMBIENT)

    def has_tokens(self, one: Workload) -> bool:
        """Whether requests at a workload may have a principal: some RequestAuthentication may hold there."""
        return any(
            each.namespace in (self.config.root, one.namespace)
            and (bool(each.get("spec", "targetRefs")) or LabelSelector.parse(each.get("spec", "selector")).matches(one.labels))
            for each in self.tokens
        )

    def boxes(self, policy: Authorization, enforcer: Enforcer, action: str, *, tokens: bool = True, sni: bool = False) -> "Boxes":
        """Rules of a policy, with their places."""
        allow = action == "ALLOW"
        key = (policy.object, enforcer, allow, tokens, sni)
        if key not in self._read:
            assert self.identities is not None  # noqa: S101  # a mesh that was read has them
            reader = Rules(self.identities, enforcer, policy.object.namespace, allow, tokens, sni)
            self._read[key] = tuple(_boxes(policy.object, reader))
        return self._read[key]

    def of_connections(self, one: Workload) -> Services:
        """Ports of a workload's pods that the stack says are not HTTP."""
        found: dict[str, Services] = {"tcp": Services(), "http": Services()}
        for service in self.services:
            selector = service.get("spec", "selector")
            if service.namespace != one.namespace or not isinstance(selector, Mapping) or not selector:
                continue
            if not LabelSelector.of_labels(selector).matches(one.labels):
                continue
            for port in service.get_list("spec", "ports"):
                if isinstance(port, Mapping) and (kind := _protocol(port)):
                    found[kind] |= _target(port, one)
        return found["tcp"] - found["http"]


Boxes = tuple[tuple[int, Box], ...]


def _boxes(policy: KubeObject, reader: Rules) -> Iterator[tuple[int, Box]]:
    if policy.get("spec", "rules") is UNKNOWN:
        yield 0, Box(unknown=(f"{policy.resource.name}.spec.rules",))
        return
    for position, rule in enumerate(policy.get_list("spec", "rules")):
        for box in reader.boxes(rule, f"{policy.resource.name}.spec.rules[{position}]"):
            yield position, box


def _protocol(port: Mapping[str, Any]) -> str | None:
    """What a Service's port says that it is; None where Istio finds it out by itself."""
    if port.get("appProtocol"):
        given = str(port["appProtocol"]).lower()
    else:
        name = str(port.get("name") or "").lower()
        given = name if name.startswith("grpc-web") else name.partition("-")[0]
        given = "grpc-web" if given.startswith("grpc-web") else given
    return "http" if given in _HTTP else "tcp" if given in _TCP else None


def _target(port: Mapping[str, Any], one: Workload) -> Services:
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, str) and not target.isdigit():
        named = one.ports.get(target)
        return Services.of("tcp", named[1], named[1]) if named else Services()
    if not isinstance(target, str | int | float):
        return Services()
    return Services.of("tcp", int(target), int(target))


def read_mesh(stack: Stack, cluster: Cluster) -> Mesh:
    """The mesh of a stack."""
    config = read_mesh_config(stack)
    proxies = {one.name: proxy for one in cluster.workloads if (proxy := proxy_of(one, cluster, stack)) is not None}
    found = [
        one
        for one in objects(stack, SECURITY, "AuthorizationPolicy")
        if one.annotations.get(DRY_RUN, "").lower() not in ("true", "1", "t")
    ]
    identities = Identities(cluster, config, found)
    return Mesh(
        cluster,
        frozenset(proxies) | _strangers_inside(identities, cluster, proxies),
        tuple(map(_authorization, found)),
        config,
        proxies,
        identities,
        objects(stack, SECURITY, "PeerAuthentication"),
        objects(stack, SECURITY, "RequestAuthentication"),
        objects(stack, "", "Service"),
        read_extensions(stack, config.root),
    )


def _strangers_inside(identities: Identities, cluster: Cluster, proxies: Mapping[str, Proxy]) -> frozenset[str]:
    """Accounts that policies name and no workload has: in the mesh, unless their namespace is known to be outside."""
    known = {one.name for one in cluster.workloads}
    return frozenset(
        name
        for name in identities.everybody - known
        if f"{name.partition('/')[0]}/*" in proxies or f"{name.partition('/')[0]}/*" not in known
    )


def _authorization(one: KubeObject) -> Authorization:
    action = one.get("spec", "action", default="ALLOW")
    unknown: list[str] = []
    actions = frozenset({str(action)})
    if action is UNKNOWN or action not in ACTIONS:
        unknown.append(f"{one.resource.name}.spec.action")
        actions = frozenset({"ALLOW", "DENY"})
    if one.get("spec") is UNKNOWN:
        unknown.append(f"{one.resource.name}.spec")
    labels = one.get("spec", "selector", "matchLabels", default={})
    selector = LabelSelector.of_labels(labels, f"{one.resource.name}.spec.selector")
    if one.labels.get("istio.io/rev"):
        unknown.append(f"{one.resource.name}: it is for one revision of Istio alone")
    return Authorization(one, actions, selector, tuple(_targets(one)), (*unknown, *selector.unknown))


def _targets(one: KubeObject) -> Iterator[Target]:
    single = one.get("spec", "targetRef")
    for each in [*one.get_list("spec", "targetRefs"), *([single] if single else [])]:
        given = each if isinstance(each, Mapping) else {}
        yield Target(str(given.get("kind") or ""), str(given.get("namespace") or one.namespace), str(given.get("name") or ""))
