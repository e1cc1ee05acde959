"""What the gate makes of routes: the objects as the API takes them, for each kind of destination and for each mesh."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cilium_program import ACCESS, POLICY, make, proven
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.cilium import cilium_values, hubble_export_values, meshed_l7
from pulumi_airlock.gates.istio import EgressGateway, gateway_workload
from pulumi_airlock.gates.stack import Stack
from ruamel.yaml import YAML

CRDS = Path(os.environ.get("AIRLOCK_CRDS", Path(__file__).parents[4] / "shared" / "crds"))
CRD = CRDS / "ciliumnetworkpolicies.yaml"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
ACCOUNT = "k8s:io.cilium.k8s.policy.serviceaccount"
NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def _spec(stack: Stack, name: str) -> dict[str, Any]:
    (found,) = [one for one in stack.of_type(POLICY) if one.get("metadata", "name") == name]
    return dict(found.get("spec"))


def test_a_workload_s_policy() -> None:
    spec = _spec(make(), "cilium-var")
    assert spec["endpointSelector"] == {"matchLabels": {ACCOUNT: "var"}}
    assert "ingress" not in spec
    assert {"toCIDR": ["10.20.4.10/32"], "toPorts": [{"ports": [{"port": "5432", "protocol": "TCP"}]}]} in spec["egress"]
    assert {
        "toFQDNs": [{"matchName": "api.rates.example"}],
        "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}], "serverNames": ["api.rates.example"]}],
    } in spec["egress"]


def test_each_may_ask_for_the_names_of_its_own_routes_and_for_the_cluster_s() -> None:
    stack = make()
    resolver = {"matchLabels": {NAMESPACE: "kube-system", "k8s:k8s-app": "kube-dns"}}

    def asked(name: str) -> list[dict[str, str]]:
        (rule,) = [one for one in _spec(stack, name)["egress"] if one.get("toEndpoints") == [resolver]]
        assert {one["port"] for one in rule["toPorts"][0]["ports"]} == {"53"}
        return list(rule["toPorts"][0]["rules"]["dns"])

    assert asked("cilium-var") == [{"matchPattern": "**.cluster.local"}, {"matchName": "api.rates.example"}]
    assert asked("cilium-etl") == [{"matchPattern": "**.cluster.local"}, {"matchPattern": "**.files.example"}]
    assert asked("cilium-airflow-scheduler") == [{"matchPattern": "**.cluster.local"}]


def test_the_api_server_is_an_entity_for_those_that_need_it() -> None:
    stack = make()
    rule = {"toEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}
    having = {one.get("metadata", "name") for one in stack.of_type(POLICY) if rule in one.get_list("spec", "egress")}
    assert having == {"cilium-airflow-scheduler", "cilium-airflow-api-server"}


def test_requests_are_looked_at_where_they_arrive() -> None:
    stack = make()
    assert _spec(stack, "cilium-ledger")["ingress"] == [
        {
            "fromEndpoints": [{"matchLabels": {NAMESPACE: "airflow", ACCOUNT: "etl"}}],
            # The Service's port 80 is 8080 of the pods, and that is what a policy sees.
            "toPorts": [
                {"ports": [{"port": "8080", "protocol": "TCP"}], "rules": {"http": [{"method": "GET", "path": "/v1/.*"}]}}
            ],
        }
    ]
    paths = [rule["path"] for one in _http(_spec(stack, "cilium-airflow-api-server")) for rule in one]
    assert paths == ["/execution/.*"]


def _http(spec: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    rules = [port for way in ("ingress", "egress") for rule in spec.get(way, []) for port in rule.get("toPorts", [])]
    return [one["rules"]["http"] for one in rules if "http" in one.get("rules", {})]


def test_requests_of_a_mesh_are_left_to_it() -> None:
    stack = make(mesh="istio", labels={"istio-injection": "enabled"})
    assert not any(_http(one.get("spec")) for one in stack.of_type(POLICY))
    assert not meshed_l7(stack)
    # A service that is in no mesh is still looked into.
    apart = make(mesh="istio")
    assert _http(_spec(apart, "cilium-ledger"))


def test_an_ambient_mesh_needs_its_port_at_both_ends() -> None:
    stack = make(mesh="istio", ambient=True, labels={"istio.io/dataplane-mode": "ambient"})
    hbone = {"port": "15008", "protocol": "TCP"}
    pods = [one for one in _spec(stack, "cilium-etl")["egress"] if "toEndpoints" in one]
    ledger = {"matchLabels": {NAMESPACE: "data", ACCOUNT: "ledger"}}
    (out,) = [one for one in pods if ledger in one["toEndpoints"]]
    (into, *_) = _spec(stack, "cilium-ledger")["ingress"]
    assert hbone in out["toPorts"][0]["ports"]
    assert hbone in into["toPorts"][0]["ports"]
    assert {"fromCIDR": ["169.254.7.127/32"]}.items() <= _spec(stack, "cilium-airflow-api-server")["ingress"][-1].items()


def test_names_that_go_through_an_egress_gateway_are_let_out_to_it_alone() -> None:
    gateway = gateway_workload(EgressGateway())
    stack = make(mesh="istio", egress_gateway=gateway)
    spec = _spec(stack, "cilium-var")
    assert not any("toFQDNs" in one for one in spec["egress"])
    assert {
        "toEndpoints": [{"matchLabels": {NAMESPACE: "istio-egress", ACCOUNT: "istio-egressgateway"}}],
        "toPorts": [{"ports": [{"port": "8443", "protocol": "TCP"}]}],
    } in spec["egress"]
    # It still has to look the name up.
    assert {"matchName": "api.rates.example"} in [
        name for one in spec["egress"] for port in one["toPorts"] for name in port.get("rules", {}).get("dns", [])
    ]


def test_flows_are_exported() -> None:
    (found,) = make().of_type(CONFIG_MAP)
    assert (found.get("metadata", "namespace"), found.get("metadata", "name")) == ("kube-system", "cilium-flowlog-config")
    (log,) = YAML(typ="safe", pure=True).load(found.get("data", "flowlogs.yaml"))["flowLogs"]
    assert log["includeFilters"] == [{"source_pod": ["airflow/", "data/"]}, {"destination_pod": ["airflow/", "data/"]}]
    assert "verdict" in log["fieldMask"]
    assert not make(export_namespace=None).of_type(CONFIG_MAP)


def test_values_of_the_chart() -> None:
    dynamic = hubble_export_values(["airflow"])["hubble"]["export"]["dynamic"]
    assert dynamic == {"enabled": True, "config": {"configMapName": "cilium-flowlog-config", "createConfigMap": False}}
    static = hubble_export_values(["airflow"], dynamic=False)["hubble"]["export"]["static"]
    assert static["allowList"] == ['{"source_pod": ["airflow/"]}', '{"destination_pod": ["airflow/"]}']
    assert cilium_values("istio")["socketLB"] == {"hostNamespaceOnly": True}
    assert cilium_values("istio")["cni"] == {"exclusive": False}
    assert "cni" not in cilium_values()
    with pytest.raises(ValueError, match="'moon' is no mesh"):
        cilium_values("moon")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cni": "aws-vpc-cni"}, "declared with the CNI aws-vpc-cni"),
        ({"mesh": "moon"}, "'moon' is no mesh"),
        ({"ambient": True}, "is Istio's"),
    ],
)
def test_what_cannot_be(options: Mapping[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make(**options)


def test_a_protocol_that_it_does_not_open_is_refused() -> None:
    given = {
        **ACCESS,
        "destinations": [{**one, "ports": ["icmp"]} if one["name"] == "warehouse" else one for one in ACCESS["destinations"]],
    }
    with pytest.raises(InputError, match="icmp: this gate opens TCP, UDP and SCTP alone"):
        make(given)


# Whether the API takes it


def _problems(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    """What of a value the definition's schema does not have: unknown fields, types, enumerations, patterns, limits."""
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": (int, float)}
    kind = schema.get("type")
    if kind in kinds and not isinstance(value, kinds[kind]):
        return [f"{where} is no {kind}"]
    found: list[str] = []
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties")
        for key, each in value.items():
            if key in known:
                found += _problems(known[key], each, f"{where}.{key}")
            elif more is None and not schema.get("x-kubernetes-preserve-unknown-fields"):
                found.append(f"{where}.{key} is unknown")
        found += [f"{where}.{key} is missing" for key in schema.get("required", []) if key not in value]
    if isinstance(value, list):
        found += [f"{where} has too many" for _ in [0] if len(value) > schema.get("maxItems", 1 << 30)]
        for number, each in enumerate(value):
            found += _problems(schema.get("items", {}), each, f"{where}[{number}]")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is {value}")
    if isinstance(value, str) and "pattern" in schema and re.search(schema["pattern"], value) is None:
        found.append(f"{where} is {value!r}, and not as {schema['pattern']}")
    return found


@pytest.mark.skipif(not CRD.is_file(), reason="the custom resource definitions are not beside the project")
@pytest.mark.parametrize("options", [{}, {"mesh": "istio", "egress_gateway": gateway_workload(EgressGateway())}], ids=str)
def test_every_object_fits_the_definition(options: Mapping[str, Any]) -> None:
    definition = YAML(typ="safe", pure=True).load(CRD.read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert _problems(schema, {"endpointSelector": {}, "egres": []}, "spec") == ["spec.egres is unknown"]
    found = make(**options).of_type(POLICY)
    assert len(found) > 5
    for one in found:
        assert not _problems(schema, one.get("spec"), one.name)


def test_destinations_with_addresses_and_names_are_reached_by_both() -> None:
    both = {**ACCESS["destinations"][1], "hosts": ["warehouse.bank.example"]}
    given = {**ACCESS, "destinations": [both if one["name"] == "warehouse" else one for one in ACCESS["destinations"]]}
    stack = make(given)
    egress = _spec(stack, "cilium-var")["egress"]
    assert {"matchName": "warehouse.bank.example"} in [name for one in egress for name in one.get("toFQDNs", [])]
    assert ["10.20.4.10/32"] in [one.get("toCIDR") for one in egress]
    proof = proven(stack, given)
    assert not [*proof.blocked, *proof.excess, *proof.unproven]
