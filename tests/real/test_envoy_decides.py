"""The fixture's Envoy tells identities, methods, paths, ports and server names apart, as rules of a mesh need."""

import pytest
from certificates import Authority

ETL = "spiffe://cluster.local/ns/airflow/sa/etl"


def rules(action: str, principal: dict, permission: dict) -> dict:
    return {"action": action, "policies": {"one": {"principals": [principal], "permissions": [permission]}}}


def named(uri: str) -> dict:
    return {"authenticated": {"principal_name": {"exact": uri}}}


def test_an_identity_is_the_certificates(envoy, authority: Authority) -> None:
    permission = {
        "and_rules": {
            "rules": [
                {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                {"url_path": {"path": {"prefix": "/execution/"}}},
                {"destination_port": 8080},
            ]
        }
    }
    rule = rules("ALLOW", named(ETL), permission)
    running = envoy(http={8080: [rule], 9090: [rule]}, authority=authority)
    etl, other = authority.workload("airflow", "etl"), authority.workload("airflow", "other")
    assert running.ask(8080, etl, path="/execution/x").allowed
    for refused in (
        running.ask(8080, other, path="/execution/x"),
        running.ask(8080, etl, "POST", "/execution/x"),
        running.ask(8080, etl, path="/execution/../dags"),
        running.ask(9090, etl, path="/execution/x"),
    ):
        assert (refused.status, refused.body) == (403, "RBAC: access denied")


def test_nobody_comes_in_without_a_certificate_of_the_authority(envoy, authority: Authority, tmp_path) -> None:
    running = envoy(http={8080: [rules("ALLOW", {"any": True}, {"any": True})]}, authority=authority)
    assert running.ask(8080, authority.workload("airflow", "etl")).allowed
    assert running.ask(8080, None).status == 0
    assert running.ask(8080, Authority(tmp_path / "other").workload("airflow", "etl")).status == 0


def test_filters_decide_in_order(envoy, authority: Authority) -> None:
    deny = rules("DENY", named(ETL), {"any": True})
    allow = rules("ALLOW", {"any": True}, {"any": True})
    running = envoy(http={8080: [deny, allow]}, authority=authority)
    assert not running.ask(8080, authority.workload("airflow", "etl")).allowed
    assert running.ask(8080, authority.workload("airflow", "other")).allowed


@pytest.mark.parametrize(("name", "allowed"), [("api.stripe.com", True), ("api.example.com", False)])
def test_a_connection_is_told_by_its_server_name(envoy, authority: Authority, name: str, allowed: bool) -> None:
    rule = rules("ALLOW", named(ETL), {"requested_server_name": {"exact": "api.stripe.com"}})
    running = envoy(http={}, tcp={8443: [rule]}, authority=authority)
    assert running.connect(8443, authority.workload("airflow", "etl"), name).allowed is allowed
