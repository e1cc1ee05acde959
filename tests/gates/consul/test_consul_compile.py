"""What ConsulGate makes lets in exactly who is wanted, whatever the default policy; what Consul cannot tell is refused."""

import re
from typing import Any

import pytest
from consul_oracle import Pod, allows
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.consul.compile import TerminatingGateway, compile_mesh
from pulumi_airlock.gates.kubernetes import workload
from pulumi_airlock.gates.kubernetes.cluster import Cluster
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.proof.filters import HttpOperation
from pulumi_airlock.proof.sets import Hosts, Services

DB = workload("data", "db", {"app": "db"}, services={"db": {8080: 8080}})
NAMES = ("etl", "var", "web")
CALLERS = [workload("airflow", name, {"app": name}) for name in NAMES]
CLUSTER = Cluster((DB, *CALLERS), {})
PORT = Services.of("tcp", 8080, 8080)
PATHS = ("/v1", "/v1/", "/v1/x", "/v1/x/y", "/v2", "/v3")
REQUESTS = [(method, path) for method in ("GET", "POST") for path in PATHS]


def _wanted(caller: str, operations: frozenset[HttpOperation] | None, to: Hosts = DB.hosts, *behind: Any) -> Wanted:
    return Wanted(frozenset({f"airflow/{caller}"}), (), to, PORT, behind or (DB,), PORT, operations, (f"route-{caller}",))


def _manifests(found: list[Wanted], cluster: Cluster = CLUSTER) -> list[dict[str, Any]]:
    return [
        {"kind": one.kind, "metadata": {"name": one.name, "namespace": one.namespace}, "spec": dict(one.spec)}
        for one in compile_mesh(found, cluster, ["data", "airflow"], "consul", None)
    ]


def _means(path: str, asked: str) -> bool:
    return re.fullmatch(re.escape(path).replace(r"\*", ".*"), asked) is not None


def _wants(operations: frozenset[HttpOperation], request: tuple[str, str]) -> bool:
    return any(
        one.method in ("*", request[0])
        and request[0] not in one.not_methods
        and _means(one.path, request[1])
        and not any(_means(path, request[1]) for path in one.not_paths)
        for one in operations
    )


_operation = st.builds(
    HttpOperation,
    st.sampled_from(["*", "*", "GET", "POST"]),
    st.sampled_from(["/*", "/v1/*", "/v1/x/*", "/v1/x", "/v2"]),
    st.sampled_from([frozenset(), frozenset(), frozenset({"POST"})]),
    st.sampled_from([frozenset(), frozenset(), frozenset({"/v1/*"}), frozenset({"/v2", "/v1/x"})]),
)
_operations = st.one_of(st.none(), st.frozensets(_operation, min_size=1, max_size=2), st.frozensets(_operation, min_size=1))


def test_exactly_who_is_wanted_comes_in_whatever_the_default_policy() -> None:
    seen = {"made": 0, "refused": 0}

    @settings(max_examples=250, deadline=None)
    @given(st.lists(_operations, min_size=1, max_size=3), st.booleans())
    def compare(given: list[frozenset[HttpOperation] | None], default: bool) -> None:
        try:
            made = _manifests([_wanted(name, operations) for name, operations in zip(NAMES, given, strict=False)])
        except InputError:
            seen["refused"] += 1
            return
        seen["made"] += 1
        for name, operations in zip(NAMES, [*given, frozenset[HttpOperation](), frozenset[HttpOperation]()], strict=False):
            for request in REQUESTS:
                expected = operations is None or _wants(operations, request)
                caller = Pod("airflow", name)
                assert allows(made, default, caller, Pod("data", "db"), 8080, request) is expected, (name, request)

    compare()
    assert seen["made"] > 50
    assert seen["refused"] > 5


def test_a_name_that_two_namespaces_have_is_refused() -> None:
    other = workload("other", "db", {"app": "db"}, services={"db": {8080: 8080}})
    cluster = Cluster((DB, other, *CALLERS), {})
    with pytest.raises(InputError, match="db: is a service account in data, other: Consul calls services by their accounts"):
        compile_mesh([_wanted("etl", None)], cluster, ["data", "other"], "consul", None)


def test_workloads_of_one_account_are_one_service() -> None:
    twin = workload("data", "db", {"app": "twin"}, services={"twin": {8080: 8080}})
    cluster = Cluster((DB, twin, *CALLERS), {})
    made = _manifests([_wanted("etl", None), _wanted("var", None, twin.hosts, twin)], cluster)
    (intention,) = [one for one in made if one["kind"] == "ServiceIntentions" and one["metadata"]["name"] == "db"]
    assert intention["spec"]["sources"] == [{"name": "etl", "action": "allow"}, {"name": "var", "action": "allow"}]


def test_a_service_beyond_the_cluster_is_one_whoever_calls_it() -> None:
    bank = Hosts.from_names(["bank.example"])
    found = [
        Wanted(frozenset({f"airflow/{name}"}), (), bank, PORT, operations=operations, routes=(name,))
        for name, operations in (("etl", None), ("var", frozenset({HttpOperation("GET", "/v1")})))
    ]
    objects = compile_mesh(found, CLUSTER, ["airflow"], "consul", TerminatingGateway())
    (intention,) = [one for one in objects if one.kind == "ServiceIntentions" and one.name == "bank.example"]
    assert [one["name"] for one in intention.spec["sources"]] == ["etl", "var"]
    assert [one.spec for one in objects if one.kind == "TerminatingGateway"] == [{"services": [{"name": "bank.example"}]}]
    with pytest.raises(InputError, match=r"bank\.example is beyond the cluster: a terminating gateway is needed"):
        compile_mesh(found, CLUSTER, ["airflow"], "consul", None)
