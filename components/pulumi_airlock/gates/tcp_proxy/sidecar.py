"""A proxy as a native sidecar of task pods, as plain data: an init container that goes on (KEP-753). No SDK in here.

It stands in the task's own pod, so that code of the task may go around it: what holds against such code is what the network lets
the pod's account reach. What it adds is the decision by the same rules, the end of sessions, and a log that names the task.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...access import Access
from ...errors import Problems
from . import manifests, programs
from .files import Configuration
from .plan import ProxyPlan
from .platforms import InTaskPods
from .settings import Settings

_HERE = "127.0.0.1"
_PREFIX = "proxy-"
"""Of its volumes: the pod has some of its own."""


def settings(clients: Sequence[str], connections: int) -> Settings:
    """Where things are in a task's pod: for the pod alone, and without administration, which the task could reach."""
    return replace(manifests.settings(clients, connections), address=_HERE, admin_port=None)


def described(gate: str, platform: InTaskPods) -> dict[str, Any]:
    """What readers need."""
    return {"host": _HERE, "sidecar": platform.namespace}


def leaving(access: Access, plan: ProxyPlan, platform: InTaskPods, found: Configuration, problems: Problems) -> list[Any]:
    """No rules of a network. Notes what would open the network of every task, and a name that pods do not mount."""
    if places := [f"{host}:{port}" for host, port in plan.key_places()]:
        problems.add("issuers", f"every task's pod would fetch keys from {', '.join(places)}: give them as jwks")
    if wrong := [one.name for one in plan.issuers if one.kind != "projected"]:
        problems.add("issuers", f"{', '.join(wrong)}: a task's pod has a token of its own: use projected ones")
    if wrong := [one.name for one in plan.certificates if one.namespace is None]:
        problems.add("issuers", f"{', '.join(wrong)}: a task's pod has a certificate of its own: write the namespace")
    if platform.name != plan.gate:
        problems.add("platform.name", f"{platform.name!r}: write {plan.gate!r}, as the component is called")
    return manifests.leaving(access, plan, platform, found, problems)


def server_name(platform: InTaskPods) -> str:
    """What the certificate is for: no name of DNS, as nobody looks it up."""
    return f"{platform.name}.{platform.namespace}.svc.cluster.local"


def secret(platform: InTaskPods) -> str:
    """The Secret with the certificate."""
    return platform.secret or f"{platform.name}-tls"


def container(platform: InTaskPods) -> dict[str, Any]:
    """Among the pod's init containers: tasks start when it answers, and it ends when they have."""
    resources = {"requests": dict(platform.requests), "limits": dict(platform.limits)}
    place, image = programs.placed(settings((), 0), platform.engine), programs.on(platform, platform.engine).image
    program = programs.runs(platform.engine, place, platform.name, concurrency=1)
    found = manifests.container(place, program, image, resources, _PREFIX)
    return {
        **found,
        "name": platform.name,
        "restartPolicy": "Always",
        "startupProbe": {"httpGet": {"path": "/ready", "port": place.health_port}, "periodSeconds": 1, "failureThreshold": 60},
        # Nobody's, and not the task's: it may not look into the other's memory or files.
        "securityContext": {**found["securityContext"], "runAsUser": manifests.USER, "runAsGroup": manifests.USER},
    }


def volumes(platform: InTaskPods) -> list[dict[str, Any]]:
    """Of the pod; the task's own container mounts none of them."""
    return manifests.volumes(platform.name, secret(platform), _PREFIX)
