"""The egress gateway, as hand-written objects have it: what it can tell apart depends on how it is reached."""

from typing import Any

import pytest
from istio_filters import passes
from istio_objects import Manifest, manifests, namespace, pod, thing
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.istio import EgressGateway, read
from pulumi_airlock.gates.istio.egress_objects import problems, way_out
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.sets import Hosts, Services

ON = {"istio_injection": "enabled"}
EGRESS = EgressGateway(service="egress", service_account="egress", labels=(("app", "egress"),))
CLUSTER = [
    namespace("airflow", **ON),
    namespace("istio-egress", **ON),
    *pod("airflow", "etl"),
    *pod("airflow", "var"),
    *pod("istio-egress", "egress", {443: "tls"}),
]
CLUSTER[-1]["spec"]["ports"][0]["targetPort"] = 8443


def _wanted(*callers: str, name: str = "api.stripe.com", port: int = 443) -> Wanted:
    names = frozenset(f"airflow/{one}" for one in callers)
    return Wanted(names, (), Hosts.from_names([name]), Services.of("tcp", port, port), routes=(f"r-{name}",))


def _compiled(*found: Wanted) -> list[Manifest]:
    nothing = thing("AuthorizationPolicy", "istio-egress", "allow-nothing", {})
    return [nothing, *manifests(way_out(found, "istio", (1, 27), EGRESS))]


def _filters(documents: list[Manifest]) -> list[Filter]:
    return list(read(stack_from_manifests([*CLUSTER, *documents])))


def _asks(documents: list[Manifest], caller: str, name: str = "api.stripe.com", port: int = 443) -> bool | None:
    return passes(_filters(documents), f"airflow/{caller}" if caller else "", "10.0.0.1", name, port, None)


def test_each_name_is_for_its_callers_alone() -> None:
    made = _compiled(_wanted("etl"), _wanted("var", name="db.partner.example", port=5432))
    assert _asks(made, "etl") is True
    assert _asks(made, "var") is False
    assert _asks(made, "") is False
    assert _asks(made, "var", "db.partner.example", 5432) is True
    assert _asks(made, "etl", "db.partner.example", 5432) is False
    assert _asks(made, "etl", port=80) is False


def test_callers_connect_to_the_gateway_in_place_of_the_name() -> None:
    relay = next(relay for one in _filters(_compiled(_wanted("etl"))) for relay in one.relays)
    assert relay.entry is not None
    assert "egress.istio-egress.svc.cluster.local" in relay.entry.hosts.names
    assert relay.entry.services == Services.of("tcp", 443, 443)
    assert "api.stripe.com" in relay.hosts.names


def _changed(documents: list[Manifest], kind: str, change: Any) -> list[Manifest]:
    for one in documents:
        if one["kind"] == kind:
            change(one["spec"])
    return documents


def test_with_tls_passed_through_the_gateway_knows_nobody() -> None:
    made = _changed(_compiled(_wanted("etl")), "Gateway", lambda spec: spec["servers"][0].update(tls={"mode": "PASSTHROUGH"}))
    assert _asks(made, "etl") is False


def test_without_a_rule_on_how_it_is_reached_its_callers_are_not_guessed() -> None:
    made = [one for one in _compiled(_wanted("etl")) if one["kind"] != "DestinationRule"]
    assert _asks(made, "etl") is None


def test_a_server_name_that_no_policy_has() -> None:
    def change(spec: Manifest) -> None:
        spec["subsets"][0]["trafficPolicy"]["tls"]["sni"] = "other.example"

    made = _changed(_compiled(_wanted("etl")), "DestinationRule", change)
    assert _asks(made, "etl") is False


def test_a_rule_without_identities_is_for_everybody() -> None:
    open_ = thing(
        "AuthorizationPolicy",
        "istio-egress",
        "sni",
        {"rules": [{"when": [{"key": "connection.sni", "values": ["*.stripe.com"]}]}]},
    )
    assert _asks([*_compiled(_wanted("etl")), open_], "var") is True
    other = thing(
        "AuthorizationPolicy",
        "istio-egress",
        "sni",
        {"rules": [{"when": [{"key": "connection.sni", "notValues": ["*.stripe.com"]}]}]},
    )
    assert _asks([*_compiled(_wanted("etl")), other], "var") is False


def test_without_any_policy_the_gateway_lets_everybody_out() -> None:
    made = [one for one in _compiled(_wanted("etl")) if one["kind"] != "AuthorizationPolicy"]
    assert _asks([*made, thing("PeerAuthentication", "airflow", "default", {"mtls": {"mode": "STRICT"}})], "var") is True


@pytest.mark.parametrize(
    ("found", "egress", "says"),
    [
        ([_wanted("etl")], None, "without an egress gateway a sidecar holds nothing there"),
        ([_wanted("etl")], EgressGateway(namespace="istio-system"), "istio-system is the root namespace"),
        ([_wanted("etl", name="*.stripe.com")], EGRESS, "goes on to single names"),
        ([_wanted("etl"), _wanted("var", port=8443)], EGRESS, "has port 443 in route r-api.stripe.com"),
    ],
)
def test_what_the_gateway_cannot_hold_is_refused(found: list[Wanted], egress: EgressGateway | None, says: str) -> None:
    told = list(problems(found, "istio", egress))
    assert says in str(InputError(told))


def test_nobody_else_is_sent_that_way() -> None:
    made = _compiled(_wanted("etl"))
    shared = {one["kind"]: one["spec"]["exportTo"] for one in made if "exportTo" in one["spec"]}
    assert shared == {"ServiceEntry": [".", "airflow"], "VirtualService": [".", "airflow"]}


def test_what_is_put_into_the_gateway_may_let_out_what_its_policies_refuse() -> None:
    documents = _compiled(_wanted("etl"))
    assert _asks(documents, "var") is False
    put = thing("EnvoyFilter", "istio-egress", "x", {"configPatches": [{"match": {"context": "GATEWAY"}}]}, "networking")
    assert _asks([*documents, put], "var") is None
    assert _asks([*documents, put], "etl") is True
