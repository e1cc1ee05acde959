"""The objects of a proxy in a cluster as the API takes them, without a Pulumi program. No SDK in here."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...access import Access
from ...errors import Problems
from ..kubernetes.marks import MANAGED
from .envoy import BOOTSTRAP
from .files import Configuration
from .plan import PORT, ProxyPlan
from .platforms import OnKubernetes
from .settings import Settings

if TYPE_CHECKING:
    from .programs import Program

MAX_CONFIG_MAP = 1_048_576
"""Bytes of a ConfigMap (Kubernetes, "ConfigMaps": 1 MiB)."""
USER = 101
"""Nobody's: Envoy's images run as root unless they are told otherwise."""


def settings(clients: Sequence[str], connections: int) -> Settings:
    """Where things are in a pod."""
    return Settings.below("/etc/envoy", clients, connections)


def described(gate: str, platform: OnKubernetes) -> dict[str, Any]:
    """What readers need."""
    said: dict[str, Any] = {"workload": f"{platform.namespace}/{gate}"}
    if (balancer := platform.balancer) is not None:
        entry = {"cidrs": [f"{balancer.address}/32"], "port": PORT}
        return {
            **said,
            "host": balancer.host,
            "entry": entry,
            "sources": list(balancer.sources),
            "callers": list(balancer.callers),
        }
    host = f"{gate}.{platform.namespace}.svc.cluster.local"
    return {**said, "host": host, "entry": {"hosts": [host], "port": PORT}}


def leaving(access: Access, plan: ProxyPlan, platform: Any, found: Configuration, problems: Problems) -> list[Any]:
    """No rules of a network: the cluster's gates have these. Notes a configuration that is too large."""
    if (size := sum(map(len, found.files.values()))) > MAX_CONFIG_MAP - 4096:
        problems.add("access", f"{size} bytes of configuration, over the {MAX_CONFIG_MAP} of a ConfigMap: use two proxies")
    return []


def labels(name: str) -> dict[str, str]:
    """What the pods are labelled with."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "tcp-proxy", **MANAGED}


def arguments(place: Settings, concurrency: int = 2) -> list[str]:
    """Envoy's arguments."""
    bootstrap = f"{place.folder}/{BOOTSTRAP}"
    return ["-c", bootstrap, "--concurrency", str(concurrency), "--disable-hot-restart", "--log-level", "warning"]


def container(place: Settings, program: "Program", image: str, resources: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The container of an engine, wherever it is. `prefix`: of its volumes' names."""
    mounts = {"config": place.folder, "jwks": place.keys, "tls": place.certificates}
    return {
        "name": program.name,
        "image": image,
        "args": list(program.arguments),
        **({"command": list(program.entry)} if program.entry else {}),
        **({"env": [{"name": key, "value": text} for key, text in program.environment.items()]} if program.environment else {}),
        "resources": dict(resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Whole folders: a file that is mounted by itself is never renewed.
        "volumeMounts": [{"name": f"{prefix}{one}", "mountPath": path, "readOnly": True} for one, path in mounts.items()],
    }


def volumes(name: str, secret: str, prefix: str = "") -> list[dict[str, Any]]:
    """What it mounts: the ConfigMaps of a proxy, and its certificate."""
    return [
        {"name": f"{prefix}config", "configMap": {"name": f"{name}-config"}},
        {"name": f"{prefix}jwks", "configMap": {"name": f"{name}-jwks"}},
        {"name": f"{prefix}tls", "secret": {"secretName": secret, "defaultMode": 0o440}},
    ]


def deployment(
    name: str,
    place: Settings,
    program: "Program",
    *,
    image: str,
    replicas: int,
    drain: int,
    resources: Mapping[str, Any],
    secret: str,
) -> dict[str, Any]:
    """The `spec` of the Deployment. Targets, rules, keys and certificates change without a restart; Envoy's bootstrap by one."""
    one = {
        **container(place, program, image, resources),
        "ports": [
            {"name": "tunnels", "containerPort": place.port, "protocol": "TCP"},
            {"name": "health", "containerPort": place.health_port, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "health"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/ready", "port": "health"}, "initialDelaySeconds": 10, "failureThreshold": 6},
        # New tunnels go to other pods at once; those that are open have so long to end.
        "lifecycle": {"preStop": {"sleep": {"seconds": drain}}},
    }
    pod = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": drain + 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(name)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "containers": [one],
        "volumes": volumes(name, secret),
    }
    digest = hashlib.sha256(program.restarts.encode()).hexdigest()[:32]
    return {
        "replicas": replicas,
        "selector": {"matchLabels": labels(name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(name), "annotations": {"airlock/config": digest}}, "spec": pod},
    }


def service(name: str, place: Settings, address: str = "", callers: Sequence[str] = ()) -> dict[str, Any]:
    """The `spec` of the Service that tasks connect to. `address`: of a load balancer, which lets in `callers` alone."""
    ports = [{"name": "tunnels", "port": place.port, "targetPort": "tunnels", "protocol": "TCP"}]
    found = {"selector": labels(name), "ports": ports}
    if not address:
        return {"type": "ClusterIP", **found}
    # Local: the proxy's log, and policies of the cluster, see who connects.
    balanced = {"type": "LoadBalancer", "loadBalancerIP": address, "externalTrafficPolicy": "Local"}
    return {**balanced, **found, "loadBalancerSourceRanges": list(callers)}


def certificate(secret: str, host: str, issuer: str, kind: str, days: int, below: bool = False) -> dict[str, Any]:
    """The `spec` of a Certificate of cert-manager. `below`: also for the names below the host's."""
    return {
        "secretName": secret,
        "dnsNames": list(dict.fromkeys([host, host.removesuffix(".cluster.local"), *([f"*.{host}"] if below else [])])),
        "duration": f"{days * 24}h",
        "renewBefore": f"{days * 8}h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "issuerRef": {"name": issuer, "kind": kind, "group": "cert-manager.io"},
    }
