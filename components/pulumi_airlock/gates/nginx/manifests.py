"""The objects of a gateway as the API takes them, without a Pulumi program: names, selectors, pods. No SDK in here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..kubernetes.marks import MANAGED
from .config import SECRET_FILE, TLS_FOLDER
from .plan import GATEWAY_PORT, HEALTH_PORT, REDIRECT_PORT, SIGN_IN_PORT, GatewayPlan

CONFIG_FILE = "/etc/nginx/nginx.conf"
CLIENT_SECRET, COOKIE_SECRET = "client-secret", "cookie-secret"  # keys of a Secret
SECRET_MAP, SECRET_VALUE = "secret.map", "value"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a mesh asks of pods; without one, nothing."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    token: bool = False
    """Whether pods need a token of the API server."""


NO_SIDECAR = Sidecar()


def labels(plan: GatewayPlan, part: str) -> dict[str, str]:
    """What the pods of a part (`gateway`, `sign-in`) are labelled with."""
    return {
        "app.kubernetes.io/name": plan.name,
        "app.kubernetes.io/component": part,
        **MANAGED,
    }


def sign_in_name(plan: GatewayPlan) -> str:
    """The name of all objects of oauth2-proxy."""
    return f"{plan.name}-sign-in"


def sign_in_host(plan: GatewayPlan) -> str:
    """oauth2-proxy's Service, as nginx reaches it."""
    return f"{sign_in_name(plan)}.{plan.namespace}.svc.cluster.local:{SIGN_IN_PORT}"


def sign_in_args(
    plan: GatewayPlan, issuer: str, client_id: Any, *, groups_claim: str, scope: str, email_domains: Sequence[str]
) -> list[Any]:
    """oauth2-proxy's arguments: every one that decides is said, also where it is the default."""
    minutes = int(plan.session.total_seconds() // 60)
    return [
        "--provider=oidc",
        f"--oidc-issuer-url={issuer}",
        client_id,
        f"--scope={scope}",
        f"--oidc-groups-claim={groups_claim}",
        *(f"--allowed-group={group}" for group in plan.groups),
        *(f"--email-domain={domain}" for domain in email_domains),
        "--code-challenge-method=S256",
        "--reverse-proxy=true",
        "--set-xauthrequest=true",
        "--skip-jwt-bearer-tokens=false",
        "--skip-provider-button=true",
        "--upstream=static://202",
        f"--http-address=0.0.0.0:{SIGN_IN_PORT}",
        "--cookie-name=__Host-airlock",
        "--cookie-secure=true",
        "--cookie-httponly=true",
        "--cookie-samesite=lax",
        "--cookie-csrf-per-request=true",
        f"--cookie-expire={minutes}m",
        "--cookie-refresh=0s",
        "--auth-logging=true",
        "--request-logging=true",
        "--silence-ping-logging=true",
    ]


def digest(text: str) -> str:
    """What an annotation of the pods has, so that they are started again when their configuration changes."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_SECURE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}


def _pod(
    plan: GatewayPlan,
    part: str,
    account: str,
    user: int,
    annotations: Mapping[str, str],
    containers: list[Any],
    volumes: list[Any],
    sidecar: Sidecar,
) -> dict[str, Any]:
    return {
        "metadata": {"labels": labels(plan, part), "annotations": {**annotations, **sidecar.annotations}},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": sidecar.token,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": user,
                "fsGroup": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": labels(plan, part)},
                }
            ],
            "containers": containers,
            "volumes": volumes,
        },
    }


def _deployment(plan: GatewayPlan, part: str, replicas: int, pod: dict[str, Any]) -> dict[str, Any]:
    return {
        "replicas": replicas,
        "selector": {"matchLabels": labels(plan, part)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": pod,
    }


def nginx_deployment(
    plan: GatewayPlan,
    conf: str,
    image: str,
    replicas: int,
    resources: Mapping[str, Any],
    certificate: str,
    sidecar: Sidecar = NO_SIDECAR,
) -> dict[str, Any]:
    """The `spec` of nginx's Deployment."""
    container = {
        "name": "nginx",
        "image": image,
        "command": ["nginx", "-c", CONFIG_FILE, "-g", "daemon off;"],
        "ports": [
            {"name": "https", "containerPort": GATEWAY_PORT, "protocol": "TCP"},
            {"name": "http", "containerPort": REDIRECT_PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "initialDelaySeconds": 10},
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 5 && nginx -s quit -c /etc/nginx/nginx.conf"]}}},
        "resources": dict(resources),
        "securityContext": dict(_SECURE),
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_FILE, "subPath": "nginx.conf", "readOnly": True},
            {"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True},
            {"name": "gateway", "mountPath": SECRET_FILE.rpartition("/")[0], "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # the container's
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": plan.name}},
        {"name": "tls", "secret": {"secretName": certificate, "defaultMode": 0o440}},
        {
            "name": "gateway",
            "secret": {"secretName": plan.name, "items": [{"key": SECRET_MAP, "path": SECRET_MAP}], "defaultMode": 0o440},
        },
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    pod = _pod(plan, "gateway", plan.name, 101, {"airlock/config": digest(conf)}, [container], volumes, sidecar)
    return _deployment(plan, "gateway", replicas, pod)


def sign_in_deployment(
    plan: GatewayPlan,
    args: Sequence[Any],
    image: str,
    replicas: int,
    resources: Mapping[str, Any],
    sidecar: Sidecar = NO_SIDECAR,
) -> dict[str, Any]:
    """The `spec` of oauth2-proxy's Deployment. Its two secrets come by environment variables: arguments are seen by everybody."""
    name = sign_in_name(plan)
    container = {
        "name": "oauth2-proxy",
        "image": image,
        "args": list(args),
        "env": [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
            for variable, key in (("OAUTH2_PROXY_CLIENT_SECRET", CLIENT_SECRET), ("OAUTH2_PROXY_COOKIE_SECRET", COOKIE_SECRET))
        ],
        "ports": [{"name": "http", "containerPort": SIGN_IN_PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/ping", "port": "http"}, "initialDelaySeconds": 10},
        "resources": dict(resources),
        "securityContext": dict(_SECURE),
    }
    return _deployment(plan, "sign-in", replicas, _pod(plan, "sign-in", name, 2000, {}, [container], [], sidecar))


def service_ports() -> list[dict[str, Any]]:
    """nginx's Service: 443 for people, 80 to be sent there."""
    return [
        {"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"},
        {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
    ]


def certificate_spec(plan: GatewayPlan, secret: str, issuer: str, kind: str, days: int) -> dict[str, Any]:
    """The `spec` of a Certificate of cert-manager."""
    return {
        "secretName": secret,
        "dnsNames": [host.lower() for site in plan.sites for host in site.hosts],
        "duration": f"{days * 24}h",
        "renewBefore": f"{days * 8}h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "issuerRef": {"name": issuer, "kind": kind, "group": "cert-manager.io"},
    }
