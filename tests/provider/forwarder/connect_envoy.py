"""A real Envoy as an identity-aware CONNECT proxy, as small as can be: mutual TLS, a JWT, and one rule a target.

What Airlock's own gate compiles is tested with that gate; here it is the forwarder that is tested, against an Envoy that answers
as the gate's does.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certificates import Authority
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from real_envoy import free_address, running

ISSUER, AUDIENCE = "https://issuer.test", "airlock-proxy"
_TYPES = "type.googleapis.com/envoy"
_FILTERS = f"{_TYPES}.extensions.filters.http"
_REPLY = {
    "gate": "tcp_proxy",
    "policy": None,
    "reason": "%REASON%",
    "detail": "%RESPONSE_CODE_DETAILS%",
}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs tokens with ES256."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def jwks(self) -> str:
        numbers = self.key.public_key().public_numbers()
        x, y = (_b64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": x, "y": y}]})

    def token(self, dag_id: str = "ledger_close", *, lasts: float = 600, since: float = 0, **claims: Any) -> str:
        """A token that is valid from `since` seconds from now, for `lasts` seconds."""
        now = time.time() + since
        body = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"airflow:{dag_id}",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lasts),
            "jti": "token-1",
            "airlock": {"dag_id": dag_id, "task_id": "load"},
            **claims,
        }
        head = {"alg": "ES256", "typ": "JWT", "kid": "1"}
        signed = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(body).encode())}"
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass(frozen=True)
class Proxy:
    """A running Envoy: its address as the manifest has it, and its log."""

    address: str
    log: Path
    folder: Path

    def sessions(self) -> list[dict[str, Any]]:
        """Its access log."""
        return entries(self.folder / "access.jsonl")


def _named(name: str, **typed: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": typed}


def _virtual_host(name: str, target: str, dags: Sequence[str], cluster: str) -> dict[str, Any]:
    claim = {"filter": "envoy.filters.http.jwt_authn", "path": [{"key": part} for part in ("token", "airlock", "dag_id")]}
    allowed = [{"metadata": {**claim, "value": {"string_match": {"exact": dag}}}} for dag in dags]
    deny = {
        "action": "DENY",
        "policies": {
            f"deny-{name}-{target.rpartition(':')[2]}": {
                "permissions": [{"any": True}],
                "principals": [{"not_id": {"or_ids": {"ids": allowed}}}],
            }
        },
    }
    route = {
        "match": {"connect_matcher": {}},
        "route": {
            "cluster": cluster,
            "timeout": "0s",
            "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
        },
    }
    return {
        "name": name,
        "domains": [target],
        "routes": [route],
        "typed_per_filter_config": {
            "envoy.filters.http.rbac": {
                "@type": f"{_FILTERS}.rbac.v3.RBACPerRoute",
                "rbac": {"rules": deny},
            }
        },
    }


def bootstrap(
    listen: tuple[str, int],
    folder: Path,
    certificate: Mapping[str, str],
    authority: Path,
    jwks: str,
    targets: Mapping[str, tuple[str, Sequence[str], tuple[str, int]]],
) -> dict[str, Any]:
    """Envoy's configuration. `targets`: target → (name, DAGs that may, where it really is)."""
    jwt = {
        "@type": f"{_FILTERS}.jwt_authn.v3.JwtAuthentication",
        "providers": {
            "tasks": {
                "issuer": ISSUER,
                "audiences": [AUDIENCE],
                "local_jwks": {"inline_string": jwks},
                "from_headers": [{"name": "proxy-authorization", "value_prefix": "Bearer "}],
                "payload_in_metadata": "token",
                "clock_skew_seconds": 5,
            }
        },
        "rules": [{"match": {"connect_matcher": {}}, "requires": {"provider_name": "tasks"}}],
    }
    mappers = []
    for low, high, reason in ((401, 401, "token"), (403, 404, "permission"), (500, 599, "routing")):
        ends = [(low, "GE"), (high, "LE")]
        filters = [
            {"status_code_filter": {"comparison": {"op": op, "value": {"default_value": code, "runtime_key": f"x{code}{op}"}}}}
            for code, op in ends
        ]
        mappers.append(
            {
                "filter": {"and_filter": {"filters": filters}},
                "body_format_override": {"json_format": {**_REPLY, "reason": reason}},
            }
        )
    log_format = {
        "target": "%REQ(:AUTHORITY)%",
        "code": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "correlation": "%REQ(X-AIRLOCK-CORRELATION)%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
    }
    log = _named(
        "log",
        **{
            "@type": f"{_TYPES}.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(folder / "access.jsonl"),
            "log_format": {"json_format": log_format},
        },
    )
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "connect",
        "codec_type": "HTTP1",
        "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "access_log": [log],
        "local_reply_config": {"mappers": mappers, "body_format": {"json_format": {**_REPLY, "reason": "routing"}}},
        "route_config": {
            "virtual_hosts": [_virtual_host(name, target, dags, name) for target, (name, dags, _) in targets.items()]
        },
        "http_filters": [
            _named("envoy.filters.http.jwt_authn", **jwt),
            _named("envoy.filters.http.rbac", **{"@type": f"{_FILTERS}.rbac.v3.RBAC"}),
            _named("router", **{"@type": f"{_FILTERS}.router.v3.Router"}),
        ],
    }
    tls = {
        "@type": f"{_TYPES}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [{name: {"filename": path} for name, path in certificate.items()}],
            "validation_context": {"trusted_ca": {"filename": str(authority)}},
        },
    }
    socket_address = {"address": listen[0], "port_value": listen[1]}
    listener = {
        "name": "tasks",
        "address": {"socket_address": socket_address},
        "filter_chains": [{"filters": [_named("http", **manager)], "transport_socket": _named("tls", **tls)}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(name, at) for name, _, at in targets.values()]}}


def _cluster(name: str, at: tuple[str, int]) -> dict[str, Any]:
    address = {"socket_address": {"address": at[0], "port_value": at[1]}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [{"max_connections": 10000, "max_pending_requests": 10000, "max_requests": 10000}]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


@contextmanager
def connect_proxy(
    envoy: Path,
    folder: Path,
    authority: Authority,
    issuer: Issuer,
    targets: Mapping[str, tuple[str, Sequence[str], tuple[str, int]]],
    listen: tuple[str, int] | None = None,
) -> Iterator[Proxy]:
    """An Envoy that lets the DAGs that are named to the targets."""
    folder.mkdir(parents=True, exist_ok=True)
    host, port = listen or (free_address([8443]), 8443)
    own = authority.issue("proxy", hosts=["proxy.test"])
    certificate = {"certificate_chain": str(own.certificate), "private_key": str(own.key)}
    made = bootstrap((host, port), folder, certificate, authority.own.certificate, issuer.jwks(), targets)
    with running(envoy, folder, made) as log:
        yield Proxy(f"{host}:{port}", log, folder)


def entries(file: Path) -> list[dict[str, Any]]:
    """The lines of a file of JSON that another writes: those that are whole by now."""
    whole = file.read_text().rpartition("\n")[0] if file.exists() else ""
    return [json.loads(line) for line in whole.splitlines()]
