"""What others wrote: configurations, F5 NIC, NGINX Gateway Fabric, ingress-nginx: read for what it lets through, not guessed."""

import subprocess
import sys
from typing import Any

import pytest
from nginx_program import by_hand, decide
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.nginx import read
from pulumi_airlock.gates.nginx.directives import ConfigError, parse
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.sets import Hosts

HOST = "airflow.bank.example"
SET = "".join(
    f"auth_request_set ${name} $upstream_http_x_auth_request_{name}; proxy_set_header X-Auth-Request-{name} ${name};"
    for name in ("email", "groups")
)


def found(*documents: dict[str, Any]) -> Filter:
    (one,) = read(stack_from_manifests(documents))
    assert one.gate == "nginx"
    return one


def server(inside: str) -> Filter:
    return found(*by_hand(f"server {{ listen 443 ssl; server_name {HOST}; {inside} }}"))


ASK = "location = /ask { internal; proxy_pass http://in:4180/oauth2/auth?allowed_groups=finance; }"


def test_a_location_that_asks_for_a_group() -> None:
    one = server(f"location / {{ auth_request /ask; {SET} proxy_pass http://airflow-api-server:8080; }} {ASK}")
    assert [decide(one, group, "GET", "/dags") for group in ("finance", "other", None)] == ["allow", "deny", "deny"]
    (relay,) = one.relays
    assert relay.workload == "airflow/proxy"
    assert relay.onward is not None
    assert str(relay.onward.hosts) == "airflow-api-server.airflow.svc.cluster.local"


@pytest.mark.parametrize(
    ("inside", "answer"),
    [
        (f"auth_request /ask; {SET}", "deny"),
        ("auth_request /ask;", "unproven"),  # it sets no header at all: Airflow may go by another
        ("auth_request /ask; proxy_set_header X-Auth-Request-Email $http_x_auth_request_email;", "allow"),
        (f"auth_request /ask; {SET} set $x $arg_user; proxy_set_header X-Auth-Request-User $x;", "allow"),
        (f"auth_request /ask; {SET} access_by_lua_block {{ ngx.exit(200) }}", "unproven"),
        (f"auth_request /ask; {SET} satisfy any;", "unproven"),
        (f"auth_request /ask; {SET} if ($http_x) {{ proxy_pass http://other; }}", "unproven"),
        ("", "allow"),
        ("auth_request off;", "allow"),
        ("deny all;", "deny"),
        ("return 403;", "deny"),
    ],
)
def test_what_somebody_of_another_group_gets(inside: str, answer: str) -> None:
    one = server(f"location / {{ {inside} proxy_pass http://airflow-api-server:8080; }} {ASK}")
    assert decide(one, "other", "GET", "/dags") == answer


def test_a_condition_that_only_refuses_opens_nothing() -> None:
    refusing = "if ($http_x) { return 403; }"
    one = server(f"location / {{ {refusing} auth_request /ask; {SET} proxy_pass http://airflow-api-server:8080; }} {ASK}")
    assert [decide(one, group, "GET", "/dags") for group in ("finance", "other")] == ["unproven", "deny"]


def test_without_a_group_whoever_signs_in_is_let_through() -> None:
    ask = "location = /ask { internal; proxy_pass http://in:4180/oauth2/auth; }"
    one = server(f"location / {{ auth_request /ask; {SET} proxy_pass http://airflow-api-server:8080; }} {ask}")
    assert decide(one, "anybody", "GET", "/") == "unproven"
    assert any("no oauth2-proxy in the stack" in reason for rule in one.rules for reason in rule.unknown)
    named = SIGN_IN("in", ["--allowed-group=finance"])
    text = (
        f"server {{ listen 443 ssl; server_name {HOST}; location / {{ auth_request /ask; {SET} proxy_pass http://up; }} {ask} }}"
    )
    known = found(*by_hand(text), *named)
    assert [decide(known, group, "GET", "/") for group in ("finance", "other")] == ["allow", "deny"]
    everybody = found(*by_hand(text), *SIGN_IN("in", ["--email-domain=*"]))
    assert decide(everybody, "other", "GET", "/") == "allow"


def SIGN_IN(name: str, args: list[str]) -> list[dict[str, Any]]:  # noqa: N802  # a manifest
    labels = {"app": name}
    pod = {"containers": [{"name": "p", "image": "quay.io/oauth2-proxy/oauth2-proxy:v7", "args": args}]}
    meta = {"name": name, "namespace": "airflow"}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels, "ports": [{"port": 4180}]}},
    ]


def ingress(annotations: dict[str, str], path: str = "/", kind: str = "Prefix") -> dict[str, Any]:
    backend = {"service": {"name": "airflow-api-server", "port": {"number": 8080}}}
    named = {f"nginx.ingress.kubernetes.io/{name}": value for name, value in annotations.items()}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "airflow", "namespace": "airflow", "annotations": named},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [HOST]}],
            "rules": [{"host": HOST, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}],
        },
    }


AUTH = {
    "auth-url": "http://in.airflow.svc.cluster.local:4180/oauth2/auth?allowed_groups=finance",
    "auth-response-headers": "X-Auth-Request-Email, X-Auth-Request-Groups",
}


def test_ingress_nginx_is_read() -> None:
    one = found(ingress(AUTH))
    assert [decide(one, group, "GET", "/dags") for group in ("finance", "other")] == ["allow", "deny"]
    assert "metadata" in one.rules[0].source.position or "spec.rules[0]" in one.rules[0].source.position
    open_ = found(ingress({}))
    assert decide(open_, None, "GET", "/dags") == "allow"
    forging = found(ingress({"auth-url": AUTH["auth-url"], "auth-response-headers": "X-Auth-Request-Email"}))
    assert decide(forging, "other", "GET", "/") == "allow"
    assert "anyone may claim any group" in forging.rules[0].source.label
    unknown = found(ingress({**AUTH, "permanent-redirect-code": "308"}))
    assert decide(unknown, "finance", "GET", "/") == "unproven"


def test_a_prefix_of_an_ingress_is_of_whole_segments() -> None:
    one = found(ingress({}, "/api"))
    assert [decide(one, None, "GET", path) for path in ("/api", "/api/x", "/apix", "/")] == ["allow", "allow", "deny", "deny"]


def virtual_server(**route: Any) -> dict[str, Any]:
    return {
        "apiVersion": "k8s.nginx.org/v1",
        "kind": "VirtualServer",
        "metadata": {"name": "airflow", "namespace": "airflow"},
        "spec": {
            "host": HOST,
            "tls": {"secret": "tls"},
            "upstreams": [{"name": "api", "service": "airflow-api-server", "port": 8080}],
            "routes": [{"path": "/", "action": {"pass": "api"}, **route}],
        },
    }


POLICY = {
    "apiVersion": "k8s.nginx.org/v1",
    "kind": "Policy",
    "metadata": {"name": "people", "namespace": "airflow"},
    "spec": {
        "externalAuth": {
            "authURI": "/oauth2/auth?allowed_groups=finance",
            "authServiceName": "airflow/in",
            "authServicePorts": [4180],
        }
    },
}


def test_f5_nic_is_read() -> None:
    asked = found(virtual_server(policies=[{"name": "people"}], **{"location-snippets": SET}), POLICY)
    assert [decide(asked, group, "GET", "/x") for group in ("finance", "other")] == ["allow", "deny"]
    assert decide(found(virtual_server()), None, "GET", "/x") == "allow"
    gone = found(virtual_server(policies=[{"name": "another"}]), POLICY)
    assert decide(gone, None, "GET", "/x") == "unproven"
    split = found(virtual_server(splits=[{"weight": 50}]))
    assert all(rule.unknown or rule.action.value == "deny" for rule in split.rules)


def http_route(*filters: dict[str, Any], **match: Any) -> dict[str, Any]:
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}, **match}],
        "filters": list(filters),
        "backendRefs": [{"name": "airflow-api-server", "port": 8080}],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "airflow", "namespace": "airflow"},
        "spec": {"hostnames": [HOST], "parentRefs": [{"name": "gateway"}], "rules": [rule]},
    }


EXTERNAL = {
    "type": "ExternalAuth",
    "externalAuth": {
        "protocol": "HTTP",
        "backendRef": {"name": "in", "port": 4180},
        "http": {"path": "/oauth2/auth", "allowedResponseHeaders": ["X-Auth-Request-Email", "X-Auth-Request-Groups"]},
    },
}


def test_gateway_fabric_is_read() -> None:
    one = found(http_route(EXTERNAL, method="GET"), *SIGN_IN("in", ["--allowed-group=finance"]))
    assert [decide(one, group, "GET", "/x") for group in ("finance", "other")] == ["allow", "deny"]
    assert decide(one, "finance", "POST", "/x") == "deny"
    limited = found(http_route(EXTERNAL, headers=[{"name": "x", "value": "y"}]), *SIGN_IN("in", ["--allowed-group=finance"]))
    assert decide(limited, "finance", "GET", "/x") == "unproven"


def test_a_route_of_somebody_elses_gateway_is_left_alone() -> None:
    assert list(read(stack_from_manifests([http_route()]))) == []


def test_a_configuration_that_is_none_leaves_everything_open() -> None:
    one = found(*by_hand("server { listen 443;"))
    assert decide(one, "finance", "GET", "/") == "unproven"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a {", "ends in the middle of a block"),
        ("a", "ends in the middle of a directive"),
        ("}", "ends nothing"),
        ('a "b', "does not end"),
    ],
)
def test_what_is_no_configuration_is_said_with_its_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=f"x.conf:3.*{says}"):
        parse(f"\n\n{text}", "x.conf")


def test_words_are_nginxs_own() -> None:
    (one,) = parse("log_format main '\"$a\" \\'b' \"c;d\" ${e}f # g;\n 'h{';")
    assert one.args == ("main", '"$a" \'b', "c;d", "${e}f", "h{")
    (lua,) = parse("content_by_lua_block { if a then b = {} end }")
    assert lua.block is not None
    assert "b = {}" in lua.block[0].args[0]


PROGRAM = """
import sys
sys.modules["pulumi_kubernetes"] = None  # importing it fails
from pulumi_airlock.gates.nginx import read, webserver_config
from pulumi_airlock.gates.stack import Stack
assert not list(read(Stack([])))
assert "pulumi" not in sys.modules
"""


def test_reading_needs_no_sdk() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


HELD = f"location / {{ auth_request /ask; {SET} proxy_pass http://airflow-api-server:8080; }} {ASK}"
OPEN = "location / { proxy_pass http://airflow-api-server:8080; }"


@pytest.mark.parametrize(
    ("other", "port", "answer"),
    [
        # At another port, or address, a server has the names that nobody has there, also those that are held elsewhere.
        (f"server {{ listen 9443; {OPEN} }}", 9443, "allow"),
        (f"server {{ listen 9443 default_server; server_name other.example; {OPEN} }}", 9443, "allow"),
        (f"server {{ listen 10.0.0.7:443 default_server; server_name other.example; {OPEN} }}", 443, "allow"),
        # At the same, the server that says the name has it.
        (f"server {{ listen *:443 default_server; {OPEN} }}", 443, "deny"),
        (
            f"server {{ listen 9443 default_server; return 444; }} server {{ listen 9443; server_name other.example; {OPEN} }}",
            9443,
            "deny",
        ),
        # Nobody gets to a socket of the file system.
        (f"server {{ listen unix:/run/x.sock; {OPEN} }}", 80, "deny"),
    ],
)
def test_the_default_server_of_each_address_and_port_has_the_names_that_no_other_has_there(
    other: str, port: int, answer: str
) -> None:
    one = found(*by_hand(f"server {{ listen 443 ssl; server_name {HOST}; {HELD} }} {other}"))
    assert decide(one, "other", "GET", "/dags", port=port) == answer


def test_each_of_two_addresses_has_a_default_server_of_its_own() -> None:
    first = "server { listen 10.0.0.7:443 default_server; return 444; }"
    one = found(*by_hand(f"{first} server {{ listen 443; server_name a.example; {OPEN} }}"))
    assert decide(one, None, "GET", "/", host="unheard-of.example") == "allow"


def with_main(text: str) -> list[dict[str, Any]]:
    config, deployment = by_hand(text)
    config["data"] = {"nginx.conf": text}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["volumeMounts"] = [{"name": "conf", "mountPath": "/etc/nginx"}]
    return [config, deployment]


@pytest.mark.parametrize(
    ("server", "answer"),
    [
        ("listen 9443; proxy_pass airflow-api-server:8080;", "allow"),
        ("listen 9443; proxy_pass up;", "allow"),
        ("listen 9443; proxy_pass $there;", "unproven"),
        ("listen 9443; return hello;", "deny"),
        ("listen 9443 udp; proxy_pass airflow-api-server:8080;", "deny"),
        ("listen 9444; proxy_pass airflow-api-server:8080;", "deny"),
    ],
)
def test_a_stream_passes_on_whatever_comes_to_its_port(server: str, answer: str) -> None:
    http = f"http {{ server {{ listen 443 ssl; server_name {HOST}; {HELD} }} }}"
    one = found(*with_main(f"{http} stream {{ upstream up {{ server airflow-api-server:8080; }} server {{ {server} }} }}"))
    assert decide(one, None, "GET", "/dags", port=9443) == answer
    upstreams = {str(each.onward.hosts) for each in one.relays if each.onward}
    assert upstreams == {"airflow-api-server.airflow.svc.cluster.local"}


def test_what_leads_to_a_default_server_is_what_has_its_address_and_not_everything() -> None:
    one = found(*by_hand(f"server {{ listen 443; server_name {HOST}; {OPEN} }} server {{ listen 9443; {OPEN} }}"))
    assert [relay.hosts for relay in one.relays] == [Hosts.from_names([HOST])]
    assert decide(one, None, "GET", "/", host="unheard-of.example", port=9443) == "allow"
