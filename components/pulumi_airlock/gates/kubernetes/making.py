"""Makes the objects of a cluster's gates, all of them marked alike."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from .marks import MANAGED, ROUTES


def metadata(
    name: str, namespace: str | None, *, routes: Iterable[str] = (), labels: Mapping[str, str] | None = None
) -> kubernetes.meta.v1.ObjectMetaArgs:
    """An object's metadata: named by us, so that objects refer to one another by name, with the routes that it carries.

    `namespace`: None for an object of the whole cluster.
    """
    carried = " ".join(routes)
    return kubernetes.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        annotations={ROUTES: carried} if carried else None,
        labels={**MANAGED, **(labels or {})},
    )


def custom_resource(
    key: str,
    api_version: str,
    kind: str,
    meta: kubernetes.meta.v1.ObjectMetaArgs,
    spec: Mapping[str, Any],
    parent: pulumi.Resource,
    *,
    protect: bool = False,
) -> None:
    """An object of a custom definition, as a child of its gate; `key`: its name in the program; `protect`: as Pulumi's option."""
    kubernetes.apiextensions.CustomResource(
        key,
        api_version=api_version,
        kind=kind,
        metadata=meta,
        spec=dict(spec),
        opts=pulumi.ResourceOptions(parent=parent, protect=protect or None),
    )
