"""Airflow in a cluster, behind a Teleport that the bank runs: Cilium lets tasks' pods to it, and it knows their accounts."""

from pulumi_airlock.access import Access, Destination, Environment, Expectation, Principal, Route, Zone
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.gates.adapters import InConfigMap, Join, OwnProxy, Teleport
from pulumi_airlock.gates.cilium import CiliumGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.kubernetes import ClusterDeclaration

OWNER = "airflow-platform@bank.example"
access = Access(
    environments=[Environment(name="finance")],
    principals=[
        Principal(name="ledger", environment="finance", dags=["ledger_*"], owner=OWNER, clearance="high"),
        Principal(name="etl", environment="finance", dags=["etl_*"], owner=OWNER, clearance="high"),
    ],
    zones={"datacenter": Zone(cidrs=["10.20.0.0/16"], gates=["teleport"])},
    destinations=[
        Destination(name="ledger-db", zone="datacenter", cidrs=["10.20.8.10/32"], ports=["1521/tcp"], data_class="confidential"),
        Destination(
            name="warehouse", zone="datacenter", hosts=["warehouse.corp.example"], cidrs=["10.20.8.11/32"], ports=["5432/tcp"]
        ),
    ],
    routes=[
        Route(name="ledger", from_=["ledger"], to=["ledger-db"], session="1h", reason="FIN-1"),
        Route(name="etl", from_=["etl"], to=["warehouse"], session="1h", reason="FIN-2"),
    ],
    expect=[
        Expectation(from_="etl", to="warehouse:5432", allow=True),
        Expectation(from_="etl", to="ledger-db:1521", allow=False),
    ],
)
AccessDeclaration("access", access)
cluster = ClusterDeclaration(
    "bank",
    cni="cilium",
    pod_cidrs=["10.60.0.0/16"],
    service_cidrs=["172.20.0.0/16"],
    node_cidrs=["10.61.0.0/24"],
    api_server_cidrs=["10.61.1.0/28"],
    api_server_port=443,
    namespaces={},
    workloads=[],
).facts
finance = HelmEnvironment(
    "finance",
    access=access,
    owner=OWNER,
    platform=Eks({}),
    airflow_version="3.0.6",
    chart_version="1.22.0",
    image=Image("registry.bank.example/airflow", digest="sha256:" + "a" * 64),
    secrets=ChartSecrets(metadata="airflow-metadata", fernet="airflow-fernet", api="airflow-api", jwt="airflow-jwt"),
    database=Database(5432, cidrs=["10.64.1.0/28"]),
    pod_cidrs=["10.60.0.0/18"],
    cluster=cluster,
    remote_logs="s3://bank-logs/finance",
    endpoint_cidrs=["10.62.0.0/28"],
)
tasks = [name for one in access.principals if (name := finance.network.workload_of(one.name)) is not None]
proxy = OwnProxy(
    "teleport",
    access=access,
    product=Teleport(
        proxy="teleport.bank.example:443", joins=[Join("finance", "kubernetes", namespace=finance.network.namespace)]
    ),
    port=443,
    cidrs=["10.50.0.0/26"],
    sources=["10.51.0.0/26"],
    keep=InConfigMap("teleport"),
)
CiliumGate(
    "cilium",
    access=access,
    environments=[finance.network],
    flows=proxy.flows(tasks),
    cluster=cluster,
)
