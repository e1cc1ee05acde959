"""A bank's Airflow behind Zscaler: one environment, its way out by ZIA, its ways in and to the data centre by ZPA."""

from pathlib import Path

from pulumi_airlock.access import Access
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.environments.mwaa.egress import ProxyEgress
from pulumi_airlock.gates.aws_network import AwsNetworkGate, Gateway
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.zia import ZiaGate
from pulumi_airlock.gates.zpa import CloudConnector, ConnectorGroup, IdentityProvider, ZpaGate

access = Access.model_validate(
    {
        "environments": [{"name": "finance", "dags": ["ledger_*"]}],
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
            {"name": "controllers", "group": "airflow-finance"},
        ],
        "zones": {
            "internet": {"gates": ["zia"]},
            "apps": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network", "zpa"]},
            "airflow": {"cidrs": ["10.40.0.0/20"], "gates": ["zpa", "aws_network"]},
        },
        "destinations": [
            {"name": "rates", "zone": "internet", "hosts": ["api.rates.example"], "ports": ["443/tcp"], "protocol": "https"},
            {"name": "pypi", "zone": "internet", "hosts": ["pypi.example"], "ports": ["443/tcp"], "protocol": "https"},
            {
                "name": "warehouse",
                "zone": "apps",
                "hosts": ["warehouse.corp.example"],
                "cidrs": ["10.20.4.10/32"],
                "ports": ["5432/tcp"],
            },
            {"name": "ui", "zone": "airflow", "cidrs": ["10.40.0.0/25"], "ports": ["443/tcp"], "protocol": "https"},
        ],
        "routes": [
            {"name": "finance-rates", "from": ["ledger"], "to": ["rates"], "reason": "FIN-1"},
            {"name": "finance-warehouse", "from": ["ledger"], "to": ["warehouse"], "reason": "FIN-3"},
            {"name": "finance-pypi", "from": ["ledger"], "to": ["pypi"], "reason": "OPS-1"},
            {"name": "controllers-ui", "from": ["controllers"], "to": ["ui"], "reason": "IAM-1"},
        ],
    }
)
AccessDeclaration("access", access)
proxy = ProxyEgress(host="gateway.zscaler.example", cidrs=("10.40.13.0/28",), scheduler=10001, worker=10002, webserver=10003)
vpc = AirflowVpc(
    "airflow",
    owner="a@b.example",
    cidr="10.40.0.0/20",
    availability_zones=["eu-central-1a", "eu-central-1b"],
    endpoint_cidrs=["10.40.15.0/25", "10.40.15.128/25"],
)
finance = MwaaEnvironment(
    "finance",
    owner="a@b.example",
    vpc=vpc,
    subnet_cidrs=["10.40.0.0/26", "10.40.0.64/26"],
    airflow_version="2.10.3",
    scale=MwaaScale(environment_class="mw1.small"),
    code=MwaaCode(dags=Path(__file__).parent / "dags"),
    egress=proxy,
)
ZiaGate("zia", access=access, environments={"finance": proxy}, others={"scheduler": ["pypi"]})
ZpaGate(
    "zpa",
    access=access,
    connectors={
        zone: ConnectorGroup(location="Frankfurt, DE", latitude=50.1, longitude=8.6, country_code="DE", cidrs=[cidr])
        for zone, cidr in (("apps", "10.20.250.0/28"), ("airflow", "10.40.14.0/28"))
    },
    workloads={"finance": CloudConnector(name="cc-finance")},
    identity_provider=IdentityProvider(name="Okta"),
)
AwsNetworkGate(
    "aws_network",
    access=access,
    environments=[finance.network],
    gateway={"apps": Gateway("endpoint", "vpce-0123456789abcdef0")},
    connectors={"airflow": ["10.40.14.0/28"]},
)
