"""The proxy beside a task in a real Envoy: the configuration of a sidecar, and the token of the pod's own service account."""

import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import Authority
from pulumi_airlock.gates.tcp_proxy import TaskIssuer, compile_proxy, envoy_configuration
from pulumi_airlock.gates.tcp_proxy.sidecar import settings
from real_parts import ENVOY, needed
from real_processes import free_port
from real_tcp_proxy import RunningProxy, SigningKey, echo, key_set, put_certificate, running

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_program import ACCESS, TODAY

KEY = SigningKey()
CLUSTER = "https://oidc.test"
WAREHOUSE = "warehouse.corp.example:5432"


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    envoy, home = needed(ENVOY, "Envoy"), tmp_path_factory.mktemp("sidecar")
    issuer = TaskIssuer(
        "pods", "projected", "finance", CLUSTER, "airlock-proxy", jwks=key_set(KEY), namespace="airflow", assurance="attested"
    )
    with echo() as port:
        place = replace(
            settings((), 1000),
            folder=str(home / "envoy"),
            certificates=str(home / "tls"),
            keys=str(home / "jwks"),
            port=free_port(),
            health_port=free_port(),
            health_address="127.0.0.1",
            log=str(home / "access.log"),
            upstreams={WAREHOUSE: f"127.0.0.1:{port}"},
        )
        authority = Authority(home / "authority")
        put_certificate(authority, home / "tls")
        found = envoy_configuration(compile_proxy(ACCESS, "tcp-proxy", [issuer], TODAY), place)
        with running(envoy, home, found):
            yield RunningProxy(place, authority, authority.issue("worker", hosts=["worker.airflow.test"]))


def token(account: str, **changed: object) -> str:
    """As Kubernetes projects it into a pod: of its service account, and bound to the pod."""
    now = int(time.time())
    bound = {"namespace": "airflow", "serviceaccount": {"name": account}, "pod": {"name": "task"}}
    claims = {"iss": CLUSTER, "aud": ["airlock-proxy"], "iat": now, "nbf": now, "exp": now + 900}
    return KEY.sign({**claims, "sub": f"system:serviceaccount:airflow:{account}", "kubernetes.io": bound, **changed})


def test_the_pod_s_own_token_opens_what_its_account_has_a_route_to(sidecar: RunningProxy) -> None:
    answer, tunnel = sidecar.connect(WAREHOUSE, token("etl"))
    assert answer.status == 200
    assert tunnel.says("select 1") == "select 1"
    tunnel.close()
    (line,) = sidecar.lines("close", target=WAREHOUSE)
    assert (line["assurance"], line["sub"]) == ("attested", "system:serviceaccount:airflow:etl")


def test_another_s_account_and_a_token_for_somebody_else_are_refused(sidecar: RunningProxy) -> None:
    assert sidecar.answer(WAREHOUSE, token("ledger")).status == 403
    assert sidecar.answer(WAREHOUSE, token("etl", aud=["https://kubernetes.default.svc"])).status in (401, 403)
    assert sidecar.answer(WAREHOUSE, None).status == 401


def test_the_kubelet_is_told_that_it_is_ready(sidecar: RunningProxy) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{sidecar.settings.health_port}/ready", timeout=10) as answer:
        assert answer.status == 200
