"""The TCP proxy in real Envoy: who is let through, and what a refusal says."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from airlock_provider import tunnels
from airlock_provider.forwarder import TlsFiles
from airlock_provider.manifest import Proxy
from certificates import Authority
from pulumi_airlock.gates.tcp_proxy import compile_proxy, envoy_configuration
from real_parts import ENVOY, needed
from real_processes import free_port, listening
from real_tcp_proxy import SERVER_NAME, RunningProxy, SigningKey, answer_of, echo, proxy, running
from tcp_proxy_cases import DOWN, LEDGER, QUEUE, WAREHOUSE, access, issuer, other_day, token


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
    files = TlsFiles(str(one.client.certificate), str(one.client.key), str(one.authority.own.certificate))
    as_known = Proxy("tcp-proxy", f"127.0.0.1:{one.settings.port}", SERVER_NAME, ("datacenter",), {})
    assert tunnels.policy(as_known, "finance", files) == "abc123"  # as the provider asks
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


def test_a_certificate_is_looked_at_for_each_connection(one: RunningProxy) -> None:
    """A session of TLS that is taken up again would let somebody in whose certificate has ended meanwhile."""
    context = ssl.create_default_context(cafile=str(one.authority.own.certificate))
    context.load_cert_chain(one.client.certificate, one.client.key)
    session: ssl.SSLSession | None = None
    for _ in range(3):
        raw = socket.create_connection((one.settings.address, one.settings.port), timeout=10)
        with context.wrap_socket(raw, server_hostname=SERVER_NAME, session=session) as connection:
            connection.sendall(b"CONNECT nowhere:1 HTTP/1.1\r\nHost: nowhere:1\r\n\r\n")
            assert answer_of(connection).status == 401
            assert not connection.session_reused
            session = connection.session or session


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


def test_an_agents_task_goes_by_the_rules_of_its_task_and_is_named(one: RunningProxy) -> None:
    for dag, status in (("finance_daily", 200), ("marketing_daily", 403)):
        claims = {"environment": "finance", "dag_id": dag, "task_id": "load_orders", "agent_id": "report-writer"}
        assert one.answer(WAREHOUSE, token(airlock=claims, jti=f"agent of {dag}")).status == status
        event = "open" if status == 200 else "refused"
        assert one.lines(event, jti=f"agent of {dag}", agent_id="report-writer", dag_id=dag)


def test_two_tasks_at_once_are_two_to_it(one: RunningProxy) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [("finance_a", 200), ("marketing", 403), ("finance_b", 200), ("other", 403)] * 8
        answers = [pool.submit(one.answer, WAREHOUSE, token(dag, jti=f"{dag}-at-once")) for dag, _ in asked]
        assert [each.result().status for each in answers] == [status for _, status in asked]
    assert {each["dag_id"] for each in one.lines("open", jti="finance_a-at-once")} == {"finance_a"}
    assert not [each for each in one.log.read_text().splitlines() if '"marketing"' in each and '"event":"open"' in each]


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
