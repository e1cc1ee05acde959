"""The cluster policy that gives tasks their accounts: as Python runs it, without Airflow."""

import types
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm.cluster_policy import cluster_policy
from pulumi_airlock.environments.helm.network import accounts_of

ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "ledger", "environment": "finance", "dags": ["ledger_*"], "tasks": ["load_*"]},
            {"name": "var", "environment": "finance", "dags": ["var_*"], "serviceAccount": "risk"},
            {"name": "elsewhere", "environment": "markets", "dags": ["*"]},
        ],
        "zones": {"z": {"gates": ["istio"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["d"], "reason": "X-1"}],
    }
)


class _Object:
    def __init__(self, **given: Any) -> None:
        for name in ("metadata", "spec", "labels", "annotations", "service_account", "host_network"):
            setattr(self, name, None)
        self.__dict__.update(given)


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The generated module; `kubernetes.client.models` is a stand-in with the classes that it makes."""
    models = types.ModuleType("kubernetes.client.models")
    for name in ("V1Pod", "V1ObjectMeta", "V1PodSpec", "V1Container"):
        setattr(models, name, _Object)
    client = types.ModuleType("kubernetes.client")
    client.models = models  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "kubernetes", types.ModuleType("kubernetes"))
    monkeypatch.setitem(__import__("sys").modules, "kubernetes.client", client)
    text = cluster_policy(ACCESS, "finance", "airflow", accounts_of(ACCESS, "finance", "KubernetesExecutor", "airflow"))
    found: dict[str, Any] = {}
    exec(compile(text, "airflow_local_settings.py", "exec"), found)  # noqa: S102  # our own text
    return found


@pytest.mark.parametrize(
    ("dag", "task", "account"),
    [
        ("ledger_close", "load_orders", "ledger"),
        ("ledger_close", "report", "airflow-tasks"),
        ("var_daily", "anything", "risk"),
        ("other", "load_orders", "airflow-tasks"),
    ],
)
def test_a_task_runs_as_the_account_of_its_principal(policy: dict[str, Any], dag: str, task: str, account: str) -> None:
    one = _Object(dag_id=dag, task_id=task, executor_config=None)
    policy["task_policy"](one)
    pod = one.executor_config["pod_override"]
    assert pod.spec.service_account_name == account
    assert pod.metadata.labels == {"airlock/principal": account}
    assert pod.spec.automount_service_account_token is False


def test_what_a_dag_chooses_itself_is_overruled(policy: dict[str, Any]) -> None:
    spec = _Object(service_account_name="risk", service_account="risk", host_network=True)
    own = _Object(spec=spec, metadata=_Object(labels={"airlock/principal": "risk", "team": "x"}))
    one = _Object(dag_id="other", task_id="t", executor_config={"pod_override": own, "more": 1})
    policy["task_policy"](one)
    pod = one.executor_config["pod_override"]
    assert (pod.spec.service_account_name, pod.spec.service_account, pod.spec.host_network) == ("airflow-tasks", None, None)
    assert pod.metadata.labels == {"airlock/principal": "airflow-tasks", "team": "x"}
    assert one.executor_config["more"] == 1


def test_pods_of_operators_are_met_by_what_airflow_writes_onto_them(policy: dict[str, Any]) -> None:
    pod = _Object(
        metadata=_Object(labels={"dag_id": "var_daily", "task_id": "spark"}), spec=_Object(service_account_name="admin")
    )
    policy["pod_mutation_hook"](pod)
    assert pod.spec.service_account_name == "risk"
    stranger = _Object(spec=_Object(service_account_name="admin"))
    policy["pod_mutation_hook"](stranger)
    assert stranger.spec.service_account_name == "airflow-tasks"
