"""Objects of other controllers as servers of nginx, which is what the controllers make of them: so that they are read alike.

F5 NIC's `VirtualServer`, NGINX Gateway Fabric's `HTTPRoute`, and `Ingress` of ingress-nginx, retired in March 2026, which is
read to move away from it. The `file` of a directive made here is the place in the object.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ..kubernetes import KubeObject, objects
from ..stack import UNKNOWN, Stack
from .directives import ConfigError, Directive, parse
from .pods import UNREAD

_ANNOTATION = "nginx.ingress.kubernetes.io/"
_ASK = "/airlock-external-auth"


@dataclass(frozen=True)
class Made:
    """An object, and what it is to nginx."""

    object: KubeObject
    root: tuple[Directive, ...]


def made(stack: Stack) -> Iterator[Made]:
    """Every object of another controller that leads people somewhere."""
    policies = {(one.namespace, one.name): one for one in objects(stack, "k8s.nginx.org", "Policy")}
    for one in objects(stack, "k8s.nginx.org", "VirtualServer"):
        yield Made(one, _http(_virtual_server(one, policies)))
    filters = {(one.namespace, one.name): one for one in objects(stack, "gateway.nginx.org", "AuthenticationFilter")}
    for one in objects(stack, "gateway.networking.k8s.io", "HTTPRoute"):
        if _of_nginx(one):
            yield Made(one, _http(_http_route(one, filters)))
    for one in ingresses(stack):
        yield Made(one, _http(_ingress(one)))


def ingresses(stack: Stack) -> Iterator[KubeObject]:
    """Every `Ingress` that is ingress-nginx's."""
    for one in objects(stack, "networking.k8s.io", "Ingress"):
        name = one.get("spec", "ingressClassName", default=one.annotations.get("kubernetes.io/ingress.class"))
        if name == "nginx" or any(each.startswith(_ANNOTATION) for each in one.annotations):
            yield one


def _of_nginx(one: KubeObject) -> bool:
    """Whether a route has a filter of nginx's, or an external authentication: others belong to meshes, or other gateways."""
    kinds = [each.get("type") for rule in _maps(one.get_list("spec", "rules")) for each in _maps(rule.get("filters"))]
    groups = [
        (each.get("extensionRef") or {}).get("group")
        for rule in _maps(one.get_list("spec", "rules"))
        for each in _maps(rule.get("filters"))
    ]
    return "ExternalAuth" in kinds or any(str(each).startswith("gateway.nginx.org") for each in groups)


def _http(servers: Sequence[Directive]) -> tuple[Directive, ...]:
    return (Directive("http", (), 0, "", tuple(servers)),)


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value or () if isinstance(one, Mapping)] if value is not UNKNOWN else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _d(at: str, name: str, *args: Any, block: Sequence[Directive] | None = None) -> Directive:
    return Directive(name, tuple(map(str, args)), 0, at, None if block is None else tuple(block))


def _unread(at: str, what: str) -> Directive:
    return _d(at, UNREAD, what)


def _snippet(value: Any, at: str) -> list[Directive]:
    """The directives of a snippet."""
    if not value:
        return []
    if not isinstance(value, str):
        return [_unread(at, "a snippet")]
    try:
        return [_placed(one, at) for one in parse(value)]
    except ConfigError:
        return [_unread(at, "a snippet that is no configuration")]


def _placed(one: Directive, at: str) -> Directive:
    block = None if one.block is None else tuple(_placed(each, at) for each in one.block)
    return replace(one, file=at, line=0, block=block)


# F5 NGINX Ingress Controller


def _virtual_server(one: KubeObject, policies: Mapping[tuple[str, str], KubeObject]) -> list[Directive]:
    upstreams = {str(each.get("name")): each for each in _maps(one.get_list("spec", "upstreams"))}
    asks: dict[str, Directive] = {}
    block = [
        _d("spec.host", "server_name", one.get("spec", "host", default="_")),
        _d("spec.tls", "listen", 443 if one.get("spec", "tls") else 80),
    ]
    block += _snippet(one.get("spec", "server-snippets"), "spec.server-snippets")
    for number, route in enumerate(one.get_list("spec", "routes")):
        at = f"spec.routes[{number}]"
        if not isinstance(route, Mapping) or route.get("route") or route.get("splits") or route.get("matches"):
            block.append(_d(at, "location", *_nic_path(route), block=[_unread(at, "routes of others, splits and matches")]))
            continue
        inner = _snippet(route.get("location-snippets"), f"{at}.location-snippets")
        for policy in _maps(route.get("policies")) or _maps(one.get_list("spec", "policies")):
            place = (str(policy.get("namespace") or one.namespace), str(policy.get("name")))
            inner += _nic_policy(policies.get(place), place, at, asks)
        inner += _nic_action(route.get("action"), upstreams, one.namespace, at)
        block.append(_d(at, "location", *_nic_path(route), block=inner))
    return [_d("", "server", block=[*block, *asks.values()])]


def _nic_path(route: Any) -> tuple[str, ...]:
    path = str(route.get("path") or "/") if isinstance(route, Mapping) else "/"
    if path.startswith("="):
        return "=", path[1:]
    return tuple(path.split(" ", 1)) if path.startswith("~") else (path,)


def _nic_policy(policy: KubeObject | None, place: tuple[str, str], at: str, asks: dict[str, Directive]) -> list[Directive]:
    if policy is None:
        return [_unread(at, f"Policy {place[0]}/{place[1]}, which the stack does not have")]
    spec = policy.get("spec", default={})
    external = spec.get("externalAuth") if isinstance(spec, Mapping) else None
    if not isinstance(external, Mapping):
        # What limits and shapes lets nobody in; another way of signing in is not read here.
        others = {"accessControl", "oidc", "jwt", "basicAuth", "apiKey", "ingressMTLS"} & set(spec or ())
        return [_unread(at, f"Policy {policy.name}: {', '.join(sorted(others))}")] if others else []
    uri = f"{_ASK}-{place[0]}-{place[1]}"
    name, _, service = str(external.get("authServiceName") or "").rpartition("/")
    ports = external.get("authServicePorts") or [80]
    host = f"{service}.{name or place[0]}.svc.cluster.local:{int(ports[0]) if isinstance(ports[0], int | float) else 80}"
    asks[uri] = _d(
        at,
        "location",
        "=",
        uri,
        block=[_d(at, "internal"), _d(at, "proxy_pass", f"http://{host}{external.get('authURI') or '/'}")],
    )
    return [_d(at, "auth_request", uri)]


def _nic_action(action: Any, upstreams: Mapping[str, Mapping[str, Any]], namespace: str, at: str) -> list[Directive]:
    if not isinstance(action, Mapping):
        return [_unread(at, "its action")]
    if isinstance(action.get("return"), Mapping):
        return [_d(f"{at}.action", "return", int(action["return"].get("code") or 200))]
    if action.get("redirect"):
        return [_d(f"{at}.action", "return", 302)]
    proxy = _map(action.get("proxy"))
    to = upstreams.get(str(action.get("pass") or proxy.get("upstream")))
    if to is None:
        return [_d(f"{at}.action", "return", 502)]
    headers = _map(proxy.get("requestHeaders"))
    found = [_d(at, "proxy_set_header", each.get("name"), each.get("value") or "") for each in _maps(headers.get("set"))]
    if headers.get("pass") is False:
        found.append(_d(at, "proxy_pass_request_headers", "off"))
    if proxy.get("rewritePath"):
        found.append(_d(at, "rewrite", "^", proxy["rewritePath"]))
    host = f"{to.get('service')}.{namespace}.svc.cluster.local:{int(to.get('port') or 80)}"
    return [*found, _d(f"{at}.action", "proxy_pass", f"http://{host}")]


# NGINX Gateway Fabric


def _http_route(one: KubeObject, filters: Mapping[tuple[str, str], KubeObject]) -> list[Directive]:
    names = [str(each) for each in one.get_list("spec", "hostnames") if each is not UNKNOWN] or ["_"]
    block = [_d("spec.hostnames", "server_name", *names), _d("spec.parentRefs", "listen", 443)]
    asks: dict[str, Directive] = {}
    for number, rule in enumerate(one.get_list("spec", "rules")):
        at = f"spec.rules[{number}]"
        if not isinstance(rule, Mapping):
            block.append(_d(at, "location", "/", block=[_unread(at, "a rule")]))
            continue
        inner = [
            each
            for place, given in enumerate(_maps(rule.get("filters")))
            for each in _filter(one, given, f"{at}.filters[{place}]", filters, asks)
        ]
        inner += _backends(rule, one.namespace, at)
        for match in _maps(rule.get("matches")) or [{}]:
            block += _matched(match, inner, at)
    return [_d("", "server", block=[*_first(block), *asks.values()])]


def _first(block: list[Directive]) -> list[Directive]:
    """Of several rules with one path and method the first one counts; others with it are not told apart here."""
    seen: dict[tuple[str, ...], int] = {}
    found: list[Directive] = []
    for one in block:
        if one.name == "location" and one.args in seen:
            place = seen[one.args]
            found[place] = replace(
                found[place], block=(*(found[place].block or ()), _unread(one.file, "another rule of the same path"))
            )
        else:
            seen[one.args] = len(found)
            found.append(one)
    return found


def _matched(match: Mapping[str, Any], inner: list[Directive], at: str) -> list[Directive]:
    path = _map(match.get("path"))
    kind, value = str(path.get("type") or "PathPrefix"), str(path.get("value") or "/")
    limits = [_unread(at, "headers and query parameters")] if match.get("headers") or match.get("queryParams") else []
    if match.get("method"):
        limits.append(_d(at, "limit_except", match["method"], block=[_d(at, "deny", "all")]))
    block = [*limits, *inner]
    if kind == "Exact":
        return [_d(at, "location", "=", value, block=block)]
    if kind != "PathPrefix":
        return [_d(at, "location", "~", value, block=block)]
    # A prefix is of whole segments (Gateway API, HTTPPathMatch).
    bare = value.rstrip("/")
    return ([_d(at, "location", "=", bare, block=block)] if bare else []) + [_d(at, "location", f"{bare}/", block=block)]


def _filter(
    one: KubeObject, given: Mapping[str, Any], at: str, filters: Mapping[tuple[str, str], KubeObject], asks: dict[str, Directive]
) -> list[Directive]:
    kind = given.get("type")
    if kind == "RequestHeaderModifier":
        changes = given.get("requestHeaderModifier") or {}
        found = [_d(at, "proxy_set_header", each.get("name"), each.get("value")) for each in _maps(changes.get("set"))]
        return [*found, *(_d(at, "proxy_set_header", each, "") for each in changes.get("remove") or ())]
    if kind == "ExternalAuth":
        return _external(one, given.get("externalAuth") or {}, at, asks)
    if kind == "RequestRedirect":
        return [_d(at, "return", 302)]
    if kind == "ResponseHeaderModifier":
        return []
    reference = given.get("extensionRef") or {}
    ours = filters.get((one.namespace, str(reference.get("name"))))
    if reference.get("kind") == "AuthenticationFilter" and ours is not None and ours.get("spec", "type") == "OIDC":
        # The filter signs people in itself, and asks for no group.
        return [_d(at, "auth_request", f"AuthenticationFilter {ours.name}")]
    return [_unread(at, f"filter {kind} {reference.get('name') or ''}".strip())]


def _external(one: KubeObject, external: Mapping[str, Any], at: str, asks: dict[str, Directive]) -> list[Directive]:
    backend, http = external.get("backendRef") or {}, external.get("http") or {}
    uri = f"{_ASK}-{one.name}-{at}"
    host = f"{backend.get('name')}.{backend.get('namespace') or one.namespace}.svc.cluster.local:{int(backend.get('port') or 80)}"
    asks[uri] = _d(
        at, "location", "=", uri, block=[_d(at, "internal"), _d(at, "proxy_pass", f"http://{host}{http.get('path') or '/'}")]
    )
    found = [_d(at, "auth_request", uri)]
    return [*found, *_from_answer(http.get("allowedResponseHeaders") or (), at)]


def _from_answer(headers: Any, at: str) -> list[Directive]:
    found = []
    for each in headers:
        variable = str(each).lower().replace("-", "_")
        found.append(_d(at, "auth_request_set", f"$from_auth_{variable}", f"$upstream_http_{variable}"))
        found.append(_d(at, "proxy_set_header", each, f"$from_auth_{variable}"))
    return found


def _backends(rule: Mapping[str, Any], namespace: str, at: str) -> list[Directive]:
    backends = _maps(rule.get("backendRefs"))
    if not backends:
        return [_d(at, "return", 500)]
    one = backends[0]
    host = f"{one.get('name')}.{one.get('namespace') or namespace}.svc.cluster.local:{int(one.get('port') or 80)}"
    more = [_unread(at, "several backends")] if len(backends) > 1 else []
    return [*more, _d(f"{at}.backendRefs[0]", "proxy_pass", f"http://{host}")]


# ingress-nginx


def _ingress(one: KubeObject) -> list[Directive]:
    tls = {str(host) for each in _maps(one.get_list("spec", "tls")) for host in each.get("hosts") or ()}
    asks: list[Directive] = []
    common = _annotated(one, asks)
    found = []
    for number, rule in enumerate(_maps(one.get_list("spec", "rules"))):
        host = str(rule.get("host") or "_")
        block = [
            _d(f"spec.rules[{number}].host", "server_name", host),
            _d("spec.tls", "listen", 443 if host in tls or tls else 80),
        ]
        block += _snippet(one.annotations.get(f"{_ANNOTATION}server-snippet"), "metadata.annotations")
        for place, path in enumerate(_maps((rule.get("http") or {}).get("paths"))):
            at = f"spec.rules[{number}].http.paths[{place}]"
            service = (path.get("backend") or {}).get("service") or {}
            port = service.get("port") or {}
            named = f"{service.get('name')}.{one.namespace}.svc.cluster.local"
            to = (
                [_d(at, "proxy_pass", f"http://{named}:{int(port['number'])}")]
                if port.get("number")
                else [_unread(at, "a port by its name"), _d(at, "proxy_pass", f"http://{named}")]
            )
            block += _ingress_path(one, path, [*common, *to], at)
        found.append(_d("", "server", block=[*block, *asks]))
    if one.get("spec", "defaultBackend"):
        found.append(
            _d(
                "",
                "server",
                block=[
                    _d("", "listen", 443),
                    _d(
                        "spec.defaultBackend",
                        "location",
                        "/",
                        block=[_unread("spec.defaultBackend", "the default backend"), _d("", "proxy_pass", "http://default")],
                    ),
                ],
            )
        )
    return found


def _ingress_path(one: KubeObject, path: Mapping[str, Any], block: list[Directive], at: str) -> list[Directive]:
    value, kind = str(path.get("path") or "/"), path.get("pathType")
    if one.annotations.get(f"{_ANNOTATION}use-regex") == "true":
        return [_d(at, "location", "~*", f"^{value}", block=block)]
    if kind == "Exact":
        return [_d(at, "location", "=", value, block=block)]
    bare = value.rstrip("/")
    return ([_d(at, "location", "=", bare, block=block)] if bare else []) + [_d(at, "location", f"{bare}/", block=block)]


_SHAPING = (
    "proxy-body-size",
    "ssl-redirect",
    "force-ssl-redirect",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "proxy-connect-timeout",
    "backend-protocol",
    "proxy-buffer-size",
    "proxy-buffering",
    "hsts",
    "affinity",
    "auth-signin",
    "auth-method",
    "limit-rps",
)


def _annotated(one: KubeObject, asks: list[Directive]) -> list[Directive]:
    """What the annotations of an Ingress mean in each of its locations."""
    at = "metadata.annotations"
    found: list[Directive] = []
    for key, value in one.annotations.items():
        name = key.removeprefix(_ANNOTATION)
        if name == key or name in _SHAPING or name in ("server-snippet", "use-regex"):
            continue
        if name == "auth-url":
            url = urlsplit(value)
            uri = f"{_ASK}-{one.name}"
            asks.append(
                _d(
                    at,
                    "location",
                    "=",
                    uri,
                    block=[
                        _d(at, "internal"),
                        _d(at, "proxy_pass", f"{url.scheme}://{url.netloc}{url.path}" + (f"?{url.query}" if url.query else "")),
                    ],
                )
            )
            found.append(_d(at, "auth_request", uri))
        elif name == "auth-response-headers":
            found += _from_answer([each.strip() for each in value.split(",") if each.strip()], at)
        elif name == "configuration-snippet":
            found += _snippet(value, at)
        elif name == "rewrite-target":
            found.append(_d(at, "rewrite", "^", value))
        else:
            found.append(_unread(at, key))
    return found
