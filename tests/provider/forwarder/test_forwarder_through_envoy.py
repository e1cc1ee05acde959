"""A task's connections through a real Envoy: what passes, what is refused and how that is told, and what ends them."""

import hashlib
import logging
import os
import random
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import audit
from airlock_provider.audit import pipeline
from airlock_provider.forwarder import Forwarder, TunnelError, session
from certificates import Authority
from connect_envoy import Issuer, Proxy, connect_proxy
from forwarding import (
    DESTINATION,
    RUN,
    TARGET,
    Parts,
    Tokens,
    Trail,
    destination,
    echo,
    files,
    received,
    talk,
    texts,
    wait_until,
    way,
)
from real_parts import ENVOY, needed

Start = Callable[..., AbstractContextManager[Parts]]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("forwarder-authority"))


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    audit.configure([{"kind": "file", "path": str(tmp_path / "audit.jsonl")}])
    yield Trail(tmp_path / "audit.jsonl")
    audit.flush(10)
    audit.configure([])


@pytest.fixture
def start(tmp_path: Path, signed: Authority, issuer: Issuer, trail: Trail, caplog: pytest.LogCaptureFixture) -> Start:
    """Starts everything: `start(serve)` with what the destination does; `where` instead of a destination, a port of nobody."""
    envoy = needed(ENVOY, "Envoy")
    caplog.set_level(logging.INFO, "airflow.task.airlock")

    @contextmanager
    def begin(
        serve: Callable[[socket.socket], None] = echo, where: tuple[str, int] | None = None, **tokens: Any
    ) -> Iterator[Parts]:
        with ExitStack() as stack:
            there = where or stack.enter_context(destination(serve))
            targets = {TARGET: ("warehouse", ["ledger_close"], there)}
            proxy = stack.enter_context(connect_proxy(envoy, tmp_path / "envoy", signed, issuer, targets))
            client = signed.issue("client")
            held = Tokens(issuer, **tokens)
            forwarder = Forwarder(RUN, held, files(client, signed), source="oidc")
            stack.callback(forwarder.close)
            yield Parts(forwarder, held, proxy, trail, client, signed)

    return begin


# --- what passes


def test_bytes_pass_both_ways_and_both_sides_log_the_same_session(start: Start) -> None:
    with start() as parts:
        end = parts.open()
        data = random.Random(1).randbytes(3_000_000)  # noqa: S311
        with socket.create_connection(end, timeout=30) as one:
            sender = threading.Thread(target=one.sendall, args=(data,))
            sender.start()
            back = received(one, len(data))
            sender.join()
        closed = parts.trail.wait_for("Close")
        wait_until(lambda: bool(parts.proxy.sessions()))
        (proxied,) = parts.proxy.sessions()

    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
    assert parts.trail.activities() == ["Open", "Close"]
    assert closed["traffic"] == {"bytes": 6_000_000, "bytes_in": 3_000_000, "bytes_out": 3_000_000}
    assert closed["actor"]["session"]["expiration_reason"] == "client"
    assert (proxied["correlation"], proxied["code"]) == (RUN.correlation, 200)
    assert closed["metadata"]["correlation_uid"] == RUN.correlation


def test_a_destination_that_speaks_first_is_heard(start: Start) -> None:
    def greet(one: socket.socket) -> None:
        one.sendall(b"220 ready\r\n")
        echo(one)

    with start(greet) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        assert received(one, 11) == b"220 ready\r\n"
        one.sendall(b"x")
        assert received(one, 1) == b"x"


def test_all_that_a_destination_sent_before_it_closed_arrives_with_its_end(start: Start) -> None:
    data = os.urandom(2_000_000)

    def answer(one: socket.socket) -> None:
        one.recv(100)
        one.sendall(data)

    with start(answer) as parts:
        with socket.create_connection(parts.open(), timeout=30) as one:
            one.sendall(b"query")
            time.sleep(0.1)  # the answer waits for a slow reader
            assert received(one, 3_000_000) == data
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "destination"


def test_a_client_that_says_no_more_still_gets_its_answer(start: Start) -> None:
    def answer(one: socket.socket) -> None:
        question = received(one, 5)
        time.sleep(0.3)
        one.sendall(b"answer to " + question)

    with start(answer) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        one.sendall(b"query")
        one.shutdown(socket.SHUT_WR)
        assert received(one, 100) == b"answer to query"


def test_a_client_that_closes_ends_the_session_at_the_destination_though_it_says_nothing(start: Start) -> None:
    ended = threading.Event()

    def listen(one: socket.socket) -> None:
        while one.recv(1000):
            pass
        ended.set()

    with start(listen) as parts:
        with socket.create_connection(parts.open(), timeout=30) as one:
            one.sendall(b"begin")
            parts.trail.wait_for("Open")
        assert ended.wait(30)
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "client"


def test_a_client_that_half_closed_and_then_died_ends_the_session_too(start: Start) -> None:
    ended = threading.Event()

    def listen(one: socket.socket) -> None:
        while one.recv(1000):
            pass
        ended.set()

    with start(listen) as parts:
        one = socket.create_connection(parts.open(), timeout=30)
        one.sendall(b"begin")
        one.shutdown(socket.SHUT_WR)
        parts.trail.wait_for("Open")
        one.close()
        assert ended.wait(30)


def test_a_slow_reader_holds_the_destination_back_and_no_memory_fills(start: Start) -> None:
    sent = [0]

    def flood(one: socket.socket) -> None:
        one.settimeout(3)
        block = bytes(1 << 16)
        try:
            while sent[0] < 1 << 30:
                sent[0] += one.send(block)
        except TimeoutError:
            pass

    with start(flood) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        parts.trail.wait_for("Open")
        before = -1
        while before != sent[0]:
            before = sent[0]
            time.sleep(0.5)
        # What fills up are the buffers of sockets and of the proxy; a forwarder that takes all would have a gigabyte.
        assert 0 < before < 100_000_000
        assert received(one, before) == bytes(before)


def test_two_hundred_connections_at_once_each_get_their_own_bytes(start: Start) -> None:
    together = threading.Barrier(200, timeout=60)

    def ask(end: tuple[str, int], number: int) -> bool:
        data = random.Random(number).randbytes(20_000)  # noqa: S311
        with socket.create_connection(end, timeout=60) as one:
            together.wait()
            one.sendall(data)
            return received(one, len(data)) == data

    with start() as parts, ThreadPoolExecutor(200) as pool:
        end = parts.open()
        assert all(pool.map(lambda number: ask(end, number), range(200)))
        parts.trail.wait_for("Close", 200)
        uids = [event["actor"]["session"]["uid"] for event in parts.trail.events() if event["activity_name"] == "Open"]
        assert len(set(uids)) == 200
        assert parts.tokens.asked <= 2  # one token for all of them, and not one each
        assert parts.forwarder.sessions == 0


# --- what is refused


def refused(parts: Parts, caplog: pytest.LogCaptureFixture, activity: str = "Refuse", **given: Any) -> tuple[audit.Event, str]:
    """The event and the log's words of a connection that is not opened."""
    assert talk(parts.open(**given)) == b""
    return parts.trail.wait_for(activity), texts(caplog.records)


def test_a_rule_that_refuses_is_named_in_the_tasks_log_and_in_the_trail(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with start(dag_id="marketing_daily") as parts:
        event, said = refused(parts, caplog)

    told = event["unmapped"]["airlock"]
    assert (told["kind"], told["gate"], told["rule"]) == ("permission", "tcp_proxy", "deny-warehouse-5432")
    assert event["status_code"] == "403"
    assert event["authorizations"][0]["policy"]["name"] == "deny-warehouse-5432"
    assert (
        "warehouse (warehouse.test:5432) is not reached, by permission: tcp_proxy refused it by rule deny-warehouse-5432" in said
    )
    assert "airlock explain ledger_close.load warehouse:5432 --stack finance" in said


def test_a_token_that_expired_is_told_apart_from_a_rule(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with start(claims={"exp": int(time.time()) - 60}) as parts:
        event, said = refused(parts, caplog)

    assert (event["unmapped"]["airlock"]["kind"], event["status_code"]) == ("token", "401")
    assert "by token: tcp_proxy did not accept the task's token" in said
    assert "Jwt_is_expired" in said


def test_a_clock_that_is_wrong_is_told_with_how_much(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(since=300) as parts:
        real = time.time
        # This machine's clock, as the forwarder sees it, is ahead as the token's is.
        monkeypatch.setattr("airlock_provider.forwarder.connect.time.time", lambda: real() + 300)
        event, said = refused(parts, caplog)

    assert event["unmapped"]["airlock"]["kind"] == "token"
    told = re.search(r"this machine's clock is (\d+) s ahead of the proxy's", said)
    assert told
    assert 290 <= int(told[1]) <= 330


def test_a_target_that_the_proxy_does_not_know(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with start() as parts:
        other = audit.Destination("ledger", "ledger.test", 1521)
        one = way(parts.proxy.address)
        end = parts.forwarder.open(type(one)(other, one.proxy))
        assert talk(end) == b""
        event, said = parts.trail.wait_for("Refuse"), texts(caplog.records)

    assert (event["unmapped"]["airlock"]["kind"], event["status_code"]) == ("permission", "404")
    assert "tcp_proxy knows no target ledger.test:1521" in said


def test_a_destination_that_is_down_is_routing_behind_the_proxy(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with start(where=("127.0.0.1", 1)) as parts:
        event, said = refused(parts, caplog, "Fail", behind=("istio",))

    told = event["unmapped"]["airlock"]
    assert (told["kind"], told["gate"], event["status_code"]) == ("routing", "istio", "503")
    assert "tcp_proxy let it through and did not reach the destination: istio may stop it" in said


def test_a_proxy_that_does_not_run_is_routing_before_it(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with start() as parts:
        assert talk(parts.forwarder.open(way("127.0.0.1:1"))) == b""
        event, said = parts.trail.wait_for("Fail"), texts(caplog.records)

    assert event["unmapped"]["airlock"]["kind"] == "routing"
    assert "tcp_proxy (127.0.0.1:1) takes no connections" in said


def test_a_proxy_behind_a_gate_that_drops_everything_names_the_gates_before_it(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airlock_provider.forwarder.connect.CONNECT_WITHIN", 0.3)
    with start() as parts, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # A listener whose queue is full: packets go there and nothing comes back, as behind a firewall that drops.
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        assert talk(parts.forwarder.open(way(f"127.0.0.1:{full.getsockname()[1]}"))) == b""
        event, said = parts.trail.wait_for("Fail"), texts(caplog.records)
        for one in waiting:
            one.close()

    assert event["unmapped"]["airlock"]["kind"] == "routing"
    assert "aws_network or fortigate may stop it" in said


def test_a_proxy_of_another_authority_gets_no_token(start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = Authority(tmp_path / "other-authority")
    with start() as parts:
        forwarder = Forwarder(RUN, parts.tokens, files(parts.client, other))
        assert talk(forwarder.open(way(parts.proxy.address))) == b""
        event, said = parts.trail.wait_for("Fail"), texts(caplog.records)
        forwarder.close()

    assert event["unmapped"]["airlock"]["rule"] == "server-certificate"
    assert "a gate before it may inspect TLS" in said
    assert parts.proxy.sessions() == []


def test_a_client_certificate_of_another_authority_is_not_accepted(
    start: Start, tmp_path: Path, signed: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    other = Authority(tmp_path / "other-authority").issue("client")
    with start() as parts:
        forwarder = Forwarder(RUN, parts.tokens, files(other, signed))
        assert talk(forwarder.open(way(parts.proxy.address))) == b""
        event, said = parts.trail.wait_for("Refuse"), texts(caplog.records)
        forwarder.close()

    assert (event["unmapped"]["airlock"]["kind"], event["unmapped"]["airlock"]["rule"]) == ("token", "client-certificate")
    assert "did not accept the task's certificate" in said


def test_a_trust_condition_that_no_longer_holds_stops_new_connections(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    no = audit.Refusal(audit.TRUST, "condition tunnel-up is not met", gate="provider", rule="tunnel-up")
    answers: list[audit.Refusal | None] = [None, no]
    with start() as parts:
        end = parts.open(check=lambda: answers.pop(0))
        assert talk(end) == b"hello"
        assert talk(end) == b""
        event = parts.trail.wait_for("Refuse")

    assert (event["unmapped"]["airlock"]["kind"], event["unmapped"]["airlock"]["rule"]) == ("trust", "tunnel-up")
    assert "condition tunnel-up is not met" in texts(caplog.records)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_another_user_of_the_machine_is_not_let_through(start: Start) -> None:
    with start() as parts:
        end = parts.open()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setuid(65534)
                status = 0 if talk(end) == b"" else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        event = parts.trail.wait_for("Refuse")
        assert talk(end) == b"hello"

    assert event["unmapped"]["airlock"]["rule"] == "local-user"
    assert event["status_detail"] == "uid 65534"


def test_a_try_without_a_client_tells_the_same(start: Start) -> None:
    with start(dag_id="marketing_daily") as parts:
        with pytest.raises(TunnelError, match="refused it by rule deny-warehouse-5432"):
            parts.forwarder.reach(way(parts.proxy.address))
        parts.tokens.dag_id = "ledger_close"
    with start() as parts:
        parts.forwarder.reach(way(parts.proxy.address))
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "tried"


# --- what ends it, and what must not


def ends_in(seconds: float) -> Callable[[datetime], tuple[datetime | None, str]]:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return lambda opened: (at, "the window of route finance-warehouse closes")


def test_at_the_deadline_an_open_connection_is_cut_and_none_is_opened_after(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with start() as parts:
        end = parts.open(ends=ends_in(1.5))
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            with pytest.raises(ConnectionResetError):
                one.recv(1)
        closed = parts.trail.wait_for("Close")
        event, said = refused(parts, caplog, ends=ends_in(-1))

    assert closed["actor"]["session"]["expiration_reason"] == "deadline"
    assert closed["time"] >= closed["actor"]["session"]["expiration_time"]
    assert event["unmapped"]["airlock"]["rule"] == "the window of route finance-warehouse closes"
    assert "is closed, by permission: the window of route finance-warehouse closes" in said
    assert "no new connection is opened any more" in said


def test_a_proxy_that_is_killed_ends_its_sessions_with_a_reset_and_the_log_says_so(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def trickle(one: socket.socket) -> None:
        while True:
            one.sendall(b"row\n")
            time.sleep(0.01)

    with start(trickle) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        assert received(one, 40) == b"row\n" * 10
        os.kill(_listener(parts.proxy), signal.SIGKILL)
        with pytest.raises(ConnectionResetError):  # and no end, which would be half a result that looks whole
            received(one, 1 << 40)
        closed = parts.trail.wait_for("Close")
        failed, said = refused(parts, caplog, "Fail")

    assert closed["actor"]["session"]["expiration_reason"] == "proxy-lost"
    assert failed["unmapped"]["airlock"]["kind"] == "routing"
    assert "was cut off by routing: tcp_proxy broke off" in said


def _listener(proxy: Proxy) -> int:
    """The process that listens at the proxy's address, started by this test."""
    host, _, port = proxy.address.rpartition(":")
    wanted = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{int(port):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    inodes = {f"socket:[{line[9]}]" for line in lines if line[1] == wanted and line[3] == "0A"}
    mine = [int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    for pid in mine:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(link) in inodes:
                return pid
    raise AssertionError("nobody listens there")


def test_while_the_issuer_is_away_open_connections_stay_and_new_ones_end_with_the_token(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with start(lasts=4) as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            parts.tokens.down = True
            assert talk(end) == b"hello"  # the kept token still holds
            wait_until(lambda: talk(end) == b"", within=30)
            one.sendall(b"y")
            assert received(one, 1) == b"y"
            event, said = parts.trail.wait_for("Refuse"), texts(caplog.records)
            parts.tokens.down = False
            wait_until(lambda: talk(end) == b"hello")

    assert (event["unmapped"]["airlock"]["kind"], event["unmapped"]["airlock"]["rule"]) == ("token", "oidc")
    assert "there is no token for the task to show to tcp_proxy" in said
    assert "the issuer is away" in said


def test_tokens_are_renewed_before_they_end_without_anybody_connecting(start: Start) -> None:
    with start(lasts=3) as parts:
        parts.open()
        wait_until(lambda: parts.tokens.asked >= 3)


def test_a_rotated_certificate_serves_new_connections_and_open_ones_go_on(
    start: Start, tmp_path: Path, signed: Authority, issuer: Issuer
) -> None:
    with start() as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            # Whoever rotates writes new files over the old ones: first one that the proxy does not trust, to see that it counts.
            other = Authority(tmp_path / "other-authority").issue("client")
            for old, new in ((parts.client.key, other.key), (parts.client.certificate, other.certificate)):
                new.replace(old)
            assert talk(end) == b""
            renewed = signed.issue("renewed")
            for old, new in ((parts.client.key, renewed.key), (parts.client.certificate, renewed.certificate)):
                new.replace(old)
            assert talk(end) == b"hello"
            one.sendall(b"y")
            assert received(one, 1) == b"y"


def test_files_that_are_half_rotated_are_told_as_such(start: Start, signed: Authority, caplog: pytest.LogCaptureFixture) -> None:
    with start() as parts:
        signed.issue("half").key.replace(parts.client.key)
        event, said = refused(parts, caplog)

    assert event["unmapped"]["airlock"]["rule"] == "client-certificate"
    assert "the task's certificate for tcp_proxy cannot be used" in said
    assert "KEY_VALUES_MISMATCH" in said


def test_at_the_tasks_end_everything_is_closed_and_told(start: Start) -> None:
    with start() as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            parts.forwarder.close()
            assert one.recv(1) == b""
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "task-ended"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(end, timeout=5)
        assert not any(one.name == "airlock-forwarder" for one in threading.enumerate())
        assert talk(parts.open()) == b"hello"  # and it can be opened anew


def test_a_forked_process_opens_a_forwarder_of_its_own(start: Start, tmp_path: Path) -> None:
    with start() as parts:
        assert talk(parts.open()) == b"hello"
        child = os.fork()
        if child == 0:
            status = 1
            try:
                parts.forwarder.close()  # must not wait for a thread that there is not
                status = 0 if talk(parts.open()) == b"hello" else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert talk(parts.open()) == b"hello"


def test_no_token_and_no_key_is_in_any_log(start: Start, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    seen: list[str] = []
    with start() as parts:
        real = parts.tokens.get

        def kept() -> Any:
            found = real()
            seen.append(found.value)
            return found

        parts.tokens.get = kept  # type: ignore[method-assign]
        assert talk(parts.open()) == b"hello"
        parts.tokens.claims = {"aud": "another"}
        parts.forwarder.close()
        assert talk(parts.open()) == b""
        parts.trail.wait_for("Refuse")
        audit.flush(10)
        written = "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.suffix in (".jsonl", ".log"))

    everything = written + texts(caplog.records)
    assert seen
    assert "PRIVATE KEY" not in everything
    for token in seen:
        assert token not in everything
        assert token.split(".")[1] not in everything
    assert DESTINATION.name in everything


def test_the_deadline_is_the_wall_clocks_even_where_the_machine_slept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer counts a clock that stops while a machine sleeps: the deadline is looked at again and again."""
    monkeypatch.setattr(session, "_TICK", 0.05)
    with start() as parts:
        end = parts.open(ends=ends_in(3600))
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            real = time.time
            monkeypatch.setattr("airlock_provider.forwarder.session.time.time", lambda: real() + 7200)
            with pytest.raises(ConnectionResetError):
                one.recv(1)
