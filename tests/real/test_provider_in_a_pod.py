"""A task's pod with the provider's volumes, before a real Kubernetes API server, in a namespace as restricted as Airflow's."""

import json
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import TaskIdentity, manifest
from pulumi_airlock.environments.helm import Image, TaskProvider
from pulumi_airlock.environments.helm.pods import pod_template
from pulumi_airlock.environments.helm.tasks import TOKEN, of_tasks
from real_kubernetes import KubeApi, RefusedError

ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "dags": ["ledger_*"]}],
        "zones": {"z": {"gates": ["g"]}},
        "destinations": [{"name": "d", "zone": "z", "hosts": ["d.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["d"], "reason": "X-1"}],
    }
)
IDENTITY = TaskIdentity("https://oidc.eks.example/id/1", "airlock-proxy", "projected", "attested", path=TOKEN)
TASKS = TaskProvider(manifest=manifest(ACCESS, "finance", [], IDENTITY), client_certificate="airlock-client")
RESTRICTED = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "provided", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}


def pod(**changed: Any) -> dict[str, Any]:
    made = pod_template("airflow", Image("registry.bank.example/airflow", tag="3.2.2"), {}, of_tasks(TASKS, "airflow"))
    made["metadata"] |= {"name": "task", "namespace": "provided"}
    made["spec"] |= {"serviceAccountName": "default", **changed}
    return made


@pytest.fixture(autouse=True)
def namespace(kube_api: KubeApi) -> None:
    made = json.dumps(RESTRICTED)
    kube_api.ask("PATCH", "/api/v1/namespaces/provided?fieldManager=labels&force=true", made, "application/apply-patch+yaml")


def test_it_is_a_pod_that_the_server_takes(kube_api: KubeApi) -> None:
    kube_api.dry_run(pod())
    with pytest.raises(RefusedError, match="restricted"):
        kube_api.dry_run(pod(hostNetwork=True))


def test_the_server_knows_every_field(kube_api: KubeApi) -> None:
    """Else the test above would show nothing."""
    wrong = pod()
    (token,) = (one for one in wrong["spec"]["volumes"] if one["name"] == "airlock-identity")
    token["projected"]["sources"][0]["serviceAccountToken"]["audiences"] = ["other"]
    with pytest.raises(RefusedError, match="audiences"):
        kube_api.dry_run(wrong)
    short = pod()
    (token,) = (one for one in short["spec"]["volumes"] if one["name"] == "airlock-identity")
    token["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] = 60
    with pytest.raises(RefusedError, match="expirationSeconds"):
        kube_api.dry_run(short)
