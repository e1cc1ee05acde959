"""What the mesh knows of its services: who has a proxy, what their defaults say, and which ports their proxies do not see.

Sources: Consul, "Service defaults", "Proxy defaults", "Mesh" (the modes of mutual TLS), "Annotations and labels"; consul-k8s,
charts/consul (ACLs).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ...proof.filters import Source
from ...proof.sets import Services
from ...tokens import HELM_ENVIRONMENT
from ..kubernetes import Cluster, Workload, objects
from ..kubernetes.annotations import Annotations, chart_values, ports_of
from ..kubernetes.meshes import INJECT, injected
from ..stack import UNKNOWN, Stack
from .compile import GROUP

EXCLUDED = "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports"
TRANSPARENT = "consul.hashicorp.com/transparent-proxy"
HTTP = ("http", "http2", "grpc")
_INJECT = INJECT["consul"][0]
_TCP = Services.of("tcp")
_HARMLESS = ("builtin/ext-authz", "builtin/otel-access-logging", "builtin/aws/lambda")
"""Extensions that refuse more, log, or are of the caller's side alone."""


class MeshServices:
    """The services of a mesh: by their service accounts, whose names they have (with ACLs they have to)."""

    def __init__(self, stack: Stack, cluster: Cluster, named: frozenset[str]) -> None:
        self._stack, self._cluster = stack, cluster
        self._said = Annotations(stack, cluster).said
        self._ours = {one.urn for one in stack.of_type(HELM_ENVIRONMENT) if one.get("mesh") == "consul"}
        self.defaults = objects(stack, GROUP, "ServiceDefaults")
        self._global = objects(stack, GROUP, "ProxyDefaults")
        self._meshes = objects(stack, GROUP, "Mesh")
        marked = {name for name, mesh in injected(stack, cluster).items() if mesh == "consul"}
        known = [one for one in cluster.workloads if not one.stands_for]
        # Where nothing of the stack says who is in the mesh, those are whom intentions are for.
        open_question = [one for one in known if one.name not in marked and self._unsaid(one) and one.service_account in named]
        self.members = [one for one in known if one.name in marked] if marked else open_question
        self.unsaid = open_question if marked else []
        """Workloads that intentions are for, and of which nothing says whether they are in the mesh."""
        meant = [one for one in known if one.service_account in named]
        self.outside = [one for one in meant if one.name not in marked and not self._unsaid(one)]
        """Workloads that intentions are for, and that have no proxy."""

    def protocol(self, name: str) -> Any:
        """What a service speaks: by its defaults, by those of all, else tcp. UNKNOWN where one of them is."""
        for one in self.defaults:
            if one.name == name and (found := one.get("spec", "protocol")):
                return found
        for one in self._global:
            if found := one.get("spec", "config", "protocol"):
                return found
        return "tcp"

    def permissive(self, name: str) -> bool | None:
        """Whether a service takes plain text too, which the mesh has to allow; None where that is not known."""
        modes = [one.get("spec", "mutualTLSMode") for one in self.defaults if one.name == name]
        modes += [one.get("spec", "mutualTLSMode") for one in self._global]
        mode = next((one for one in modes if one), "strict")
        if mode is UNKNOWN:
            return None
        allowed = [one.get("spec", "allowEnablingPermissiveMutualTLS") for one in self._meshes]
        # Where the stack has no Mesh, somebody else's may allow it.
        return mode == "permissive" and (not allowed or any(one is not False and one is not None for one in allowed))

    def changed(self, name: str) -> Iterator[tuple[Source, str]]:
        """What is written into a service's proxy past all intentions: extensions, and pieces of Envoy's own configuration."""
        for one in (*(each for each in self.defaults if each.name == name), *self._global):
            for position, each in enumerate(one.get_list("spec", "envoyExtensions")):
                kind = each.get("name") if isinstance(each, Mapping) else UNKNOWN
                if kind not in _HARMLESS:
                    place = f"{one.resource.name}.spec.envoyExtensions[{position}]"
                    yield one.at("spec", "envoyExtensions", position), f"{place}: what it makes of the proxy"
            config = one.get("spec", "config")
            for key in config if isinstance(config, Mapping) else ():
                if re.fullmatch(r"envoy_.*_json", str(key)):
                    yield one.at("spec", "config", key), f"{one.resource.name}.spec.config.{key}: what it makes of the proxy"

    def unseen(self, one: Workload) -> Services:
        """Ports that lead past the proxy."""
        if one.urn in self._ours:
            return Services()
        said = self._said(one, TRANSPARENT) or self._cluster.labels_of(one.namespace).get(TRANSPARENT) or self._default
        return _TCP if said == "false" else ports_of(self._said(one, EXCLUDED))

    @cached_property
    def _default(self) -> str:
        """Whether pods without a word are redirected to their proxies: by the chart, which does so unless it is told not to."""
        found: Any = chart_values(self._stack, "consul") or {}
        for key in ("connectInject", "transparentProxy", "defaultEnabled"):
            found = found.get(key) if isinstance(found, Mapping) else None
        return "false" if found is False else ""

    def exposed(self, name: str) -> list[tuple[int, str]]:
        """Ports of the proxy and paths at which anybody is let in, for checks."""
        found = []
        for one in (*(each for each in self.defaults if each.name == name), *self._global):
            for each in one.get_list("spec", "expose", "paths"):
                port = each.get("listenerPort") if isinstance(each, Mapping) else None
                if isinstance(port, int | float):
                    found.append((int(port), str(each.get("path") or "/")))
        return found

    def _unsaid(self, one: Workload) -> bool:
        """Whether nothing says if its pods have a proxy."""
        return not self._said(one, _INJECT) and not one.host_network


def default_allows(stack: Stack) -> bool | None:
    """Whether what no intention names is let in: by the chart's ACLs, where the stack has it; None: nobody says."""
    found: Any = chart_values(stack, "consul")
    if found is None:
        return None
    for key in ("global", "acls", "manageSystemACLs"):
        if found is UNKNOWN:
            return None
        found = found.get(key, {}) if isinstance(found, Mapping) else {}
    return None if found is UNKNOWN else found is not True
