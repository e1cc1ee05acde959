"""Ambient mode: ztunnel sees no requests, a waypoint does, and behind it ztunnel sees the waypoint."""

import pytest
from istio_filters import passes
from istio_objects import Manifest, manifests, namespace, pod, thing
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.istio import read
from pulumi_airlock.gates.istio.compile import AMBIENT, compile_mesh
from pulumi_airlock.gates.kubernetes import names_of, read_cluster, stack_from_manifests
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.proof.filters import HttpOperation
from pulumi_airlock.proof.sets import Hosts, Services

SPACES = [
    namespace("data", **{"istio.io__dataplane_mode": "ambient", "istio.io__use_waypoint": "waypoint"}),
    namespace("airflow", **{"istio.io__dataplane_mode": "ambient"}),
    namespace("out"),
    *pod("data", "web", {80: ""}),
    *pod("airflow", "etl"),
    *pod("airflow", "var"),
    *pod("out", "stranger"),
]
HOST = "web.data.svc.cluster.local"


def _compiled() -> list[Manifest]:
    cluster = read_cluster(stack_from_manifests(SPACES), strangers=False)
    web = cluster.by_name["data/web"]
    requests = frozenset({HttpOperation("GET", "/v1/*")})
    port = Services.of("tcp", 80, 80)
    wanted = Wanted(frozenset({"airflow/etl"}), (), Hosts.from_names([HOST]), port, (web,), port, requests, ("etl-web",))
    return manifests(compile_mesh([wanted], cluster, ["data"], "istio", (1, 27), None, mode=AMBIENT).objects)


def _asks(documents: list[Manifest], caller: str, path: str = "/v1/x") -> bool | None:
    filters = list(read(stack_from_manifests([*SPACES, *documents])))
    return passes(filters, caller, "10.0.0.1", HOST, 80, ("GET", path))


def test_a_waypoint_tells_requests_apart() -> None:
    made = _compiled()
    assert _asks(made, "airflow/etl") is True
    assert _asks(made, "airflow/etl", "/admin") is False
    assert _asks(made, "airflow/var") is False
    assert _asks(made, "out/stranger") is False
    assert _asks(made, "") is False


def test_without_the_waypoint_nobody_gets_in() -> None:
    made = [one for one in _compiled() if one["kind"] != "Gateway"]
    assert _asks(made, "airflow/etl") is False


def test_what_the_waypoint_lets_through_the_workload_refuses_without_its_identity() -> None:
    made = [one for one in _compiled() if not one["metadata"]["name"].endswith("waypoint")]
    made.append(thing("Gateway", "data", "waypoint", {"gatewayClassName": "istio-waypoint"}, "gateway.networking.k8s.io/v1"))
    assert _asks(made, "airflow/etl") is False


def test_whoever_is_not_of_the_mesh_does_not_pass_the_waypoint() -> None:
    made = [one for one in _compiled() if one["kind"] != "PeerAuthentication"]
    open_ = thing("AuthorizationPolicy", "data", "open", {"rules": [{"to": [{"operation": {"ports": ["80"]}}]}]})
    assert _asks([*made, open_], "out/stranger") is True
    assert _asks([*made, open_], "airflow/var") is False


@pytest.mark.parametrize(
    ("action", "rule", "gets_in"),
    [
        ("ALLOW", {"to": [{"operation": {"paths": ["/v1/*"]}}]}, False),
        ("ALLOW", {"to": [{"operation": {"ports": ["80"]}}]}, True),
        # What has nothing left of it does nothing there: such a DENY lets through what it names.
        ("DENY", {"to": [{"operation": {"paths": ["/v1/*"]}}]}, True),
        ("DENY", {"to": [{"operation": {"paths": ["/v1/*"], "ports": ["80"]}}]}, False),
        ("CUSTOM", {}, True),
    ],
)
def test_ztunnel_sees_no_requests(action: str, rule: Manifest, gets_in: bool) -> None:
    policy = thing("AuthorizationPolicy", "data", "one", {"action": action, "rules": [rule]})
    assert _asks([policy], "airflow/etl") is gets_in


def test_names_beyond_the_cluster_are_refused() -> None:
    cluster = read_cluster(stack_from_manifests(SPACES), strangers=False)
    out = Wanted(names_of(cluster.workloads), (), Hosts.from_names(["a.example"]), Services.of("tcp", 443, 443), routes=("r",))
    with pytest.raises(InputError, match="in ambient mode this gate makes no way out of the cluster"):
        compile_mesh([out], cluster, ["data"], "istio", (1, 27), None, mode=AMBIENT)


def test_what_is_attached_to_a_waypoint_may_let_through_what_its_policies_refuse() -> None:
    spec = {"targetRefs": [{"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint"}]}
    put = thing("WasmPlugin", "data", "x", {"url": "oci://registry/x", **spec}, "extensions.istio.io/v1alpha1")
    elsewhere = thing("WasmPlugin", "airflow", "x", {"url": "oci://registry/x", **spec}, "extensions.istio.io/v1alpha1")
    assert [_asks([*_compiled(), one], "airflow/etl", "/admin") for one in (put, elsewhere)] == [None, False]
