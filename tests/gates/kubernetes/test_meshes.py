"""Meshes as gates of layer 4 meet them: policies that open the mesh's own port, and who is in a mesh."""

from typing import Any

import pytest
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import network_of
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.cilium import read as read_cilium
from pulumi_airlock.gates.kubernetes import ClusterFacts, Workload, read_cluster, workload
from pulumi_airlock.gates.kubernetes.meshes import Carrying, in_meshes
from pulumi_airlock.gates.kubernetes.wanted import cluster_of
from pulumi_airlock.gates.network_policy import read as read_network_policies
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.sets import Services
from pulumi_airlock.tokens import CLUSTER, CONSUL_GATE, HELM_ENVIRONMENT
from ruamel.yaml import YAML

INJECT = {"linkerd": ("linkerd.io/inject", "enabled"), "consul": ("consul.hashicorp.com/connect-inject", "true")}
FINANCE: dict[str, Any] = {
    "namespace": "airflow",
    "release": "airflow",
    "executor": KUBERNETES,
    "accounts": {},
    "database": Database(5432, cidrs=("10.20.9.9/32",)),
    "pod_cidrs": ("10.60.0.0/16",),
}


def tcp(*ports: int) -> Services:
    return Services.union(Services.of("tcp", one, one) for one in ports)


def resource(text: str) -> Resource:
    document = YAML(typ="safe", pure=True).load(text)
    group, _, version = document["apiVersion"].rpartition("/")
    kind = f"kubernetes:{group or 'core'}/{version}:{document['kind']}"
    return Resource(f"urn:pulumi:t::t::{kind}::{document['metadata']['name']}", kind, document)


def pods(mesh: str | None) -> list[Resource]:
    """A web server and the database that it asks; the database has a second port, for its statistics."""
    key, value = INJECT.get(mesh or "", ("note", "none"))
    return [
        resource(f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}, annotations: {{{key}: "{value}"}}}}
spec:
  serviceAccountName: {name}
  containers: [{{name: c, ports: [{{name: main, containerPort: {port}}}, {{name: stats, containerPort: 9187}}]}}]
""")
        for name, port in (("web", 8080), ("db", 5432))
    ]


def opened(filters: list[Filter], at: str) -> Services:
    """What a filter lets through to a workload."""
    return Services.union(rule.match.services for one in filters for rule in one.rules if at in rule.match.hosts.names)


NETWORK_POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: db, namespace: shop}}
spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{{podSelector: {{}}}}], ports: [{{port: {port}}}]}}]}}
"""
CILIUM_POLICY = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: db, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{app: db}}}}
  ingress: [{{fromEndpoints: [{{}}], toPorts: [{{ports: [{{port: "{port}", protocol: TCP}}]}}]}}]
"""
EVERY = Services.of("tcp")


@pytest.mark.parametrize("kind", ["NetworkPolicy", "CiliumNetworkPolicy"])
@pytest.mark.parametrize(
    ("mesh", "port", "reached"),
    [
        (None, 5432, tcp(5432)),
        (None, 4143, tcp(4143)),
        (None, 20000, tcp(20000)),
        ("linkerd", 5432, tcp(5432)),
        # Behind it are all ports: NetworkPolicies tell none apart, and Linkerd's Servers have to.
        ("linkerd", 4143, EVERY - tcp(4143)),
        ("linkerd", 20000, tcp(20000)),
        # Behind it is the service's port alone, by default the first of the containers.
        ("consul", 20000, tcp(5432)),
        ("consul", 9187, tcp(9187)),
        ("consul", 4143, tcp(4143)),
    ],
)
def test_what_a_policy_by_hand_opens_with_the_port_of_a_mesh(mesh: str | None, port: int, reached: Services, kind: str) -> None:
    text, read = (NETWORK_POLICY, read_network_policies) if kind == "NetworkPolicy" else (CILIUM_POLICY, read_cilium)
    stack = Stack([*pods(mesh), resource(text.format(port=port))])
    assert opened(list(read(stack)), "db.shop.pod.cluster.local") == reached


@pytest.mark.parametrize(
    ("mesh", "opens"),
    [("", tcp(5432)), ("istio", tcp(5432)), ("linkerd", tcp(5432, 4143)), ("consul", tcp(20000))],
)
def test_what_has_to_be_open_between_members_and_between_others(mesh: str, opens: Services) -> None:
    web, db, other = (Workload(f"shop/{name}", "shop", name) for name in ("web", "db", "other"))
    carrying = Carrying(mesh, frozenset({"shop/web", "shop/db"}))
    assert carrying.ports(web, db, tcp(5432)) == opens
    assert carrying.ports(other, db, tcp(5432)) == tcp(5432)
    names = Services.of("udp", 53, 53)
    assert carrying.ports(web, db, names) == names  # No mesh carries UDP.


def test_a_control_plane_that_is_declared_is_taken_as_it_is_declared() -> None:
    """A revision of istiod has labels and an account of its own; sidecars reach it by a Service that the declaration names."""
    labels = {"app": "istiod", "istio.io/rev": "1-27"}
    revision = workload("istio-system", "istiod-1-27", labels, services={"istiod": {15012: 15012}})
    network = network_of("finance", **FINANCE, mesh="istio")
    for facts, account in ((ClusterFacts(), "istiod"), (ClusterFacts(workloads=(revision,)), "istiod-1-27")):
        behind = cluster_of(facts, [network]).by_host["istiod.istio-system.svc.cluster.local"]
        assert [one.service_account for one in behind] == [account]


def test_consul_s_terminating_gateway_is_of_the_mesh_and_its_servers_are_not() -> None:
    gate = Resource("urn:pulumi:t::t::g::consul", CONSUL_GATE, {"gateway": {"workload": "consul/terminating-gateway"}})
    gateway = {"namespace": "consul", "serviceAccount": "terminating-gateway", "labels": {"component": "terminating-gateway"}}
    environment = Resource("urn:pulumi:t::t::e::finance", HELM_ENVIRONMENT, {"mesh": "consul", "workloads": []})
    declared = Resource("urn:pulumi:t::t::c::bank", CLUSTER, {"workloads": [gateway]})
    stack = Stack([gate, environment, declared])
    cluster = read_cluster(stack)
    assert "consul/consul-server" in cluster.by_name
    found = in_meshes(stack, cluster)
    assert found["consul/terminating-gateway"] == "consul"
    assert "consul/consul-server" not in found
