"""The gateway beside the chart and NetworkPolicies: behind it, the cluster meets its workload in place of people."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from nginx_program import DOCUMENT, HIDDEN, TODAY
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.kubernetes import API_SERVER, ClusterDeclaration
from pulumi_airlock.gates.kubernetes.declared import describe
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.gates.network_policy import read as read_policies
from pulumi_airlock.gates.nginx import Certificate, NginxGateway, OidcClient, read, read_own
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
)


def program() -> None:
    cluster = ClusterDeclaration(
        "bank", cni="cilium", pod_cidrs=["10.60.0.0/16"], service_cidrs=["10.61.0.0/16"], api_server_cidrs=["10.50.0.0/28"]
    )
    gateway = NginxGateway(
        "nginx",
        access=ACCESS,
        upstreams={"airflow": NETWORK},
        namespace="airflow",
        client=OidcClient("airflow", "s", "0123456789abcdef"),
        certificate=Certificate(secret="airflow-tls"),
        gateway_secret="0" * 32,
        people_cidrs=("10.0.0.0/8",),
        today=TODAY,
    )
    # The identity provider has a name alone here: another gate lets oauth2-proxy out.
    flows = [one for one in gateway.flows if one.reason != "people sign in"]
    NetworkPolicyGate(
        "network_policy",
        access=ACCESS,
        environments=[NETWORK],
        cluster=cluster.facts,
        flows=flows,
        workloads=gateway.workloads,
        today=TODAY,
    )


def proven(stack: Stack) -> Any:
    found = carried(ACCESS, (*read(stack), *read_policies(stack)))
    own, api = read_own(stack), Hosts.from_names([API_SERVER])
    needs = [
        replace(one.match(), hosts=one.to | Hosts.from_cidr("10.50.0.0/28") if one.to == api else one.to) for one in NETWORK.flows
    ]
    parts = NETWORK.as_workloads()
    parts = replace(parts, components=parts.components | own.workloads)
    environment = Environment("finance", "urn", Hosts.from_cidrs(NETWORK.pod_cidrs), (*needs, *own.matches), parts)
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
    # That people get to the gateway's own Service is no route of theirs.
    known = ("airflow-api-server.airflow.svc", "nginx.airflow.svc")
    other = [one for one in proof.excess if not any(name in str(one.witness) for name in known)]
    assert [one.message for one in other] == []


@pytest.mark.parametrize(
    ("gone", "filter_"), [("airflow-airflow-api-server", "ingress of pods"), ("airflow-nginx", "egress of pods")]
)
def test_a_policy_behind_the_gateway_that_is_gone_blocks_people(stack: Stack, gone: str, filter_: str) -> None:
    """People type the gateway's name; the policy is about pods that no caller of theirs and no name of theirs is."""
    left = [replace(one) for one in stack.resources if one.name != f"network_policy-{gone}"]
    assert len(left) == len(stack.resources) - 1
    (found,) = proven(Stack(left)).blocked
    assert (found.routes, found.gate) == (("analysts-ui",), "network_policy")
    assert {row.filter.name for row in found.path if row.outcome is Outcome.DENY} == {filter_}
