"""The chart's values: what is written down is what least privilege asks for; all else is the chart's own default.

Facts: apache/airflow, `chart/values.yaml`, `values.schema.json` and release notes, of the versions in `limits`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...gates.nginx.webserver import AirflowSide
from ...gates.tcp_proxy.platforms import InTaskPods
from .network import ClusterNetwork
from .pods import CONTAINER_SECURITY, POD_SECURITY, Image, pod_template
from .tasks import TaskProvider, of_all, of_tasks
from .tasks import settings as settings_of_tasks
from .workloads import CELERY, default_account

__all__ = ["ChartSecrets", "Image", "chart_values"]

TOKEN_SECONDS = "3600"  # noqa: S105  # a time
"""How long a person's token of Airflow's API lives where a gateway does not say: Airflow's own default is a day."""


@dataclass(frozen=True, slots=True)
class ChartSecrets:
    """Names of Secrets in Airflow's namespace, which somebody else keeps: no secret stands in the chart's values."""

    metadata: str
    """Key `connection`: the metadata database, where there is a PgBouncer by its name (`<release>-pgbouncer`, port 6543)."""
    fernet: str
    """Key `fernet-key`."""
    api: str
    """Key `api-secret-key`."""
    jwt: str
    """Key `jwt-secret`."""
    broker: str | None = None
    """Key `connection`: Celery's broker. None: the chart's Redis, with a password that it makes."""
    pgbouncer: str = "airflow-pgbouncer"
    """Keys `pgbouncer.ini` and `users.txt`: the chart would make them of a connection in its values, with a default password."""
    pgbouncer_stats: str = "airflow-pgbouncer-metrics"
    """Key `connection`: PgBouncer's own statistics, for its exporter."""


def chart_values(
    network: ClusterNetwork,
    *,
    airflow_version: str,
    image: Image,
    secrets: ChartSecrets,
    policy: str,
    pgbouncer: bool,
    gateway: AirflowSide | None,
    settings: Mapping[str, Mapping[str, str]],
    remote_logs: str | None,
    annotations: Mapping[str, str],
    tokens: bool = False,
    log_volume: str = "5Gi",
    tasks: TaskProvider | None = None,
    proxy: InTaskPods | None = None,
) -> dict[str, Any]:
    """Values for the chart.

    `policy`: the text of airflow_local_settings.py. `settings`: sections of airflow.cfg. `annotations`: of every pod, as a mesh
    wants them. `tokens`: whether pods that do not call the API server have a token of it all the same. `tasks`: what of Airlock
    runs inside; its sections count last. `proxy`: a sidecar of tasks' pods.
    """
    celery = network.executor == CELERY
    volume = {"enabled": True, "size": log_volume}
    return {
        "executor": network.executor,
        "airflowVersion": airflow_version,
        "images": {"airflow": {key: value for key, value in _image(image).items() if value}},
        **({} if celery else _of_tasks(network.release, image, policy, annotations, tasks, proxy)),
        **(_provided(tasks, network.release, celery) if tasks else {}),
        "airflowPodAnnotations": dict(annotations),
        "enableServiceLinks": False,
        "data": {"metadataSecretName": secrets.metadata, **({"brokerUrlSecretName": secrets.broker} if secrets.broker else {})},
        "fernetKeySecretName": secrets.fernet,
        "apiSecretKeySecretName": secrets.api,
        "jwtSecretName": secrets.jwt,
        # Else the database is a connection of Airflow's too, which code of DAGs may ask for by its name.
        "enableBuiltInSecretEnvVars": {"AIRFLOW_CONN_AIRFLOW_DB": False},
        "securityContexts": {"pod": dict(POD_SECURITY), "containers": dict(CONTAINER_SECURITY)},
        # The chart's role of pods is the triggerer's too, which runs code of DAGs, and lets it into every pod (`pods/exec`): the
        # scheduler has a role of ours (`authority`).
        "rbac": {"create": True},
        "multiNamespaceMode": False,
        "allowPodLaunching": False,
        "allowJobLaunching": False,
        # Its own policies know neither routes nor Airflow 3's flows; before 1.22 they let in nobody to logs but a webserver.
        "networkPolicies": {"enabled": False},
        # A user admin with the password admin.
        "createUserJob": {"enabled": False, "useHelmHooks": False, "serviceAccount": {"create": False}},
        # As a hook it would run when all pods are ready, which wait for it (chart, "Installing with Argo CD, Flux, Terraform").
        "migrateDatabaseJob": {"useHelmHooks": False, "applyCustomEnv": False, **_account(tokens)},
        "postgresql": {"enabled": False},
        "pgbouncer": _pgbouncer(secrets, tokens, annotations) if pgbouncer else {"enabled": False},
        "redis": _redis(tokens, annotations) if celery and secrets.broker is None else {"enabled": False},
        "flower": {"enabled": False},
        "statsd": {"enabled": False},
        "scheduler": _account(tokens or not celery),
        "apiServer": {
            "service": {"type": "ClusterIP"},
            "allowPodLogReading": not celery,
            **_account(tokens or not celery),
            **(_behind(gateway) if gateway else {}),
        },
        # Decides in 1.22 whether there is the role that the API server's binding names.
        "webserver": {"allowPodLogReading": not celery},
        "dagProcessor": _account(tokens),
        "ingress": {"apiServer": {"enabled": False}, "web": {"enabled": False}},
        # With a volume it is a StatefulSet, whose pods have names in DNS: logs are asked for by name.
        "triggerer": {"persistence": volume, **_account(tokens)},
        "workers": _workers(network.release, celery, tokens, volume),
        "config": _config(gateway.settings if gateway else {}, settings, settings_of_tasks(tasks) if tasks else {}, remote_logs),
    }


def _behind(gateway: AirflowSide) -> dict[str, Any]:
    """Of the API server alone: what the chart's `secret` and `env` name, it gives to tasks' pods as well."""
    reference = {"name": gateway.secret, "key": gateway.key}
    return {
        "apiServerConfig": _literal(gateway.webserver_config),
        "env": [{"name": gateway.variable, "valueFrom": {"secretKeyRef": reference}}],
    }


def _account(token: bool) -> dict[str, Any]:
    return {"serviceAccount": {"automountServiceAccountToken": token}}


def _of_tasks(
    release: str,
    image: Image,
    policy: str,
    annotations: Mapping[str, str],
    tasks: TaskProvider | None,
    proxy: InTaskPods | None,
) -> dict[str, Any]:
    more = of_tasks(tasks, release) if tasks else ((), ())
    return {
        "airflowLocalSettings": _literal(policy),
        "podTemplate": _literal(json.dumps(pod_template(release, image, annotations, more, proxy), indent=2)),
    }


def _provided(tasks: TaskProvider, release: str, celery: bool) -> dict[str, Any]:
    """What the provider goes by in every component; with Celery tasks run in one of them, the workers."""
    volumes, mounts = of_tasks(tasks, release) if celery else of_all(release)
    return {"volumes": volumes, "volumeMounts": mounts}


def _literal(text: str) -> str:
    """A text that the chart takes for a template, as a template of itself."""
    return text.replace("{{", '{{ "{{" }}')


def _pgbouncer(secrets: ChartSecrets, tokens: bool, annotations: Mapping[str, str]) -> dict[str, Any]:
    return {
        "enabled": True,
        "podAnnotations": dict(annotations),
        "configSecretName": secrets.pgbouncer,
        "metricsExporterSidecar": {"statsSecretName": secrets.pgbouncer_stats},
        "securityContexts": {"pod": {**POD_SECURITY, "runAsUser": 65534, "fsGroup": 65534}},
        **_account(tokens),
    }


def _redis(tokens: bool, annotations: Mapping[str, str]) -> dict[str, Any]:
    # By default it runs as root, which "restricted" refuses; 999 is the user of its image.
    return {
        "enabled": True,
        "podAnnotations": dict(annotations),
        "securityContexts": {"pod": {**POD_SECURITY, "runAsUser": 999, "fsGroup": 999}},
        **_account(tokens),
    }


def _workers(release: str, celery: bool, tokens: bool, volume: Mapping[str, Any]) -> dict[str, Any]:
    if celery:
        return {"celery": {"persistence": dict(volume), **_account(tokens)}}
    # Tasks' pods are made of our template; the chart makes no account of its own for them.
    nobody = {"create": False, "name": default_account(release)}
    return {"serviceAccount": nobody, "kubernetes": {"serviceAccount": nobody}}


def _image(image: Image) -> dict[str, str | None]:
    return {"repository": image.repository, "tag": image.tag, "digest": image.digest}


def _config(
    gateway: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, Mapping[str, str]],
    tasks: Mapping[str, Mapping[str, str]],
    remote_logs: str | None,
) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {
        "core": {
            "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            # By name, so that a mesh knows the pod that logs are asked of: an address has no certificate.
            "hostname_callable": "airflow.utils.net.getfqdn",
            "load_examples": "False",
        },
        "api": {"expose_config": "False"},
        "api_auth": {"jwt_expiration_time": TOKEN_SECONDS},
        # Empty, so that the template's image counts, with its digest.
        "kubernetes_executor": {"worker_container_repository": "", "worker_container_tag": ""},
        "logging": {"remote_logging": "True", "remote_base_log_folder": remote_logs} if remote_logs else {},
    }
    for section, keys in (*gateway.items(), *settings.items(), *tasks.items()):
        found.setdefault(section, {}).update(keys)
    return {section: keys for section, keys in found.items() if keys}
