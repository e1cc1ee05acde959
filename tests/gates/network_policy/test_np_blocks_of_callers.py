"""A block of addresses beyond the cluster lets in who is there: no pod, where it is known which addresses pods have."""

import pytest
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.network_policy import read
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.tokens import CLUSTER
from ruamel.yaml import YAML

MANIFESTS = """
- apiVersion: v1
  kind: Pod
  metadata: {name: gateway, namespace: airflow, labels: {app: gateway}}
  spec: {serviceAccountName: gateway, containers: [{name: c}]}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: people, namespace: airflow}
  spec:
    podSelector: {matchLabels: {app: gateway}}
    ingress: [{from: [{ipBlock: {cidr: 10.30.0.0/16}}], ports: [{port: 8443}]}]
"""


def lets_in(filters: list[Filter], who: str, address: str) -> bool:
    """Whether any rule lets somebody with an address in at the gateway's port."""
    port, source = Services.of("tcp", 8443, 8443), Hosts.from_cidr(address)
    return any(
        (rule.match.who.workloads is None or who in rule.match.who.workloads)
        and (rule.match.who.sources is None or rule.match.who.sources.covers_addresses(source))
        and (rule.match.services & port) == port
        for one in filters
        for rule in one.rules
    )


@pytest.mark.parametrize("pods", [["10.60.0.0/16"], []], ids=["pods' networks known", "not known"])
@pytest.mark.parametrize("who", ["", "*/*", "shop/web"])
def test_whom_a_block_of_people_lets_in(who: str, pods: list[str]) -> None:
    declared = Resource("urn:pulumi:t::t::c::bank", CLUSTER, {"cni": "aws-vpc-cni", "podCidrs": pods})
    found = list(read(Stack([*stack_from_manifests(YAML(typ="safe", pure=True).load(MANIFESTS)).resources, declared])))
    # Somebody who is no workload comes from there; of a pod with such an address nothing is known but where nobody says.
    assert lets_in(found, who, "10.30.0.10") is (not who or not pods)
    assert not lets_in(found, who, "10.31.0.10")
