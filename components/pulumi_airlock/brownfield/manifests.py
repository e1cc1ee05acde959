"""Kubernetes manifests: YAML of several documents, lists, folders, and what `kubectl get -o json` or `-o yaml` prints."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

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
    before = len(source.problems)
    for number, one in enumerate(source.documents):
        for where, what in _wrong(one):
            source.problems.add(f"document {number + 1}{where}", what, place=source.name)
    if len(source.problems) > before:
        return
    try:
        found = stack_from_manifests(source.documents, "imported")
    except ValueError as error:
        source.problems.add("", f"{error}: leave one of them out", place=source.name)
        return
    for resource in found.resources:
        if made.holds(resource.urn):
            kind = resource.type.rpartition(":")[2]
            source.problems.add("", f"{kind} {resource.name} is in another source too: give it once", place=source.name)
        else:
            made.keep(_without_secrets(resource))


def _wrong(one: Any) -> Iterator[tuple[str, str]]:
    """(Where, what) of a document that is no object, or no list of such."""
    if one is None:
        return  # nothing between two `---`
    if not isinstance(one, Mapping) or not one.get("kind") or not one.get("apiVersion"):
        yield "", "has no kind or no apiVersion: it is no object of Kubernetes"
        return
    if not isinstance(one.get("metadata") or {}, Mapping):
        yield ".metadata", "is no object"
    items = one.get("items")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if not isinstance(item, Mapping) or not isinstance(item.get("metadata") or {}, Mapping):
            yield f".items[{number}]", "is no object of Kubernetes"


def _without_secrets(resource: Resource) -> Resource:
    if resource.type.rpartition(":")[2] != _SECRET:
        return resource
    return replace(resource, properties={key: value for key, value in resource.properties.items() if key not in _VALUES})
