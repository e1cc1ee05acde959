"""The proxy beside each task: what the pod has, what is read of it, and that going around it is asked apart."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import InTaskPods, TcpProxy, read
from tcp_proxy_program import ACCESS, PODS, TODAY
from test_tcp_proxy_whole_stacks import proof

BESIDE = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca")
RELEASE = "kubernetes:helm.sh/v3:Release"


def program(beside: InTaskPods = BESIDE, environment: Any = BESIDE, **given: Any) -> None:
    HelmEnvironment(
        "finance",
        access=ACCESS,
        owner="airflow@bank.example",
        platform=Eks({}),
        airflow_version="3.0.6",
        chart_version="1.22.0",
        image=Image("registry.bank.example/airflow", digest="sha256:" + "0" * 64),
        secrets=ChartSecrets("metadata", "fernet", "api", "jwt"),
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=["10.60.0.0/18"],
        **{"remote_logs": "s3://logs/airflow", "proxy": environment, **given},
    )
    TcpProxy("tcp-proxy", access=ACCESS, issuers=[PODS], platform=beside, today=TODAY)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(run(program))


def pod(stack: Stack) -> Any:
    (release,) = stack.of_type(RELEASE)
    return json.loads(release.get("values", "podTemplate"))["spec"]


def test_a_task_s_pod_has_it_as_a_sidecar_that_is_ready_before_the_task(stack: Stack) -> None:
    (one,) = pod(stack)["initContainers"]
    assert (one["name"], one["restartPolicy"]) == ("tcp-proxy", "Always")
    assert one["startupProbe"]["httpGet"]["port"] == 9902
    secure = one["securityContext"]
    assert (secure["runAsUser"], secure["readOnlyRootFilesystem"], secure["capabilities"]) == (101, True, {"drop": ["ALL"]})


def test_the_task_s_own_container_sees_nothing_of_it(stack: Stack) -> None:
    spec = pod(stack)
    mine = {one["name"] for one in spec["initContainers"][0]["volumeMounts"]}
    assert mine == {"proxy-config", "proxy-jwks", "proxy-tls"}
    assert not mine & {one["name"] for one in spec["containers"][0]["volumeMounts"]}
    assert mine <= {one["name"] for one in spec["volumes"]}


def test_it_listens_for_its_pod_alone_and_has_no_administration(stack: Stack) -> None:
    config = next(one for one in stack.resources if one.name == "tcp-proxy-config")
    bootstrap = json.loads(config.get("data", "envoy.json"))
    addresses = {
        one["name"]: one["address"]["socket_address"]["address"]
        for one in bootstrap["static_resources"]["listeners"]
        if "socket_address" in one.get("address", {})
    }
    assert addresses == {"tunnels": "127.0.0.1", "health": "0.0.0.0"}  # noqa: S104
    assert "admin" not in bootstrap


def test_it_is_read_where_the_pod_s_template_has_it_and_decides_by_the_same_rules(stack: Stack) -> None:
    (found,) = read(stack)
    assert found.voluntary
    assert not found.relays
    assert {str(one.match.hosts) for one in found.rules} == {"warehouse.corp.example", "10.20.4.20/32", "10.20.4.21/32"}
    assert {one.match.who.workloads for one in found.rules if one.match.who.workloads} >= {frozenset({"airflow/etl"})}
    assert any("attested" in one for one in found.trusts)


@pytest.mark.parametrize("change", ["gone", "ends"])
def test_a_template_without_it_or_with_one_that_ends_is_told(stack: Stack, change: str) -> None:
    def without(one: Resource) -> Resource:
        if one.type != RELEASE:
            return one
        template = json.loads(one.get("values", "podTemplate"))
        if change == "gone":
            del template["spec"]["initContainers"]
        else:
            del template["spec"]["initContainers"][0]["restartPolicy"]
        return replace(one, properties={**one.properties, "values": {"podTemplate": json.dumps(template)}})

    (found,) = read(Stack([without(one) for one in stack.resources]))
    assert [one.unknown for one in found.rules] == [("tcp-proxy.which no pod's template of the stack has beside tasks",)]


def test_tasks_are_told_its_address_in_their_own_pod() -> None:
    made: list[TcpProxy] = []
    run(lambda: made.append(TcpProxy("tcp-proxy", access=ACCESS, issuers=[PODS], platform=BESIDE, today=date(2026, 11, 26))))
    (one,) = made
    assert one.address == "127.0.0.1:8443"
    assert one.proxy().server_name == "tcp-proxy.airflow.svc.cluster.local"
    assert one.entry is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"beside": replace(BESIDE, name="other")}, "platform.name: 'other': write 'tcp-proxy'"),
        ({"beside": replace(BESIDE, secret="tls")}, "platform.issuer: give an issuer or a secret"),
        ({"beside": replace(BESIDE, image="envoy:latest")}, "may be another image tomorrow"),
        (
            {"environment": replace(BESIDE, namespace="elsewhere")},
            "proxy.namespace: 'elsewhere': the tasks' pods run in 'airflow'",
        ),
        ({"executor": "CeleryExecutor"}, "proxy: with Celery tasks share the workers' pods"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        run(lambda: program(**given))
    assert said in str(error.value)


def test_keys_that_every_pod_would_fetch_and_tokens_that_are_no_pod_s_are_refused() -> None:
    issuer = replace(PODS, jwks=None, jwks_uri="https://oidc.test/keys", kind="oidc", namespace=None)
    with pytest.raises(InputError) as error:
        run(lambda: TcpProxy("tcp-proxy", access=ACCESS, issuers=[issuer], platform=BESIDE, today=TODAY))
    assert "every task's pod would fetch keys from oidc.test:443: give them as jwks" in str(error.value)
    assert "a task's pod has a token of its own: use projected ones" in str(error.value)


# Whole previews


def test_a_pod_that_the_network_keeps_is_proven(tmp_path: Path) -> None:
    found = proof(tmp_path, "sidecar")
    assert found["ok"] is True
    assert "attested" in json.dumps(found["assumptions"])


def test_what_the_sidecar_alone_keeps_is_no_proof(tmp_path: Path) -> None:
    """A task's code goes around it: Cilium knows no time of day."""
    window = 'window={"days": ["mon"], "from": "02:00", "to": "04:00", "timezone": "UTC"}, session="1h", reason="FIN-2"'
    found = proof(tmp_path, "sidecar", ('session="1h", reason="FIN-2"', window))
    assert found["ok"] is False
    said = [one["message"] for one in found["excess"]]
    assert said
    assert all("around tcp-proxy" in one and "etl" in one for one in said)
