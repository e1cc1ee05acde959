"""How the proxy verifies tokens: its issuers, and where their keys come from. No SDK in here.

Keys that are given lie in files. Envoy's filter reads a file once, so that a listener of its own, which no socket leads to,
serves them: then they are fetched again, as those of an issuer that has an address are.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .issuers import TaskIssuer
from .plan import ProxyPlan
from .settings import Settings

Json = dict[str, Any]
_TYPES = "type.googleapis.com/envoy"
TOKEN = "airlock.token"  # noqa: S105  # a filter's name
HEADER = "Proxy-Authorization"
LOCAL = "keys"
"""The listener, and the cluster, of keys that are given."""
MANIFEST = "/airlock/manifest"
"""Where the proxy says which manifests it goes by, to whoever has a certificate: asked before there is a token."""
_LARGEST = 65536
"""Bytes of a key set at most: some 100 keys."""
_SKEW = 30
"""Seconds by which clocks may differ."""


def issuers_filter(plan: ProxyPlan, settings: Settings) -> Json:
    """The filter that lets through nothing without a token of one of the issuers."""
    required = [{"provider_name": one.name} for one in plan.issuers]
    requires: Json = required[0] if len(required) == 1 else {"requires_any": {"requirements": required}}
    return {
        "name": TOKEN,
        "typed_config": {
            "@type": f"{_TYPES}.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {one.name: _provider(one, settings) for one in plan.issuers},
            "rules": [
                {"match": {"path": MANIFEST}},
                # A rule on a path does not hold for CONNECT, which has none (envoyproxy/envoy#34988).
                {"match": {"connect_matcher": {}}, "requires": requires},
                {"match": {"prefix": "/"}, "requires": requires},
            ],
        },
    }


def _provider(issuer: TaskIssuer, settings: Settings) -> Json:
    found: Json = {
        "issuer": issuer.issuer,
        "audiences": [issuer.audience],
        "require_expiration": True,
        "max_lifetime": f"{issuer.longest}s",
        "clock_skew_seconds": _SKEW,
        "from_headers": [{"name": HEADER, "value_prefix": "Bearer "}],
        "forward": False,
        "payload_in_metadata": issuer.name,
        # How long a tunnel may last depends on who asks.
        "clear_route_cache": True,
        "remote_jwks": _source(issuer, settings),
    }
    subjects = _subjects(issuer)
    return found | ({"subjects": subjects} if subjects else {})


def _subjects(issuer: TaskIssuer) -> Json:
    if issuer.subject is not None:
        return {"exact": issuer.subject}
    return {"prefix": issuer.subject_of("")} if issuer.kind == "projected" else {}


def _source(issuer: TaskIssuer, settings: Settings) -> Json:
    uri = issuer.keys_uri
    if uri is None:
        http = {"uri": f"http://{LOCAL}/{issuer.name}", "cluster": LOCAL, "timeout": "5s"}
        return {"http_uri": http, "cache_duration": f"{settings.fresh}s"}
    http = {"uri": uri, "cluster": _cluster_name(issuer), "timeout": "5s"}
    # Fetched ahead of need, and kept while the issuer cannot be asked.
    ahead = {"fast_listener": True, "failed_refetch_duration": "5s"}
    return {
        "http_uri": http,
        "cache_duration": "600s",
        "async_fetch": ahead,
        "retry_policy": {"num_retries": 2, "retry_back_off": {"base_interval": "1s", "max_interval": "5s"}},
    }


def _cluster_name(issuer: TaskIssuer) -> str:
    return f"keys of {issuer.name}"


def key_clusters(plan: ProxyPlan, settings: Settings) -> list[Json]:
    """Where key sets are fetched."""
    found = [_remote(one, one.keys_uri, settings) for one in plan.issuers if one.keys_uri is not None]
    if any(one.jwks is not None for one in plan.issuers):
        found.append(_cluster(LOCAL, "STATIC", {"envoy_internal_address": {"server_listener_name": LOCAL}}))
    return found


def _cluster(name: str, kind: str, address: Json) -> Json:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": name,
        "type": kind,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def _remote(issuer: TaskIssuer, uri: str, settings: Settings) -> Json:
    parts = urlsplit(uri)
    host, secure = str(parts.hostname), parts.scheme == "https"
    address = {"socket_address": {"address": host, "port_value": parts.port or (443 if secure else 80)}}
    found = _cluster(_cluster_name(issuer), "STRICT_DNS", address)
    return found | ({"transport_socket": _verified(host, settings)} if secure else {})


def _verified(host: str, settings: Settings) -> Json:
    validation = {
        "trusted_ca": {"filename": settings.certificate_authorities},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
    }
    context: Mapping[str, Any] = {
        "@type": f"{_TYPES}.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": host,
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "validation_context": validation,
        },
    }
    return {"name": "tls", "typed_config": context}


def key_listener(plan: ProxyPlan, settings: Settings) -> Json:
    """Serves the keys that are given, to Envoy itself alone."""
    routes = [
        {
            "match": {"path": f"/{one.name}"},
            "direct_response": {
                "status": 200,
                "body": {
                    "filename": f"{settings.keys}/{one.name}.json",
                    "watched_directory": {"path": settings.keys},
                },
            },
        }
        for one in plan.issuers
        if one.jwks is not None
    ]
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": LOCAL,
        "route_config": {
            "name": LOCAL,
            "max_direct_response_body_size_bytes": _LARGEST,
            "virtual_hosts": [{"name": LOCAL, "domains": ["*"], "routes": routes}],
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"}}],
    }
    return {"name": LOCAL, "internal_listener": {}, "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}
