"""A proxy's objects in a cluster, as children of its component."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ...environments.helm.flows import Flow, names_flow
from ...proof.sets import Hosts, Services
from ..kubernetes.making import custom_resource, metadata
from ..kubernetes.workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload
from . import manifests
from .files import Configuration
from .plan import ProxyPlan
from .platforms import OnKubernetes
from .programs import program
from .settings import Settings


def host_of(name: str, platform: OnKubernetes) -> str:
    """What tasks connect to, and the certificate's name."""
    if platform.balancer is not None:
        return platform.balancer.host
    return f"{name}.{platform.namespace}.{SERVICE_DOMAIN}"


def _workload(plan: ProxyPlan, platform: OnKubernetes, place: Settings) -> Workload:
    """The proxy as gates of the cluster see it."""
    name = plan.gate
    ports = (ServicePort("tcp", place.port, place.port),)
    return Workload(
        name=f"{platform.namespace}/{name}",
        namespace=platform.namespace,
        service_account=name,
        labels=manifests.labels(name),
        ports={"tunnels": ("tcp", place.port)},
        services=(ServiceName(f"{name}.{platform.namespace}.{SERVICE_DOMAIN}", ports),),
    )


def _flows(plan: ProxyPlan, platform: OnKubernetes, workload: Workload, place: Settings) -> Iterator[Flow]:
    mine = frozenset({workload.name})
    ours = Services.of("tcp", place.port, place.port)
    if platform.callers:
        yield Flow(frozenset(platform.callers), workload.hosts, ours, workload.name, reason="tasks to the proxy")
    if platform.balancer is not None:
        cidrs = platform.balancer.callers
        yield Flow(frozenset(), workload.hosts, ours, workload.name, reason="tasks outside of the cluster", cidrs=cidrs)
    for target in plan.targets:
        port = Services.of("tcp", target.port, target.port)
        yield Flow(mine, target.hosts, port, reason=f"the proxy to {target.destination}")
    yield names_flow(mine)
    for host, number in plan.key_places():
        yield Flow(mine, Hosts.from_names([host]), Services.of("tcp", number, number), reason="keys of an issuer")


def make(
    plan: ProxyPlan, platform: OnKubernetes, found: Configuration, rules: Sequence[Any], parent: pulumi.Resource
) -> tuple[tuple[Workload, ...], tuple[Flow, ...]]:
    """Makes everything: the workload, and what gates of the cluster let through for it."""
    name, child = plan.gate, pulumi.ResourceOptions(parent=parent)
    secret = platform.secret or f"{name}-tls"

    def meta(label: str = "") -> Any:
        return metadata(f"{name}-{label}" if label else name, platform.namespace, labels=manifests.labels(name))

    kubernetes.core.v1.ServiceAccount(f"{name}-account", metadata=meta(), automount_service_account_token=False, opts=child)
    files: Mapping[str, Mapping[str, str]] = {"config": found.files, "jwks": found.keys}
    maps = [
        kubernetes.core.v1.ConfigMap(f"{name}-{label}", metadata=meta(label), data=dict(data), opts=child)
        for label, data in files.items()
    ]
    if platform.issuer is not None:
        spec = manifests.certificate(
            secret, host_of(name, platform), platform.issuer, platform.issuer_kind, platform.days, below=bool(plan.certificates)
        )
        its = metadata(secret, platform.namespace, labels=manifests.labels(name))
        custom_resource(f"{name}-certificate", "cert-manager.io/v1", "Certificate", its, spec, parent)
    kubernetes.apps.v1.Deployment(
        f"{name}-deployment",
        metadata=meta(),
        spec=manifests.deployment(
            name,
            found.settings,
            program(found, name),
            image=platform.image,
            replicas=platform.replicas,
            drain=platform.drain,
            resources={"requests": dict(platform.requests), "limits": dict(platform.limits)},
            secret=secret,
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=maps),
    )
    its, balancer = meta(), platform.balancer
    spec = manifests.service(name, found.settings)
    if balancer is not None:
        its.annotations = dict(balancer.annotations)
        spec = manifests.service(name, found.settings, balancer.address, balancer.callers)
    kubernetes.core.v1.Service(f"{name}-service", metadata=its, spec=spec, opts=child)
    kubernetes.policy.v1.PodDisruptionBudget(
        f"{name}-budget",
        metadata=meta(),
        spec={"maxUnavailable": 1, "selector": {"matchLabels": manifests.labels(name)}},
        opts=child,
    )
    workload = _workload(plan, platform, found.settings)
    return (workload,), tuple(_flows(plan, platform, workload, found.settings))
