"""The gateway in a program: read back and proven to be what is declared; what somebody changes is found, with its rule."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from nginx_program import ACCESS, by_hand, compiled, document, with_text
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.nginx import read
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.findings import Proof
from pulumi_airlock.proof.relays import around, carried

AT = datetime(2026, 11, 26, 3, tzinfo=UTC)
ALIKE = Access.model_validate(document(routes=[document()["routes"][1]]))


def proven(stack: Stack, access: Access = ACCESS) -> Proof:
    found = tuple(read(stack))
    return prove(access, [], carried(access, found), at=AT, around=tuple(around(access, found)))


@pytest.mark.parametrize(("engine", "access"), [("nginx", ACCESS), ("f5-nic", ALIKE), ("nginx-gateway-fabric", ALIKE)])
def test_what_is_declared_is_proven(engine: str, access: Access) -> None:
    proof = proven(compiled(access, engine=engine), access)
    for findings in (proof.excess, proof.blocked, proof.unproven):
        assert [one.message for one in findings] == []


def _without(line: str) -> Callable[[str], str]:
    return lambda text: "\n".join(one for one in text.splitlines() if line not in one)


def _instead(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            _instead("X-Auth-Request-Groups $airlock_groups", "X-Auth-Request-Groups $http_x_auth_request_groups"),
            "anyone may claim",
        ),
        (_without("proxy_set_header X-Auth-Request-Email $airlock_email"), "anyone may claim"),
        (_instead("underscores_in_headers off", "underscores_in_headers on"), "anyone may claim"),
        (_without("auth_request /airlock/auth"), "no auth_request"),
        (_instead("allowed_groups=airlock-nobody", "groups=airlock-nobody"), "location /"),
        (
            _instead(
                "location / {\n",
                "location /api/v2/ {\n            proxy_pass http://airlock_0;\n        }\n        location / {\n",
            ),
            "/api/v2/",
        ),
    ],
)
def test_a_gateway_that_lets_through_more_is_found(change: Callable[[str], str], says: str) -> None:
    proof = proven(with_text(compiled(), change))
    assert proof.excess
    assert any(says in str(one.path) + str(one.rule) for one in proof.excess), proof.excess[0]


def test_the_execution_api_in_the_open_is_found() -> None:
    def opened(text: str) -> str:
        return text.replace("location ^~ /execution/ {\n            return 404;\n        }\n", "")

    proof = proven(with_text(compiled(), opened))
    # The maps still refuse it: two locks, and the proof sees either.
    assert not proof.excess
    both = proven(with_text(compiled(), lambda text: opened(text).replace(r"(?!(?:/execution|/execution/.*)\z)", "")))
    assert any("/execution/" in str(one.witness) for one in both.excess)


def test_a_route_that_the_gateway_lost_is_blocked() -> None:
    proof = proven(with_text(compiled(), lambda text: text.replace(",airflow-finance", "")))
    assert {name for one in proof.blocked for name in one.routes} == {"analysts-ui"}


@pytest.mark.parametrize(
    "line",
    ["access_by_lua_block { if x then y { } end }", "js_access main.check;", "rewrite ^/x /y;", "include /etc/nginx/more.conf;"],
)
def test_what_is_not_understood_is_unproven(line: str) -> None:
    proof = proven(
        with_text(compiled(), lambda text: text.replace("auth_request /airlock/auth;", f"auth_request /airlock/auth; {line}"))
    )
    assert not proof.excess
    assert proof.unproven


def test_another_gateway_beside_it_is_seen() -> None:
    location = "location / { proxy_pass http://airflow-api-server:8080; }"
    other = stack_from_manifests(by_hand(f"server {{ listen 8443 ssl; server_name airflow.bank.example; {location} }}"))
    mine = compiled()
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "proxy", "namespace": "airflow"},
        "spec": {"selector": {"app": "proxy"}, "ports": [{"port": 443, "targetPort": 8443}]},
    }
    front = stack_from_manifests([service], "front")
    proof = proven(Stack([*mine.resources, *other.resources, *front.resources]))
    assert any("no auth_request" in str(one.path) + str(one.rule) for one in proof.excess)
