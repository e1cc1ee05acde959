"""A plan as Envoy's configuration: files that together are all of it. No SDK in here.

`envoy.json` says what it listens on and trusts, and stays as it is; targets and their rules, clusters and certificates are files
of their own, which Envoy reads again when they are replaced (by a move into their folder, as Kubernetes and `Configuration.write`
do it): open tunnels go on.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...access.values import is_address
from . import log, rbac
from .files import Configuration
from .keys import MANIFEST, issuers_filter, key_clusters, key_listener
from .plan import ProxyPlan, Target
from .settings import AUTHORITY, CERTIFICATE, KEY, Settings

Json = dict[str, Any]
TYPES = "type.googleapis.com/envoy"
BOOTSTRAP, TARGETS, CLUSTERS = "envoy.json", "targets.json", "clusters.json"
SERVER, CLIENTS = "server.json", "clients.json"
ROUTES = "targets"
"""What the routes are called between Envoy's parts."""
_HCM = f"{TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_SOL_SOCKET, _SO_KEEPALIVE, _TCP, _KEEPIDLE = 1, 9, 6, 4  # Linux
_SILENT = "10s"
"""Whoever has not shown a certificate by then, or has asked for nothing, is not waited for: connections are not endless."""
_KEEPALIVE = 60
"""Seconds of silence after which both ends of a tunnel are asked whether they are there: firewalls forget silent flows later."""


def envoy_configuration(plan: ProxyPlan, settings: Settings) -> Configuration:
    """All files of a proxy."""
    resources: Mapping[str, list[Json]] = {
        TARGETS: [{"@type": f"{TYPES}.config.route.v3.RouteConfiguration", **_routes(plan)}],
        CLUSTERS: [{"@type": f"{TYPES}.config.cluster.v3.Cluster", **_cluster(one, settings)} for one in plan.targets],
        SERVER: [_secret("server", "tls_certificate", _certificate(settings))],
        CLIENTS: [_secret("clients", "validation_context", _authority(settings))],
    }
    files = {name: _text({"resources": found}) for name, found in resources.items()}
    keys = {f"{one.name}.json": one.jwks for one in plan.issuers if one.jwks is not None}
    return Configuration({BOOTSTRAP: _text(_bootstrap(plan, settings)), **files}, keys, settings, BOOTSTRAP)


def _text(document: Json) -> str:
    if "resources" in document:
        version = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
        document = {"version_info": version, **document}
    # Without spaces: a ConfigMap takes 1 MiB.
    return json.dumps(document, separators=(",", ":")) + "\n"


# What it listens on


def _bootstrap(plan: ProxyPlan, settings: Settings) -> Json:
    limit = {"@type": f"{TYPES}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"}
    return {
        "node": {"id": plan.gate, "cluster": plan.gate},
        **({"admin": {"address": _address("127.0.0.1", settings.admin_port)}} if settings.admin_port is not None else {}),
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {"@type": f"{TYPES}.extensions.bootstrap.internal_listener.v3.InternalListener"},
            }
        ],
        "dynamic_resources": {"cds_config": _file(settings, CLUSTERS)},
        "static_resources": {"listeners": list(_listeners(plan, settings)), "clusters": key_clusters(plan, settings)},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {**limit, "max_active_downstream_connections": settings.connections},
                }
            ]
        },
    }


def _file(settings: Settings, name: str) -> Json:
    source = {"path": f"{settings.folder}/{name}", "watched_directory": {"path": settings.folder}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _listeners(plan: ProxyPlan, settings: Settings) -> Iterator[Json]:
    chain = {
        "filters": [{"name": "http", "typed_config": _manager(plan, settings)}],
        "transport_socket": _tls(settings),
        "transport_socket_connect_timeout": _SILENT,
    }
    yield {
        "name": "tunnels",
        "address": _address(settings.address, settings.port),
        "socket_options": [
            {"level": _SOL_SOCKET, "name": _SO_KEEPALIVE, "int_value": 1, "state": "STATE_PREBIND"},
            {"level": _TCP, "name": _KEEPIDLE, "int_value": _KEEPALIVE, "state": "STATE_PREBIND"},
        ],
        "access_log": log.handshakes(plan, settings),
        "filter_chains": [chain],
    }
    if any(one.jwks is not None for one in plan.issuers):
        yield key_listener(plan, settings)
    if settings.health_port is not None:
        yield _health(settings)


def _manager(plan: ProxyPlan, settings: Settings) -> Json:
    return {
        "@type": _HCM,
        "stat_prefix": "tunnels",
        "codec_type": "HTTP1",
        "server_name": plan.gate,
        "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "rds": {"route_config_name": ROUTES, "config_source": _file(settings, TARGETS)},
        "request_headers_timeout": _SILENT,
        "common_http_protocol_options": {"idle_timeout": _SILENT},
        # A database that is asked nothing for long is no reason to hang up: sessions end by their own limit.
        "stream_idle_timeout": "0s",
        "access_log": log.tunnels(plan, settings),
        "access_log_options": {"flush_log_on_tunnel_successfully_established": True},
        "local_reply_config": log.refusals(plan),
        "http_filters": [issuers_filter(plan, settings), *rbac.filters(), router()],
    }


def router() -> Json:
    """The last filter of every listener of HTTP."""
    return {"name": "router", "typed_config": {"@type": f"{TYPES}.extensions.filters.http.router.v3.Router"}}


def _tls(settings: Settings) -> Json:
    common: Json = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [{"name": "server", "sds_config": _file(settings, SERVER)}],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": list(_names(settings))},
            "validation_context_sds_secret_config": {"name": "clients", "sds_config": _file(settings, CLIENTS)},
        },
    }
    context = {
        "@type": f"{TYPES}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        # A session that is taken up again would outlive its certificate: Envoy looks at that in whole handshakes alone.
        "disable_stateless_session_resumption": True,
        "common_tls_context": common,
    }
    return {"name": "tls", "typed_config": context}


def _names(settings: Settings) -> Iterator[Json]:
    for name in settings.clients:
        yield {"san_type": "URI" if "://" in name else "DNS", "matcher": {"exact": name}}


def _secret(name: str, kind: str, value: Json) -> Json:
    return {"@type": f"{TYPES}.extensions.transport_sockets.tls.v3.Secret", "name": name, kind: value}


def _certificate(settings: Settings) -> Json:
    folder = settings.certificates
    return {
        "certificate_chain": {"filename": f"{folder}/{CERTIFICATE}"},
        "private_key": {"filename": f"{folder}/{KEY}"},
        "watched_directory": {"path": folder},
    }


def _authority(settings: Settings) -> Json:
    folder = settings.certificates
    return {"trusted_ca": {"filename": f"{folder}/{AUTHORITY}"}, "watched_directory": {"path": folder}}


def _health(settings: Settings) -> Json:
    assert settings.health_port is not None  # noqa: S101  # for mypy: just looked at
    exact = [{"name": ":path", "string_match": {"exact": "/ready"}}]
    kind = f"{TYPES}.extensions.filters.http.health_check.v3.HealthCheck"
    check = {"@type": kind, "pass_through_mode": False, "headers": exact}
    manager = {
        "@type": _HCM,
        "stat_prefix": "health",
        "route_config": {"name": "health"},
        "http_filters": [{"name": "health", "typed_config": check}, router()],
    }
    return {
        "name": "health",
        "address": _address(settings.health_address, settings.health_port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


# Where tunnels lead


def _routes(plan: ProxyPlan) -> Json:
    return {"name": ROUTES, "virtual_hosts": [*(_host(plan, one) for one in plan.targets), _unknown(plan)]}


def _host(plan: ProxyPlan, target: Target) -> Json:
    return {
        "name": target.authority,
        "domains": [target.authority],
        "typed_per_filter_config": rbac.per_target(plan, target),
        "routes": list(_tunnels(plan, target)),
    }


def _unknown(plan: ProxyPlan) -> Json:
    """Whoever asks for no target: is told so, or which manifests the proxy goes by (environment → SHA-256)."""
    said = json.dumps(dict(plan.manifests), sort_keys=True)
    kind = {"header": {"key": "content-type", "value": "application/json"}}
    manifests = {
        "match": {"path": MANIFEST},
        "direct_response": {"status": 200, "body": {"inline_string": said}},
        "response_headers_to_add": [kind],
    }
    other = {"match": {"connect_matcher": {}}, "direct_response": {"status": 404}}
    return {"name": "unknown", "domains": ["*"], "typed_per_filter_config": rbac.unknown_target(), "routes": [manifests, other]}


def _tunnels(plan: ProxyPlan, target: Target) -> Iterator[Json]:
    """The same tunnel once for each length: a task takes the first that is its own, the shortest of its routes."""
    lengths = sorted({_length(plan, one.session) for one in target.grants} or {plan.session})
    for length in lengths[:-1]:
        for name, caller in dict.fromkeys(
            (name, one)
            for grant in target.grants
            if _length(plan, grant.session) == length
            for name, found in grant.callers.items()
            for one in found
        ):
            yield _tunnel(target, length, rbac.claims(plan.issuer(name), caller))
    yield _tunnel(target, lengths[-1], [])


def _length(plan: ProxyPlan, session: int | None) -> int:
    return plan.session if session is None else session


def _tunnel(target: Target, length: int, matchers: list[Json]) -> Json:
    return {
        "match": {"connect_matcher": {}, **({"dynamic_metadata": matchers} if matchers else {})},
        "metadata": {"filter_metadata": {log.AIRLOCK: {"destination": target.destination, "deny": target.deny}}},
        "route": {
            "cluster": target.authority,
            "timeout": "0s",
            "max_stream_duration": {"max_stream_duration": f"{length}s"},
            "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
        },
    }


def _cluster(target: Target, settings: Settings) -> Json:
    host, port = settings.upstream(target)
    endpoint = {"endpoint": {"address": _address(host, port)}}
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), settings.connections)
    return {
        "name": target.authority,
        "type": "STATIC" if is_address(host) else "STRICT_DNS",
        "connect_timeout": "10s",
        "load_assignment": {"cluster_name": target.authority, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [limits]},
        "upstream_connection_options": {"tcp_keepalive": {"keepalive_time": _KEEPALIVE}},
    } | ({} if is_address(host) else {"respect_dns_ttl": True})
