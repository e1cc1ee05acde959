"""The reader against an oracle that decides connection by connection, on generated policies of all three kinds."""

from typing import Any

from cilium_filters import decides
from cilium_oracle import NODES, Oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.cilium import read
from pulumi_airlock.gates.kubernetes import read_cluster, stack_from_manifests
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.tokens import CLUSTER

ADDRESSES = ["192.0.2.1", "10.1.2.3", "10.1.9.9", "10.62.0.5"]
NAMES = ["api.one.example", "deep.api.one.example", "other.example"]
REQUESTS = [None, ("GET", "/v1/a"), ("POST", "/v1/a"), ("GET", "/v2")]
SERVICES = [("TCP", 80), ("TCP", 81), ("UDP", 53), ("SCTP", 80)]

_labels = st.dictionaries(st.sampled_from(["app", "tier", "pod-template-hash"]), st.sampled_from(["a", "b"]), max_size=2)
_own = st.one_of(
    st.just({}),
    st.builds(lambda one: {"matchLabels": one}, st.sampled_from([{"app": "a"}, {"k8s:app": "a"}, {"any:tier": "b"}])),
    st.just({"matchLabels": {"pod-template-hash": "a"}}),
    st.builds(lambda one: {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": one}}, st.sampled_from(["sa0", "sa1"])),
    st.builds(
        lambda operator: {"matchExpressions": [{"key": "k8s:app", "operator": operator, "values": ["a"]}]},
        st.sampled_from(["In", "NotIn"]),
    ),
    st.builds(
        lambda operator: {"matchExpressions": [{"key": "tier", "operator": operator}]},
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
_peer = st.one_of(
    _own,
    st.just({"matchLabels": {"k8s:io.kubernetes.pod.namespace": "y"}}),
    st.just({"matchLabels": {"io.kubernetes.pod.namespace": "x", "app": "a"}}),
    st.just({"matchLabels": {"k8s:io.cilium.k8s.namespace.labels.team": "one"}}),
    st.just({"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}),
)
_entities = st.lists(st.sampled_from(["all", "world", "cluster", "host", "remote-node", "health"]), max_size=2)
_blocks = st.lists(st.sampled_from(["10.1.0.0/16", "0.0.0.0/0", "10.62.0.0/24"]), max_size=2)
_sets = st.lists(
    st.sampled_from([{"cidr": "10.1.0.0/16", "except": ["10.1.9.0/24"]}, {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]),
    min_size=1,
    max_size=1,
)
_name = st.sampled_from(
    [{"matchName": "api.one.example"}, {"matchPattern": "**.one.example"}, {"matchPattern": "*"}, {"matchName": "other.example"}]
)
_port = st.sampled_from(
    [
        {"port": "80", "protocol": "TCP"},
        {"port": "80"},
        {"port": "80", "endPort": 90, "protocol": "TCP"},
        {"port": "web", "protocol": "TCP"},
        {"port": "53", "protocol": "UDP"},
        {"port": "0", "protocol": "UDP"},
    ]
)
_http = st.lists(
    st.sampled_from([{}, {"method": "GET"}, {"method": "GET|POST", "path": "/v1/.*"}, {"path": "/v[12](/a)?"}]),
    max_size=2,
)
_l4 = st.fixed_dictionaries({"ports": st.lists(_port, min_size=1, max_size=2)})
_web = st.builds(lambda http: {"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": http}}, _http)
_dns = st.builds(
    lambda names: {
        "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}],
        "toPorts": [{"ports": [{"port": "53"}], "rules": {"dns": names}}],
    },
    st.lists(_name, min_size=1, max_size=2),
)


def _rule(prefix: str, deny: bool) -> Any:
    kinds = [
        st.just({}),
        st.builds(lambda found: {f"{prefix}Endpoints": found}, st.lists(_peer, max_size=2)),
        st.builds(lambda found: {f"{prefix}Entities": found}, _entities),
        st.builds(lambda found: {f"{prefix}CIDR": found}, _blocks),
        st.builds(lambda found: {f"{prefix}CIDRSet": found}, _sets),
    ]
    if prefix == "to" and not deny:
        kinds.append(st.builds(lambda found: {"toFQDNs": found}, st.lists(_name, min_size=1, max_size=2)))
    ports = st.lists(_l4 if deny else st.one_of(_l4, _web), max_size=2)
    rule = st.builds(lambda who, entries: {**who, **({"toPorts": entries} if entries else {})}, st.one_of(kinds), ports)
    return rule if deny or prefix == "from" else st.one_of(rule, rule, _dns)


_spec = st.fixed_dictionaries(
    {"endpointSelector": _own},
    optional={
        "ingress": st.lists(_rule("from", False), max_size=2),
        "egress": st.lists(_rule("to", False), max_size=3),
        "ingressDeny": st.lists(_rule("from", True), max_size=1),
        "egressDeny": st.lists(_rule("to", True), max_size=1),
        "enableDefaultDeny": st.sampled_from([{"egress": False}, {"ingress": False, "egress": False}, {"ingress": True}]),
    },
)
_network_spec = st.fixed_dictionaries(
    {"podSelector": st.just({}), "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]])},
    optional={
        "ingress": st.just([{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}], "ports": [{"port": 81}]}]),
        "egress": st.sampled_from([[{"ports": [{"port": 80}]}], [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]]),
    },
)


@st.composite
def clusters(draw: Any) -> tuple[Oracle, list[dict[str, Any]]]:
    namespaces = {"x": {"team": "one"}, "y": draw(st.sampled_from([{}, {"team": "one"}])), "kube-system": {}}
    pods: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{number}", "namespace": draw(st.sampled_from(["x", "y"])), "labels": draw(_labels)},
            "spec": {
                "serviceAccountName": f"sa{number}",
                "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": draw(st.sampled_from([80, 81]))}]}],
                **({"hostNetwork": True} if draw(st.integers(0, 9)) == 0 else {}),
            },
        }
        for number in range(draw(st.integers(2, 3)))
    ]
    resolver = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"serviceAccountName": "coredns", "containers": [{"name": "c"}]},
    }
    policies = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(
            st.sampled_from(["CiliumNetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy"])
        )
        metadata: dict[str, Any] = {"name": f"np{number}", "namespace": draw(st.sampled_from(["x", "y"]))}
        if kind == "NetworkPolicy":
            policies.append(
                {"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": draw(_network_spec)}
            )
            continue
        if kind != "CiliumNetworkPolicy":
            del metadata["namespace"]
        spec = {"spec": draw(_spec)} if draw(st.booleans()) else {"specs": draw(st.lists(_spec, min_size=1, max_size=2))}
        policies.append({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, **spec})
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in namespaces.items()
    ]
    return Oracle(namespaces, [*pods, resolver], policies), [*spaces, *pods, resolver, *policies]


def _stack(documents: list[dict[str, Any]]) -> Stack:
    facts = {"cni": "cilium", "podCidrs": ["10.60.0.0/16"], "serviceCidrs": ["10.61.0.0/16"], "nodeCidrs": [NODES]}
    declared = Resource(f"urn:pulumi:t::t::{CLUSTER}::bank", CLUSTER, facts)
    return Stack([*stack_from_manifests(documents).resources, declared])


@given(clusters())
@settings(max_examples=300, deadline=None)
def test_filters_decide_as_the_oracle_does(case: tuple[Oracle, list[dict[str, Any]]]) -> None:
    oracle, documents = case
    if all(one["kind"] == "NetworkPolicy" for one in oracle.policies):
        return
    stack = _stack(documents)
    filters = list(read(stack))
    by_pod = {one.owner.removeprefix("Pod "): one for one in read_cluster(stack).workloads if one.owner}
    ends: list[Any] = [*oracle.pods, *(f"addr:{one}" for one in ADDRESSES), *(f"name:{one}" for one in NAMES)]
    for source in ends:
        if isinstance(source, str) and source.startswith("name:"):
            continue
        for target in ends:
            if source is target or (isinstance(source, str) and isinstance(target, str)):
                continue
            who = "" if isinstance(source, str) else by_pod[source["metadata"]["name"]].name
            address = Hosts.from_cidr(source.removeprefix("addr:")) if isinstance(source, str) else Hosts()
            for protocol, port in SERVICES:
                for request in REQUESTS if (protocol, port) == ("TCP", 80) else [None]:
                    expected = oracle.allows(source, target, protocol, port, request)
                    service = Services.of(protocol.lower(), port, port)
                    found = decides(filters, who, address, _target(target, by_pod), service, request)
                    assert found == expected, (
                        who or source,
                        target if isinstance(target, str) else target["metadata"],
                        protocol,
                        port,
                        request,
                    )


def _target(target: Any, by_pod: dict[str, Any]) -> str | Hosts:
    if not isinstance(target, str):
        return str(by_pod[target["metadata"]["name"]].names[0])
    kind, _, text = target.partition(":")
    return text if kind == "name" else Hosts.from_cidr(text)
