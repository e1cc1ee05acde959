"""The policies on TCP proxies, of HAProxy: the compiled configuration passes, and each change by hand is found."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from policy_testing import Described, on, resource

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskCertificates
from tcp_proxy_program import DOCUMENT, cluster, compiled

CONFIG_MAP, DEPLOYMENT = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment"
NAMES = ("client-certificates", "named-targets", "sessions", "access-log", "tls", "administration")


@cache
def as_compiled() -> str:
    """The configuration of a compiled proxy."""
    routes = [{"name": "etl", "from": ["etl"], "to": ["warehouse"], "reason": "T"}]
    access = Access.model_validate({**DOCUMENT, "routes": routes, "expect": []})
    stack = compiled(cluster(), access, engine="haproxy", issuers=(TaskCertificates("pods", "finance", namespace="airflow"),))
    (text,) = [one.get("data")["haproxy.cfg"] for one in stack.of_type(CONFIG_MAP) if one.get("data")]
    return str(text)


def stack(*changes: tuple[str, str]) -> list[Described]:
    """A proxy that somebody wrote by hand: the compiled one, with changes."""
    text = as_compiled()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    volumes = [{"name": "config", "configMap": {"name": "proxy"}}]
    spec = {"template": {"spec": {"containers": [{"name": "haproxy", "image": "haproxy:2.6"}], "volumes": volumes}}}
    named: dict[str, Any] = {"metadata": {"name": "proxy", "namespace": "airlock"}}
    return [
        resource(DEPLOYMENT, "proxy", **named, spec=spec),
        resource(CONFIG_MAP, "config", **named, data={"haproxy.cfg": text}),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_proxy_passes(name: str) -> None:
    on(f"tcp-proxy-{name}").passes(stack())


@pytest.mark.parametrize("name", NAMES)
def test_another_haproxy_is_none_of_its_business(name: str) -> None:
    plain = "defaults\n  mode http\nfrontend web\n  bind :80\n  default_backend web\nbackend web\n  server one 10.0.0.1:80\n"
    assert "holds what it judges" in on(f"tcp-proxy-{name}").not_applicable(stack((as_compiled(), plain)))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("client-certificates", "verify required", "verify optional", "asks nobody for a certificate"),
        ("client-certificates", "ca-file /etc/haproxy/tls/ca.crt ", "", "takes the certificate of any authority"),
        ("named-targets", "use_backend answers if asks", "use_backend %[ssl_fc_sni] if asks", "leads wherever a client says"),
        ("named-targets", "server target 10.20.4.20:1521", "server target 0.0.0.0:1521", "goes wherever a client says"),
        ("named-targets", "retries 1", "retries 1\nlisten x\n  tcp-request content set-dst dst", "content set-dst in x"),
        ("sessions", "hard-stop-after 43200s", "hard-stop-after 2d", "outlive a change of its rules by more than 12h"),
        ("sessions", "  timeout tunnel 43200s\n", "", "timeout tunnel is not set"),
        ("sessions", "timeout tunnel 43200s", "timeout tunnel 13h", "lets idle tunnels last over 12h"),
        ("access-log", "  log global\n", "", "does not log, in frontend tunnels"),
        ("access-log", "ssl_c_s_dn", "ssl_c_sha1", "does not log ssl_c_s_dn"),
        ("access-log", "retries 1", "option dontlognull", "leaves connections out of its log"),
        ("tls", "ssl-min-ver TLSv1.3", "ssl-min-ver TLSv1.2", "takes TLS before 1.3"),
        ("tls", "acl decided", "bind 0.0.0.0:8444\n  acl decided", "is plain text, in frontend tunnels"),
        ("client-certificates", "acl decided", "bind 0.0.0.0:8444\n  acl decided", "asks nobody for a certificate"),
        ("administration", "maxconn", "stats socket ipv4@0.0.0.0:9999 level admin\n  maxconn", "administration at 0.0.0.0:9999"),
        ("administration", "monitor-uri /ready", "stats enable", "has its statistics at 0.0.0.0:9902"),
    ],
)
def test_what_somebody_changes_by_hand_is_found(name: str, old: str, new: str, message: str) -> None:
    on(f"tcp-proxy-{name}").fails(message, stack((old, new)))


def test_administration_on_this_machine_is_well() -> None:
    on("tcp-proxy-administration").passes(stack(("maxconn", "stats socket /run/haproxy.sock mode 600 level admin\n  maxconn")))
    on("tcp-proxy-administration").passes(stack(("maxconn", "stats socket ipv4@127.0.0.1:9999 level admin\n  maxconn")))
