"""The cluster policy that gives tasks their accounts: as Python runs it, without Airflow."""

import sys
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
    """A stand-in for a class of Kubernetes' client: the fields that it has, unset unless given."""

    openapi_types: tuple[str, ...] = ()

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(dict.fromkeys(self.openapi_types, None) | given)


CLASSES = {
    "V1Pod": ("metadata", "spec"),
    "V1ObjectMeta": ("labels", "annotations"),
    "V1PodSpec": (
        *("containers", "service_account_name", "service_account", "automount_service_account_token", "volumes", "node_selector"),
        *("host_network", "host_pid", "host_ipc", "active_deadline_seconds", "affinity", "tolerations"),
        "termination_grace_period_seconds",
    ),
    "V1Container": ("name", "image", "env", "resources"),
}
K8S: dict[str, Any] = {name: type(name, (_Object,), {"openapi_types": fields}) for name, fields in CLASSES.items()}


class _ViolationError(Exception):
    pass


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The generated module over stand-ins; tests/real/test_cluster_policy.py has the same in a real Airflow."""
    for name in ("kubernetes", "kubernetes.client", "airflow", "airflow.exceptions"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["kubernetes.client"].models = types.SimpleNamespace(**K8S)  # type: ignore[attr-defined]
    sys.modules["airflow.exceptions"].AirflowClusterPolicyViolation = _ViolationError  # type: ignore[attr-defined]
    text = cluster_policy(ACCESS, "finance", "airflow", accounts_of(ACCESS, "finance", "KubernetesExecutor", "airflow"), ["var"])
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
    one: Any = _Object(dag_id=dag, task_id=task, executor_config=None)
    policy["task_policy"](one)
    pod = one.executor_config["pod_override"]
    assert pod.spec.service_account_name == account
    assert pod.metadata.labels == {"airlock/principal": account}
    assert pod.spec.automount_service_account_token is (account == "risk")


def _override(**spec: Any) -> dict[str, Any]:
    return {"pod_override": K8S["V1Pod"](spec=K8S["V1PodSpec"](**spec))}


def test_what_a_dag_must_not_choose_is_refused(policy: dict[str, Any]) -> None:
    one: Any = _Object(dag_id="other", task_id="t", executor_config=_override(service_account_name="risk", host_network=True))
    says = "other.t: .*spec.host_network, spec.service_account_name. Its pod runs as airflow-tasks"
    with pytest.raises(_ViolationError, match=says):
        policy["task_policy"](one)


def test_in_the_scheduler_it_is_overruled(policy: dict[str, Any]) -> None:
    base = K8S["V1Container"](name="base", image="own", resources="sizes")
    override = _override(service_account_name="risk", volumes=["v"], node_selector={"pool": "big"}, containers=[base])
    one: Any = _Object(dag_id="other", task_id="t", executor_config=override)
    policy["task_instance_mutation_hook"](one)
    spec = one.executor_config["pod_override"].spec
    assert (spec.service_account_name, spec.volumes, spec.node_selector) == ("airflow-tasks", None, {"pool": "big"})
    (container,) = spec.containers
    assert (container.image, container.resources) == (None, "sizes")


def test_an_override_that_is_no_pod_is_none(policy: dict[str, Any]) -> None:
    one: Any = _Object(dag_id="var_daily", task_id="t", executor_config={"pod_override": {"spec": {"hostNetwork": True}}})
    policy["task_instance_mutation_hook"](one)
    assert one.executor_config["pod_override"].spec.service_account_name == "risk"


def _pod(account: str, **labels: str) -> Any:
    return K8S["V1Pod"](metadata=K8S["V1ObjectMeta"](labels=labels), spec=K8S["V1PodSpec"](service_account_name=account))


def test_pods_that_tasks_start_are_met_by_what_airflow_writes_onto_them(policy: dict[str, Any]) -> None:
    pod = _pod("admin", dag_id="var_daily", task_id="spark", component="scheduler")
    policy["pod_mutation_hook"](pod)
    assert pod.spec.service_account_name == "risk"
    assert pod.metadata.labels["component"] == "worker"
    assert pod.spec.automount_service_account_token is False
    stranger = _pod("admin")
    policy["pod_mutation_hook"](stranger)
    assert stranger.spec.service_account_name == "airflow-tasks"


def test_a_pod_that_says_it_is_anothers_is_not_made(policy: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="labelled as one of ledger, and belongs to risk"):
        policy["pod_mutation_hook"](_pod("admin", dag_id="var_daily", **{"airlock/principal": "ledger"}))
