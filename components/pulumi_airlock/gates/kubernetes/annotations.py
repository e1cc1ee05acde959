"""What annotations say of pods, their own before their namespace's; and the values of charts. No SDK in here."""

from collections.abc import Mapping
from typing import Any

from ...proof.sets import Services
from ..stack import Resource, Stack
from .cluster import Cluster
from .objects import objects, text_map
from .workloads import Workload

RELEASES = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart", "kubernetes:helm.sh/v3:Chart")
_PLACES = (("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ())
"""Where the template of an object's pods is; at last the object itself, which is a pod."""


class Annotations:
    """The annotations of a cluster's workloads."""

    def __init__(self, stack: Stack, cluster: Cluster) -> None:
        self._stack, self._cluster = stack, cluster
        self._spaces = {one.name: one for one in objects(stack, "", "Namespace")}

    def said(self, one: Workload, key: str) -> str | None:
        """What an annotation says of a workload's pods; of a namespace that the stack does not make, declared labels do."""
        found = self.template(one)
        own = text_map(found[0].get(*found[1], "metadata", "annotations")) if found else {}
        space = self._spaces.get(one.namespace)
        above = {**self._cluster.labels_of(one.namespace), **(space.annotations if space else {})}
        return own.get(key, above.get(key))

    def makes(self, namespace: str) -> bool:
        """Whether the stack makes a namespace, so that all its annotations are known."""
        return namespace in self._spaces

    def template(self, one: Workload) -> tuple[Resource, tuple[str, ...]] | None:
        """The object that makes a workload's pods, and where their template is in it."""
        found = self._stack.find(one.urn) if one.urn and one.owner else None
        if found is None:
            return None
        return found, next((path for path in _PLACES if isinstance(found.get(*path, "metadata"), Mapping)), ())


def ports_of(text: str | None) -> Services:
    """A list of TCP ports and ranges as annotations have it: `4222,6222-6225`; what is none is left out, as meshes do."""
    found = []
    for part in (text or "").split(","):
        first, dash, last = part.strip().partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            found.append(Services.of("tcp", int(first), int(last or first)))
    return Services.union(found)


def chart_values(stack: Stack, chart: str) -> Mapping[str, Any] | None:
    """The values of a chart that the stack installs, whatever its repository; None where it does not."""
    for release in stack.of_type(*RELEASES):
        name = release.get("chart")
        if isinstance(name, str) and name.rsplit("/", 1)[-1] == chart:
            values = release.get("values")
            return values if isinstance(values, Mapping) else {}
    return None
