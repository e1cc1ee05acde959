"""Runs a program with the gateway in process; an access file with people; what a filter makes of a request."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from in_process import run
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.nginx import Certificate, NginxGateway, OidcClient, Upstream
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter, HttpOperation

TODAY = date(2026, 11, 26)
HIDDEN = ["/execution", "/execution/*"]
CONFIG_MAP, DEPLOYMENT = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment"
AIRFLOW = Upstream("airflow-api-server.airflow.svc.cluster.local", 8080, "airflow/airflow-api-server")
RISK = Upstream("risk-api-server.airflow.svc.cluster.local", 8080, "airflow/risk-api-server")
DOCUMENT: dict[str, Any] = {
    "identityProvider": {"kind": "oidc", "issuer": "https://idp.bank.example", "audience": "airflow"},
    "roles": [
        {"name": "finance", "base": "Viewer", "dags": {"finance_*": ["can_read", "can_edit"]}},
        {"name": "platform", "base": "Admin"},
    ],
    "principals": [
        {"name": "analysts", "group": "airflow-finance", "role": "finance"},
        {"name": "operators", "group": "airflow/platform team", "role": "platform"},
        {"name": "auditors", "group": "audit", "role": "finance"},
    ],
    "zones": {"ui": {"gates": ["nginx"]}},
    "destinations": [
        {"name": "airflow", "zone": "ui", "hosts": ["airflow.bank.example"], "ports": ["443/tcp"], "protocol": "https"},
        {"name": "risk", "zone": "ui", "hosts": ["risk.bank.example"], "ports": ["443/tcp"], "protocol": "https"},
    ],
    "routes": [
        {
            "name": "analysts-ui",
            "from": ["analysts"],
            "to": ["airflow"],
            "http": [{"paths": ["/*"], "except": HIDDEN}],
            "session": "1h",
            "reason": "FIN-1",
        },
        {
            "name": "operators-ui",
            "from": ["operators"],
            "to": ["airflow", "risk"],
            "http": [{"paths": ["/*"], "except": HIDDEN}],
            "reason": "FIN-2",
        },
        {
            "name": "auditors-read",
            "from": ["auditors"],
            "to": ["airflow"],
            "http": [{"methods": ["GET", "HEAD"], "paths": ["/dags*", "/api/v2/*"], "except": ["/api/v2/variables*"]}],
            "reason": "AUD-1",
        },
    ],
}
ACCESS = Access.model_validate(DOCUMENT)


def gateway(access: Access = ACCESS, **given: Any) -> NginxGateway:
    arguments: dict[str, Any] = {
        "upstreams": {"airflow": AIRFLOW, "risk": RISK},
        "namespace": "airflow",
        "client": OidcClient("airflow", "client secret", "0123456789abcdef"),
        "certificate": Certificate(secret="airflow-tls"),
        "today": TODAY,
        **given,
    }
    if arguments.get("engine", "nginx") == "nginx":
        arguments.setdefault("gateway_secret", "0123456789abcdef0123456789abcdef")
    return NginxGateway("nginx", access=access, **arguments)


def compiled(access: Access = ACCESS, **given: Any) -> Stack:
    return Stack(run(lambda: gateway(access, **given)))


def with_text(stack: Stack, change: Callable[[str], str]) -> Stack:
    """The stack after somebody changed the configuration by hand."""

    def changed(one: Resource) -> Resource:
        if one.type != CONFIG_MAP:
            return replace(one)
        text = one.properties["data"]["nginx.conf"]
        assert change(text) != text
        return replace(one, properties={**one.properties, "data": {"nginx.conf": change(text)}})

    return Stack(map(changed, stack.resources))


def by_hand(text: str, name: str = "proxy", image: str = "nginx:1.28") -> list[dict[str, Any]]:
    """The manifests of a hand-written nginx."""
    labels = {"app": name}
    pod = {
        "serviceAccountName": name,
        "containers": [
            {"name": "nginx", "image": image, "volumeMounts": [{"name": "conf", "mountPath": "/etc/nginx/conf.d"}]},
        ],
        "volumes": [{"name": "conf", "configMap": {"name": name}}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "airflow"},
            "data": {"default.conf": text},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "airflow"},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        },
    ]


def decide(found: Filter, group: str | None, method: str, path: str, host: str = "airflow.bank.example", port: int = 443) -> str:
    """`allow`, `deny` or `unproven`: what the filter makes of a request; `group` None: whoever did not sign in."""
    possible = set()
    for rule in found.rules:
        match = rule.match
        if not _is_of(match.who, group) or host not in match.hosts.names:
            continue
        if not any(protocol == 6 and first <= port <= last for protocol, first, last in match.services.ranges()):
            continue
        if match.operations is not None and not any(_covers(one, method, path) for one in match.operations):
            continue
        possible.add(rule.action)
        if not rule.unknown:
            break
    else:
        possible.add(found.default)
    if len(possible) > 1:
        return "unproven"
    return "allow" if possible == {Action.ALLOW} else "deny"


def _is_of(who: Any, group: str | None) -> bool:
    return who.groups is None or group in who.groups


def _covers(one: HttpOperation, method: str, path: str) -> bool:
    return (
        one.method in ("*", method)
        and method not in one.not_methods
        and fnmatchcase(path, one.path)
        and not any(fnmatchcase(path, each) for each in one.not_paths)
    )


def document(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, **changes}


def route(**changes: Any) -> Mapping[str, Any]:
    """The first route alone, changed."""
    return {"routes": [{**DOCUMENT["routes"][0], "to": ["airflow", "risk"], **changes}]}
