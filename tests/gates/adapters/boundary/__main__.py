"""MWAA behind a Boundary that the bank runs: the environment's security group leads to its workers alone."""

from pulumi_airlock.access import Access, Destination, Environment, Expectation, Principal, Route, Zone
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.gates.adapters import Boundary, InBucket, OwnProxy
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration

OWNER = "airflow-platform@bank.example"
access = Access(
    environments=[Environment(name="finance", dags=["ledger_*"])],
    principals=[Principal(name="ledger", environment="finance", dags=["ledger_*"], owner=OWNER, clearance="high")],
    zones={"datacenter": Zone(cidrs=["10.40.8.0/24"], gates=["aws_network", "boundary"])},
    destinations=[
        Destination(
            name="warehouse", zone="datacenter", hosts=["warehouse.corp.example"], cidrs=["10.40.8.11/32"], ports=["5432/tcp"]
        )
    ],
    routes=[Route(name="ledger", from_=["ledger"], to=["warehouse"], session="1h", reason="FIN-1")],
    expect=[Expectation(from_="outside", to="warehouse:5432", allow=False)],
)
AccessDeclaration("access", access)
vpc = AirflowVpc(
    "airflow",
    owner=OWNER,
    cidr="10.40.0.0/20",
    availability_zones=["eu-central-1a", "eu-central-1b"],
    endpoint_cidrs=["10.40.14.0/26", "10.40.14.64/26"],
)
finance = MwaaEnvironment(
    "finance",
    owner=OWNER,
    vpc=vpc,
    airflow_version="3.0.6",
    scale=MwaaScale(environment_class="mw1.small", max_workers=5),
    code=MwaaCode(dags="dags"),
    subnet_cidrs=["10.40.0.0/26", "10.40.0.64/26"],
)
proxy = OwnProxy(
    "boundary",
    access=access,
    product=Boundary(project="p_1234567890", users={"finance": "u_finance123"}),
    port=9202,  # of its workers
    cidrs=["10.40.12.0/25"],
    sources=["10.40.12.0/25"],
    keep=InBucket("bank-boundary"),
)
AwsNetworkGate("aws_network", access=access, environments=[finance.network], proxies={"datacenter": proxy.entry})
