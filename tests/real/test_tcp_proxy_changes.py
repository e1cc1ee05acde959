"""The TCP proxy in real Envoy while something changes: what is replaced, what ends, what is away."""

import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from certificates import Authority
from pulumi_airlock.gates.tcp_proxy import compile_proxy, envoy_configuration
from pulumi_airlock.proof.times import Once
from real_parts import ENVOY, needed
from real_processes import free_port
from real_tcp_proxy import SERVER_NAME, RunningProxy, SigningKey, echo, key_set, mount, proxy, put_certificate, running
from tcp_proxy_cases import DOWN, KEY, LEDGER, WAREHOUSE, access, eventually, issuer, token


@pytest.fixture(scope="module")
def envoy() -> Path:
    return needed(ENVOY, "Envoy")


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


def test_who_says_nothing_holds_no_connection_and_a_silent_tunnel_stays(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port:
        with proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as made:
            pass
        whole = envoy_configuration(plan, made.settings)
        # Ten seconds are long for a test.
        short = {name: text.replace('"10s"', '"1s"') for name, text in whole.files.items()}
        one = RunningProxy(made.settings, made.authority, made.client)
        with running(envoy, tmp_path, replace(whole, files=short)):
            _, tunnel = one.connect(WAREHOUSE, token())
            with socket.create_connection((one.settings.address, one.settings.port), timeout=10) as silent:
                assert silent.recv(1) == b""
            context = ssl.create_default_context(cafile=str(one.authority.own.certificate))
            context.load_cert_chain(one.client.certificate, one.client.key)
            raw = socket.create_connection((one.settings.address, one.settings.port), timeout=10)
            with context.wrap_socket(raw, server_hostname=SERVER_NAME) as asks_nothing:
                assert asks_nothing.recv(1) == b""
            assert tunnel.says("still here") == "still here"


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


def test_a_proxy_that_is_killed_takes_its_tunnels_with_it(envoy: Path, tmp_path: Path) -> None:
    plan = compile_proxy(access(), "tcp-proxy", [issuer()], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, {WAREHOUSE: f"127.0.0.1:{port}"}) as one:
        _, tunnel = one.connect(WAREHOUSE, token())
        assert tunnel.says("a") == "a"
        os.kill(one.pid, signal.SIGKILL)
        assert tunnel.ends_within(10)
        assert not one.lets_in()


@contextmanager
def issuers_site(port: int) -> Iterator[list[str]]:
    """Where an issuer's keys are fetched: who has done so."""
    asked: list[str] = []

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(KEY).encode())
            asked.append(self.path)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Keys) as site:
        thread = Thread(target=site.serve_forever, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            site.shutdown()
            thread.join()


def test_an_issuer_that_is_down_does_not_close_the_proxy(envoy: Path, tmp_path: Path) -> None:
    """Nor is anybody let through before its keys are there, and its keys hold for as long as it is away."""
    site = free_port()
    plan = compile_proxy(access(), "tcp-proxy", [issuer(jwks=None, jwks_uri=f"http://127.0.0.1:{site}/keys")], date.today())
    with proxy(envoy, tmp_path, plan) as made:
        pass
    whole = envoy_configuration(plan, made.settings)
    # Ten minutes are long for a test: keys that are asked for again each second.
    short = {name: text.replace('"cache_duration":"600s"', '"cache_duration":"1s"') for name, text in whole.files.items()}
    assert short != whole.files
    one = RunningProxy(made.settings, made.authority, made.client)
    with running(envoy, tmp_path, replace(whole, files=short)):
        answer = one.answer(DOWN, token())
        assert (answer.status, answer.body["reason"], answer.body["detail"]) == (
            401,
            "token",
            "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}",
        )
        with issuers_site(site) as asked:
            assert eventually(lambda: one.answer(DOWN, token()).status == 503, 30)
            assert eventually(lambda: len(asked) > 3, 30)  # ahead of need
        time.sleep(3)
        assert one.answer(DOWN, token()).status == 503
        assert one.answer(DOWN, token(key=SigningKey("one"))).status == 401
