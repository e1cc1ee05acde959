"""Airlock's provider in the chart: the manifest in every component, the certificate and a token of its own in each task's pod.

The image has to hold the wheel (`airflow-provider-airlock`), as it holds the DAGs. A token that Kubernetes projects into a task's
pod names the account that the cluster policy gave it: the proxy knows the principal, and need not believe the task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...access.manifest import Manifest
from ...errors import Problems
from .pods import HOME
from .workloads import KUBERNETES

FOLDER = f"{HOME}/airlock"
TOKEN = f"{FOLDER}/identity/token"
"""Where the manifest's identity has to look for the projected token (`TaskIdentity(path=…)`)."""
TOKEN_SECONDS = 900
"""How long it lives; the kubelet renews it at 80 %. Ten minutes is the least that Kubernetes takes."""
_BACKEND = "airlock_provider.backend.AirlockBackend"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProvider:
    """Airlock inside Airflow (docs/provider.md): tasks get the connections that their routes lead them to, and no others."""

    manifest: Manifest
    """The environment's. Its identity: `projected` at `TOKEN`, with the Kubernetes executor."""
    client_certificate: str
    """The Secret, as cert-manager writes it, with what the proxy is shown (`tls.crt`, `tls.key`) and trusted by (`ca.crt`)."""
    pass_on: Sequence[str] = ()
    """Connections (globs) outside the manifest that Airflow's other backends may answer."""
    next_backend: str | None = None
    """The secrets backend behind Airlock's, for variables, options and what `pass_on` names: its class."""
    vault_address: str | None = None
    """For routes with credentials of Vault."""


def check_tasks(tasks: TaskProvider, executor: str, problems: Problems) -> None:
    """Notes what would leave tasks without their identity."""
    identity = tasks.manifest.document["identity"]
    if identity["source"] != "projected":
        return
    if executor != KUBERNETES:
        problems.add(
            "tasks.manifest", "a projected token names the pod's account, and with Celery all tasks have one: use kms or oidc"
        )
    if identity.get("path") != TOKEN:
        problems.add(
            "tasks.manifest", f"its tokens are looked for at {identity.get('path')!r}: write TaskIdentity(path={TOKEN!r})"
        )


def config_map(release: str) -> str:
    """The name of the ConfigMap with the manifest."""
    return f"{release}-airlock"


def settings(tasks: TaskProvider) -> dict[str, dict[str, str]]:
    """Sections of airflow.cfg."""
    made = {
        "manifest": f"{FOLDER}/manifest/manifest.json",
        "client_certificate": f"{FOLDER}/tls/tls.crt",
        "client_key": f"{FOLDER}/tls/tls.key",
        "proxy_ca": f"{FOLDER}/tls/ca.crt",
        "pass_on": ", ".join(tasks.pass_on),
        "next_backend": tasks.next_backend or "",
        "vault_address": tasks.vault_address or "",
    }
    return {"secrets": {"backend": _BACKEND}, "airlock": {name: value for name, value in made.items() if value}}


def of_all(release: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts of every component: the manifest, in a folder, so that a change of it arrives."""
    volume = {"name": "airlock-manifest", "configMap": {"name": config_map(release)}}
    return [volume], [{"name": "airlock-manifest", "mountPath": f"{FOLDER}/manifest", "readOnly": True}]


def of_tasks(tasks: TaskProvider, release: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts of a task's pod, the manifest's among them."""
    volumes, mounts = of_all(release)
    # Of the group of Airflow's image (fsGroup 0), and nobody else's.
    volumes.append({"name": "airlock-tls", "secret": {"secretName": tasks.client_certificate, "defaultMode": 0o440}})
    mounts.append({"name": "airlock-tls", "mountPath": f"{FOLDER}/tls", "readOnly": True})
    identity = tasks.manifest.document["identity"]
    if identity["source"] == "projected":
        token = {"audience": identity["audience"], "expirationSeconds": TOKEN_SECONDS, "path": TOKEN.rpartition("/")[2]}
        volumes.append({"name": "airlock-identity", "projected": {"sources": [{"serviceAccountToken": token}]}})
        mounts.append({"name": "airlock-identity", "mountPath": TOKEN.rpartition("/")[0], "readOnly": True})
    return volumes, mounts
