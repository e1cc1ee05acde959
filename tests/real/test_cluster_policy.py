"""The generated cluster policy in a real Airflow: what its DAG processor serializes, which pods its Kubernetes executor makes.

The script parses DAG files, takes every task over the serialized DAG into a task instance, as the scheduler does, and lets the
executor's own generator make its pod of the component's template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import real_airflow
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm.cluster_policy import cluster_policy
from pulumi_airlock.environments.helm.network import accounts_of
from pulumi_airlock.environments.helm.pods import pod_template
from pulumi_airlock.environments.helm.values import Image
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.tcp_proxy import InTaskPods
from real_parts import AIRFLOW_PYTHON, needed

ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "ledger", "environment": "finance", "dags": ["ledger_*"], "tasks": ["load_*"]},
            {"name": "var", "environment": "finance", "dags": ["var_*"], "serviceAccount": "risk"},
        ],
        "zones": {"z": {"gates": ["istio"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["d"], "reason": "X-1"}],
    }
)
HEAD = """
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task
from kubernetes.client import models as k8s


def pod(labels=None, annotations=None, env=(), resources=None, image=None, **spec):
    base = k8s.V1Container(name="base", env=[k8s.V1EnvVar(*one) for one in env], resources=resources, image=image)
    metadata = k8s.V1ObjectMeta(labels=labels, annotations=annotations)
    return {"pod_override": k8s.V1Pod(metadata=metadata, spec=k8s.V1PodSpec(containers=[base], **spec))}
"""
FORGED = """pod(
        labels={"airlock/principal": "ledger", "component": "scheduler", "sidecar.istio.io/inject": "false"},
        annotations={"dag_id": "ledger_close", "task_id": "load_orders"},
        service_account_name="ledger",
        volumes=[k8s.V1Volume(name="v", secret=k8s.V1SecretVolumeSource(secret_name="airflow-jwt"))],
        image="elsewhere.example/own",
        host_network=True,
    )"""
DAGS = {
    "good.py": """
with DAG("ledger_close", schedule=None):
    EmptyOperator(task_id="load_orders")
    EmptyOperator(task_id="report")
with DAG("var_daily", schedule=None):
    sizes = k8s.V1ResourceRequirements(limits={"memory": "4Gi"})
    EmptyOperator(task_id="sized", executor_config=pod(resources=sizes, env=[("LEVEL", "99")], node_selector={"pool": "big"}))

    @task
    def each(number):
        return number

    each.expand(number=[1, 2])
""",
    "own_account.py": """
with DAG("var_other", schedule=None):
    EmptyOperator(task_id="t", executor_config=pod(service_account_name="ledger"))
""",
    "template.py": """
with DAG("var_template", schedule=None):
    EmptyOperator(task_id="t", executor_config={"pod_template_file": "/opt/airflow/dags/own.yaml"})
""",
    "variables.py": """
with DAG("var_variables", schedule=None):
    EmptyOperator(task_id="t", executor_config=pod(env=[("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://elsewhere.example")]))
""",
    "forged.py": f"""
with DAG("forged", schedule=None):
    EmptyOperator(task_id="t", executor_config={FORGED})
""",
    # Undoes what the DAG processor asks, which runs in the same process.
    "sly.py": f"""
from airflow import settings

settings.task_policy = lambda task: None
with DAG("sly", schedule=None):
    EmptyOperator(task_id="t", executor_config={FORGED})
""",
}
LOOK = """
import json, pathlib, uuid
import airflow.settings as settings
from airflow.dag_processing.dagbag import DagBag
from airflow.models.taskinstance import TaskInstance
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient, models as k8s

found = {"errors": {}, "serialized": {}, "pods": {}}
template = json.loads(pathlib.Path("template.json").read_text())
policy = settings.task_policy
for file in sorted(pathlib.Path("dags").glob("*.py")):
    settings.task_policy = policy
    bag = DagBag(str(file))
    found["errors"].update({file.name: text.strip().splitlines()[-1] for text in bag.import_errors.values()})
    for dag in bag.dags.values():
        stored = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
        for task in stored.tasks:
            name = f"{task.dag_id}.{task.task_id}"
            found["serialized"][name] = task.executor_config["pod_override"].spec.service_account_name
            instance = TaskInstance(task, run_id="r", dag_version_id=uuid.uuid4())
            made = PodGenerator.construct_pod(
                dag_id=instance.dag_id, task_id=instance.task_id, pod_id="p", try_number=1, kube_image=None, date=None,
                args=["run"], pod_override_object=PodGenerator.from_obj(instance.executor_config), scheduler_job_id="1",
                base_worker_pod=PodGenerator.deserialize_model_dict(template), namespace="airflow", run_id="r",
                with_mutation_hook=True,
            )
            found["pods"][name] = PodGenerator.serialize_pod(made)


def started_by_a_task(**labels):
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels=labels), spec=k8s.V1PodSpec(
        containers=[k8s.V1Container(name="base")], service_account_name="airflow-scheduler", host_network=True))
    try:
        settings.pod_mutation_hook(pod)
    except ValueError as error:
        return str(error)
    return PodGenerator.serialize_pod(pod)


found["started"] = started_by_a_task(dag_id="var_daily", task_id="spark")
found["lies"] = started_by_a_task(dag_id="var_daily", task_id="spark", **{"airlock/principal": "ledger"})
print("FOUND" + json.dumps(found))
"""


@dataclass(frozen=True)
class Seen:
    """What the real Airflow made of the DAGs."""

    errors: Mapping[str, str]
    serialized: Mapping[str, str]
    pods: Mapping[str, Any]
    started: Any
    lies: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    python = needed(AIRFLOW_PYTHON, "Airflow")
    home = tmp_path_factory.mktemp("airflow")
    accounts = accounts_of(ACCESS, "finance", KUBERNETES, "airflow")
    image, beside = (
        Image("registry.bank.example/airflow", tag="3.2.2"),
        InTaskPods(name="tcp-proxy", namespace="airflow", secret="tls"),
    )
    template = pod_template("airflow", image, {}, proxy=beside)
    (home / "config").mkdir()
    (home / "dags").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(cluster_policy(ACCESS, "finance", "airflow", accounts, ["var"]))
    (home / "template.json").write_text(json.dumps(template))
    (home / "look.py").write_text(LOOK)
    for name, source in DAGS.items():
        (home / "dags" / name).write_text(HEAD + source)
    said = real_airflow.run(python, home, real_airflow.settings(home, 0, {}), "look.py")
    return Seen(**json.loads(said.partition("FOUND")[2]))


@pytest.mark.parametrize(
    ("task", "account"),
    [
        ("ledger_close.load_orders", "ledger"),
        ("ledger_close.report", "airflow-tasks"),
        ("var_daily.sized", "risk"),
        ("var_daily.each", "risk"),  # mapped
    ],
)
def test_the_account_is_in_the_serialized_dag_and_on_the_pod(seen: Seen, task: str, account: str) -> None:
    assert seen.serialized[task] == account
    assert seen.pods[task]["spec"]["serviceAccountName"] == account
    assert seen.pods[task]["metadata"]["labels"]["airlock/principal"] == account


def test_sizes_placement_and_variables_are_the_dags(seen: Seen) -> None:
    spec = seen.pods["var_daily.sized"]["spec"]
    (container,) = spec["containers"]
    assert container["resources"] == {"limits": {"memory": "4Gi"}}
    assert {"name": "LEVEL", "value": "99"} in container["env"]
    assert spec["nodeSelector"] == {"pool": "big"}


def test_a_pod_has_what_the_template_says_and_no_secret(seen: Seen) -> None:
    spec = seen.pods["ledger_close.load_orders"]["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "registry.bank.example/airflow:3.2.2"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert spec["automountServiceAccountToken"] is False
    assert not [one for one in container["env"] if "valueFrom" in one]
    assert [one["name"] for one in spec["volumes"] if "secret" in one] == ["proxy-tls"], (
        "the sidecar's, which the task does not mount"
    )


def test_a_pod_has_the_sidecar_of_the_template_whatever_a_dag_chooses(seen: Seen) -> None:
    for pod in seen.pods.values():
        (one,) = pod["spec"]["initContainers"]
        assert (one["name"], one["restartPolicy"]) == ("tcp-proxy", "Always")
        assert not [each for each in pod["spec"]["containers"][0]["volumeMounts"] if each["name"].startswith("proxy-")]


def test_those_who_start_pods_have_a_token_and_nobody_else(seen: Seen) -> None:
    tokens = {name: pod["spec"].get("automountServiceAccountToken") for name, pod in seen.pods.items()}
    assert {name for name, token in tokens.items() if token} == {"var_daily.each", "var_daily.sized"}
    assert None not in tokens.values()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (
            "own_account.py",
            "var_other.t: executor_config: not for a DAG to choose: spec.service_account_name. Its pod runs as risk",
        ),
        ("template.py", "pod_template_file"),
        ("variables.py", "spec.containers[base].env[AIRFLOW__CORE__EXECUTION_API_SERVER_URL]"),
        ("forged.py", "metadata, spec.host_network, spec.volumes, spec.service_account_name, spec.containers[base].image"),
    ],
)
def test_the_author_of_a_dag_that_chooses_more_is_told(seen: Seen, file: str, says: str) -> None:
    assert says in seen.errors[file]
    assert "AirflowClusterPolicyViolation" in seen.errors[file]


def test_a_dag_that_undoes_the_policy_where_it_is_parsed_gets_the_account_without_routes(seen: Seen) -> None:
    assert seen.serialized["sly.t"] == "ledger", "it did undo the policy: otherwise this test shows nothing"
    pod = seen.pods["sly.t"]
    assert pod["spec"]["serviceAccountName"] == "airflow-tasks"
    assert pod["metadata"]["labels"]["airlock/principal"] == "airflow-tasks"
    assert pod["metadata"]["labels"]["component"] == "worker"
    assert pod["metadata"]["annotations"]["dag_id"] == "sly"
    assert "sidecar.istio.io/inject" not in pod["metadata"]["labels"]
    assert pod["spec"]["containers"][0]["image"] == "registry.bank.example/airflow:3.2.2"
    assert "hostNetwork" not in pod["spec"]
    assert [one["name"] for one in pod["spec"]["volumes"] if "secret" in one] == ["proxy-tls"]


def test_a_pod_that_a_task_starts_has_its_account(seen: Seen) -> None:
    assert seen.started["spec"]["serviceAccountName"] == "risk"
    assert "hostNetwork" not in seen.started["spec"]
    assert "is labelled as one of ledger, and belongs to risk" in seen.lies
