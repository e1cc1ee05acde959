"""Istio's policies in a real Envoy: sampled requests decide as our reader says, compiled policies and hand-written ones."""

import random
from fnmatch import fnmatchcase
from typing import Any

import pytest
from certificates import Authority
from istio_to_envoy import rbac_of
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import ClusterNetwork, network_of
from pulumi_airlock.gates.istio.compile import compile_mesh
from pulumi_airlock.gates.istio.policies import read_mesh
from pulumi_airlock.gates.istio.read import read
from pulumi_airlock.gates.kubernetes import ClusterFacts, read_cluster, stack_from_manifests
from pulumi_airlock.gates.kubernetes.wanted import Wanted, cluster_of
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.filters import Action, Combine, Filter, HttpOperation, Match

PORT = 8080
ACCOUNTS = [
    ("airflow", "etl"),
    ("airflow", "var"),
    ("airflow", "airflow-tasks"),
    ("airflow", "airflow-scheduler"),
    ("data", "web"),
]
METHODS = ["GET", "POST", "PATCH", "DELETE"]
PATHS = {
    # As it is sent → as it is after Envoy's normalization, without its query.
    "/execution/task-instances/1": "/execution/task-instances/1",
    "/execution/": "/execution/",
    "/execution": "/execution",
    "/executions": "/executions",
    "/api/v2/dags": "/api/v2/dags",
    "/api/v2/dags?x=/execution/": "/api/v2/dags",
    "/execution/../api/v2/dags": "/api/v2/dags",
    "/execution/./x": "/execution/x",
    "//execution/x": "//execution/x",
    "/execution/%2e%2e/api/v2/dags": "/api/v2/dags",
    "/%65xecution/x": "/execution/x",
    "/execution%2Fx": "/execution%2Fx",
    "/execution%2f..%2fapi": "/execution%2f..%2fapi",
    "/api/v2/..//execution/x": "/api//execution/x",
    "/": "/",
}


def _network() -> ClusterNetwork:
    return network_of(
        "finance",
        namespace="airflow",
        release="airflow",
        executor="KubernetesExecutor",
        accounts={"etl": "etl", "var": "var"},
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=["10.60.0.0/18"],
    )


def _compiled() -> list[dict[str, Any]]:
    """The policies that the gate makes for Airflow's own flows."""
    network = _network()
    cluster = cluster_of(ClusterFacts(), [network])
    found = [
        Wanted(one.callers, one.cidrs, one.to, one.services, behind := cluster.behind(one.to), _pods(one, behind), one.operations)
        for one in network.flows
    ]
    plan = compile_mesh(found, cluster, ["airflow"], "istio", (1, 27), None)
    return [{"kind": one.kind, "namespace": one.namespace, "name": one.name, "spec": one.spec} for one in plan.objects]


def _pods(flow: Any, behind: Any) -> Any:
    from pulumi_airlock.proof.sets import Services

    return Services.union(one.pods(flow.services) for one in behind)


def _by_hand(seed: int) -> list[dict[str, Any]]:
    """Random policies on the API server."""
    chosen = random.Random(seed)  # noqa: S311  # no secret
    texts = ["/execution/*", "/execution", "*/dags", "/api/*", "/", "*"]

    def rule() -> dict[str, Any]:
        made: dict[str, Any] = {}
        if chosen.random() < 0.8:
            source = chosen.choice(
                [
                    {"serviceAccounts": ["airflow/etl"]},
                    {"namespaces": ["data"]},
                    {"notNamespaces": ["data"]},
                    {"serviceAccounts": ["data/web"]},
                ]
            )
            made["from"] = [{"source": source}]
        if chosen.random() < 0.9:
            operation: dict[str, Any] = {}
            for key, values in (("methods", METHODS[:3]), ("paths", texts), ("notPaths", texts[:4]), ("notMethods", METHODS[1:])):
                if chosen.random() < 0.45:
                    operation[key] = chosen.sample(values, chosen.randint(1, 2))
            made["to"] = [{"operation": operation or {"ports": [str(PORT)]}}]
        return made

    policies = [
        {"action": chosen.choice(["ALLOW", "ALLOW", "DENY"]), "rules": [rule() for _ in range(chosen.randint(1, 2))]}
        for _ in range(chosen.randint(1, 3))
    ]
    return [
        {"kind": "AuthorizationPolicy", "namespace": "airflow", "name": f"p{number}", "spec": spec}
        for number, spec in enumerate(policies)
    ]


def _stack(objects: list[dict[str, Any]]) -> Stack:
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": account, "namespace": namespace, "labels": _labels(namespace, account)},
            "spec": {"serviceAccountName": account},
        }
        for namespace, account in [*ACCOUNTS, ("airflow", "airflow-api-server")]
    ]
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"istio-injection": "enabled"}}}
        for name in ("airflow", "data")
    ]
    made = [
        {
            "apiVersion": "security.istio.io/v1",
            "kind": one["kind"],
            "metadata": {"name": one["name"], "namespace": one["namespace"]},
            "spec": one["spec"],
        }
        for one in objects
    ]
    return stack_from_manifests([*spaces, *pods, *made])


def _labels(namespace: str, account: str) -> dict[str, str]:
    known = {one.service_account: dict(one.labels) for one in _network().workloads}
    return known.get(account, {"app": account}) if namespace == "airflow" else {"app": account}


def _decides(filters: list[Filter], account: tuple[str, str], method: str, path: str, host: str) -> bool:
    def holds(match: Match) -> bool:
        who = match.who.workloads is None or "/".join(account) in match.who.workloads
        asked = match.operations is None or any(_asked(one, method, path) for one in match.operations)
        return who and host in match.hosts.names and asked

    for one in filters:
        if not holds(one.scope):
            continue
        assert not any(rule.unknown for rule in one.rules)
        matching = [rule.action for rule in one.rules if holds(rule.match)]
        hits = set(matching[:1] if one.combine is Combine.FIRST_MATCH else matching)
        if Action.DENY in hits or (Action.ALLOW not in hits and one.default is Action.DENY):
            return False
    return True


def _asked(one: HttpOperation, method: str, path: str) -> bool:
    return (
        one.method in ("*", method)
        and method not in one.not_methods
        and fnmatchcase(path, one.path)
        and not any(fnmatchcase(path, each) for each in one.not_paths)
    )


@pytest.mark.parametrize("policies", ["compiled", *range(8)])
def test_sampled_requests_decide_as_the_reader_says(envoy, authority: Authority, policies: Any) -> None:
    objects = _compiled() if policies == "compiled" else _by_hand(policies)
    stack = _stack(objects)
    mesh = read_mesh(stack, read_cluster(stack))
    server = next(one for one in mesh.cluster.workloads if one.service_account == "airflow-api-server")
    here = [(one.object.namespace, one.object.get("spec") or {}) for one in mesh.on(server)]
    running = envoy(http={PORT: rbac_of(here)}, authority=authority)
    filters = list(read(stack))
    chosen, allowed = random.Random(7), 0  # noqa: S311
    for _ in range(200 if policies == "compiled" else 60):
        account, method, path = chosen.choice(ACCOUNTS), chosen.choice(METHODS), chosen.choice(list(PATHS))
        answer = running.ask(PORT, authority.workload(*account), method, path)
        expected = _decides(filters, account, method, PATHS[path], server.names[0])
        assert answer.allowed is expected, (objects, account, method, path, answer)
        if not answer.allowed:
            assert (answer.status, answer.body) == (403, "RBAC: access denied")
        allowed += answer.allowed
    if policies == "compiled":
        assert 0 < allowed < 200
