"""Airlock's provider in the chart: what each component has, what a task's pod has, and what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import Manifest, TaskIdentity, manifest
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image, TaskProvider
from pulumi_airlock.environments.helm.tasks import TOKEN
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Stack

sys.path.insert(0, str(Path(__file__).parents[2] / "gates" / "network_policy"))
from in_process import run

ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "environment": "finance", "dags": ["ledger_*"]}],
        "zones": {"z": {"gates": ["tcp_proxy"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["d"], "reason": "X-1"}],
    }
)


def manifested(source: str = "projected", path: str | None = TOKEN) -> Manifest:
    more = {"path": path} if source == "projected" else {"endpoint": "https://issuer.example/token"}
    return manifest(
        ACCESS, "finance", [], TaskIdentity("https://oidc.eks.example/id/1", "airlock-proxy", source, "asserted", **more)
    )


def made(tasks: TaskProvider | None, **changed: Any) -> Stack:
    given: dict[str, Any] = {
        "access": ACCESS,
        "owner": "airflow@bank.example",
        "platform": Eks({}),
        "airflow_version": "3.2.1",
        "chart_version": "1.22.0",
        "image": Image("registry.bank.example/airflow", digest="sha256:" + "0" * 64),
        "secrets": ChartSecrets("metadata", "fernet", "api", "jwt"),
        "database": Database(5432, cidrs=("10.20.9.9/32",)),
        "pod_cidrs": ["10.60.0.0/18"],
        "remote_logs": "s3://logs/airflow",
        "tasks": tasks,
        **changed,
    }
    return Stack(run(lambda: HelmEnvironment("finance", **given)))


PROVIDER = TaskProvider(manifest=manifested(), client_certificate="airlock-client", pass_on=("slack_*",))


def values(stack: Stack) -> Any:
    (release,) = stack.of_type("kubernetes:helm.sh/v3:Release")
    return release.get("values")


def test_every_component_has_the_manifest_and_goes_by_it() -> None:
    stack = made(PROVIDER)
    (config,) = stack.of_type("kubernetes:core/v1:ConfigMap")
    assert config.get("metadata", "name") == "airflow-airlock"
    assert config.get("data", "manifest.json") == PROVIDER.manifest.text()
    given = values(stack)
    assert given["volumes"] == [{"name": "airlock-manifest", "configMap": {"name": "airflow-airlock"}}]
    assert [one["mountPath"] for one in given["volumeMounts"]] == ["/opt/airflow/airlock/manifest"]
    assert given["config"]["secrets"] == {"backend": "airlock_provider.backend.AirlockBackend"}
    assert given["config"]["airlock"] == {
        "manifest": "/opt/airflow/airlock/manifest/manifest.json",
        "client_certificate": "/opt/airflow/airlock/tls/tls.crt",
        "client_key": "/opt/airflow/airlock/tls/tls.key",
        "proxy_ca": "/opt/airflow/airlock/tls/ca.crt",
        "pass_on": "slack_*",
    }


def test_a_tasks_pod_has_the_certificate_and_a_token_for_the_proxy_alone() -> None:
    spec = json.loads(values(made(PROVIDER))["podTemplate"])["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    (source,) = volumes["airlock-identity"]["projected"]["sources"]
    assert source == {"serviceAccountToken": {"audience": "airlock-proxy", "expirationSeconds": 900, "path": "token"}}
    assert volumes["airlock-tls"]["secret"] == {"secretName": "airlock-client", "defaultMode": 0o440}
    (container,) = spec["containers"]
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    assert f"{mounts['airlock-identity']['mountPath']}/token" == TOKEN
    assert all(one.get("readOnly") for name, one in mounts.items() if name.startswith("airlock-"))
    assert spec["automountServiceAccountToken"] is False, "the API server's token is another one"


def test_only_tasks_have_the_certificate() -> None:
    assert "airlock-client" not in json.dumps({key: one for key, one in values(made(PROVIDER)).items() if key != "podTemplate"})


def test_with_celery_the_workers_have_it_by_another_identity() -> None:
    tasks = TaskProvider(manifest=manifested("oidc"), client_certificate="airlock-client")
    given = values(made(tasks, executor="CeleryExecutor", remote_logs=None))
    assert [one["name"] for one in given["volumes"]] == ["airlock-manifest", "airlock-tls"]


def test_the_options_are_ones_that_the_provider_has() -> None:
    from airlock_provider.settings import OPTIONS

    full = TaskProvider(
        manifest=manifested(), client_certificate="c", pass_on=("a",), next_backend="x.Y", vault_address="https://v.example"
    )
    assert set(values(made(full))["config"]["airlock"]) <= set(OPTIONS)


def test_without_it_the_chart_has_nothing_of_it() -> None:
    stack = made(None)
    assert not stack.of_type("kubernetes:core/v1:ConfigMap")
    assert "airlock-tls" not in json.dumps(values(stack))
    assert "volumes" not in values(stack)


@pytest.mark.parametrize(
    ("tasks", "changed", "says"),
    [
        (PROVIDER, {"executor": "CeleryExecutor"}, "with Celery all tasks have one: use kms or oidc"),
        (
            TaskProvider(manifest=manifested(path="/var/run/token"), client_certificate="c"),
            {},
            f"its tokens are looked for at '/var/run/token': write TaskIdentity(path='{TOKEN}')",
        ),
    ],
)
def test_what_would_leave_tasks_without_an_identity_is_refused(tasks: TaskProvider, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        made(tasks, **changed)
    assert says in str(caught.value)
