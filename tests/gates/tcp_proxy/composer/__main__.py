"""Composer behind the proxy, which runs in a cluster of the VPC: Google's firewall lets tasks to its load balancer alone."""

import pulumi_gcp as gcp
from pulumi_airlock.access import Access, Destination, Environment, Expectation, Principal, Route, Zone
from pulumi_airlock.environments.composer import ComposerEnvironment, ComposerPlacement
from pulumi_airlock.gates import tcp_proxy
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate

OWNER = "airflow-platform@bank.example"
access = Access(
    environments=[Environment(name="finance")],
    principals=[
        Principal(name="ledger", environment="finance", dags=["ledger_*"], owner=OWNER, clearance="high"),
        Principal(name="etl", environment="finance", dags=["etl_*"], owner=OWNER, clearance="high"),
    ],
    zones={"databases": Zone(cidrs=["10.80.0.0/24"], gates=["gcp_firewall", "tcp-proxy"])},
    destinations=[
        Destination(name="ledger-db", zone="databases", cidrs=["10.80.0.10/32"], ports=["1521/tcp"]),
        Destination(name="warehouse", zone="databases", cidrs=["10.80.0.11/32"], ports=["5432/tcp"]),
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
network = gcp.compute.Network(
    "vpc",
    name="vpc",
    auto_create_subnetworks=False,
    delete_default_routes_on_create=True,
    network_firewall_policy_enforcement_order="BEFORE_CLASSIC_FIREWALL",
)
subnetworks = {
    name: gcp.compute.Subnetwork(name, name=name, region="europe-west1", network=network.id, ip_cidr_range=cidr)
    for name, cidr in (("finance", "10.1.0.0/24"), ("proxies", "10.70.0.0/24"), ("databases", "10.80.0.0/24"))
}
finance = ComposerEnvironment(
    "finance",
    owner=OWNER,
    image_version="composer-3-airflow-2.10.5-build.12",
    project_number="123456789012",
    placement=ComposerPlacement(network_id=network.id, subnetwork_id=subnetworks["finance"].id, subnetwork_cidr="10.1.0.0/24"),
    grant_key=False,
    kms_key_id="projects/bank-airflow/locations/europe-west1/keyRings/ring/cryptoKeys/key",
)
proxy = tcp_proxy.TcpProxy(
    "tcp-proxy",
    access=access,
    issuers=[
        tcp_proxy.TaskIssuer(
            "finance",
            "kms",
            "finance",
            "https://airlock.bank.example/finance",
            "airlock-proxy",
            jwks='{"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "", "y": ""}]}',
        )
    ],
    platform=tcp_proxy.OnKubernetes(
        namespace="airlock",
        issuer="bank-ca",
        balancer=tcp_proxy.InternalBalancer(
            "proxy.airlock.internal", "10.70.0.9", callers=("10.1.0.0/24",), sources=("10.70.0.0/24",)
        ),
    ),
)
assert proxy.entry is not None
GcpFirewallGate(
    "gcp_firewall",
    access=access,
    environments=[finance.network],
    network_id=network.id,
    proxies={"databases": proxy.entry},
)
