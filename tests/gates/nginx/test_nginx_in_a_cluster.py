"""The gateway beside the chart and NetworkPolicies: behind it, the cluster meets its workload in place of people."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from nginx_program import DOCUMENT, HIDDEN, TODAY
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import ClusterNetwork, cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.kubernetes import API_SERVER, ClusterDeclaration
from pulumi_airlock.gates.kubernetes.declared import describe
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.gates.network_policy import read as read_policies
from pulumi_airlock.gates.nginx import Certificate, NginxGateway, OidcClient, read
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import Outcome, prove
from pulumi_airlock.proof.filters import Environment
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.tokens import HELM_ENVIRONMENT

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
AT = datetime(2026, 11, 26, 3, tzinfo=UTC)
ACCESS = Access.model_validate(
    {
        **{key: DOCUMENT[key] for key in ("identityProvider", "roles")},
        "principals": [
            {"name": "analysts", "group": "airflow-finance", "role": "finance"},
            {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
        ],
        "zones": {
            "ui": {"gates": ["nginx", "network_policy"]},
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["network_policy"]},
        },
        "destinations": [
            DOCUMENT["destinations"][0],
            {"name": "ledger", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
        ],
        "routes": [
            {**DOCUMENT["routes"][0], "http": [{"paths": ["/*"], "except": HIDDEN}]},
            {"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "reason": "FIN-3"},
        ],
    }
)
NETWORK = cluster_network(
    ACCESS,
    "finance",
    namespace="airflow",
    release="airflow",
    executor=KUBERNETES,
    database=Database(5432, cidrs=("10.20.9.9/32",)),
    pod_cidrs=("10.60.0.0/16",),
    gateway="nginx",
)


def made_by_nginx(network: ClusterNetwork) -> Stack:
    return Stack(run(lambda: gateway(network)))


def gateway(network: ClusterNetwork) -> NginxGateway:
    return NginxGateway(
        "nginx",
        access=ACCESS,
        upstreams={"airflow": network},
        namespace="airflow",
        client=OidcClient("airflow", "s", "0123456789abcdef"),
        certificate=Certificate(secret="airflow-tls"),
        gateway_secret="0" * 32,
        people_cidrs=("10.0.0.0/8",),
        issuer_cidrs=("10.30.0.9/32",),
        today=TODAY,
    )


def program() -> None:
    cluster = ClusterDeclaration(
        "bank", cni="cilium", pod_cidrs=["10.60.0.0/16"], service_cidrs=["10.61.0.0/16"], api_server_cidrs=["10.50.0.0/28"]
    )
    front = gateway(NETWORK)
    NetworkPolicyGate(
        "network_policy",
        access=ACCESS,
        environments=[NETWORK],
        cluster=cluster.facts,
        flows=front.flows,
        workloads=front.workloads,
        today=TODAY,
    )


def proven(stack: Stack) -> Any:
    found = carried(ACCESS, (*read(stack), *read_policies(stack)))
    api = Hosts.from_names([API_SERVER])
    needs = [
        replace(one.match(), hosts=one.to | Hosts.from_cidr("10.50.0.0/28") if one.to == api else one.to) for one in NETWORK.flows
    ]
    environment = Environment("finance", "urn", Hosts.from_cidrs(NETWORK.pod_cidrs), tuple(needs), NETWORK.as_workloads())
    return prove(ACCESS, [environment], carried(ACCESS, found), at=AT, around=tuple(around(ACCESS, found)))


@pytest.fixture(scope="module")
def stack() -> Stack:
    environment = Resource(
        f"urn:pulumi:test::bank::{HELM_ENVIRONMENT}::finance",
        HELM_ENVIRONMENT,
        {"workloads": [describe(one) for one in NETWORK.workloads]},
    )
    return Stack([environment, *run(program)])


def test_people_get_to_the_ui_through_both(stack: Stack) -> None:
    proof = proven(stack)
    assert [one.message for one in proof.blocked] == []
    assert [one.message for one in proof.unproven] == []
    # NetworkPolicies see no requests: that tasks call the execution API alone is the mesh's to tell.
    other = [one for one in proof.excess if "airflow-api-server.airflow.svc" not in str(one.witness)]
    assert [one.message for one in other] == []


@pytest.mark.parametrize(
    ("gone", "filter_"), [("airflow-airflow-api-server", "ingress of pods"), ("airflow-nginx", "egress of pods")]
)
def test_a_policy_behind_the_gateway_that_is_gone_blocks_people(stack: Stack, gone: str, filter_: str) -> None:
    """People type the gateway's name; the policy is about pods that no caller of theirs and no name of theirs is."""
    left = [replace(one) for one in stack.resources if one.name != f"network_policy-{gone}"]
    assert len(left) == len(stack.resources) - 1
    proof = proven(Stack(left))
    (found,) = [one for one in proof.blocked if one.routes]
    assert (found.routes, found.gate) == (("analysts-ui",), "network_policy")
    assert {row.filter.name for row in found.path if row.outcome is Outcome.DENY} == {f"{filter_}, behind nginx"}
    assert "nginx: people to airflow" in {need for one in proof.blocked for need in one.needs}


@pytest.mark.parametrize(
    ("gone", "needs"),
    [
        ("airflow-nginx", {"people", "who somebody is", "people to airflow", "names"}),
        ("airflow-nginx-sign-in", {"who somebody is", "people sign in", "names"}),
    ],
)
def test_what_the_gateway_needs_itself_is_blocked_where_its_policy_is_gone(stack: Stack, gone: str, needs: set[str]) -> None:
    left = [replace(one) for one in stack.resources if one.name != f"network_policy-{gone}"]
    proof = proven(Stack(left))
    assert {need for one in proof.blocked for need in one.needs} == {f"nginx: {one}" for one in needs}


def test_an_airflow_without_the_gateway_s_secret_is_refused() -> None:
    for given in ("", "another-gateway"):
        with pytest.raises(InputError, match="finance does not get the gateway's secret, so that nobody could sign in"):
            made_by_nginx(replace(NETWORK, gateway=given))


def test_an_airflow_of_another_namespace_gets_the_secret_there_and_no_more_than_that() -> None:
    found = made_by_nginx(replace(NETWORK, namespace="other"))
    (beside,) = [one for one in found.of_type("kubernetes:core/v1:Secret") if one.get("metadata", "namespace") == "other"]
    assert beside.get("metadata", "name") == "nginx"
    assert set(beside.get("stringData")) == {"value"}


@pytest.mark.parametrize(
    ("mesh", "kept"),
    [
        ("istio", "traffic.sidecar.istio.io/excludeInboundPorts"),
        ("linkerd", "config.linkerd.io/skip-inbound-ports"),
        ("consul", "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports"),
    ],
)
def test_in_a_mesh_people_arrive_beside_the_sidecar_and_nobody_else_does(mesh: str, kept: str) -> None:
    pods = {
        one.get("metadata", "name"): one.get("spec", "template")
        for one in made_by_nginx(replace(NETWORK, mesh=mesh)).of_type("kubernetes:apps/v1:Deployment")
    }
    assert pods["nginx"]["metadata"]["annotations"][kept] == "8443,8080"
    assert kept not in pods["nginx-sign-in"]["metadata"]["annotations"]
    # Consul's sidecar signs in with the pod's token.
    assert {one["spec"]["automountServiceAccountToken"] for one in pods.values()} == {mesh == "consul"}


def test_behind_it_everybody_is_called_by_the_name_of_their_own_service() -> None:
    """Istio's sidecar finds its way by `Host`; with the name that people typed it would send in plain text."""
    (config,) = made_by_nginx(NETWORK).of_type("kubernetes:core/v1:ConfigMap")
    text = config.get("data", "nginx.conf")
    hosts = {line.split()[-1].rstrip(";") for line in text.splitlines() if line.strip().startswith("proxy_set_header Host ")}
    assert hosts == {"airflow-api-server.airflow.svc.cluster.local", "nginx-sign-in.airflow.svc.cluster.local"}
    # What Airflow believes of a proxy is never the client's own word.
    for said in ("Host $host", "Port 443", "Proto https", "For $remote_addr", 'Prefix ""'):
        assert text.count(f"proxy_set_header X-Forwarded-{said};") == text.count("proxy_set_header Host ")
