import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from policy_testing import UNKNOWN, Described, on, resource

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_program import DOCUMENT, cluster, compiled

CONFIG_MAP, DEPLOYMENT = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment"
NAMES = (
    "tcp-proxy-client-certificates",
    "tcp-proxy-tokens",
    "tcp-proxy-named-targets",
    "tcp-proxy-sessions",
    "tcp-proxy-access-log",
    "tcp-proxy-tls",
    "tcp-proxy-administration",
    "tcp-proxy-enforces",
)


@cache
def files_as_compiled() -> str:
    """The files of a compiled proxy, as JSON."""
    maps = [one for one in compiled(cluster()).of_type(CONFIG_MAP) if "jwks" not in one.name]
    return json.dumps({name: json.loads(text) for one in maps for name, text in one.get("data").items()})


def stack(edit: Callable[[Any], None] | None = None) -> list[Described]:
    """A proxy that somebody wrote by hand: the compiled one, with a change."""
    files = json.loads(files_as_compiled())
    if edit is not None:
        edit(files)
    data = {name: json.dumps(one) for name, one in files.items()}
    return [_pod(), resource(CONFIG_MAP, "config", metadata={"name": "envoy", "namespace": "airlock"}, data=data)]


def hidden() -> list[Described]:
    """The same, with a file that nobody knows before the update."""
    pod, config = stack()
    data = {**config.props["data"], "targets.json": UNKNOWN}
    return [pod, resource(CONFIG_MAP, "config", metadata=config.props["metadata"], data=data)]


def _pod() -> Described:
    volumes = [{"name": "config", "configMap": {"name": "envoy"}}]
    spec = {"template": {"spec": {"containers": [{"name": "envoy", "image": "envoy:1"}], "volumes": volumes}}}
    return resource(DEPLOYMENT, "proxy", metadata={"name": "proxy", "namespace": "airlock"}, spec=spec)


def chain(files: Any) -> Any:
    return files["envoy.json"]["static_resources"]["listeners"][0]["filter_chains"][0]


def manager(files: Any) -> Any:
    return chain(files)["filters"][0]["typed_config"]


def first(files: Any) -> Any:
    return files["targets.json"]["resources"][0]["virtual_hosts"][0]


@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_proxy_passes(name: str) -> None:
    on(name).passes(stack())


@pytest.mark.parametrize("name", NAMES)
def test_another_envoy_is_none_of_its_business(name: str) -> None:
    def plain(files: Any) -> None:
        files.clear()
        files["envoy.json"] = {"static_resources": {"listeners": []}}

    assert "holds what it judges" in on(name).not_applicable(stack(plain))


def test_client_certificates() -> None:
    policy = on("tcp-proxy-client-certificates")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())
    policy.fails("asks nobody for a certificate", stack(lambda files: _context(files).pop("require_client_certificate")))
    policy.fails("asks nobody for a certificate", stack(lambda files: chain(files).pop("transport_socket")))
    common = "common_tls_context"
    policy.fails("of any authority", stack(lambda files: _context(files)[common].pop("combined_validation_context")))


def _context(files: Any) -> Any:
    return chain(files)["transport_socket"]["typed_config"]


def _jwt(files: Any) -> Any:
    return manager(files)["http_filters"][0]["typed_config"]


def test_tokens() -> None:
    policy = on("tcp-proxy-tokens")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())

    def only_paths(files: Any) -> None:
        _jwt(files)["rules"] = [one for one in _jwt(files)["rules"] if "prefix" in one["match"]]

    def missing_is_fine(files: Any) -> None:
        for one in _jwt(files)["rules"]:
            one["requires"] = {"requires_any": {"requirements": [one.get("requires", {}), {"allow_missing": {}}]}}

    policy.fails("takes CONNECT without a token", stack(only_paths))
    policy.fails("takes CONNECT without a token", stack(missing_is_fine))
    policy.fails("takes CONNECT without a token", stack(lambda files: manager(files)["http_filters"].pop(0)))
    policy.fails("any audience", stack(lambda files: _jwt(files)["providers"]["pods"].pop("audiences")))
    policy.fails("never expire", stack(lambda files: _jwt(files)["providers"]["pods"].pop("require_expiration")))


def test_named_targets() -> None:
    policy = on("tcp-proxy-named-targets")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())
    policy.fails("for *.corp.example:5432", stack(lambda files: first(files).update(domains=["*.corp.example:5432"])))

    def forward(files: Any) -> None:
        files["clusters.json"]["resources"][0]["cluster_type"] = {"name": "envoy.clusters.dynamic_forward_proxy"}

    def side(files: Any) -> None:
        kind = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
        filters = [{"typed_config": {"@type": kind, "cluster": files["clusters.json"]["resources"][0]["name"]}}]
        listeners = files["envoy.json"]["static_resources"]["listeners"]
        listeners.append({"name": "side", "filter_chains": [{"filters": filters}]})

    policy.fails("goes wherever a client says", stack(forward))
    policy.fails('passes on what is no tunnel, by listener "side"', stack(side))


def test_sessions() -> None:
    policy = on("tcp-proxy-sessions")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())
    policy.fails("last for ever", stack(lambda files: first(files)["routes"][0]["route"].pop("max_stream_duration")))
    on("tcp-proxy-sessions", longest="10m").fails("over 10m", stack())


def test_access_log() -> None:
    policy = on("tcp-proxy-access-log")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())
    policy.fails("does not log RESPONSE_CODE_DETAILS", stack(lambda files: manager(files).pop("access_log")))

    def token(files: Any) -> None:
        line = manager(files)["access_log"][0]["typed_config"]["log_format"]["json_format"]
        line["token"] = "%REQ(Proxy-Authorization)%"

    policy.fails("logs tokens", stack(token))


def test_tls() -> None:
    policy = on("tcp-proxy-tls")
    policy.passes(stack())
    policy.undecided("data.targets.json", hidden())
    params = "tls_params"
    policy.fails("TLS before 1.3", stack(lambda files: _context(files)["common_tls_context"].pop(params)))
    policy.fails("is plain text", stack(lambda files: chain(files).pop("transport_socket")))


def test_administration() -> None:
    def everywhere(files: Any) -> None:
        files["envoy.json"]["admin"]["address"]["socket_address"]["address"] = "0.0.0.0"  # noqa: S104

    policy = on("tcp-proxy-administration")
    policy.fails("has its administration at 0.0.0.0:9901", stack(everywhere))
    policy.passes(stack(lambda files: files["envoy.json"].pop("admin")))
    policy.undecided("data.targets.json", hidden())


def test_enforces() -> None:
    def shadow(files: Any) -> None:
        rbac = first(files)["typed_per_filter_config"]["airlock.allow"]["rbac"]
        rbac["shadow_rules"] = rbac.pop("rules")

    policy = on("tcp-proxy-enforces")
    policy.passes(stack())
    policy.fails("rules that refuse nobody, in warehouse.corp.example:5432", stack(shadow))
    policy.undecided("data.targets.json", hidden())


def test_attested() -> None:
    access = resource("airlock:index:Access", "access", document=DOCUMENT)

    def proxy(assurance: str, *closed: str) -> list[Described]:
        issuers = [{"name": "mwaa", "environment": "finance", "assurance": assurance}]
        return [access, resource("airlock:index:TcpProxy", "tcp-proxy", issuers=issuers, attested=list(closed))]

    policy = on("tcp-proxy-attested")
    policy.fails("takes an asserted identity (mwaa) for warehouse of route etl-warehouse", proxy("asserted"))
    policy.passes(proxy("attested"))
    policy.passes(proxy("asserted", "confidential"))
    on("tcp-proxy-attested", classes=["secret"]).passes(proxy("asserted"))
    policy.undecided("issuers", [access, resource("airlock:index:TcpProxy", "tcp-proxy", issuers=UNKNOWN)])
