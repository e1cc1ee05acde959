"""Whom authorizations let in: AuthorizationPolicies with what they refer to, ServerAuthorizations, and default policies.

Semantics: linkerd/linkerd2, policy-controller/k8s/index (inbound/index.rs `policy_client_authz`, server_authorization.rs,
defaults.rs). A policy that refers to nothing, or to two of a kind, counts for nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Source, Who
from ...proof.sets import Hosts
from ..kubernetes import Cluster, KubeObject, LabelSelector, names_of, objects
from ..stack import UNKNOWN, Stack, cidrs, mapping
from .compile import POLICY
from .pods import Pods

_NOBODY = Who(workloads=frozenset())


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody who is let in."""

    who: Who
    source: Source
    unknown: tuple[str, ...] = ()
    """What of it is not known: it may let in fewer."""


class Callers:
    """Everybody of a mesh, as authorizations speak of them."""

    def __init__(self, stack: Stack, cluster: Cluster, pods: Pods) -> None:
        self._cluster, self._pods = cluster, pods
        self.policies = objects(stack, POLICY, "AuthorizationPolicy")
        self._older = objects(stack, POLICY, "ServerAuthorization")
        self._tls = {(one.namespace, one.name): one for one in objects(stack, POLICY, "MeshTLSAuthentication")}
        self._networks = {(one.namespace, one.name): one for one in objects(stack, POLICY, "NetworkAuthentication")}
        self._nodes = Hosts.from_cidrs(cluster.declared.node_cidrs)
        self.members = names_of(pods.members)

    def of_server(self, server: KubeObject) -> Iterator[Grant]:
        """Who is let in at a whole Server: by its default, by policies of it and of its namespace."""
        access = server.get("spec", "accessPolicy", default="deny")
        if access is UNKNOWN:
            yield Grant(Who(), server.at("spec", "accessPolicy"), (f"{server.resource.name}.spec.accessPolicy",))
        else:
            yield from self.by_default(str(access), server.at("spec", "accessPolicy"))
        for policy in self.policies:
            kind, name = policy.get("spec", "targetRef", "kind"), policy.get("spec", "targetRef", "name")
            if policy.namespace == server.namespace and (kind == "Namespace" or (kind == "Server" and name == server.name)):
                yield from self._of_policy(policy)
        for older in self._older:
            if older.namespace == server.namespace:
                yield from self._of_older(older, server)

    def of_route(self, route: KubeObject) -> Iterator[Grant]:
        """Who is let in by policies of one route."""
        group = route.api_version.partition("/")[0]
        for policy in self.policies:
            target = policy.get("spec", "targetRef")
            if policy.namespace == route.namespace and isinstance(target, Mapping):
                meant = (target.get("group"), str(target.get("kind")).lower(), target.get("name"))
                if meant == (group, route.kind.lower(), route.name):
                    yield from self._of_policy(policy)

    def by_default(self, name: str, source: Source, *, with_identity: bool = False) -> Iterator[Grant]:
        """Whom a default policy lets in; `with_identity`: those alone who have one."""
        if name == "deny":
            return
        named = with_identity and name != "audit"
        workloads = self.members if name.endswith("-authenticated") or named else None
        sources = self._pods.networks if name.startswith("cluster-") else None
        known = name in ("audit", *(f"{scope}-{kind}" for scope in ("all", "cluster") for kind in _KINDS))
        yield Grant(Who(workloads=workloads, sources=sources), source, () if known else (f"{name}: no default policy",))

    def _of_policy(self, policy: KubeObject) -> Iterator[Grant]:
        """Whoever fulfils all that a policy asks for; nobody for the kubelet, whose probes are no traffic of the proof."""
        names: frozenset[str] | None = None
        sources: Hosts | None = None
        unknown: list[str] = []
        broken = False
        for number, ref in enumerate(policy.get_list("spec", "requiredAuthenticationRefs")):
            where = f"{policy.resource.name}.spec.requiredAuthenticationRefs[{number}]"
            kind, name = (ref.get("kind"), ref.get("name")) if isinstance(ref, Mapping) else (UNKNOWN, UNKNOWN)
            key = (str(ref.get("namespace") or policy.namespace) if isinstance(ref, Mapping) else "", str(name))
            if kind is UNKNOWN or name is UNKNOWN:
                unknown.append(where)
            elif kind == "NetworkAuthentication":
                broken |= sources is not None or key not in self._networks
                sources = self._addresses(self._networks[key].get_list("spec", "networks")) if not broken else Hosts()
            else:
                broken |= names is not None
                names = self._named(str(kind), key)
        if names is None and sources is not None and not broken and self._nodes.covers_addresses(sources):
            return
        yield Grant(_NOBODY if broken else Who(workloads=names, sources=sources), policy.at("spec"), tuple(unknown))

    def _named(self, kind: str, key: tuple[str, str]) -> frozenset[str]:
        if kind == "ServiceAccount":
            return self._with_proxy(self._cluster.of_account(*key))
        if kind == "MeshTLSAuthentication" and key in self._tls:
            return self._identities(self._tls[key])
        return frozenset()

    def _of_older(self, one: KubeObject, server: KubeObject) -> Iterator[Grant]:
        chosen = one.get("spec", "server")
        if not isinstance(chosen, Mapping):
            return
        selector = LabelSelector.parse(chosen.get("selector"))
        if not (chosen["name"] == server.name if chosen.get("name") else selector.matches(server.labels)):
            return
        client = one.get("spec", "client")
        given = client if isinstance(client, Mapping) else {}
        networks = given.get("networks")
        sources = self._addresses(networks) if isinstance(networks, list | tuple) and networks else self._pods.networks
        tls = given.get("meshTLS")
        names: frozenset[str] | None = frozenset()
        if given.get("unauthenticated") is True:
            names = None
        elif isinstance(tls, Mapping):
            names = self.members if tls.get("unauthenticatedTLS") is True else self._of_tls(tls, one.namespace)
        unknown = (f"{one.resource.name}.spec.client",) if client is UNKNOWN or UNKNOWN in given.values() else ()
        who = Who(sources=sources) if unknown else Who(workloads=names, sources=sources)
        yield Grant(who, one.at("spec", "client"), unknown)

    def _of_tls(self, tls: Mapping[str, Any], namespace: str) -> frozenset[str]:
        found: set[str] = set()
        for text in tls.get("identities") or ():
            found |= self._of_identity(str(text))
        for each in tls.get("serviceAccounts") or ():
            if isinstance(each, Mapping):
                found |= self._cluster.of_account(str(each.get("namespace") or namespace), str(each.get("name")))
        return self._with_proxy(frozenset(found))

    def _identities(self, one: KubeObject) -> frozenset[str]:
        found: set[str] = set()
        for ref in one.get_list("spec", "identityRefs"):
            if not isinstance(ref, Mapping):
                continue
            namespace = str(ref.get("namespace") or one.namespace)
            if ref.get("kind") == "ServiceAccount":
                found |= self._cluster.of_account(namespace, str(ref.get("name")))
            elif ref.get("kind") == "Namespace":
                found |= {each.name for each in self._cluster.workloads if each.namespace == str(ref.get("name"))}
        for text in one.get_list("spec", "identities"):
            found |= self._of_identity(str(text))
        return self._with_proxy(frozenset(found))

    def _of_identity(self, text: str) -> frozenset[str]:
        """`ledger.airflow.serviceaccount.identity.linkerd.cluster.local`, `*` or `*.` and a suffix."""
        if text == "*":
            return names_of(self._cluster.workloads)
        suffix = text.removeprefix("*") if text.startswith("*.") else None
        return frozenset(
            one.name
            for one in self._cluster.workloads
            if (identity := f"{one.service_account}.{one.namespace}.serviceaccount.identity.linkerd.cluster.local") == text
            or (suffix is not None and identity.endswith(suffix))
        )

    def _with_proxy(self, names: frozenset[str]) -> frozenset[str]:
        """Without a proxy nobody has an identity."""
        return names - self._pods.outside

    def _addresses(self, networks: list[Any] | tuple[Any, ...]) -> Hosts:
        found = Hosts()
        for network in networks:
            whole = cidrs(mapping(network).get("cidr"))
            found |= Hosts.from_cidrs(whole) - Hosts.from_cidrs(cidrs(mapping(network).get("except")))
        return found


_KINDS = ("authenticated", "unauthenticated")
