"""What LinkerdGate makes lets in exactly who is wanted, by the reader and by the oracle; what Linkerd cannot tell is refused."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from istio_filters import passes
from linkerd_oracle import Pod, allows
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.kubernetes import stack_from_manifests, workload
from pulumi_airlock.gates.kubernetes.cluster import Cluster
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.gates.linkerd import read
from pulumi_airlock.gates.linkerd.compile import LinkerdObject, compile_mesh
from pulumi_airlock.proof.filters import HttpOperation
from pulumi_airlock.proof.sets import Hosts, Services

DB = workload("data", "db", {"app": "db"}, services={"db": {8080: 8080}})
NAMES = ("etl", "var", "web")
CALLERS = [workload("airflow", name, {"app": name}) for name in NAMES]
CLUSTER = Cluster((DB, *CALLERS), {})
PORT = Services.of("tcp", 8080, 8080)
METHODS = ("*", "*", "GET", "POST")
PATHS = ("/*", "/*", "/v1/*", "/v1/x/*", "/v1/x", "/v2", "/api/v2/version", "/")
REQUESTS = [
    (method, path)
    for method in ("GET", "POST")
    for path in ("/", "/v1", "/v1/", "/v1/x", "/v1/x/y", "/v2", "/v3", "/api/v2/version")
]


def _wanted(caller: str, operations: frozenset[HttpOperation] | None) -> Wanted:
    names = frozenset({f"airflow/{caller}"})
    return Wanted(names, (), DB.hosts, PORT, (DB,), PORT, operations, ("r",))


def _objects(found: list[Wanted], nodes: tuple[str, ...] = ()) -> list[LinkerdObject]:
    return compile_mesh(found, CLUSTER, ["data"], "linkerd", nodes)


def _manifests(objects: list[LinkerdObject]) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": f"policy.linkerd.io/{one.version}",
            "kind": one.kind,
            "metadata": {"name": one.name, "namespace": one.namespace},
            "spec": one.spec,
        }
        for one in objects
    ]


def _pods() -> list[dict[str, Any]]:
    said = {"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": "deny"}
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": said}} for name in ("data", "airflow")
    ]
    for space, name in (("data", "db"), *(("airflow", name) for name in NAMES)):
        metadata = {"name": name, "namespace": space, "labels": {"app": name}}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"serviceAccountName": name}})
    service = {"selector": {"app": "db"}, "ports": [{"port": 8080}]}
    return [*found, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "data"}, "spec": service}]


def _means(path: str, asked: str) -> bool:
    return re.fullmatch(re.escape(path).replace(r"\*", ".*"), asked) is not None


def _wants(operations: frozenset[HttpOperation] | None, request: tuple[str, str] | None) -> bool:
    if operations is None:
        return True
    return request is not None and any(
        one.method in ("*", request[0])
        and request[0] not in one.not_methods
        and _means(one.path, request[1])
        and not any(_means(path, request[1]) for path in one.not_paths)
        for one in operations
    )


_operation = st.builds(
    HttpOperation,
    st.sampled_from(METHODS),
    st.sampled_from(PATHS),
    st.sampled_from([frozenset(), frozenset(), frozenset({"POST"})]),
    st.sampled_from([frozenset(), frozenset(), frozenset({"/v1/*"}), frozenset({"/v2"}), frozenset({"/v1/x", "/v1/x/*"})]),
)
_operations = st.one_of(st.none(), st.frozensets(_operation, min_size=1, max_size=2), st.frozensets(_operation, min_size=1))


def test_exactly_who_is_wanted_comes_in() -> None:
    seen = {"made": 0, "refused": 0}

    @settings(max_examples=250, deadline=None)
    @given(st.lists(_operations, min_size=1, max_size=3), st.permutations(range(40)))
    def compare(given: list[frozenset[HttpOperation] | None], ages: list[int]) -> None:
        wanted = [_wanted(name, operations) for name, operations in zip(NAMES, given, strict=False)]
        try:
            made = _manifests(_objects(wanted, ("10.9.0.0/16",)))
        except InputError:
            seen["refused"] += 1
            return
        seen["made"] += 1
        aged = [
            {**one, "metadata": {**one["metadata"], "creationTimestamp": f"2026-01-01T00:00:{ages[number % 40]:02}Z"}}
            for number, one in enumerate(made)
        ]
        filters = list(read(stack_from_manifests([*_pods(), *made])))
        for name, operations in zip(NAMES, given, strict=False):
            caller = Pod("airflow", name, address="10.2.0.1")
            for request in (None, *REQUESTS):
                expected = _wants(operations, request)
                assert allows(aged, "deny", caller, Pod("data", "db", {"app": "db"}), 8080, request) is expected, (name, request)
                answer = passes(filters, f"airflow/{name}", "10.2.0.1", "db.data.svc.cluster.local", 8080, request)
                assert answer in (expected, None), (name, request)

    compare()
    assert seen["made"] > 50
    assert seen["refused"] > 10


def test_what_is_made_is_read_without_a_doubt() -> None:
    hidden = frozenset({"/execution", "/execution/*"})
    found = [
        _wanted("etl", frozenset({HttpOperation("*", "/execution/*")})),
        _wanted("web", frozenset({HttpOperation("*", "/*", not_paths=hidden)})),
        _wanted("var", None),
    ]
    (made,) = read(stack_from_manifests([*_pods(), *_manifests(_objects(found, ("10.9.0.0/16",)))]))
    assert not any(rule.unknown for rule in made.rules)


def test_probes_are_for_the_nodes_and_for_whoever_may_send_them_anyway() -> None:
    objects = _objects([_wanted("web", frozenset({HttpOperation("*", "/*")}))], ("10.9.0.0/16",))
    policies = [one for one in objects if one.kind == "AuthorizationPolicy" and one.spec["targetRef"]["name"] == "db-8080-probes"]
    assert {ref["kind"] for one in policies for ref in one.spec["requiredAuthenticationRefs"]} == {
        "MeshTLSAuthentication",
        "NetworkAuthentication",
    }


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (HttpOperation("*", "/v1/*"), HttpOperation("*", "/v1/x"), "* /v1/* and * /v1/x are for different callers"),
        (HttpOperation("GET", "/a/*/b"), HttpOperation("GET", "/c"), "path '/a/*/b': Linkerd's routes know exact paths"),
    ],
)
def test_what_linkerd_cannot_tell_apart_is_refused(first: HttpOperation, second: HttpOperation, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        _objects([_wanted("etl", frozenset({first})), _wanted("var", frozenset({second}))])


def test_destinations_beyond_the_cluster_are_refused() -> None:
    beyond = Wanted(frozenset({"airflow/etl"}), (), Hosts.from_names(["bank.example"]), PORT, routes=("out",))
    with pytest.raises(InputError, match=r"route out: .*beyond the cluster"):
        _objects([beyond])
