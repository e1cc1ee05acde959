"""What the gate makes: one case a fact of Istio's, and all of it against Istio's own definitions of its objects."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from istio_objects import Manifest, namespace, pod
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.istio import EgressGateway, mesh_config
from pulumi_airlock.gates.istio.compile import AMBIENT, SIDECAR, compile_mesh
from pulumi_airlock.gates.istio.objects import IstioObject
from pulumi_airlock.gates.istio.versions import parse_version, takes_accounts
from pulumi_airlock.gates.kubernetes import read_cluster, stack_from_manifests
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.logs import envoy
from pulumi_airlock.proof.filters import HttpOperation
from pulumi_airlock.proof.sets import Hosts, Services

CRDS = Path(os.environ.get("AIRLOCK_CRDS", Path(__file__).parents[4] / "shared" / "crds")) / "istio.yaml"
CLUSTER = read_cluster(
    stack_from_manifests(
        [
            namespace("data", istio_injection="enabled"),
            *pod("data", "web", {80: ""}),
            *(one for number in range(20) for one in pod("airflow", f"etl{number}")),
            *pod("airflow", "one.dot"),
        ]
    ),
    strangers=False,
)
WEB = CLUSTER.by_name["data/web"]
PORT = Services.of("tcp", 80, 80)


def _in_cluster(*callers: str, operations: frozenset[HttpOperation] | None = None, services: Services = PORT) -> Wanted:
    names = frozenset(f"airflow/{one}" for one in callers)
    return Wanted(names, (), WEB.hosts, services, (WEB,), services, operations, ("etl-web",))


def _out(*callers: str) -> Wanted:
    names = frozenset(f"airflow/{one}" for one in callers)
    return Wanted(names, (), Hosts.from_names(["api.stripe.com"]), Services.of("tcp", 443, 443), routes=("etl-stripe",))


def _made(*found: Wanted, version: str = "1.27.9", mode: str = SIDECAR) -> tuple[IstioObject, ...]:
    number = parse_version("istio", version)
    return compile_mesh(found, CLUSTER, ["data"], "istio", number, EgressGateway(), mode=mode, access_log="airlock-json").objects


def _rules(objects: tuple[IstioObject, ...]) -> list[Manifest]:
    return next(one.spec["rules"] for one in objects if one.kind == "AuthorizationPolicy" and one.spec)


@pytest.mark.parametrize(
    ("version", "account", "accounts"),
    [
        ("1.24", "etl", False),
        ("1.25", "etl", True),
        ("1.27.3", "etl", True),
        ("1.27.8", "one.dot", False),
        ("1.27.9", "one.dot", True),
        ("1.28", "one.dot", False),
        ("1.28.6", "one.dot", True),
        ("1.29.1", "one.dot", False),
        ("1.30", "one.dot", True),
    ],
)
def test_callers_are_named_as_the_version_takes_them(version: str, account: str, accounts: bool) -> None:
    assert takes_accounts(parse_version("istio", version), [account]) is accounts


def test_the_same_callers_by_principals() -> None:
    rule = _rules(_made(_in_cluster("etl1"), version="1.24"))[0]
    assert rule["from"] == [{"source": {"principals": ["cluster.local/ns/airflow/sa/etl1"]}}]


def test_a_list_of_service_accounts_has_no_more_than_the_api_takes() -> None:
    rule = _rules(_made(_in_cluster(*(f"etl{number}" for number in range(20)))))[0]
    assert [len(one["source"]["serviceAccounts"]) for one in rule["from"]] == [16, 4]


def test_without_ports_and_requests_there_is_no_operation() -> None:
    assert "to" not in _rules(_made(_in_cluster("etl1", services=Services())))[0]


def test_requests_by_method_and_path() -> None:
    asked = frozenset({HttpOperation("*", "/*", frozenset({"DELETE"}), frozenset({"/execution/*"}))})
    to = _rules(_made(_in_cluster("etl1", operations=asked)))[0]["to"]
    assert to == [{"operation": {"ports": ["80"], "paths": ["/*"], "notMethods": ["DELETE"], "notPaths": ["/execution/*"]}}]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (_in_cluster("etl1", operations=frozenset({HttpOperation("GET", "/a/*/b")})), "path '/a/*/b'"),
        (_in_cluster("etl1", operations=frozenset({HttpOperation("*", "/*", not_paths=frozenset({"/a?"}))})), "path '/a?'"),
        (_in_cluster("etl1", services=Services.of("tcp", 8000, 9000)), "single TCP ports"),
        (_in_cluster("etl1", services=Services.of("udp", 53, 53)), "single TCP ports"),
    ],
)
def test_what_the_api_cannot_say_is_refused(wanted: Wanted, says: str) -> None:
    with pytest.raises(InputError) as caught:
        _made(wanted)
    assert says in str(caught.value)


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="'1' is no version of Istio"):
        parse_version("istio", "1")


def test_the_access_log_is_one_that_verify_reads() -> None:
    labels = mesh_config()["extensionProviders"][0]["envoyFileAccessLog"]["logFormat"]["labels"]
    line = dict.fromkeys(labels, "") | {
        "response_code": "403",
        "response_code_details": "rbac_access_denied_matched_policy[none]",
        "downstream_remote_address": "10.60.0.9:4711",
        "downstream_local_address": "198.51.100.7:443",
        "requested_server_name": "api.stripe.com",
        "principal": "spiffe://cluster.local/ns/airflow/sa/etl",
    }
    found = envoy.of(line)
    assert found is not None
    assert (found.allowed, found.user) == (False, "spiffe://cluster.local/ns/airflow/sa/etl")
    assert (found.name, found.port) == ("api.stripe.com", 443)


@cache
def _schemas() -> dict[str, Any]:
    if not CRDS.exists():
        pytest.skip(f"no definitions of Istio's objects at {CRDS}")
    from ruamel.yaml import YAML

    found: dict[str, Any] = {}
    for document in YAML(typ="safe").load_all(CRDS.read_text()):
        for version in (document or {}).get("spec", {}).get("versions", []):
            key = f"{document['spec']['group']}/{version['name']}:{document['spec']['names']['kind']}"
            found[key] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def _wrong(value: Any, schema: Any, at: str) -> Iterator[str]:
    """What of a value its schema does not allow: the part of OpenAPI that these definitions use."""
    kind = schema.get("type")
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float)}
    if schema.get("x-kubernetes-int-or-string"):
        kind = None
    if kind in kinds and not isinstance(value, kinds[kind]):
        yield f"{at} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}"
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)) or len(value) < schema.get("minItems", 0):
            yield f"{at} has {len(value)} entries"
        for number, one in enumerate(value):
            yield from _wrong(one, schema.get("items", {}), f"{at}[{number}]")
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield f"{at} is too long"
    if isinstance(value, dict):
        yield from (f"{at}.{key} is missing" for key in schema.get("required", []) if key not in value)
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, one in value.items():
            if key not in known and not others:
                yield f"{at}.{key} is unknown"
            else:
                yield from _wrong(one, known.get(key, others), f"{at}.{key}")


@pytest.mark.parametrize("mode", [SIDECAR, AMBIENT])
def test_every_object_is_as_istio_defines_it(mode: str) -> None:
    asked = frozenset({HttpOperation("GET", "/v1/*")})
    found = [
        _in_cluster(*(f"etl{number}" for number in range(20)), operations=asked),
        *([_out("etl1")] if mode == SIDECAR else []),
    ]
    kinds = set()
    for one in _made(*found, mode=mode):
        if ".istio.io/" in one.api_version:
            kinds.add(one.kind)
            assert not list(_wrong(one.spec, _schemas()[f"{one.api_version}:{one.kind}"], one.kind)), one
    assert kinds >= {"PeerAuthentication", "AuthorizationPolicy", "Telemetry"}
    assert mode == AMBIENT or kinds >= {"ServiceEntry", "Gateway", "VirtualService", "DestinationRule"}


def test_the_check_finds_what_is_wrong() -> None:
    schema = _schemas()["security.istio.io/v1:AuthorizationPolicy"]
    assert list(_wrong({"action": "PERMIT"}, schema, "spec")) == ["spec.action is 'PERMIT'"]
    assert list(_wrong({"rule": []}, schema, "spec")) == ["spec.rule is unknown"]
    many = {"rules": [{"from": [{"source": {"serviceAccounts": [f"a/{number}" for number in range(17)]}}]}]}
    assert list(_wrong(many, schema, "spec")) == ["spec.rules[0].from[0].source.serviceAccounts has 17 entries"]
