"""The chart's values: what is written down is what least privilege asks for; all else is the chart's own default.

Facts: apache/airflow, `chart/values.yaml` and its release notes, of the versions in `limits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .network import ClusterNetwork
from .workloads import CELERY


@dataclass(frozen=True, slots=True)
class ChartSecrets:
    """Names of Secrets in Airflow's namespace, which somebody else keeps: no secret stands in the chart's values."""

    metadata: str
    """Key `connection`: the metadata database."""
    fernet: str
    """Key `fernet-key`."""
    api: str
    """Key `api-secret-key`."""
    jwt: str
    """Key `jwt-secret`."""
    broker: str | None = None
    """Key `connection`: Celery's broker. None: the chart's Redis, with a password that it makes."""


@dataclass(frozen=True, slots=True)
class Image:
    """Airflow's image, pinned by a tag, or better by a digest."""

    repository: str
    tag: str | None = None
    digest: str | None = None


_CONTAINERS = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""Pod Security Standards, "restricted"."""
_PODS = {"runAsNonRoot": True, "runAsUser": 50000, "fsGroup": 0, "seccompProfile": {"type": "RuntimeDefault"}}
"""50000 is the user of Airflow's image."""


def chart_values(
    network: ClusterNetwork,
    *,
    airflow_version: str,
    image: Image,
    secrets: ChartSecrets,
    policy: str,
    pgbouncer: bool,
    webserver_config: str | None,
    settings: Mapping[str, Mapping[str, str]],
    remote_logs: str | None,
    annotations: Mapping[str, str],
    native_sidecars: bool,
) -> dict[str, Any]:
    """Values for the chart. `settings`: sections of airflow.cfg; `annotations`: of every pod, as a mesh wants them."""
    celery = network.executor == CELERY
    return {
        "executor": network.executor,
        "airflowVersion": airflow_version,
        "images": {"airflow": {key: value for key, value in _image(image).items() if value}},
        "airflowLocalSettings": policy,
        "airflowPodAnnotations": dict(annotations),
        "data": {"metadataSecretName": secrets.metadata, **({"brokerUrlSecretName": secrets.broker} if secrets.broker else {})},
        "fernetKeySecretName": secrets.fernet,
        "apiSecretKeySecretName": secrets.api,
        "jwtSecretName": secrets.jwt,
        "securityContexts": {"pod": _PODS, "containers": _CONTAINERS},
        # Roles that reach the namespace alone.
        "rbac": {"create": True},
        "multiNamespaceMode": False,
        "allowPodLaunching": True,
        # Its own policies know neither routes nor Airflow 3's flows.
        "networkPolicies": {"enabled": False},
        # A user admin with a known password.
        "createUserJob": {"enabled": False},
        "postgresql": {"enabled": False},
        "pgbouncer": {"enabled": pgbouncer},
        "redis": {"enabled": celery and secrets.broker is None},
        "flower": {"enabled": False},
        "statsd": {"enabled": False},
        "apiServer": {
            "service": {"type": "ClusterIP"},
            **({"apiServerConfig": webserver_config} if webserver_config else {}),
        },
        "ingress": {"apiServer": {"enabled": False}, "web": {"enabled": False}},
        "triggerer": {"persistence": {"enabled": False}},
        "workers": {
            "persistence": {"enabled": False},
            **({"serviceAccount": {"automountServiceAccountToken": False}} if celery else {}),
        },
        "config": _config(settings, remote_logs, native_sidecars),
    }


def _image(image: Image) -> dict[str, str | None]:
    return {"repository": image.repository, "tag": image.tag, "digest": image.digest}


def _config(settings: Mapping[str, Mapping[str, str]], remote_logs: str | None, native_sidecars: bool) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {
        "core": {
            "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            # By name, so that a mesh knows the pod that logs are asked of: an address has no certificate.
            "hostname_callable": "airflow.utils.net.getfqdn",
            "load_examples": "False",
        },
        "api": {"expose_config": "False"},
        "logging": {"remote_logging": "True", "remote_base_log_folder": remote_logs} if remote_logs else {},
    }
    for section, keys in settings.items():
        found.setdefault(section, {}).update(keys)
    return {section: keys for section, keys in found.items() if keys}
