"""What is set for the whole mesh, where the stack says it: the ConfigMap `istio`, or the values of istiod's chart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kubernetes import objects
from ..kubernetes.annotations import RELEASES
from ..stack import Resource, Stack
from .matching import LOCAL_DOMAIN

ROOT = "istio-system"
"""The root namespace, whose policies hold mesh-wide (MeshConfig `rootNamespace`, its default)."""


@dataclass(frozen=True)
class MeshConfig:
    """What of MeshConfig this library looks at; its defaults where the stack says nothing."""

    root: str = ROOT
    domain: str = LOCAL_DOMAIN
    aliases: tuple[str, ...] = ()
    document: Mapping[str, Any] | None = None
    """All of it; None where the stack has none."""
    resource: Resource | None = None
    """What says so."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The trust domain, and what counts as the same."""
        return (self.domain, *self.aliases)


def read_mesh_config(stack: Stack) -> MeshConfig:
    """The first that the stack has."""
    for resource, document in _documents(stack):
        aliases = document.get("trustDomainAliases")
        return MeshConfig(
            str(document.get("rootNamespace") or ROOT),
            str(document.get("trustDomain") or LOCAL_DOMAIN),
            tuple(str(one) for one in aliases) if isinstance(aliases, list | tuple) else (),
            document,
            resource,
        )
    return MeshConfig()


def _documents(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    for one in objects(stack, "", "ConfigMap"):
        text = one.get("data", "mesh")
        # `istio`, and of a revision `istio-1-27` (Istio, "Canary Upgrades").
        if (one.name == "istio" or one.name.startswith("istio-")) and isinstance(text, str):
            found = _parsed(text)
            if isinstance(found, Mapping):
                yield one.resource, found
    for release in stack.of_type(*RELEASES):
        chart = release.get("chart")
        found = release.get("values", "meshConfig")
        if isinstance(chart, str) and chart.rsplit("/", 1)[-1] == "istiod" and isinstance(found, Mapping):
            yield release, found


def _parsed(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return None
