"""Service accounts by the provider's own cluster policy, in real Airflows with their Kubernetes executor's pod generator."""

import json
from pathlib import Path
from typing import Any

import pytest
import real_airflow
from provider_runs import provider
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import TaskIdentity, manifest
from real_parts import AIRFLOW2_PYTHON, AIRFLOW_PYTHON, needed

ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "tasks": ["load_*"]},
            {"name": "var", "dags": ["var_*"], "serviceAccount": "risk"},
        ],
        "zones": {"z": {"gates": ["g"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger", "var"], "to": ["d"], "reason": "X-1"}],
    }
)
HEAD = """
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow.providers.standard.operators.bash import BashOperator
from kubernetes.client import models as k8s


def pod(**spec):
    return {"pod_override": k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")], **spec))}


"""
DAGS = {
    "good.py": """
with DAG("ledger_close", schedule=None):
    BashOperator(task_id="load_orders", bash_command="true")
    BashOperator(task_id="report", bash_command="true")
with DAG("var_daily", schedule=None):
    BashOperator(task_id="sized", bash_command="true", executor_config=pod(node_selector={"pool": "big"}))
    BashOperator.partial(task_id="each").expand(bash_command=["true", "true"])
""",
    "own_account.py": """
with DAG("var_other", schedule=None):
    BashOperator(task_id="t", bash_command="true", executor_config=pod(service_account_name="ledger"))
""",
}
LOOK = """
import json, pathlib
import airflow.settings as settings
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import models as k8s
from types import SimpleNamespace

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag

found = {"errors": {}, "accounts": {}, "mutated": {}, "pods": {}}
for file in sorted(pathlib.Path("dags").glob("*.py")):
    bag = DagBag(str(file))
    found["errors"].update({file.name: text.strip().splitlines()[-1] for text in bag.import_errors.values()})
    for dag in bag.dags.values():
        for task in dag.tasks:
            config = getattr(task, "partial_kwargs", {}).get("executor_config") or task.executor_config or {}
            spec = getattr(config.get("pod_override"), "spec", None)
            said = [spec.service_account_name, spec.node_selector] if spec else None
            found["accounts"][f"{task.dag_id}.{task.task_id}"] = said


def mutated(config):
    instance = SimpleNamespace(dag_id="var_daily", task_id="t", executor_config=config)
    settings.task_instance_mutation_hook(instance)
    return instance.executor_config["pod_override"].spec.service_account_name


found["mutated"] = [mutated(None), mutated({"pod_override": k8s.V1Pod(spec=k8s.V1PodSpec(
    containers=[k8s.V1Container(name="base")], service_account_name="ledger"))})]


def made(account, **annotations):
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(annotations=annotations), spec=k8s.V1PodSpec(
        containers=[k8s.V1Container(name="base")], service_account_name=account))
    try:
        settings.pod_mutation_hook(pod)
    except ValueError as error:
        return str(error)
    return "made"


found["pods"] = {
    "own": made("risk", dag_id="var_daily", task_id="t"),
    "another's": made("ledger", dag_id="var_daily", task_id="t"),
    "nobody's": made("anything", dag_id="other", task_id="t"),
    "no task's": made("anything"),
}
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module", params=["3", "2.11"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    python = needed({"3": AIRFLOW_PYTHON, "2.11": AIRFLOW2_PYTHON}[request.param], f"Airflow {request.param}")
    home: Path = tmp_path_factory.mktemp("pods")
    (home / "dags").mkdir()
    for name, source in DAGS.items():
        (home / "dags" / name).write_text(HEAD + source)
    (home / "look.py").write_text(LOOK)
    identity = TaskIdentity("https://kubernetes.default.svc", "airlock-proxy", "projected", "attested", path="/var/run/token")
    (home / "manifest.json").write_text(manifest(ACCESS, "risk", [], identity).text())
    environment = {
        "PYTHONPATH": str(provider(home / "wheel")),
        "AIRFLOW__AIRLOCK__MANIFEST": str(home / "manifest.json"),
        "AIRFLOW__AIRLOCK__SERVICE_ACCOUNTS": "True",
    }
    made = real_airflow.settings(home, 0, environment)
    made.pop("AIRFLOW__CORE__AUTH_MANAGER")
    if request.param == "2.11":
        real_airflow.run(python, home, made, "-m", "airflow", "db", "migrate")
    said = real_airflow.run(python, home, made, "look.py")
    return json.loads(said.partition("FOUND")[2])


def test_each_task_runs_as_its_principals_account_and_keeps_its_placement(seen: Any) -> None:
    assert seen["accounts"] == {
        "ledger_close.load_orders": ["ledger", None],
        "ledger_close.report": None,
        "var_daily.sized": ["risk", {"pool": "big"}],
        "var_daily.each": ["risk", None],
    }


def test_a_dag_that_chooses_another_account_is_told(seen: Any) -> None:
    assert "var_other.t: its pod runs as risk, by the routes' manifest, and not as ledger" in seen["errors"]["own_account.py"]


def test_the_scheduler_insists_whatever_became_of_the_dag(seen: Any) -> None:
    assert seen["mutated"] == ["risk", "risk"]


def test_a_pod_with_anothers_account_is_not_made(seen: Any) -> None:
    assert seen["pods"] == {
        "own": "made",
        "another's": "the pod of var_daily.t has account ledger, and belongs to risk",
        "nobody's": "made",
        "no task's": "made",
    }
