"""Who on the way gave an HTTP answer: the marks that each of them leaves."""

import json

import pytest
from pulumi_airlock.logs.answer import Speaker, read_answer, verdicts
from pulumi_airlock.proof.filters import Kind

NGINX_PAGE = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>"
MESSAGES = {
    "Airflow's DAG permission": (
        'HTTP/1.1 403 Forbidden\r\nserver: nginx\r\ncontent-type: application/json\r\n\r\n{"detail":"Forbidden"}',
        Speaker.AIRFLOW,
        Kind.PERMISSION,
    ),
    "Airflow, by the gateway's log": (
        json.dumps({"status": "403", "upstream_status": "403", "uri": "/api/v2/dags/x"}),
        Speaker.AIRFLOW,
        Kind.PERMISSION,
    ),
    "Airflow without a token": ('HTTP/1.1 401 Unauthorized\n\n{"detail":"Not authenticated"}', Speaker.AIRFLOW, Kind.TOKEN),
    "the gateway, by its log": (json.dumps({"status": 403, "upstream_status": ""}), Speaker.GATEWAY, Kind.PERMISSION),
    "the gateway, by its log's dash": (json.dumps({"status": 403, "upstream_status": "-"}), Speaker.GATEWAY, Kind.PERMISSION),
    "the gateway's page": (f"HTTP/1.1 403 Forbidden\nServer: nginx\n\n{NGINX_PAGE}", Speaker.GATEWAY, Kind.PERMISSION),
    "the hidden execution API": (json.dumps({"status": 404, "upstream_status": ""}), Speaker.GATEWAY, Kind.PERMISSION),
    "nobody signed in": (
        "HTTP/2 302\nlocation: https://airflow.bank.example/oauth2/start?rd=/\n\n",
        Speaker.SIGN_IN,
        Kind.TOKEN,
    ),
    "Istio, by its server header": (
        "HTTP/1.1 403 Forbidden\nserver: istio-envoy\n\nRBAC: access denied",
        Speaker.ISTIO,
        Kind.PERMISSION,
    ),
    "an Istio DENY, by Envoy's log": (
        json.dumps(
            {
                "response_code": 403,
                "response_code_details": "rbac_access_denied_matched_policy[ns[airflow]-policy[no-delete]-rule[0]]",
            }
        ),
        Speaker.ISTIO,
        Kind.PERMISSION,
    ),
    "Consul's intentions": (
        json.dumps(
            {"response_code": 403, "response_code_details": "rbac_access_denied_matched_policy[consul-intentions-layer7-0]"}
        ),
        Speaker.CONSUL,
        Kind.PERMISSION,
    ),
    "an Envoy of nobody knows whom": (
        "HTTP/1.1 403 Forbidden\nserver: envoy\n\nRBAC: access denied",
        Speaker.ENVOY,
        Kind.PERMISSION,
    ),
    "a token that Envoy does not take": (
        json.dumps({"response_code": 401, "response_code_details": "jwt_authn_access_denied{Jwt_is_expired}"}),
        Speaker.ENVOY,
        Kind.TOKEN,
    ),
    "Linkerd's identity": (
        "HTTP/1.1 403 Forbidden\nl5d-proxy-error: unauthorized request on route\ncontent-length: 0\n\n",
        Speaker.LINKERD,
        Kind.PERMISSION,
    ),
    "Linkerd's missing route": (
        "HTTP/1.1 404 Not Found\nl5d-proxy-error: no route found for request\n\n",
        Speaker.LINKERD,
        Kind.PERMISSION,
    ),
    "Linkerd's connection": (
        "HTTP/1.1 502 Bad Gateway\nl5d-proxy-error: client error (Connect): Connection refused\n\n",
        Speaker.LINKERD,
        Kind.ROUTING,
    ),
    "Cilium's HTTP rules": (
        "HTTP/1.1 403 Forbidden\ncontent-type: text/plain\nserver: envoy\n\nAccess denied\n",
        Speaker.CILIUM,
        Kind.PERMISSION,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_each_speaker_is_known_by_its_mark(name: str) -> None:
    text, speaker, kind = MESSAGES[name]
    (found,) = verdicts(read_answer(text))
    assert (found.speaker, found.kind) == (speaker, kind)


def test_a_deny_policy_is_named() -> None:
    (found,) = verdicts(read_answer(MESSAGES["an Istio DENY, by Envoy's log"][0]))
    assert "AuthorizationPolicy airflow/no-delete, rule 0" in found.says


def test_the_last_answer_of_several_counts() -> None:
    text = 'HTTP/1.1 302 Found\nlocation: /oauth2/start\n\nHTTP/1.1 403 Forbidden\nserver: nginx\n\n{"detail":"Forbidden"}'
    assert verdicts(read_answer(text))[0].speaker is Speaker.AIRFLOW


def test_a_server_header_alone_makes_it_likely_and_the_fix_is_its_log() -> None:
    (found,) = verdicts(read_answer("HTTP/1.1 403 Forbidden\nserver: nginx\n\nno"))
    assert found.speaker is Speaker.GATEWAY
    assert "upstream_status" in found.mark


def test_an_answer_without_marks_is_nobodys() -> None:
    assert verdicts(read_answer("HTTP/1.1 403 Forbidden\n\nno")) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("403", "no answer: give what `curl -i` prints"),
        ('{"detail":"Forbidden"}', "a body without its status"),
        ('{"uri": "/x"}', "without the answer's status"),
        ("{", "damaged"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_to_give(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_answer(text)
