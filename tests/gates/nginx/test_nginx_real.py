"""The compiled configuration in the real nginx: who gets through, what goes on, what is logged; the reader held against it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nginx_parts import NGINX, SECRET, Echo, Running, SignIn, certificate, free_port, running, serving
from nginx_program import ACCESS, TODAY, by_hand, compiled, decide
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.nginx import Upstream, read
from pulumi_airlock.gates.nginx.compile import compile_gateway
from pulumi_airlock.gates.nginx.config import REQUIRED_FIELDS, Place, nginx_conf
from pulumi_airlock.logs.answer import Speaker, read_answer, verdicts

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx here (apt install nginx-light)")
FINANCE, PLATFORM = "airflow-finance", "airflow/platform team"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("gateway")
    certificate(folder, "airflow.bank.example", "risk.bank.example")
    (folder / "secret.map").write_text(f'default "{SECRET}";\n')
    folder.chmod(0o755)
    with serving(Echo) as echo, serving(SignIn) as sign_in:
        upstream = Upstream("127.0.0.1", echo)
        plan = compile_gateway(ACCESS, "nginx", "airflow", {"airflow": upstream, "risk": upstream}, TODAY)
        place = Place(str(folder), str(folder / "secret.map"), str(folder), (free_port(), free_port(), free_port()))
        with running(nginx_conf(plan, f"127.0.0.1:{sign_in}", place), folder, place.ports[0]) as found:
            yield found


HIDDEN = [
    "/execution",
    "/execution/",
    "/execution/health",
    "//execution/health",
    "/execution//health",
    "/%65xecution/health",
    "/execution%2fhealth",
    "/execution/%0ahealth",
    "/execution/health?x=/dags",
    "http://airflow.bank.example/execution/health",
]
AMBIGUOUS = [
    "/dags/../execution/health",
    "/execution/../dags",
    "/execution/variables/x/../../../dags",
    "/dags/%2e%2e/execution/health",
    "/execution/..%2fdags",
    "/execution%2f..%2fdags",
    "/./execution/health",
    "/dags/..\\execution",
    "/dags%5c..%5cexecution",
    "/execution/%2E./dags",
]


@pytest.mark.parametrize("path", HIDDEN)
def test_the_execution_api_is_not_there(gateway: Running, path: str) -> None:
    answer = gateway.ask(path, PLATFORM)
    assert (answer.status, answer.passed) == (404, False)


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_paths_of_two_readings_are_refused(gateway: Running, path: str) -> None:
    answer = gateway.ask(path, PLATFORM)
    assert (answer.status, answer.passed) == (400, False)


@pytest.mark.parametrize(
    "path", ["/dags/v1..2", "/executions", "/dags/x.y/runs/manual__2026-11-26T00%3A00%3A00%2B00%3A00", "/a?b=/../c"]
)
def test_other_paths_go_on_as_they_came(gateway: Running, path: str) -> None:
    answer = gateway.ask(path, PLATFORM)
    assert answer.passed
    assert f'"path": "{path}"' in answer.body


FORGED = {
    "X-Auth-Request-Email": "root@bank.example",
    "x-auth-request-groups": PLATFORM,
    "X_Auth_Request_Email": "root@bank.example",
    "X-Auth-Request-User": "root",
    "X-Forwarded-Email": "root@bank.example",
    "X-Forwarded-User": "root",
    "X-Forwarded-Groups": PLATFORM,
    "X-Forwarded-Preferred-Username": "root",
    "Remote-User": "root",
    "X-Remote-User": "root",
    "X-Airlock-Gateway": "guess",
    "Forwarded": "for=10.0.0.1",
    "X-Forwarded-For": "10.0.0.1",
    "Authorization": "Basic cm9vdDpyb290",
}


def test_what_a_client_says_of_itself_is_never_passed_on(gateway: Running) -> None:
    seen = gateway.ask("/dags", FINANCE, headers=FORGED).seen()
    assert seen["x-auth-request-email"] == seen["x-auth-request-user"] == ["ann@bank.example"]
    assert seen["x-auth-request-groups"] == [FINANCE]
    assert seen["x-airlock-gateway"] == [SECRET]
    assert seen["x-forwarded-for"] == ["127.0.0.1"]
    assert not any("root" in value or "guess" in value or "10.0.0.1" in value for values in seen.values() for value in values)
    assert not {"authorization", "remote-user", "x-forwarded-user", "forwarded", "x_auth_request_email"} & seen.keys()


def test_the_token_of_airflows_api_goes_on(gateway: Running) -> None:
    seen = gateway.ask("/api/v2/dags", FINANCE, headers={"Authorization": "Bearer abc"}).seen()
    assert seen["authorization"] == ["Bearer abc"]


def test_nobody_gets_through_unknown(gateway: Running) -> None:
    script = gateway.ask("/dags", headers=FORGED)
    assert (script.status, script.passed) == (401, False)
    page = gateway.ask("/dags", headers={**FORGED, "Accept": "text/html,*/*"})
    assert (page.status, page.headers["location"]) == (302, "https://idp.bank.example/")


@pytest.mark.parametrize("path", ["/oauth2/auth", "/airlock/auth", "/airlock/unauthorized"])
def test_the_gateways_own_questions_are_not_for_clients(gateway: Running, path: str) -> None:
    assert gateway.ask(path, PLATFORM).status == 404


def test_a_refusal_tells_who_refused(gateway: Running) -> None:
    assert gateway.ask("/nobody-of-ours", "other").status == 403
    line = gateway.last_line("/nobody-of-ours")
    assert line["upstream_status"] == ""
    (verdict,) = verdicts(read_answer(_json(line)))
    assert verdict.speaker is Speaker.GATEWAY
    assert gateway.ask("/forbidden", PLATFORM).status == 403
    line = gateway.last_line("/forbidden")
    (verdict,) = verdicts(read_answer(_json(line)))
    assert (line["upstream_status"], verdict.speaker) == ("403", Speaker.AIRFLOW)


def _json(line: object) -> str:
    import json

    return json.dumps(line)


def test_a_line_of_the_log_says_everything(gateway: Running) -> None:
    gateway.ask('/logged"x?code=secret', FINANCE, method="POST")
    line = gateway.last_line('/logged"x')
    assert set(REQUIRED_FIELDS) <= line.keys()
    assert line["user"] == "ann@bank.example"
    assert line["groups"] == FINANCE
    assert (line["method"], line["status"], line["upstream_status"], line["route"]) == (
        "POST",
        "200",
        "200",
        "analysts-ui,operators-ui",
    )
    assert line["tls"] in ("TLSv1.2", "TLSv1.3")
    assert len(line["request_id"]) == 32
    assert "secret" not in str(line)


def test_answers_carry_hsts(gateway: Running) -> None:
    for path, groups in (("/dags", FINANCE), ("/execution/", FINANCE), ("/dags", "other")):
        assert gateway.ask(path, groups).headers["strict-transport-security"] == "max-age=31536000"


def test_other_names_meet_no_server(gateway: Running) -> None:
    with pytest.raises(OSError, match=r"(?i)unrecognized|handshake|alert"):
        gateway.ask("/", PLATFORM, host="other.bank.example")


def test_the_reader_decides_as_nginx_does(gateway: Running) -> None:
    (found,) = read(compiled())
    paths = [
        "/",
        "/dags",
        "/dags/x",
        "/dagsx",
        "/api/v2/dags",
        "/api/v2/variables",
        "/api/v2/variables/x",
        "/execution",
        "/execution/x",
    ]
    paths += ["/executionx", "/auth/login", "/api/v3"]
    counted = 0
    for host in ("airflow.bank.example", "risk.bank.example"):
        for path in paths:
            for method in ("GET", "HEAD", "POST", "DELETE"):
                for group in (FINANCE, PLATFORM, "audit", "other", None):
                    answer = gateway.ask(path, group, method, host)
                    wanted = decide(found, group, method, path, host)
                    assert wanted == ("allow" if answer.passed else "deny"), (host, path, method, group, answer.status)
                    counted += 1
    assert counted > 400


@dataclass(frozen=True)
class Written:
    """A configuration by hand, with some servers."""

    text: str
    hosts: tuple[str, ...]


MATCHES = ["= /a", "= /a/b", "/", "/a", "/a/", "/a/b", "^~ /a", "^~ /a/b", "/b", "~ ^/a/", "~ ^/a/b$", "~ /b", "~ ^/c"]
BODIES = [
    "return 404;",
    "proxy_pass http://up;",
    "auth_request /ask; {headers} proxy_pass http://up;",
    "auth_request /ask-finance; {headers} proxy_pass http://up;",
    "auth_request /ask-finance; proxy_pass http://up;",
    "limit_except GET {{ deny all; }} auth_request /ask-finance; {headers} proxy_pass http://up;",
    "deny all; proxy_pass http://up;",
]
HEADERS = "".join(
    f"auth_request_set ${short} $upstream_http_x_auth_request_{short}; proxy_set_header X-Auth-Request-{short} ${short}; "
    for short in ("email", "groups")
)


def written(seed: int, up: int, sign_in: int, port: int) -> Written:
    chance = random.Random(seed)  # noqa: S311  # cases, no secrets
    servers, hosts = [], []
    for number in range(30):
        host = f"s{number}.bank.example"
        hosts.append(host)
        # nginx takes no two prefixes that are the same.
        chosen = {one.removeprefix("^~ "): one for one in chance.sample(MATCHES, chance.randint(1, 6))}.values()
        blocks = [f"location {one} {{ {chance.choice(BODIES).format(headers=HEADERS)} }}" for one in chosen]
        asks = [
            f"location = {name} {{ internal; proxy_pass http://in/oauth2/auth{query}; }}"
            for name, query in (
                ("/ask", "?allowed_groups=airflow-finance,audit"),
                ("/ask-finance", "?allowed_groups=airflow-finance"),
            )
        ]
        servers.append(f"server {{ listen {port}; server_name {host}; {' '.join([*blocks, *asks])} }}")
    ups = f"upstream up {{ server 127.0.0.1:{up}; }} upstream in {{ server 127.0.0.1:{sign_in}; }}"
    return Written(f"{ups}\n" + "\n".join(servers), tuple(hosts))


@pytest.mark.parametrize("seed", range(3))
def test_the_reader_decides_as_nginx_does_on_what_others_wrote(seed: int, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    port = free_port()
    with serving(Echo) as up, serving(SignIn) as sign_in:
        case = written(seed, up, sign_in, port)
        temps = "".join(f"{name}_temp_path {tmp_path}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        whole = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {temps} {case.text} }}"
        (found,) = read(stack_from_manifests(by_hand(case.text)))
        counted = {"allow": 0, "deny": 0, "unproven": 0}
        with running(whole, tmp_path, port, tls=False) as nginx:
            for host in case.hosts:
                for path in ("/", "/a", "/ab", "/a/", "/a/b", "/a/bc", "/b", "/c", "/x/b/y"):
                    for method in ("GET", "POST"):
                        # By whoever did not sign in, with headers of somebody: where these are believed, that is anybody.
                        for group in ("airflow-finance", "audit", "other", None):
                            answer = nginx.ask(path, group, method, host)
                            wanted = decide(found, group, method, path, host, port)
                            counted[wanted] += 1
                            if wanted == "unproven":
                                continue
                            forging = answer.status in (401, 403) and "claim" in _labels(found, host, path)
                            assert wanted == ("allow" if answer.passed or forging else "deny"), (
                                host,
                                path,
                                method,
                                group,
                                answer.status,
                            )
    assert counted["allow"] > 200 < counted["deny"]
    assert counted["unproven"] < 0.05 * sum(counted.values()), counted


def _labels(found: object, host: str, path: str) -> str:
    from nginx_program import _covers

    return " ".join(
        rule.source.label
        for rule in found.rules  # type: ignore[attr-defined]
        if host in rule.match.hosts.names
        and any(_covers(one, "GET", path) or _covers(one, "POST", path) for one in rule.match.operations)
    )
