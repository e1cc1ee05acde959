"""The TCP proxy in real Envoy: who is let through, what a refusal says, and what happens to open tunnels."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from certificates import Authority
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskIssuer, compile_proxy, envoy_configuration
from pulumi_airlock.proof.times import Once
from real_parts import ENVOY, needed
from real_processes import free_port, listening
from real_tcp_proxy import RunningProxy, SigningKey, echo, key_set, mount, proxy, put_certificate, running

ISSUER, AUDIENCE = "https://issuer.airlock.test", "airlock-proxy"
WAREHOUSE, LEDGER, QUEUE, DOWN = (
    "warehouse.corp.example:5432",
    "10.20.4.10:1521",
    "queue.corp.example:9092",
    "down.corp.example:22",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def other_day() -> str:
    """A day on which a window is closed now, in every time zone."""
    return DAYS[(datetime.now(UTC).weekday() + 3) % 7]


def access(**more: object) -> Access:
    here = ["tcp-proxy"]
    closed = {"days": [other_day()], "timezone": "Europe/Zurich"}
    now_open = {"days": [one for one in DAYS if one != other_day()], "timezone": "Europe/Zurich"}
    return Access.model_validate(
        {
            "environments": [{"name": "finance"}],
            "principals": [
                {"name": "etl", "dags": ["finance_*"], "tasks": ["load_*", "check"]},
                {"name": "ledger", "dags": ["ledger_close"]},
                {"name": "nightly", "dags": ["night_[ab]?"], "environment": "finance"},
            ],
            "zones": {"datacenter": {"gates": here}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
                {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
                {"name": "queue", "zone": "datacenter", "hosts": ["queue.corp.example"], "ports": ["9092/tcp"]},
                {"name": "files", "zone": "datacenter", "hosts": ["down.corp.example"], "ports": ["22/tcp"]},
            ],
            "routes": [
                {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse", "files"], "session": "1h", "reason": "T"},
                {"name": "ledger", "from": ["ledger"], "to": ["ledger-db"], "window": closed, "reason": "T"},
                {"name": "nightly", "from": ["nightly"], "to": ["ledger-db"], "window": now_open, "reason": "T"},
                {"name": "queue", "from": ["etl"], "to": ["queue"], "expires": "2099-01-01", "reason": "T"},
            ],
            **more,
        }
    )


KEY = SigningKey()


def issuer(*keys: SigningKey, **more: object) -> TaskIssuer:
    given = {"name": "finance", "kind": "oidc", "environment": "finance", "issuer": ISSUER, "audience": AUDIENCE}
    return TaskIssuer(**{**given, "jwks": key_set(*(keys or (KEY,))), **more})


def token(dag: str = "finance_daily", task: str = "load_orders", key: SigningKey = KEY, **more: object) -> str:
    now = int(time.time())
    claims = {"environment": "finance", "dag_id": dag, "task_id": task, "run_id": "r1", "try_number": 2, "map_index": -1}
    claims |= {"correlation": "0190-c", "ti_id": "ti-1", "assurance": "attested"}
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "task", "jti": "j1", "iat": now, "exp": now + 300, "airlock": claims}
    return key.sign({**whole, **more})


@pytest.fixture(scope="module")
def envoy() -> Path:
    return needed(ENVOY, "Envoy")


@pytest.fixture(scope="module")
def one(envoy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today(), manifests={"finance": "abc123"})
    with echo() as port:
        everywhere = dict.fromkeys((WAREHOUSE, LEDGER, QUEUE), f"127.0.0.1:{port}") | {DOWN: f"127.0.0.1:{free_port()}"}
        with proxy(envoy, tmp_path_factory.mktemp("proxy"), plan, everywhere) as found:
            yield found


def test_a_task_with_a_route_gets_a_tunnel(one: RunningProxy) -> None:
    answer, tunnel = one.connect(WAREHOUSE, token())
    assert answer.status == 200
    assert tunnel.says("hello") == "hello"
    tunnel.close()
    start = one.lines("open", target=WAREHOUSE, jti="j1")[0]
    said = {"gate": "tcp-proxy", "destination": "warehouse", "dag_id": "finance_daily", "task_id": "load_orders"}
    said |= {"run_id": "r1", "try_number": "2", "map_index": "-1", "correlation": "0190-c", "ti_id": "ti-1", "sub": "task"}
    said |= {"environment": "finance", "policy": "allow-warehouse-5432/etl-warehouse", "reason": None, "certificate": "CN=worker"}
    assert said.items() <= start.items()
    # What the proxy knows of the issuer, not what the token says of itself.
    assert start["assurance"] == "asserted"
    end = one.lines("close", target=WAREHOUSE, jti="j1", stream=start["stream"])[0]
    assert (end["bytes_in"], end["bytes_out"], end["correlation"]) == (5, 5, "0190-c")


def test_whoever_has_a_certificate_is_told_which_manifests_it_goes_by(one: RunningProxy) -> None:
    answer, tunnel = one.connect("/airlock/manifest", None, method="GET", host="proxy.airlock.test")
    tunnel.close()
    assert (answer.status, answer.body) == (200, {"finance": "abc123"})
    for method, path in (("GET", "/airlock/manifest/"), ("GET", "/"), ("POST", "/x"), ("CONNECT", "proxy.airlock.test:443")):
        answer, tunnel = one.connect(path, None, method=method, host="proxy.airlock.test")
        tunnel.close()
        assert answer.status == 401


@pytest.mark.parametrize(
    ("target", "dag", "task", "policy"),
    [
        (WAREHOUSE, "marketing_daily", "load_orders", "deny-warehouse-5432"),
        (WAREHOUSE, "finance_daily", "drop_all", "deny-warehouse-5432"),
        (WAREHOUSE, "xfinance_daily", "load_orders", "deny-warehouse-5432"),
        (LEDGER, "finance_daily", "load_orders", "deny-ledger-db-1521"),
        (LEDGER, "ledger_close", "post", "deny-ledger-db-1521"),
        (LEDGER, "night_c1", "post", "deny-ledger-db-1521"),
        (QUEUE, "ledger_close", "post", "deny-queue-9092"),
    ],
)
def test_a_task_without_a_route_is_told_which_policy_refused(
    one: RunningProxy, target: str, dag: str, task: str, policy: str
) -> None:
    answer = one.answer(target, token(dag, task, jti=f"{target} {dag} {task}"))
    assert answer.status == 403
    assert {"gate": "tcp-proxy", "policy": policy, "reason": "permission"}.items() <= answer.body.items()
    assert answer.body["detail"].startswith("rbac_access_denied")
    assert one.lines("refused", jti=f"{target} {dag} {task}", policy=policy, reason="permission", dag_id=dag)


def test_windows_are_on_the_clock_of_their_time_zone(one: RunningProxy) -> None:
    assert one.answer(LEDGER, token("night_a1", "post")).status == 200
    assert one.answer(LEDGER, token("ledger_close", "post")).status == 403
    assert one.answer(QUEUE, token()).status == 200


def test_a_window_that_is_closed_for_everybody_is_named(envoy: Path, tmp_path: Path) -> None:
    window = {"days": [other_day()], "timezone": "Europe/Zurich"}
    routes = [{"name": "ledger", "from": ["ledger"], "to": ["ledger-db"], "window": window, "reason": "T"}]
    plan = compile_proxy(access(routes=routes), "tcp-proxy", [issuer()], date.today())
    with proxy(envoy, tmp_path, plan) as one:
        assert one.answer(LEDGER, token("ledger_close")).body["policy"] == "deny-ledger-db-1521/closed"
        assert one.answer(LEDGER, token("other")).body["policy"] == "deny-ledger-db-1521"


def test_an_unknown_time_zone_lets_nobody_through(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {LEDGER: f"127.0.0.1:{port}"}) as one:
        assert one.answer(LEDGER, token("night_a1")).status == 200
        targets = Path(one.settings.folder) / "targets.json"
        # As an image without the zones' files would do it.
        made = targets.with_name(".new")
        made.write_text(targets.read_text().replace("Europe/Zurich", "Europe/Atlantis"))
        made.replace(targets)
        assert eventually(lambda: one.answer(LEDGER, token("night_a1")).status == 403)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (lambda: None, "Jwt_is_missing"),
        (lambda: "rubbish", "Jwt"),
        (lambda: token(aud="other"), "Audiences_in_Jwt_are_not_allowed"),
        (lambda: token(iss="https://other.test"), "Jwt_issuer_is_not_configured"),
        (lambda: token(exp=int(time.time()) - 3600), "Jwt_is_expired"),
        (lambda: token(exp=int(time.time()) + 86400), "Jwt_verification_fails"),
        (lambda: token(nbf=int(time.time()) + 3600), "Jwt_not_yet_valid"),
        (lambda: token(key=SigningKey("one")), "Jwt_verification_fails"),
        (lambda: token(key=SigningKey("unknown")), "Jwks"),
    ],
)
def test_a_token_that_proves_nothing_is_no_token(one: RunningProxy, given: Callable[[], str | None], detail: str) -> None:
    answer = one.answer(WAREHOUSE, given())  # made now: tokens live for minutes, and a whole run takes longer
    assert (answer.status, answer.body["reason"], answer.body["policy"]) == (401, "token", None)
    assert detail in answer.body["detail"]
    line = one.lines("refused", reason="token", response_code_details=answer.body["detail"])[0]
    assert line["dag_id"] is None


def test_a_token_of_another_environment_is_no_token_of_this_one(one: RunningProxy) -> None:
    claims = {"environment": "markets", "dag_id": "finance_daily", "task_id": "load_orders"}
    answer = one.answer(WAREHOUSE, token(airlock=claims))
    assert (answer.status, answer.body["policy"]) == (403, "deny-warehouse-5432")


def test_a_principal_claim_counts_for_nothing(one: RunningProxy) -> None:
    claims = {"environment": "finance", "principal": "etl", "dag_id": "", "task_id": "load_orders"}
    assert one.answer(WAREHOUSE, token(airlock=claims, principal="etl")).status == 403


def test_nobody_comes_in_without_a_certificate(one: RunningProxy, tmp_path: Path) -> None:
    assert not one.lets_in(anonymous=True)
    assert not one.lets_in(client=Authority(tmp_path / "other").issue("worker"))
    assert one.lines("handshake")[0]["detail"]


def test_tls_before_1_3_is_refused(one: RunningProxy) -> None:
    assert not one.lets_in(newest=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("target", ["other.corp.example:5432", "warehouse.corp.example:22", "[::1]:22"])
def test_a_target_that_no_zone_names_is_unknown(one: RunningProxy, target: str) -> None:
    answer = one.answer(target, token())
    assert (answer.status, answer.body["reason"], answer.body["policy"]) == (404, "permission", None)


def test_a_target_without_a_port_is_none(one: RunningProxy) -> None:
    assert one.answer("warehouse.corp.example", token()).status == 400


def test_the_target_is_the_one_of_the_request_line(one: RunningProxy) -> None:
    assert one.answer("other.corp.example:5432", token(), host=WAREHOUSE).status == 404
    assert one.answer(WAREHOUSE, token("marketing"), host=QUEUE).body["policy"] == "deny-warehouse-5432"
    assert one.answer(WAREHOUSE.upper(), token()).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_but_connect_is_answered(one: RunningProxy, method: str) -> None:
    assert one.answer(f"http://{WAREHOUSE}/", token(), method=method, host=WAREHOUSE).status == 403


def test_a_destination_that_is_down_is_no_refusal(one: RunningProxy) -> None:
    answer = one.answer(DOWN, token())
    assert (answer.status, answer.body["reason"], answer.body["policy"]) == (503, "routing", None)
    line = one.lines("refused", target=DOWN, response_code=503)[0]
    assert (line["response_flags"], line["reason"]) == ("UF", "routing")


def test_no_token_stands_in_a_log(one: RunningProxy) -> None:
    given = token(jti="looked for")
    one.answer(WAREHOUSE, given)
    one.answer(WAREHOUSE, given[:-8])
    assert one.lines("open", jti="looked for")
    everything = one.log.read_text() + (one.log.parent / "envoy.log").read_text()
    assert not any(part in everything for part in given.split("."))


def test_a_session_ends_by_its_own_length_whoever_asks(envoy: Path, tmp_path: Path) -> None:
    access_ = access(
        routes=[
            {"name": "short", "from": ["ledger"], "to": ["warehouse"], "session": "1m", "reason": "T"},
            {"name": "long", "from": ["etl"], "to": ["warehouse"], "session": "1h", "reason": "T"},
        ]
    )
    plan = compile_proxy(access_, "tcp-proxy", [issuer()], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        targets = Path(one.settings.folder) / "targets.json"
        assert '"60s"' in targets.read_text()
        # A minute is long for a test: the same route with a second.
        made = targets.with_name(".new")
        made.write_text(targets.read_text().replace('"60s"', '"1s"'))
        made.replace(targets)
        time.sleep(1)
        _, short = one.connect(WAREHOUSE, token("ledger_close", jti="short"))
        _, long = one.connect(WAREHOUSE, token(jti="long"))
        assert short.says("a") == "a"
        assert short.ends_within(10)
        assert long.says("b") == "b"
        assert one.lines("close", jti="short", response_code_details="max_duration_timeout")


def eventually(test: object, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if test():  # type: ignore[operator]
            return True
        time.sleep(0.2)
    return False


def test_certificates_and_keys_are_renewed_under_open_tunnels(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        _, tunnel = one.connect(WAREHOUSE, token())
        before = one.certificate_serial()
        put_certificate(one.authority, tmp_path / "tls")
        assert eventually(lambda: one.certificate_serial() != before)
        assert tunnel.says("still here") == "still here"

        new = SigningKey("two")
        keys = Path(one.settings.keys) / "finance.json"
        made = keys.with_name(".new")
        made.write_text(key_set(new))
        made.replace(keys)
        assert eventually(lambda: one.answer(WAREHOUSE, token(key=new)).status == 200)
        assert eventually(lambda: one.answer(WAREHOUSE, token()).status == 401)
        assert tunnel.says("and here") == "and here"


def test_a_new_authority_takes_the_place_of_the_old(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with proxy(envoy, tmp_path, plan) as one:
        other = Authority(tmp_path / "other")
        stranger = other.issue("worker")
        assert not one.lets_in(client=stranger)
        both = (tmp_path / "tls" / ".new").with_name(".ca")
        both.write_bytes(one.authority.own.certificate.read_bytes() + other.own.certificate.read_bytes())
        both.replace(tmp_path / "tls" / "ca.crt")

        assert eventually(lambda: one.lets_in(client=stranger))


def test_new_routes_hold_at_once_and_open_tunnels_go_on(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        _, tunnel = one.connect(WAREHOUSE, token())
        routes = [{"name": "ledger", "from": ["ledger"], "to": ["warehouse"], "reason": "T"}]
        after = compile_proxy(access(routes=routes), "tcp-proxy", [issuer()], date.today())
        envoy_configuration(after, one.settings).write()
        assert eventually(lambda: one.answer(WAREHOUSE, token("ledger_close")).status == 200)
        assert one.answer(WAREHOUSE, token()).status == 403
        assert tunnel.says("still here") == "still here"


def test_what_kubelet_replaces_is_read_again(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port:
        with proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as made:
            settings = replace(made.settings, folder=str(tmp_path / "mounted"), keys=str(tmp_path / "keys"))
        one = RunningProxy(settings, made.authority, made.client)
        with running(envoy, tmp_path, envoy_configuration(plan, settings), mounted=True):
            _, tunnel = one.connect(WAREHOUSE, token())
            new = SigningKey("two")
            routes = [{"name": "ledger", "from": ["ledger"], "to": ["warehouse"], "reason": "T"}]
            after = compile_proxy(access(routes=routes), "tcp-proxy", [issuer(new)], date.today())
            found = envoy_configuration(after, settings)
            mount(Path(settings.folder), found.files)
            mount(Path(settings.keys), found.keys)
            assert eventually(lambda: one.answer(WAREHOUSE, token("ledger_close", key=new)).status == 200)
            assert one.answer(WAREHOUSE, token(key=new)).status == 403
            assert tunnel.says("still here") == "still here"


def test_only_clients_that_are_named_are_believed(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with proxy(envoy, tmp_path, plan, clients=("worker.airflow.test", "spiffe://bank/airflow")) as one:
        assert one.answer(DOWN, token()).status == 503
        assert one.answer(DOWN, token(), client=one.authority.issue("w", uris=["spiffe://bank/airflow"])).status == 503
        assert not one.lets_in(client=one.authority.issue("laptop", hosts=["laptop.corp.example"]))


def test_each_kind_of_issuer_says_where_its_claims_are(envoy: Path, tmp_path: Path) -> None:
    arn = "arn:aws:iam::111122223333:role/finance-mwaa"
    sts = issuer(name="mwaa", kind="sts", issuer="https://sts.test", subject=arn)
    pods = issuer(name="pods", kind="projected", issuer="https://pods.test", namespace="airflow", assurance="attested")
    plan = compile_proxy(access(), "tcp-proxy", [issuer(), sts, pods], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        tags = {"environment": "finance", "dag_id": "finance_daily", "task_id": "check", "correlation": "c-sts"}
        by_role = {"iss": "https://sts.test", "sub": arn, "airlock": {}, "https://sts.amazonaws.com/": {"request_tags": tags}}
        assert one.answer(WAREHOUSE, token(jti="sts", **by_role)).status == 200
        assert one.lines("open", jti="sts", dag_id="finance_daily", correlation="c-sts", issuer="mwaa", assurance="asserted")
        assert one.answer(WAREHOUSE, token(**{**by_role, "sub": arn + "-other"})).status == 401
        # What one issuer signs is not looked for where another one says it.
        assert one.answer(WAREHOUSE, token(iss="https://sts.test", sub=arn)).status == 403

        pod = {"iss": "https://pods.test", "sub": "system:serviceaccount:airflow:etl", "airlock": None}
        given = one.answer(WAREHOUSE, token(jti="pod", **pod), headers={"x-airlock-correlation": "c-pod"})
        assert given.status == 200
        assert one.lines("open", jti="pod", assurance="attested", correlation="c-pod", dag_id=None)
        assert one.answer(WAREHOUSE, token(**{**pod, "sub": "system:serviceaccount:airflow:other"})).status == 403
        assert one.answer(WAREHOUSE, token(**{**pod, "sub": "system:serviceaccount:elsewhere:etl"})).status == 401


def test_clocks_may_differ_by_half_a_minute(one: RunningProxy) -> None:
    now = int(time.time())
    assert one.answer(WAREHOUSE, token(nbf=now + 20, iat=now + 20)).status == 200
    assert one.answer(WAREHOUSE, token(nbf=now + 120, iat=now + 120)).status == 401
    assert one.answer(WAREHOUSE, token(exp=now - 20)).status == 200


def test_what_ends_opens_nothing_more_and_cuts_no_tunnel(envoy: Path, tmp_path: Path) -> None:
    """A window that closes, a token that expires: sessions, and the forwarder, end what is open."""
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    ends = datetime.now(UTC) + timedelta(seconds=6)
    soon: tuple[frozenset[Once], ...] = (frozenset({Once(None, ends)}),)
    closing = replace(
        plan,
        targets=tuple(replace(one, grants=tuple(replace(each, times=soon) for each in one.grants)) for one in plan.targets),
    )
    with echo() as port, proxy(envoy, tmp_path, closing, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        # 30 seconds are forgiven: it holds for some more seconds.
        given = token(exp=int(time.time()) - 25)
        answer, tunnel = one.connect(WAREHOUSE, given)
        assert answer.status == 200
        time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds() + 0.5))
        refused = one.answer(WAREHOUSE, token())
        assert (refused.status, refused.body["policy"]) == (403, "deny-warehouse-5432/closed")
        assert eventually(lambda: one.answer(WAREHOUSE, given).body["detail"].endswith("{Jwt_is_expired}"))
        assert tunnel.says("still here") == "still here"


def test_two_tasks_at_once_are_two_to_it(one: RunningProxy) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [("finance_a", 200), ("marketing", 403), ("finance_b", 200), ("other", 403)] * 8
        answers = [pool.submit(one.answer, WAREHOUSE, token(dag, jti=f"{dag}-at-once")) for dag, _ in asked]
        assert [each.result().status for each in answers] == [status for _, status in asked]
    assert {each["dag_id"] for each in one.lines("open", jti="finance_a-at-once")} == {"finance_a"}
    assert not [each for each in one.log.read_text().splitlines() if '"marketing"' in each and '"event":"open"' in each]


def test_a_proxy_that_is_killed_takes_its_tunnels_with_it(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port:
        with proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
            _, tunnel = one.connect(WAREHOUSE, token())
            assert tunnel.says("a") == "a"
        assert tunnel.ends_within(10)
        assert not one.lets_in()


def test_an_issuer_that_is_down_does_not_close_the_proxy(envoy: Path, tmp_path: Path) -> None:
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(KEY).encode())

        def log_message(self, *_: object) -> None: ...

    site = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    uri = f"http://127.0.0.1:{site.server_address[1]}/keys"
    plan = compile_proxy(access(), "tcp-proxy", [issuer(jwks=None, jwks_uri=uri)], date.today())
    with proxy(envoy, tmp_path, plan) as one:
        assert eventually(lambda: one.answer(DOWN, token()).status == 503)
        site.shutdown()
        site.server_close()
        thread.join()
        assert one.answer(DOWN, token()).status == 503


def test_the_administration_listens_on_this_machine_alone(one: RunningProxy) -> None:
    boot = json.loads((Path(one.settings.folder) / "envoy.json").read_text())
    assert boot["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
    assert listening(one.settings.admin_port)


def test_it_says_whether_it_is_ready(envoy: Path, tmp_path: Path) -> None:
    port = free_port()
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with proxy(envoy, tmp_path, plan, health_port=port):
        assert urlopen(f"http://127.0.0.1:{port}/ready", timeout=10).status == 200
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/config_dump", timeout=10)


def test_without_a_rule_for_connect_no_token_is_asked_for(envoy: Path, tmp_path: Path) -> None:
    """Why the rule on `connect_matcher` is there: Envoy's rules on paths do not hold for CONNECT."""
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with proxy(envoy, tmp_path, plan) as found:
        settings = found.settings
    whole = envoy_configuration(plan, settings)
    boot = json.loads(whole.files["envoy.json"])
    manager = boot["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    rules = manager["http_filters"][0]["typed_config"]["rules"]
    del rules[1]
    whole.files["envoy.json"] = json.dumps(boot)  # type: ignore[index]
    with running(envoy, tmp_path, whole):
        answer = RunningProxy(settings, found.authority, found.client).answer(DOWN, None)
        assert "jwt_authn" not in answer.body["detail"]
        # And still nobody is let through: no claims, no policy that matches.
        assert answer.status == 403


def test_expired_routes_are_gone_and_those_to_come_end_by_themselves() -> None:
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    routes = [{"name": "old", "from": ["etl"], "to": ["queue"], "expires": yesterday, "reason": "T"}]
    plan = compile_proxy(access(routes=routes), "tcp-proxy", [issuer()], date.today())
    assert all(not one.grants for one in plan.targets)
