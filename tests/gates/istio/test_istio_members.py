"""Who is in the mesh, how it takes connections, and what MeshConfig changes: one case a row."""

from typing import Any

import pytest
from istio_filters import passes
from istio_objects import Manifest, namespace, pod, thing
from pulumi_airlock.gates.istio import read
from pulumi_airlock.gates.istio.policies import read_mesh
from pulumi_airlock.gates.kubernetes import read_cluster, stack_from_manifests
from pulumi_airlock.proof.sets import Services

ON = {"istio_injection": "enabled"}


def _mesh(*documents: Manifest) -> Any:
    stack = stack_from_manifests(documents)
    return read_mesh(stack, read_cluster(stack))


@pytest.mark.parametrize(
    ("space", "metadata", "proxy"),
    [
        ({}, {}, None),
        (ON, {}, "SIDECAR"),
        ({"istio_injection": "disabled"}, {"labels": {"sidecar.istio.io/inject": "true"}}, None),
        ({"istio_injection": "disabled", "istio.io__rev": "1-27"}, {}, None),
        ({"istio.io__rev": "1-27"}, {}, "SIDECAR"),
        (ON, {"labels": {"sidecar.istio.io/inject": "false"}}, None),
        (ON, {"annotations": {"sidecar.istio.io/inject": "false"}}, None),
        (ON, {"labels": {"sidecar.istio.io/inject": "true"}, "annotations": {"sidecar.istio.io/inject": "false"}}, "SIDECAR"),
        ({}, {"labels": {"sidecar.istio.io/inject": "true"}}, "SIDECAR"),
        ({}, {"labels": {"istio.io/rev": "1-27"}}, "SIDECAR"),
        ({"istio.io__dataplane_mode": "ambient"}, {}, "AMBIENT"),
        ({"istio.io__dataplane_mode": "ambient"}, {"labels": {"istio.io/dataplane-mode": "none"}}, None),
        ({"istio.io__dataplane_mode": "ambient"}, {"labels": {"sidecar.istio.io/inject": "true"}}, "SIDECAR"),
    ],
)
def test_who_is_in_the_mesh(space: dict[str, str], metadata: dict[str, Any], proxy: str | None) -> None:
    mesh = _mesh(namespace("data", **space), *pod("data", "web", **metadata))
    found = mesh.proxies.get("data/web")
    assert (found.name if found else None) == proxy


def test_pods_on_their_nodes_network_are_in_no_mesh() -> None:
    one = pod("data", "web")[0]
    one["spec"]["hostNetwork"] = True
    assert "data/web" not in _mesh(namespace("data", **ON), one).proxies


def _peer(space: str, name: str, mode: str, *, created: str = "", app: str = "", ports: dict[str, str] | None = None) -> Manifest:
    spec: Manifest = {"mtls": {"mode": mode}} if mode else {}
    spec |= {"selector": {"matchLabels": {"app": app}}} if app else {}
    spec |= {"portLevelMtls": {port: {"mode": each} for port, each in ports.items()}} if ports else {}
    return thing("PeerAuthentication", space, name, spec, **({"creationTimestamp": created} if created else {}))


@pytest.mark.parametrize(
    ("peers", "modes"),
    [
        ([], {"PERMISSIVE"}),
        ([_peer("istio-system", "mesh", "STRICT")], {"STRICT"}),
        ([_peer("istio-system", "mesh", "STRICT"), _peer("data", "ns", "PERMISSIVE")], {"PERMISSIVE"}),
        ([_peer("istio-system", "mesh", "STRICT"), _peer("data", "ns", "UNSET")], {"STRICT"}),
        ([_peer("data", "ns", "STRICT"), _peer("data", "web", "DISABLE", app="web")], {"DISABLE"}),
        ([_peer("data", "ns", "STRICT"), _peer("data", "other", "DISABLE", app="other")], {"STRICT"}),
        ([_peer("data", "ns", "STRICT"), _peer("istio-system", "web", "DISABLE", app="web")], {"STRICT"}),
        ([_peer("data", "a", "STRICT"), _peer("data", "b", "PERMISSIVE")], {"STRICT", "PERMISSIVE"}),
        (
            [_peer("data", "a", "STRICT", created="2026-01-02"), _peer("data", "b", "PERMISSIVE", created="2026-01-01")],
            {"PERMISSIVE"},
        ),
        ([_peer("data", "ns", "STRICT"), _peer("data", "web", "", app="web", ports={"8080": "DISABLE"})], {"DISABLE"}),
        ([_peer("data", "ns", "STRICT"), _peer("data", "web", "", app="web", ports={"9": "DISABLE"})], {"STRICT"}),
    ],
)
def test_how_a_port_takes_connections(peers: list[Manifest], modes: set[str]) -> None:
    mesh = _mesh(namespace("data", **ON), *pod("data", "web"), *peers)
    found = [one.modes for one in mesh.takings(mesh.cluster.by_name["data/web"]) if one.ports & Services.of("tcp", 8080, 8080)]
    assert found == [modes]


def _asks(documents: list[Manifest], caller: str, port: int = 80) -> bool | None:
    spaces = [namespace("data", **ON), namespace("airflow", **ON), *pod("data", "web", {80: ""}), *pod("airflow", "etl")]
    filters = list(read(stack_from_manifests([*spaces, *documents])))
    return passes(filters, caller, "10.0.0.1", "web.data.svc.cluster.local", port, ("GET", "/"))


def _allow(space: str = "data", **source: list[str]) -> Manifest:
    return thing("AuthorizationPolicy", space, "allow", {"rules": [{"from": [{"source": source}]}]})


def _mesh_config(text: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": text},
    }


def test_of_two_policies_at_one_place_none_is_guessed() -> None:
    two = [_peer("data", "a", "STRICT"), _peer("data", "b", "PERMISSIVE")]
    open_ = thing("AuthorizationPolicy", "data", "open", {"rules": [{}]})
    assert _asks([*two, open_], "") is None
    assert _asks([*two, open_], "airflow/etl") is True


def test_the_trust_domain_of_the_mesh_and_its_aliases() -> None:
    config = _mesh_config("trustDomain: bank\ntrustDomainAliases: [old]\n")
    assert _asks([config, _allow(principals=["bank/ns/airflow/sa/etl"])], "airflow/etl") is True
    assert _asks([config, _allow(principals=["old/ns/airflow/sa/etl"])], "airflow/etl") is True
    assert _asks([config, _allow(principals=["cluster.local/ns/airflow/sa/etl"])], "airflow/etl") is True
    assert _asks([config, _allow(principals=["other/ns/airflow/sa/etl"])], "airflow/etl") is False


def test_the_root_namespace_is_the_one_that_mesh_config_says() -> None:
    deny = thing("AuthorizationPolicy", "mesh-root", "no", {"action": "DENY", "rules": [{}]})
    assert _asks([deny], "airflow/etl") is True
    assert _asks([_mesh_config("rootNamespace: mesh-root\n"), deny], "airflow/etl") is False


def test_what_stands_for_unknown_pods_is_meant_in_part() -> None:
    assert _asks([_allow(principals=["cluster.local/ns/airflow/sa/e*"])], "airflow/*") is None
    assert _asks([_allow(principals=["cluster.local/ns/airflow/*"])], "airflow/*") is True
    assert _asks([_allow(namespaces=["airflow"])], "airflow/*") is True
    assert _asks([_allow(serviceAccounts=["airflow/nobody"])], "airflow/nobody") is True


def test_a_policy_for_one_revision_of_istio_is_not_guessed() -> None:
    one = _allow(serviceAccounts=["airflow/etl"])
    one["metadata"]["labels"] = {"istio.io/rev": "1-28"}
    assert _asks([one], "airflow/etl") is None
    assert _asks([one], "airflow/var") is None


def test_a_token_is_not_guessed_where_one_is_checked() -> None:
    tokens = _allow(requestPrincipals=["*"])
    assert _asks([tokens], "airflow/etl") is False
    assert _asks([tokens, thing("RequestAuthentication", "data", "jwt", {})], "airflow/etl") is None
