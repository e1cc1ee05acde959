"""A task's connections through a real HAProxy: by its principal's certificate, and without a token."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import audit, tunnels
from airlock_provider.forwarder import Forwarder, ProxyEnd, TunnelError, Way
from airlock_provider.manifest import Proxy, ProxyRule
from certificates import Authority
from forwarding import RUN, Trail, destination, echo, files, talk, texts, wait_until
from pulumi_airlock.access import Access
from pulumi_airlock.audit.timeline import Question, read
from pulumi_airlock.gates.tcp_proxy import TaskCertificates, compile_proxy, proxy_of
from real_haproxy import HOST, RunningHaproxy, proxy
from real_parts import HAPROXY, needed
from real_processes import free_port

ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "dags": ["ledger_*"]}, {"name": "marketing", "dags": ["marketing_*"]}],
        "zones": {"datacenter": {"gates": ["tcp_proxy"]}},
        "destinations": [
            {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.test"], "ports": ["5432/tcp"]},
            {"name": "files", "zone": "datacenter", "hosts": ["files.test"], "ports": ["22/tcp"]},
        ],
        "routes": [{"name": "ledger", "from": ["ledger"], "to": ["warehouse", "files"], "reason": "T"}],
    }
)
CERTIFICATES = [TaskCertificates("finance", "finance")]


@dataclass
class Parts:
    """A running proxy, and what the provider knows of it."""

    running: RunningHaproxy
    known: Proxy
    trail: Trail
    stack: ExitStack

    def forwarder(self, principal: str, authority: Authority | None = None) -> Forwarder:
        pair = (authority or self.running.authority).issue(principal, unit="finance")
        found = Forwarder(RUN, None, files(pair, self.running.authority), source="certificate")
        self.stack.callback(found.close)
        return found

    def way(self, name: str = "warehouse", port: int = 5432, **given: Any) -> Way:
        there = audit.Destination(name, f"{name}.test", port, zone="datacenter", route="ledger")
        host, number = self.known.endpoint
        rule = self.known.rules.get(there.target, ProxyRule("", "", f"unknown.{HOST}"))
        end = ProxyEnd(self.known.gate, host, number, self.known.server_name, rule.server_name)
        return Way(there, end, **{"deny": rule.deny, **given})


def greeting(one: socket.socket) -> None:
    """A server that speaks first, as MySQL's does."""
    one.sendall(b"welcome ")
    echo(one)


@pytest.fixture
def parts(tmp_path: Path, trail: Trail, caplog: pytest.LogCaptureFixture) -> Iterator[Parts]:
    needed(HAPROXY, "HAProxy")
    caplog.set_level(logging.INFO, "airflow.task.airlock")
    plan = compile_proxy(ACCESS, "tcp_proxy", CERTIFICATES, date.today(), engine="haproxy", manifests={"finance": "abc123"})
    with ExitStack() as stack:
        host, port = stack.enter_context(destination(greeting))
        where = {"warehouse.test:5432": f"{host}:{port}", "files.test:22": f"127.0.0.1:{free_port()}"}
        running = stack.enter_context(proxy(tmp_path / "proxy", plan, where))
        document = proxy_of(plan, f"127.0.0.1:{running.settings.port}", HOST).document()
        rules = {target: ProxyRule(one["allow"], one["deny"], one["serverName"]) for target, one in document["rules"].items()}
        known = Proxy(document["gate"], document["address"], document["serverName"], tuple(document["zones"]), rules)
        yield Parts(running, known, trail, stack)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()


def test_a_task_gets_through_by_its_certificate_alone(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    forwarder = parts.forwarder("ledger")
    end = forwarder.open(parts.way())
    assert talk(end, b"hello 123") == b"welcome h"
    opened, closed = parts.trail.wait_for("Open"), parts.trail.wait_for("Close")
    assert "token" not in json.dumps(opened["actor"])
    assert opened["src_endpoint"]["port"]
    near = f"127.0.0.1:{opened['src_endpoint']['port']}"
    (line,) = parts.running.lines("close", client=near)
    assert (line["principal"], line["policy"]) == ("ledger", "allow-warehouse-5432/ledger")
    assert closed["traffic"]["bytes_out"] == 9
    # The proxy was asked first, by the run's name: that it may is no session of its own.
    assert parts.running.lines("asked", correlation=RUN.correlation, policy="allow-warehouse-5432/ledger")
    assert "is reached through tcp_proxy" in texts(caplog.records)


def test_a_rule_that_refuses_is_named_in_the_tasks_log_and_in_the_trail(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    assert talk(parts.forwarder("marketing").open(parts.way())) == b""
    event, said = parts.trail.wait_for("Refuse"), texts(caplog.records)
    told = event["unmapped"]["airlock"]
    assert (told["kind"], told["gate"], told["rule"]) == ("permission", "tcp_proxy", "deny-warehouse-5432")
    assert event["status_code"] == "403"
    assert (
        "warehouse (warehouse.test:5432) is not reached, by permission: tcp_proxy refused it by rule deny-warehouse-5432" in said
    )
    assert "the certificate /OU=finance/CN=marketing has no route" in said
    assert parts.running.lines("refused", correlation=RUN.correlation, policy="deny-warehouse-5432", principal="marketing")


def test_a_destination_that_is_down_is_routing_behind_the_proxy(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    forwarder = parts.forwarder("ledger")
    pair = parts.running.authority.issue("ledger", unit="finance")
    wait_until(lambda: parts.running.asks(pair, "files.test:22").status == 503)  # its own look finds that nobody is there
    with pytest.raises(TunnelError, match="tcp_proxy let it through and did not reach the destination: istio may stop it"):
        forwarder.reach(parts.way("files", 22, behind=("istio",)))


def test_what_the_proxy_does_not_know_and_whom_it_does_not_trust(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(TunnelError, match=r"tcp_proxy knows no target other\.test:1521"):
        parts.forwarder("ledger").reach(parts.way("other", 1521))
    stranger = parts.forwarder("ledger", Authority(tmp_path / "other-authority"))
    with pytest.raises(TunnelError, match="did not accept the task's certificate") as caught:
        stranger.reach(parts.way())
    assert caught.value.refusal.rule == "client-certificate"


def test_a_condition_may_try_it_and_ask_for_the_manifest_in_force(parts: Parts) -> None:
    parts.forwarder("ledger").reach(parts.way())
    pair = parts.running.authority.issue("ledger", unit="finance")
    shown = files(pair, parts.running.authority)
    assert tunnels.policy(parts.known, "finance", shown) == "abc123"
    with pytest.raises(OSError, match="does not say which manifest of markets"):
        tunnels.policy(parts.known, "markets", shown)


def test_the_trail_joins_what_both_ends_tell(parts: Parts) -> None:
    """HAProxy knows no run: its line of a tunnel is joined by the caller's port, and what it was asked by the session's name."""
    assert talk(parts.forwarder("ledger").open(parts.way()), b"hello 123") == b"welcome h"
    assert talk(parts.forwarder("marketing").open(parts.way())) == b""
    parts.trail.wait_for("Close")
    parts.trail.wait_for("Refuse")
    assert parts.running.lines("close")
    logs = {"events": parts.trail.path, "proxy": parts.running.log}
    found = read(list(logs), lambda name: iter(logs[name].read_text().splitlines()), Question())
    (run,) = [one for one in found.runs if one.correlation == RUN.correlation]
    told = [sorted(f"{one.what}/{one.by}" for one in session.entries) for session in run.sessions]
    assert ["left/provider", "left/tcp_proxy", "reached/provider", "reached/tcp_proxy"] in told
    assert ["refused/provider", "refused/tcp_proxy"] in told
    assert not found.notices


def test_each_principal_has_its_own_certificate(parts: Parts) -> None:
    """One task may be several principals: each way shows the certificate of its route's."""
    forwarder = parts.forwarder("marketing")
    pair = parts.running.authority.issue("ledger", unit="finance")
    way = replace(parts.way(), files=files(pair, parts.running.authority))
    assert talk(forwarder.open(way), b"hello 123") == b"welcome h"
