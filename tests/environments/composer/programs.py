"""Good environments of both generations, whose arguments cases change."""

from typing import Any

from pulumi_airlock.environments.composer import (
    ComposerEnvironment,
    ComposerPlacement,
    ComposerScale,
    ComposerSoftware,
    Maintenance,
    Retention,
    SecretsBackend,
    Snapshots,
    Workers,
    Workload,
)

IMAGE_3 = "composer-3-airflow-2.10.5-build.12"
IMAGE_2 = "composer-2.16.7-airflow-2.10.5"
NETWORK = "projects/bank-network/global/networks/airflow"
SUBNETWORK = "projects/bank-network/regions/europe-west1/subnetworks/airflow"

PLACEMENT_3: dict[str, Any] = {
    "network_id": NETWORK,
    "subnetwork_id": SUBNETWORK,
    "subnetwork_cidr": "10.70.0.0/26",
    "internal_cidr": "10.71.0.0/20",
}
PLACEMENT_2: dict[str, Any] = {
    "network_id": NETWORK,
    "subnetwork_id": SUBNETWORK,
    "subnetwork_cidr": "10.70.0.0/24",
    "pod_cidr": "10.72.0.0/21",
    "service_cidr": "10.73.0.0/24",
    "master_cidr": "10.74.0.0/28",
    "connection_subnetwork_id": "projects/bank-network/regions/europe-west1/subnetworks/connect",
    "connection_subnetwork_cidr": "10.75.0.0/28",
}
_PARTS = {"snapshots": Snapshots, "maintenance": Maintenance, "retention": Retention}
_WORKLOADS = ("scheduler", "triggerer", "web_server", "dag_processor")


def environment(generation: int = 3, **changes: Any) -> ComposerEnvironment:
    """A good environment, with some arguments changed. `placement` changes single networks; None takes one out."""
    placement = {**(PLACEMENT_3 if generation == 3 else PLACEMENT_2), **changes.pop("placement", {})}
    arguments: dict[str, Any] = {
        "owner": "finance@bank.example",
        "image_version": IMAGE_3 if generation == 3 else IMAGE_2,
        "project_number": "123456789012",
        "placement": ComposerPlacement(**placement),
        **changes,
    }
    return ComposerEnvironment("finance", **arguments)


def built(given: dict[str, Any]) -> dict[str, Any]:
    """A case's plain values as arguments."""
    made = dict(given)
    for key, kind in _PARTS.items():
        if key in given:
            made[key] = kind(**_tuples(given[key]))
    if "placement" in given:
        made["placement"] = _tuples(given["placement"])
    if "scale" in given:
        scale = dict(given["scale"])
        scale.update({key: Workload(**scale[key]) for key in _WORKLOADS if key in scale})
        if "worker" in scale:
            scale["worker"] = Workers(**scale["worker"])
        made["scale"] = ComposerScale(**scale)
    if "software" in given:
        software = dict(given["software"])
        if "secrets" in software:
            software["secrets"] = SecretsBackend(**_tuples(software["secrets"]))
        made["software"] = ComposerSoftware(**software)
    return made


def _tuples(given: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
