"""The same plan for ingress controllers that a platform has already: F5 NGINX Ingress Controller, NGINX Gateway Fabric.

No SDK in here. Neither was run: the objects are valid by their definitions, and what the controllers do with them is documented,
not measured. Neither carries the gateway's secret, which would stand in an object in plain text: there, the network alone keeps
others from sending headers.

- F5 NIC 5.5 and later: `Policy` with `externalAuth`, groups in the question's query; headers by location snippets, which an
  administrator has to allow (`-enable-snippets`).
- NGINX Gateway Fabric: `HTTPRoute` with the filter `ExternalAuth` (Gateway API, experimental channel). It asks one question for
  all requests of a host, so that all grants must be alike; oauth2-proxy's own list of groups decides.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ...access import globs
from ...errors import InputError, Problem
from ..naming import cut_name
from .config import _AMBIGUOUS
from .plan import (
    EMAIL,
    GROUPS,
    HIDDEN,
    IDENTITY_HEADERS,
    NOBODY,
    SECRET_HEADER,
    SIGN_IN_PATH,
    SIGN_IN_PORT,
    GatewayPlan,
    Grant,
    Site,
)

ENGINES = ("nginx", "f5-nic", "nginx-gateway-fabric")
FROM_AUTH = ("X-Auth-Request-User", EMAIL, GROUPS)
"""The headers that are set from oauth2-proxy's answer."""


def check_engine(plan: GatewayPlan, engine: str) -> None:
    """InputError with every grant that an engine cannot say."""
    problems: list[Problem] = []
    for site in plan.sites if engine != "nginx" else ():
        namespace, _, service = site.upstream.service.rpartition("/")
        if not service:
            problems.append(Problem(plan.name, f"upstreams[{site.key}]", f"{engine} names Services: say which one it is"))
        elif engine == "f5-nic" and namespace != plan.namespace:
            problems.append(
                Problem(plan.name, "namespace", f"{engine} takes Services of its own namespace alone: write {namespace}")
            )
        for grant in site.grants:
            where = f"routes {', '.join(grant.routes)}"
            if grant.methods != ("*",):
                problems.append(Problem(where, "methods", f"{engine} tells no methods apart: use engine nginx"))
            if any(not globs.includes(HIDDEN, one) for one in grant.without):
                problems.append(Problem(where, "except", f"{engine} takes out {', '.join(HIDDEN)} alone: use engine nginx"))
            if any(_prefix(one) is None for one in grant.paths):
                problems.append(
                    Problem(where, "paths", f"{engine} knows paths with all below them alone, as /api/*: use engine nginx")
                )
        if engine == "nginx-gateway-fabric" and (len(site.grants) > 1 or site.groups != plan.groups):
            message = f"all groups of the gateway are let through alike to {site.key} by {engine}: use engine nginx or f5-nic"
            problems.append(Problem(plan.name, "engine", message))
    if engine not in ENGINES:
        problems.append(Problem(plan.name, "engine", f"{engine!r}: write one of {', '.join(ENGINES)}"))
    if problems:
        raise InputError(problems)


def _prefix(path: str) -> str | None:
    """The beginning that a glob stands for; None where it is more than that."""
    head = path[:-1]
    return (head or "/") if path.endswith("*") and not set(head) & set("*?[") and (head.endswith("/") or not head) else None


# F5 NGINX Ingress Controller


def nic_objects(plan: GatewayPlan, sign_in: str, tls_secret: str, ingress_class: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, object) of each `Policy` and `VirtualServer`; `sign_in`: oauth2-proxy's Service."""
    taken: dict[tuple[str, ...], str] = {}
    for site in plan.sites:
        for groups in (each for _, each in _by_prefix(site)):
            if groups not in taken:
                taken[groups] = cut_name(253, f"{plan.name}-people-{len(taken) + 1}")
                yield taken[groups], _nic_policy(plan, taken[groups], groups, sign_in)
    for site in plan.sites:
        for number, host in enumerate(site.hosts):
            name = cut_name(253, plan.name, site.key.lower(), *([str(number)] if number else []))
            yield name, _nic_server(plan, name, site, host.lower(), taken, tls_secret, ingress_class)


def _by_prefix(site: Site) -> list[tuple[str, tuple[str, ...]]]:
    """Each beginning of paths, with all groups that may send what begins so."""
    found = {prefix for grant in site.grants for path in grant.paths if (prefix := _prefix(path)) is not None}
    return [
        (prefix, tuple(sorted({group for grant in site.grants if _has(grant, prefix) for group in grant.groups})))
        for prefix in sorted(found)
    ]


def _has(grant: Grant, prefix: str) -> bool:
    return any(prefix.startswith(_prefix(path) or "\0") for path in grant.paths)


def _nic_policy(plan: GatewayPlan, name: str, groups: tuple[str, ...], sign_in: str) -> dict[str, Any]:
    allowed = ",".join([NOBODY, *(quote(one, safe="") for one in groups)])
    return {
        "apiVersion": "k8s.nginx.org/v1",
        "kind": "Policy",
        "metadata": {"name": name, "namespace": plan.namespace},
        "spec": {
            "externalAuth": {
                "authURI": f"{SIGN_IN_PATH}auth?allowed_groups={allowed}",
                "authSigninURI": f"{SIGN_IN_PATH}sign_in",
                "authServiceName": f"{plan.namespace}/{sign_in}",
                "authServicePorts": [SIGN_IN_PORT],
                "authSnippets": "\n".join(f'proxy_set_header {one} "";' for one in (*IDENTITY_HEADERS, "Authorization")),
            }
        },
    }


def nic_snippet() -> str:
    """What stands in each location: the headers of the authentication, and of nobody else."""
    lines = [f"auth_request_set $airlock_{_short(one)} $upstream_http_{one.lower().replace('-', '_')};" for one in FROM_AUTH]
    lines += [f"proxy_set_header {one} $airlock_{_short(one)};" for one in FROM_AUTH]
    lines += [f'proxy_set_header {one} "";' for one in IDENTITY_HEADERS if one not in FROM_AUTH]
    return "\n".join(lines)


def _short(header: str) -> str:
    return header.rsplit("-", 1)[-1].lower()


def _nic_server(
    plan: GatewayPlan, name: str, site: Site, host: str, policies: Mapping[tuple[str, ...], str], secret: str, ingress_class: str
) -> dict[str, Any]:
    refuse = {"return": {"code": 404, "type": "text/plain", "body": "not here"}}
    hidden = [{"path": f"={HIDDEN[0]}", "action": refuse}, {"path": HIDDEN[1].removesuffix("*"), "action": refuse}]
    routes = [
        {
            "path": prefix,
            "policies": [{"name": policies[groups]}],
            "location-snippets": nic_snippet(),
            "action": {"pass": "api"},
        }
        for prefix, groups in _by_prefix(site)
    ]
    if not any(one["path"] == "/" for one in routes):
        routes.append({"path": "/", "action": {"return": {"code": 403, "type": "text/plain", "body": "no route"}}})
    regex = _AMBIGUOUS.removeprefix("~*").replace("\\\\", "\\\\\\\\")
    return {
        "apiVersion": "k8s.nginx.org/v1",
        "kind": "VirtualServer",
        "metadata": {"name": name, "namespace": plan.namespace},
        "spec": {
            "ingressClassName": ingress_class,
            "host": host,
            "tls": {"secret": secret, "redirect": {"enable": True, "code": 308}},
            "server-snippets": f'if ($request_uri ~* "{regex}") {{ return 400; }}',
            "upstreams": [{"name": "api", "service": _service(site), "port": site.upstream.port}],
            "routes": [*hidden, *routes],
        },
    }


def _service(site: Site) -> str:
    return site.upstream.service.rpartition("/")[2]


# NGINX Gateway Fabric


def fabric_objects(plan: GatewayPlan, sign_in: str, gateway: tuple[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, object) of each `HTTPRoute`, and of the grants that let it name Services of other namespaces.

    `gateway`: namespace and name of the `Gateway` that it belongs to.
    """
    for site in plan.sites:
        namespace, _, service = site.upstream.service.rpartition("/")
        name = cut_name(253, plan.name, site.key.lower())
        yield name, _http_route(plan, name, site, service, namespace, sign_in, gateway)
        if namespace and namespace != plan.namespace:
            yield f"{name}-grant", _reference_grant(plan, name, namespace, service)


def _http_route(
    plan: GatewayPlan, name: str, site: Site, service: str, namespace: str, sign_in: str, gateway: tuple[str, str]
) -> dict[str, Any]:
    backend: dict[str, Any] = {"name": service, "port": site.upstream.port}
    if namespace and namespace != plan.namespace:
        backend["namespace"] = namespace
    strip = [one for one in IDENTITY_HEADERS if one not in FROM_AUTH]
    ask = {
        "type": "ExternalAuth",
        "externalAuth": {
            "protocol": "HTTP",
            "backendRef": {"name": sign_in, "port": SIGN_IN_PORT},
            "http": {"path": f"{SIGN_IN_PATH}auth", "allowedHeaders": ["Cookie"], "allowedResponseHeaders": list(FROM_AUTH)},
        },
    }
    people = [{"path": {"type": "PathPrefix", "value": _whole(path)}} for grant in site.grants for path in grant.paths]
    rules = [
        # Without a backend it is answered with an error, and goes nowhere.
        {"matches": [{"path": {"type": "PathPrefix", "value": HIDDEN[0]}}]},
        {
            "matches": [{"path": {"type": "PathPrefix", "value": SIGN_IN_PATH.rstrip("/")}}],
            "filters": [_without([*(one for one in IDENTITY_HEADERS if one != SECRET_HEADER), "Authorization"])],
            "backendRefs": [{"name": sign_in, "port": SIGN_IN_PORT}],
        },
        {"matches": people, "filters": [ask, _without(strip)], "backendRefs": [backend]},
    ]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": plan.namespace},
        "spec": {
            "parentRefs": [{"namespace": gateway[0], "name": gateway[1]}],
            "hostnames": [host.lower() for host in site.hosts],
            "rules": rules,
        },
    }


def _whole(path: str) -> str:
    return (_prefix(path) or "/").rstrip("/") or "/"


def _without(headers: list[str]) -> dict[str, Any]:
    assert len(headers) <= 16  # noqa: S101  # all that the API takes (Gateway API, HTTPHeaderFilter)
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": headers}}


def _reference_grant(plan: GatewayPlan, name: str, namespace: str, service: str) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": plan.namespace}],
            "to": [{"group": "", "kind": "Service", "name": service}],
        },
    }
