"""A task's connections through a real Envoy: what is refused, and how the log and the trail tell it."""

import os
import re
import socket
import time
from pathlib import Path

import pytest
from airlock_provider import audit
from airlock_provider.forwarder import Forwarder, TunnelError
from certificates import Authority
from forwarding import (
    RUN,
    Start,
    files,
    refused,
    talk,
    texts,
    way,
)


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
