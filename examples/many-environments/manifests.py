"""Prints the objects by which Pulumi's Kubernetes operator (2.x) keeps every stack as the repository has it.

    python manifests.py --repository https://git.bank.example/airflow/environments --branch main > stacks.yaml

For each environment: a service account, which AWS lets assume the environment's role; the right that the operator asks for
(`system:auth-delegator`); and a `Stack`. The operator runs no policy packs of a repository: `airlock fleet` does, in CI.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from environments import Environment, load
from ruamel.yaml import YAML

NAMESPACE = "airflow-environments"
IMAGE = "pulumi/pulumi:3.272.0-nonroot"
"""What runs the program: the CLI of the SDK's version. The program's packages come from the repository's requirements.txt."""
RESYNC_SECONDS = 3600
"""How often a stack is compared with its cloud where the repository has not changed: a drift is found within the hour."""
WITHIN = "24h"
"""How fresh the success of an environment must be for those that come after it."""


def objects(environments: Mapping[str, Environment], repository: str, branch: str) -> Iterator[dict[str, Any]]:
    """Every object, in an order in which they can be applied."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for name, environment in environments.items():
        yield _account(name, environment)
        yield _delegation(name)
        yield _stack(name, environment, repository, branch)


def _account(name: str, environment: Environment) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": {"eks.amazonaws.com/role-arn": environment.role}}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _delegation(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{NAMESPACE}:{name}:auth-delegator"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }


def _stack(name: str, environment: Environment, repository: str, branch: str) -> dict[str, Any]:
    waits = [{"name": one, "requirement": {"succeededWithinDuration": WITHIN}} for one in environment.after]
    resources = {"requests": {"cpu": "250m", "memory": "768Mi"}, "limits": {"memory": "1536Mi"}}
    spec = {
        "stack": name,
        "serviceAccountName": name,
        "backend": environment.backend,
        "secretsProvider": environment.secrets_provider,
        "projectRepo": repository,
        "branch": branch,
        "shallow": True,
        "refresh": True,
        "continueResyncOnCommitMatch": True,
        "resyncFrequencySeconds": RESYNC_SECONDS,
        "destroyOnFinalize": False,  # an object that goes by mistake takes no Airflow with it
        **({"prerequisites": waits} if waits else {}),
        "workspaceTemplate": {"spec": {"image": IMAGE, "securityProfile": "restricted", "resources": resources}},
        "workspaceReclaimPolicy": "Delete",  # a pod for each update, not one for each of a hundred stacks all day
    }
    return {"apiVersion": "pulumi.com/v1", "kind": "Stack", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def main() -> None:
    """Prints them as YAML."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repository", required=True, help="the address of the git repository, as the cluster reaches it")
    arguments.add_argument("--branch", default="main")
    given = arguments.parse_args()
    yaml = YAML()
    yaml.explicit_start = True
    yaml.dump_all(objects(load(), given.repository, given.branch), sys.stdout)


if __name__ == "__main__":
    main()
