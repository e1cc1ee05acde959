"""Airflow in a cluster, each task's pod with the proxy beside it: Cilium keeps what code of a task could go around."""

from pulumi import ResourceOptions
from pulumi_airlock.access import Access, Destination, Environment, Expectation, Principal, Route, Zone
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.gates.cilium import CiliumGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.kubernetes import ClusterDeclaration
from pulumi_airlock.gates.tcp_proxy import InTaskPods, TaskIssuer, TcpProxy

OWNER = "airflow-platform@bank.example"
access = Access(
    environments=[Environment(name="finance")],
    principals=[
        Principal(name="ledger", environment="finance", dags=["ledger_*"], owner=OWNER, clearance="high"),
        Principal(name="etl", environment="finance", dags=["etl_*"], owner=OWNER, clearance="high"),
    ],
    zones={"datacenter": Zone(cidrs=["10.20.0.0/16"], gates=["tcp-proxy", "cilium"])},
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
beside = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca")
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
    proxy=beside,
)
TcpProxy(
    "tcp-proxy",
    access=access,
    issuers=[
        TaskIssuer(
            "finance-pods",
            "projected",
            "finance",
            "https://oidc.bank.example",
            "airlock-proxy",
            jwks='{"keys": [{"kty": "EC", "crv": "P-256", "x": "", "y": ""}]}',
            namespace=finance.network.namespace,
            assurance="attested",
        )
    ],
    platform=beside,
    attested=["confidential"],
    opts=ResourceOptions(depends_on=[finance]),
)
CiliumGate(
    "cilium",
    access=access,
    environments=[finance.network],
    cluster=cluster,
)
