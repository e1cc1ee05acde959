"""Values of Cilium's chart: flows written to files by Hubble's exporter, and what a mesh beside Cilium needs.

Sources: Cilium, "Configuring Hubble exporter" (chart 1.16 and later), "Istio" and "Transparent proxies" of the documentation.
"""

import json
from collections.abc import Sequence
from typing import Any

MESHES = ("istio", "linkerd", "consul")
EXPORT_CONFIG = "cilium-flowlog-config"
"""The ConfigMap that agents of the dynamic exporter watch, and its key."""
EXPORT_KEY = "flowlogs.yaml"
EXPORT_FILE = "/var/run/cilium/hubble/airflow.log"
FIELDS = (
    "time",
    "node_name",
    "verdict",
    "drop_reason_desc",
    "is_reply",
    "traffic_direction",
    "source.namespace",
    "source.pod_name",
    "source.labels",
    "destination.namespace",
    "destination.pod_name",
    "destination.labels",
    "destination_names",
    "IP",
    "l4",
    "l7",
    "Type",
    "event_type",
    "policy_match_type",
    "egress_allowed_by",
    "ingress_allowed_by",
    "egress_denied_by",
    "ingress_denied_by",
)
"""What is kept of a flow (Hubble, `flow.proto`): who, whom, what was decided, and by which policy. No payload is among them."""


def flow_logs(namespaces: Sequence[str], name: str = "airflow") -> list[dict[str, Any]]:
    """The exporter's list: flows from and to some namespaces, with the fields that an auditor asks for."""
    ends = [f"{one}/" for one in dict.fromkeys(namespaces)]
    return [
        {
            "name": name,
            "filePath": EXPORT_FILE,
            "fieldMask": list(FIELDS),
            "includeFilters": [{"source_pod": ends}, {"destination_pod": ends}],
            "excludeFilters": [],
        }
    ]


def hubble_export_values(
    namespaces: Sequence[str], *, dynamic: bool = True, size_mb: int = 50, backups: int = 5
) -> dict[str, Any]:
    """The chart's values that turn flow export on, for flows from and to some namespaces.

    `dynamic`: agents read the list from a ConfigMap, which `CiliumGate` makes, and follow it without a restart. Otherwise the
    list is part of the agent's own configuration. `size_mb`, `backups`: when files are rotated, and how many are kept.
    """
    hubble: dict[str, Any] = {"enabled": True}
    rotation = {"fileMaxSizeMb": size_mb, "fileMaxBackups": backups}
    (log,) = flow_logs(namespaces)
    if dynamic:
        config = {"configMapName": EXPORT_CONFIG, "createConfigMap": False}
        hubble["export"] = {**rotation, "dynamic": {"enabled": True, "config": config}}
    else:
        hubble["export"] = {
            **rotation,
            "static": {
                "enabled": True,
                "filePath": log["filePath"],
                "fieldMask": log["fieldMask"],
                "allowList": [json.dumps(one) for one in log["includeFilters"]],
                "denyList": [],
            },
        }
    return {"hubble": hubble}


def export_document(namespaces: Sequence[str]) -> str:
    """The ConfigMap's text: JSON, which is YAML."""
    return json.dumps({"flowLogs": flow_logs(namespaces)}, indent=2)


def cilium_values(mesh: str | None = None) -> dict[str, Any]:
    """The chart's values that policies and a mesh count on.

    Nothing passes that no policy selects is not among them: that is a policy's to say (`CiliumGate` makes it). ValueError for an
    unknown mesh.
    """
    if mesh is not None and mesh not in MESHES:
        raise ValueError(f"{mesh!r} is no mesh: write one of {', '.join(MESHES)}")
    values: dict[str, Any] = {
        "policyEnforcementMode": "default",
        "l7Proxy": True,
        # Resolvers take a refusal for the end; a name that does not exist lets them go on with their search domains.
        "dnsProxy": {"dnsRejectResponseCode": "nameError", "enableTransparentMode": True},
    }
    if mesh is not None:
        # Sidecars have to meet a Service's address in the pod, where the socket load balancer would have replaced it.
        values["socketLB"] = {"hostNamespaceOnly": True}
    if mesh in ("istio", "linkerd", "consul"):
        # The CNI plugin of a mesh is chained behind Cilium's, which otherwise takes it away again.
        values["cni"] = {"exclusive": False}
    return values
