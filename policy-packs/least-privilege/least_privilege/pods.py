"""Pods as policies meet them: whatever makes them, with the annotations of their template, or of their namespace."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_airlock.tokens import NGINX_GATEWAY

from .reading import UNKNOWN, Subject
from .registry import Findings, undecided, wrong

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "kubernetes:core/v1:Namespace": (),
    "kubernetes:core/v1:Pod": (),
    "kubernetes:apps/v1:Deployment": ("spec", "template"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template"),
    "kubernetes:apps/v1:DaemonSet": ("spec", "template"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template"),
    "kubernetes:batch/v1:Job": ("spec", "template"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template"),
}
ANNOTATED = tuple(_TEMPLATES)
"""The kinds whose annotations a mesh reads."""


def annotations(it: Subject, keys: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Path, key and value of the annotations of these keys; UNKNOWN as the value where it is not known."""
    path = (*_TEMPLATES.get(it.kind, ()), "metadata", "annotations")
    given = it.get(*path)
    for key in keys:
        value = UNKNOWN if given is UNKNOWN else given.get(key) if isinstance(given, Mapping) else None
        if value is not None:
            yield (*path, key), key, value


def around(it: Subject, keys: Mapping[str, str], inbound: Iterable[str] = ()) -> Findings:
    """Annotations by which traffic goes around a proxy: key → what that means. `inbound`: those by which people's comes in.

    At a gateway of Airlock's people's connections arrive: its own ports are kept from the sidecar.
    """
    gateway = f"{NGINX_GATEWAY}$" in it.resource.urn
    for path, key, value in annotations(it, keys):
        if gateway and key in inbound:
            continue
        if value is UNKNOWN:
            yield undecided(it, path)
        elif str(value).strip():
            yield wrong(it, path, f"is {value}: {keys[key]}")
