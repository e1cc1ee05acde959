"""Kubernetes objects among a stack's resources, whichever SDK class made them; and plain manifests as a stack.

A resource's type is `kubernetes:<group>/<version>:<Kind>`: typed resources, `CustomResource`s and the children of a `ConfigGroup`
all look the same. `…Patch` resources, which change an object that somebody else owns, have kinds of their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...proof.filters import Source
from ..stack import UNKNOWN, Resource, Stack

_TYPE = re.compile(r"kubernetes:(?P<group>[^/:]+)/(?P<version>[^:]+):(?P<kind>\w+)")
_CORE = "core"
"""How Pulumi's types write the group without a name."""


@dataclass(frozen=True, slots=True)
class KubeObject:
    """One object: its resource, with what every object has at hand."""

    resource: Resource
    api_version: str
    """`networking.k8s.io/v1`; `v1` for the core group."""
    kind: str
    namespace: str
    """`default` where the object says none."""
    name: str

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels, as far as they are known."""
        return text_map(self.get("metadata", "labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations, as far as they are known."""
        return text_map(self.get("metadata", "annotations"))

    def get(self, *path: str | int, default: Any = None) -> Any:
        """The value at a path, as `Resource.get`."""
        return self.resource.get(*path, default=default)

    def get_list(self, *path: str | int) -> list[Any]:
        """The list at a path, as `Resource.get_list`."""
        return self.resource.get_list(*path)

    def at(self, *path: str | int, label: str = "", through: Iterable[Resource] = ()) -> Source:
        """A place within it, as the source of a rule."""
        return self.resource.at(*path, label=label or str(self), through=through)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def text_map(value: Any) -> dict[str, str]:
    """The known entries of a map of texts."""
    found = value.items() if isinstance(value, Mapping) else ()
    return {str(key): str(text) for key, text in found if text is not UNKNOWN and text is not None}


def objects(stack: Stack, group: str, *kinds: str) -> tuple[KubeObject, ...]:
    """Every object of a group (`""` is the core group) and of the given kinds, in any version, kind by kind."""
    wanted = group or _CORE
    types: dict[str, list[tuple[str, str]]] = {}
    for one in stack.types:
        if (parts := _TYPE.fullmatch(one)) and parts["group"] == wanted:
            types.setdefault(parts["kind"], []).append((one, parts["version"]))
    return tuple(
        _object(resource, group, version, kind)
        for kind in kinds
        for type_, version in types.get(kind, ())
        for resource in stack.of_type(type_)
    )


def _object(resource: Resource, group: str, version: str, kind: str) -> KubeObject:
    namespace, name = resource.get("metadata", "namespace"), resource.get("metadata", "name")
    return KubeObject(
        resource,
        f"{group}/{version}" if group else version,
        kind,
        namespace if isinstance(namespace, str) and namespace else "default",
        name if isinstance(name, str) and name else resource.name.rsplit("/", 1)[-1],
    )


def stack_from_manifests(documents: Iterable[Any], name: str = "manifests") -> Stack:
    """Plain manifests as a stack: objects, and lists of objects. What has no `apiVersion` and `kind` is left out.

    ValueError when two documents are one object.
    """
    found: dict[str, Resource] = {}
    for one in _flat(documents):
        group, _, version = str(one["apiVersion"]).rpartition("/")
        metadata = one.get("metadata") or {}
        place = f"{metadata.get('namespace') or 'default'}/{metadata.get('name') or metadata.get('generateName') or ''}"
        urn = f"urn:pulumi:{name}::{name}::kubernetes:{group or _CORE}/{version}:{one['kind']}::{place}"
        if urn in found:
            raise ValueError(f"{one['kind']} {place} is there twice")
        found[urn] = Resource(urn, urn.split("::")[2], one)
    return Stack(found.values(), name=name)


def _flat(documents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for one in documents:
        if not isinstance(one, Mapping) or "kind" not in one or "apiVersion" not in one:
            continue
        if str(one["kind"]).endswith("List") and isinstance(one.get("items"), list):
            # The API server leaves kind and version out of the items of a typed list.
            kind = str(one["kind"]).removesuffix("List")
            yield from _flat(
                {"apiVersion": one["apiVersion"], **({"kind": kind} if kind else {}), **item} for item in one["items"]
            )
        else:
            yield one


def load_manifests(*paths: Path) -> Stack:
    """The manifests of YAML or JSON files, or of folders of such, as one stack.

    InputError with every file that cannot be read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from ...errors import InputError, Problem

    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    documents: list[Any] = []
    problems: list[Problem] = []
    for file in files:
        if file.suffix not in (".yaml", ".yml", ".json"):
            continue
        try:
            documents += YAML(typ="safe", pure=True).load_all(file.read_text())
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            problems.append(Problem(str(file), "", f"cannot be read: {' '.join(str(error).split())}"))
    if problems:
        raise InputError(problems)
    try:
        return stack_from_manifests(documents)
    except ValueError as error:
        raise InputError([Problem(", ".join(map(str, paths)), "", str(error))]) from None
