"""Kubernetes manifests: YAML of several documents, lists, folders, and what `kubectl get -o json` or `-o yaml` prints."""

from collections.abc import Mapping
from dataclasses import replace

from ..gates.kubernetes.objects import stack_from_manifests
from ..gates.stack import Resource
from .making import Made, Source

_SECRET = "Secret"  # noqa: S105  # a kind
_VALUES = ("data", "stringData")


def recognizes(source: Source) -> bool:
    """Whether a file holds objects of Kubernetes."""
    return any(isinstance(one, Mapping) and "apiVersion" in one and "kind" in one for one in source.documents)


def read(source: Source, made: Made) -> None:
    """Every object; of Secrets their names alone."""
    for number, one in enumerate(source.documents):
        if isinstance(one, Mapping) and one.get("kind") and not one.get("apiVersion"):
            source.problems.add(f"document {number}", "has no apiVersion", place=source.name)
    try:
        found = stack_from_manifests(source.documents, "imported")
    except ValueError as error:
        source.problems.add("", f"{error}: leave one of them out", place=source.name)
        return
    for resource in found.resources:
        if made.holds(resource.urn):
            source.problems.add(
                "", f"{resource.type.rpartition(':')[2]} {resource.name} is in another source too", place=source.name
            )
        else:
            made.keep(_without_secrets(resource))


def _without_secrets(resource: Resource) -> Resource:
    if resource.type.rpartition(":")[2] != _SECRET:
        return resource
    return replace(resource, properties={key: value for key, value in resource.properties.items() if key not in _VALUES})
