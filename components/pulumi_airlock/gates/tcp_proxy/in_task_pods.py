"""The objects that sidecars mount, as children of their component: configuration, keys, certificate."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..kubernetes.making import custom_resource, metadata
from . import manifests, sidecar
from .files import Configuration
from .plan import ProxyPlan
from .platforms import InTaskPods


def make(
    plan: ProxyPlan, platform: InTaskPods, found: Configuration, rules: Sequence[Any], parent: pulumi.Resource
) -> tuple[tuple[()], tuple[()]]:
    """Makes everything; it is no workload of its own, but the tasks'."""
    name, labels = plan.gate, manifests.labels(plan.gate)
    files: Mapping[str, Mapping[str, str]] = {"config": found.files, "jwks": found.keys}
    for label, data in files.items():
        kubernetes.core.v1.ConfigMap(
            f"{name}-{label}",
            metadata=metadata(f"{name}-{label}", platform.namespace, labels=labels),
            data=dict(data),
            opts=pulumi.ResourceOptions(parent=parent),
        )
    if platform.issuer is not None:
        host = sidecar.server_name(platform)
        below = bool(plan.certificates)
        kind = platform.issuer_kind
        spec = manifests.certificate(sidecar.secret(platform), host, platform.issuer, kind, platform.days, below=below)
        its = metadata(sidecar.secret(platform), platform.namespace, labels=labels)
        custom_resource(f"{name}-certificate", "cert-manager.io/v1", "Certificate", its, spec, parent)
    return (), ()
