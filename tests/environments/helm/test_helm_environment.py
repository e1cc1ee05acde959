"""The environment in a program: the graph that a user relies on, what is refused, and how it is read back."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.environments import read_environments
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, Gke, HelmEnvironment, Image
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.nginx import airflow_side
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.tokens import HELM_ENVIRONMENT

sys.path.insert(0, str(Path(__file__).parents[2] / "gates" / "network_policy"))
from in_process import run

RELEASE = "kubernetes:helm.sh/v3:Release"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "ledger", "environment": "finance", "dags": ["ledger_*"]},
            {"name": "var", "environment": "finance", "dags": ["var_*"], "serviceAccount": "risk"},
        ],
        "zones": {"z": {"gates": ["istio"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["d"], "reason": "X-1"}],
    }
)
GIVEN: dict[str, Any] = {
    "access": ACCESS,
    "owner": "airflow@bank.example",
    "platform": Eks({"ledger": "arn:aws:iam::123456789012:role/ledger"}),
    "airflow_version": "3.0.6",
    "chart_version": "1.22.0",
    "image": Image("registry.bank.example/airflow", digest="sha256:" + "0" * 64),
    "secrets": ChartSecrets("metadata", "fernet", "api", "jwt"),
    "database": Database(5432, cidrs=("10.20.9.9/32",)),
    "pod_cidrs": ["10.60.0.0/18"],
    "remote_logs": "s3://logs/airflow",
}


def _made(**changed: Any) -> Stack:
    return Stack(run(lambda: HelmEnvironment("finance", **{**GIVEN, **changed})))


def _accounts(stack: Stack) -> dict[str, Resource]:
    return {one.get("metadata", "name"): one for one in stack.of_type(ACCOUNT)}


def test_every_principal_has_an_account_and_the_rest_one_without_routes() -> None:
    accounts = _accounts(_made())
    assert set(accounts) == {"ledger", "risk", "airflow-tasks"}
    assert accounts["ledger"].get("metadata", "annotations") == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/ledger"
    }
    assert accounts["airflow-tasks"].get("metadata", "annotations") is None
    assert all(one.get("automountServiceAccountToken") is False for one in accounts.values())


def test_the_chart_has_no_default_user_no_password_and_the_cluster_policy() -> None:
    (release,) = _made().of_type(RELEASE)
    assert release.get("version") == "1.22.0"
    assert release.get("values", "createUserJob", "enabled") is False
    assert release.get("values", "postgresql", "enabled") is False
    assert release.get("values", "data") == {"metadataSecretName": "metadata"}
    assert "'ledger'" in release.get("values", "airflowLocalSettings")
    assert release.get("values", "apiServer", "service", "type") == "ClusterIP"


def test_pod_identity_and_workload_identity_bind_accounts_by_resources_of_their_own() -> None:
    roles = {"ledger": "arn:aws:iam::123456789012:role/ledger"}
    (pod,) = _made(platform=Eks(roles, "bank")).of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert (pod.get("clusterName"), pod.get("namespace"), pod.get("serviceAccount")) == ("bank", "airflow", "ledger")
    google = Gke("bank-airflow", {"var": "airflow-risk@bank-airflow.iam.gserviceaccount.com"})
    stack = _made(platform=google)
    (member,) = stack.of_type("gcp:serviceaccount/iAMMember:IAMMember")
    assert member.get("member") == "serviceAccount:bank-airflow.svc.id.goog[airflow/risk]"
    assert "iam.gke.io/gcp-service-account" in _accounts(stack)["risk"].get("metadata", "annotations")


def test_it_is_read_back_with_the_workloads_that_tasks_run_as() -> None:
    (found,) = read_environments(_made())
    assert found.name == "finance"
    assert found.workloads.of(frozenset({"ledger"})) == {"airflow/ledger"}
    assert found.workloads.of(frozenset({"var"})) == {"airflow/risk"}
    assert found.workloads.of(frozenset()) == {"airflow/airflow-tasks"}
    assert "airflow/airflow-scheduler" in found.workloads.components


def test_with_celery_all_tasks_are_the_workers() -> None:
    stack = _made(executor="CeleryExecutor", remote_logs=None)
    (found,) = read_environments(stack)
    assert not _accounts(stack)
    assert found.workloads.of_tasks() == {"airflow/airflow-worker"}


def test_a_release_without_the_component_is_an_environment_of_which_nothing_is_known() -> None:
    release = Resource("urn:pulumi:a::b::kubernetes:helm.sh/v3:Release::old", RELEASE, {"chart": "airflow"})
    (found,) = read_environments(Stack([release]))
    assert found.sources.covers_addresses(found.sources)
    assert found.name == "old"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"executor": "LocalExecutor"}, "write one of KubernetesExecutor, CeleryExecutor"),
        ({"airflow_version": "2.11.0"}, "2.11.0: Airflow from 3.0.0 on"),
        ({"chart_version": "1.20.0"}, "1.20.0: the chart from 1.21.0 on"),
        ({"image": Image("apache/airflow")}, "has neither tag nor digest"),
        ({"image": Image("apache/airflow", tag="latest")}, "latest is not pinned"),
        ({"remote_logs": None}, "a task's pod is gone when it ends"),
        ({"namespace": "Air_flow"}, "write small letters, digits and dashes"),
        ({"mesh": "kuma"}, "write one of istio, linkerd, consul"),
        ({"platform": Eks({"nobody": "arn:aws:iam::123456789012:role/x"})}, "no principal 'nobody'"),
        ({"platform": Gke("p", {"ledger": "me@bank.example"})}, "write name@project.iam.gserviceaccount.com"),
    ],
)
def test_what_would_fail_later_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        HelmEnvironment("finance", **{**GIVEN, **changed})
    assert says in str(caught.value)


def test_a_task_of_two_principals_with_two_accounts_is_refused_with_an_example() -> None:
    principals = [*ACCESS.principals, ACCESS.principals[0].model_copy(update={"name": "close", "dags": ("ledger_close*",)})]
    with pytest.raises(InputError) as caught:
        HelmEnvironment("finance", **{**GIVEN, "access": ACCESS.model_copy(update={"principals": tuple(principals)})})
    assert "is of ledger and of close, and a pod has one service account" in str(caught.value)


UI: dict[str, Any] = {
    **ACCESS.model_dump(by_alias=True, exclude_unset=True),
    "identityProvider": {"kind": "oidc", "issuer": "https://idp.bank.example", "audience": "airflow"},
    "principals": [
        *({"name": one.name, "environment": "finance", "dags": list(one.dags)} for one in ACCESS.principals),
        {"name": "analysts", "group": "airflow-finance", "role": "Viewer"},
    ],
    "zones": {"z": {"gates": ["istio"]}, "ui": {"gates": ["nginx"]}},
    "destinations": [
        {"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]},
        {"name": "ui", "zone": "ui", "hosts": ["Airflow.bank.example"], "ports": ["443/tcp"], "protocol": "https"},
    ],
    "routes": [
        {
            "name": "analysts-ui",
            "from": ["analysts"],
            "to": ["ui"],
            "http": [{"paths": ["/*"], "except": ["/execution", "/execution/*"]}],
            "session": "20m",
            "reason": "FIN-1",
        }
    ],
}


def _behind_a_gateway(executor: str) -> tuple[Resource, Resource]:
    """The environment's component and its release."""
    access = Access.model_validate(UI)
    stack = _made(access=access, platform=Eks(), executor=executor, gateway=airflow_side(access, "nginx", "ui"))
    return stack.of_type(HELM_ENVIRONMENT)[0], stack.of_type(RELEASE)[0]


@pytest.mark.parametrize("executor", ["KubernetesExecutor", "CeleryExecutor"])
def test_the_api_server_alone_gets_the_gateway_s_secret_and_by_reference(executor: str) -> None:
    component, release = _behind_a_gateway(executor)
    values = release.get("values")
    reference = {"secretKeyRef": {"name": "nginx", "key": "value"}}
    assert values["apiServer"]["env"] == [{"name": "AIRLOCK_GATEWAY_SECRET", "valueFrom": reference}]
    # What stands in the chart's `env` and `secret` reaches every pod, tasks' too.
    others = {key: value for key, value in values.items() if key != "apiServer"}
    assert not {"env", "secret", "extraEnv", "extraEnvFrom"} & values.keys()
    assert "AIRLOCK_GATEWAY_SECRET" not in str(others)
    assert component.get("gateway") == "nginx"


def test_behind_a_gateway_people_are_whom_it_says_and_tokens_end_with_the_sign_in() -> None:
    _, release = _behind_a_gateway("KubernetesExecutor")
    assert '"airflow-finance": [' in release.get("values", "apiServer", "apiServerConfig")
    assert "AUTH_REMOTE_USER" in release.get("values", "apiServer", "apiServerConfig")
    config = release.get("values", "config")
    assert config["core"]["auth_manager"].endswith("FabAuthManager")
    assert config["api_auth"]["jwt_expiration_time"] == "1200"
    assert config["fab"] == {
        "session_lifetime_minutes": "20",
        "session_max_lifetime_minutes": "20",
        "enable_proxy_fix": "True",
    }
    assert config["api"] == {"expose_config": "False", "base_url": "https://airflow.bank.example"}


def test_without_a_gateway_there_is_none_of_it() -> None:
    component = _made().of_type(HELM_ENVIRONMENT)[0]
    assert component.get("gateway") == ""
    values = _made().of_type(RELEASE)[0].get("values", "apiServer")
    assert not {"env", "apiServerConfig"} & values.keys()


def test_the_gateway_s_destination_has_to_be_behind_it() -> None:
    with pytest.raises(InputError, match="'d' is no Airflow behind nginx"):
        airflow_side(Access.model_validate(UI), "nginx", "d")
