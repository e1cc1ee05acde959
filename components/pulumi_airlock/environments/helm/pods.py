"""The template of tasks' pods: ours in place of the chart's, which hands every task the database's password. No SDK in here.

The chart's template (1.22, rendered) gives a task's pod what the scheduler has: the metadata database's URL, the Fernet key, the
API server's secret key. An Airflow 3 task needs none of these: it gets a token for itself, and asks the execution API. And the
chart writes its image's repository and tag into airflow.cfg, which the executor takes before the template's: a digest is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...gates.tcp_proxy import sidecar
from ...gates.tcp_proxy.platforms import InTaskPods
from .workloads import WORKER, default_account, labels_of

HOME = "/opt/airflow"
"""Of Airflow's image, and of the chart (`airflowHome`)."""
POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 50000,
    "fsGroup": 0,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""50000 is the user of Airflow's image; the rest: Pod Security Standards, "restricted"."""
CONTAINER_SECURITY: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True, slots=True)
class Image:
    """Airflow's image, pinned by a tag, or better by a digest."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def reference(self) -> str:
        """As a pod names it; the digest decides where both are given."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def pod_template(
    release: str,
    image: Image,
    annotations: Mapping[str, str],
    more: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] = ((), ()),
    proxy: InTaskPods | None = None,
) -> dict[str, Any]:
    """The pod that the executor starts from, with `more` volumes and mounts of them, and a proxy beside the task.

    As whom a task runs is put in its place afterwards; until then it is nobody.
    """
    volumes, more_mounts = more
    mounts = [
        {"name": "logs", "mountPath": f"{HOME}/logs"},
        *(
            {"name": "config", "mountPath": f"{HOME}/{path}", "subPath": path.rsplit("/", 1)[-1], "readOnly": True}
            for path in ("airflow.cfg", "config/airflow_local_settings.py")
        ),
        *map(dict, more_mounts),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "task",
            "labels": labels_of(WORKER, release),
            # The cluster's autoscaler would move it, and a task would be lost.
            "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", **annotations},
        },
        "spec": {
            "serviceAccountName": default_account(release),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 600,
            "securityContext": dict(POD_SECURITY),
            **({"initContainers": [sidecar.container(proxy)]} if proxy is not None else {}),
            "containers": [
                {
                    "name": "base",
                    "image": image.reference,
                    "imagePullPolicy": "IfNotPresent",
                    "env": [{"name": "AIRFLOW_HOME", "value": HOME}],
                    "securityContext": dict(CONTAINER_SECURITY),
                    "volumeMounts": mounts,
                }
            ],
            "volumes": [
                {"name": "logs", "emptyDir": {}},
                {"name": "config", "configMap": {"name": f"{release}-config"}},
                *map(dict, volumes),
                *(sidecar.volumes(proxy) if proxy is not None else ()),
            ],
        },
    }
