"""MWAA behind the proxy: the environment's security group leads to the proxy alone, which tells the tasks apart."""

import pulumi_aws as aws
from pulumi_airlock.access import Access, Destination, Environment, Expectation, Principal, Route, Window, Zone
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.tcp_proxy import OnFargate, SecretFiles, Subnet, TaskIssuer, TcpProxy

OWNER = "airflow-platform@bank.example"
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:proxy-"  # a name
access = Access(
    environments=[Environment(name="finance")],
    principals=[
        Principal(name="ledger", environment="finance", dags=["ledger_*"], owner=OWNER, clearance="high"),
        Principal(name="etl", environment="finance", dags=["etl_*"], tasks=["load_*"], owner=OWNER, clearance="high"),
    ],
    zones={"datacenter": Zone(cidrs=["10.40.8.0/24"], gates=["aws_network", "tcp-proxy"])},
    destinations=[
        Destination(name="ledger-db", zone="datacenter", cidrs=["10.40.8.10/32"], ports=["1521/tcp"]),
        Destination(
            name="warehouse", zone="datacenter", hosts=["warehouse.corp.example"], cidrs=["10.40.8.11/32"], ports=["5432/tcp"]
        ),
    ],
    routes=[
        Route(
            name="ledger",
            from_=["ledger"],
            to=["ledger-db"],
            window=Window(days=["mon"], timezone="Europe/Zurich"),
            session="1h",
            reason="FIN-1",
        ),
        Route(name="etl", from_=["etl"], to=["warehouse"], session="1h", reason="FIN-2"),
    ],
    expect=[
        Expectation(from_="etl_x.drop_all", to="warehouse:5432", allow=False),
        Expectation(from_="etl_x.load_a", to="warehouse:5432", allow=True),
        Expectation(from_="other", to="ledger-db:1521", allow=False),
    ],
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
subnets = tuple(
    Subnet(aws.ec2.Subnet(f"proxy-{zone}", vpc_id=vpc.vpc_id, cidr_block=cidr, availability_zone=f"eu-central-1{zone}").id, cidr)
    for zone, cidr in (("a", "10.40.12.0/26"), ("b", "10.40.12.64/26"))
)
proxy = TcpProxy(
    "tcp-proxy",
    access=access,
    issuers=[
        TaskIssuer(
            "finance",
            "sts",
            "finance",
            "https://abc.tokens.sts.global.api.aws",
            "airlock-proxy",
            subject="arn:aws:iam::123456789012:role/finance",
        )
    ],
    platform=OnFargate(
        cluster_arn=aws.ecs.Cluster("proxies").arn,
        vpc_id=vpc.vpc_id,
        subnets=subnets,
        region="eu-central-1",
        host="proxy.airlock.internal",
        certificate=SecretFiles(f"{SECRET}certificate", f"{SECRET}key"),
        authority="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        callers={"finance": finance.network.security_group_id},
        kms_key_arn="arn:aws:kms:eu-central-1:123456789012:key/1",
        endpoints=("10.40.14.0/25",),
        keys=("203.0.113.0/24",),
    ),
)
AwsNetworkGate("aws_network", access=access, environments=[finance.network], proxies={"datacenter": proxy.entry})
