"""What is compiled lets through what Airflow needs and what routes say, nothing else: asked of connections between such pods."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product
from typing import Any

import pytest
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database, Flow
from pulumi_airlock.environments.helm.network import ClusterNetwork, cluster_network
from pulumi_airlock.environments.helm.workloads import CELERY, KUBERNETES
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.kubernetes import ClusterFacts, Workload
from pulumi_airlock.gates.kubernetes.wanted import carried_by, cluster_of, wanted
from pulumi_airlock.gates.kubernetes.workloads import ServiceName, ServicePort
from pulumi_airlock.gates.network_policy import Connectivity
from pulumi_airlock.gates.network_policy.compile import PROBES, PolicyPlan, compile_policies
from pulumi_airlock.proof.sets import Services

TODAY = date(2026, 11, 26)
LEDGER = Workload(
    name="data/ledger",
    namespace="data",
    service_account="ledger",
    labels={"app": "ledger"},
    services=(ServiceName("ledger.data.svc.cluster.local", (ServicePort("tcp", 443, 8443),)),),
)
FACTS = ClusterFacts(
    name="bank",
    urn="urn",
    cni="aws-vpc-cni",
    pod_cidrs=("10.60.0.0/16",),
    api_server_cidrs=("10.50.0.0/28",),
    namespaces={"data": {}},
    workloads=(LEDGER,),
)
ACCESS: dict[str, Any] = {
    "principals": [{"name": "etl", "dags": ["fin_*"]}, {"name": "var", "dags": ["var_*"]}],
    "zones": {"cluster": {"gates": ["network_policy"]}, "datacenter": {"gates": ["network_policy"], "cidrs": ["10.20.0.0/16"]}},
    "destinations": [
        {"name": "ledger", "zone": "cluster", "hosts": ["ledger.data.svc.cluster.local"], "ports": ["443/tcp"]},
        {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432-5433/tcp"]},
    ],
    "routes": [
        {"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "reason": "FIN-1"},
        {"name": "var-warehouse", "from": ["var"], "to": ["warehouse"], "reason": "FIN-2"},
    ],
}


def _network(access: Access, executor: str = KUBERNETES) -> ClusterNetwork:
    return cluster_network(
        access,
        "finance",
        namespace="airflow",
        release="airflow",
        executor=executor,
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=("10.60.0.0/16",),
    )


def _compiled(
    given: Mapping[str, Any] = ACCESS,
    executor: str = KUBERNETES,
    *,
    facts: ClusterFacts = FACTS,
    namespaces: Sequence[str] = ("airflow", "data"),
    ambient: bool = False,
    flows: Sequence[Flow] = (),
) -> tuple[list[PolicyPlan], Connectivity]:
    access = Access.model_validate(given)
    network = _network(access, executor)
    cluster = cluster_of(facts, [network])
    found = wanted(access, "network_policy", [network], cluster, TODAY, flows)
    plans = compile_policies(
        found, cluster, namespaces, "network_policy", carried_by("", cluster, [network], None, ambient=ambient)
    )
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": one.name, "namespace": one.namespace},
            "spec": one.spec(),
        }
        for one in plans
    ]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": one.service_account, "namespace": one.namespace, "labels": dict(one.labels)},
            "spec": {"containers": [{"name": "c"}]},
        }
        for one in (*cluster.workloads, Workload("airflow/stranger", "airflow", "stranger"))
        if not one.stands_for
    ]
    return plans, Connectivity([*policies, *pods])


def _let(found: Connectivity) -> set[str]:
    ends = [*(one.name.partition("[")[0] for one in found.workloads), "10.20.4.10", "10.20.9.9", "10.50.0.3", "192.0.2.1"]
    return {
        f"{source} → {destination}: {services}"
        for source, destination in product(ends, ends)
        if source != destination
        and "/" in source + destination
        and not (source.startswith("kube-system") or source[0].isdigit())
        and (services := found.services(source, destination))
    }


DNS = {
    f"airflow/{one} → kube-system/coredns: 53/tcp 53/udp"
    for one in (
        "airflow-api-server",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
        "airflow-migrate-database-job",
    )
} | {f"airflow/{one} → kube-system/coredns: 53/tcp 53/udp" for one in ("airflow-pgbouncer", "airflow-tasks", "etl", "var")}


def test_everything_that_is_wanted_and_nothing_else() -> None:
    _, found = _compiled()
    assert _let(found) == DNS | {
        *(f"airflow/{one} → airflow/airflow-api-server: 8080/tcp" for one in ("airflow-tasks", "etl", "var")),
        *(
            f"airflow/airflow-{one} → airflow/airflow-pgbouncer: 6543/tcp"
            for one in ("api-server", "scheduler", "dag-processor", "triggerer", "migrate-database-job")
        ),
        "airflow/airflow-pgbouncer → 10.20.9.9: 5432/tcp",
        "airflow/airflow-scheduler → 10.50.0.3: 443/tcp",
        "airflow/airflow-api-server → 10.50.0.3: 443/tcp",
        "airflow/airflow-api-server → airflow/airflow-triggerer: 8794/tcp",
        # The Service's port 443 is 8443 of the pods, and that is what a policy sees.
        "airflow/etl → data/ledger: 8443/tcp",
        "airflow/var → 10.20.4.10: 5432-5433/tcp",
    }


def test_nobody_beyond_gets_in() -> None:
    _, found = _compiled()
    assert not [
        one for one in found.connections() if one.source[0].isdigit() and one.destination.startswith(("airflow/", "data/"))
    ]


def test_each_object_has_its_routes_and_a_name_that_the_api_takes() -> None:
    plans, _ = _compiled()
    by_name = {f"{one.namespace}/{one.name}": one for one in plans}
    assert by_name["airflow/network-policy-etl"].routes == ("etl-ledger",)
    assert by_name["data/network-policy-ledger"].routes == ("etl-ledger",)
    assert by_name["airflow/network-policy-default-deny"].spec() == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }
    # One object for each workload, and one for each namespace.
    assert len(plans) == len(by_name) == 9 + 1 + 2


def test_celery_tasks_are_the_workers() -> None:
    _, found = _compiled(executor=CELERY)
    let = _let(found)
    assert "airflow/airflow-worker → data/ledger: 8443/tcp" in let
    assert "airflow/airflow-worker → 10.20.4.10: 5432-5433/tcp" in let
    assert "airflow/airflow-scheduler → airflow/airflow-redis: 6379/tcp" in let
    assert not any("10.50.0.3" in one for one in let)


def test_pods_with_more_labels_are_others() -> None:
    more = Workload("data/other", "data", "other", {"app": "ledger", "canary": "true"})
    facts = ClusterFacts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | {"workloads": (LEDGER, more)})
    plans, found = _compiled(facts=facts)
    assert "airflow/etl → data/ledger: 8443/tcp" in _let(found)
    assert not found.services("airflow/etl", "data/other")
    selector = next(one for one in plans if one.name == "network-policy-ledger").selector
    assert selector["matchExpressions"] == [{"key": "canary", "operator": "DoesNotExist"}]


def test_an_ambient_mesh_needs_its_port_at_both_ends_but_for_dns() -> None:
    _, found = _compiled(ambient=True)
    assert found.allowed("airflow/etl", "data/ledger", "tcp", 15008).allowed
    assert not found.allowed("airflow/etl", "kube-system/coredns", "tcp", 15008).allowed
    assert not found.allowed("airflow/var", "10.20.4.10", "tcp", 15008).allowed
    probes = PROBES.partition("/")[0]
    assert found.allowed(probes, "airflow/airflow-api-server", "tcp", 8080).allowed
    assert not found.allowed(probes, "airflow/airflow-api-server", "tcp", 8081).allowed


def _with(**changes: Any) -> dict[str, Any]:
    return {**ACCESS, "destinations": [{**ACCESS["destinations"][0], **changes}, ACCESS["destinations"][1]]}


@pytest.mark.parametrize(
    ("given", "facts", "says"),
    [
        (
            _with(hosts=["api.saas.example"]),
            FACTS,
            r"route etl-ledger: api\.saas\.example has no address.*give the destination `cidrs`",
        ),
        (ACCESS, ClusterFacts(urn="urn", workloads=(LEDGER,)), r"the API server's addresses are not known"),
        (
            ACCESS,
            ClusterFacts(
                urn="urn",
                api_server_cidrs=("10.50.0.0/28",),
                workloads=(Workload("data/ledger", "data", "ledger", services=LEDGER.services),),
            ),
            r"data/ledger has no labels|data/ledger: has no labels",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_with_what_would_be_right(
    given: Mapping[str, Any], facts: ClusterFacts, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        _compiled(given, facts=facts)


def test_callers_from_networks_come_as_blocks() -> None:
    access = Access.model_validate(ACCESS)
    api = _network(access).api_server
    ingress = Flow(frozenset(), api.hosts, Services.of("tcp", 8080, 8080), api.name, None, "people", ("10.70.0.0/24",))
    _, found = _compiled(flows=[ingress])
    assert found.allowed("10.70.0.9", "airflow/airflow-api-server", "tcp", 8080).allowed
    assert not found.allowed("10.70.1.9", "airflow/airflow-api-server", "tcp", 8080).allowed
