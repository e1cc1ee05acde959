"""Objects for tests: pods with their Services, and what is compiled as manifests."""

from collections.abc import Iterable
from typing import Any

from pulumi_airlock.gates.istio.objects import IstioObject

Manifest = dict[str, Any]


def namespace(name: str, **labels: str) -> Manifest:
    found = {key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": found}}


def pod(space: str, account: str, ports: dict[int, str] | None = None, **template: Any) -> list[Manifest]:
    """A pod of an account, with the label `app`; with `ports`, a Service of the same name: port → what its name begins with."""
    metadata = {"name": account, "namespace": space, "labels": {"app": account, **template.pop("labels", {})}, **template}
    found = [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"serviceAccountName": account}}]
    if ports is not None:
        listed = [{"port": port, "name": f"{kind}-{port}" if kind else f"p{port}"} for port, kind in ports.items()]
        service = {"selector": {"app": account}, "ports": listed}
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": account, "namespace": space}, "spec": service})
    return found


def thing(kind: str, space: str, name: str, spec: Manifest, group: str = "security", **metadata: Any) -> Manifest:
    api = group if "/" in group else f"{group}.istio.io/v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": space, **metadata}, "spec": spec}


def manifests(objects: Iterable[IstioObject]) -> list[Manifest]:
    return [thing(one.kind, one.namespace, one.name, dict(one.spec), one.api_version, labels=dict(one.labels)) for one in objects]
