"""Tasks through the forwarder and a real Envoy, as the gate compiles it; then `airlock audit` over what both have written."""

import gzip
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import audit
from airlock_provider.audit import TaskRun
from airlock_provider.correlation import task_correlation
from airlock_provider.forwarder import Forwarder, ProxyEnd, TlsFiles, Way
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskIssuer, compile_proxy
from real_parts import ENVOY, needed
from real_tcp_proxy import SERVER_NAME, SigningKey, echo, key_set, proxy

ISSUER, AUDIENCE = "https://issuer.airlock.test", "airlock-proxy"
KEY = SigningKey()
ACCESS: dict[str, Any] = {
    "environments": [{"name": "finance"}],
    "principals": [{"name": "finance-etl", "dags": ["finance_*"]}],
    "zones": {"datacenter": {"gates": ["tcp-proxy"]}},
    "destinations": [
        {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
        {"name": "files", "zone": "datacenter", "hosts": ["files.corp.example"], "ports": ["22/tcp"]},
    ],
    "routes": [
        {"name": "finance", "from": ["finance-etl"], "to": ["warehouse", "files"], "session": "1h", "reason": "FIN-1"},
    ],
}
WAREHOUSE = audit.Destination("warehouse", "warehouse.corp.example", 5432, "datacenter", "finance")
FILES = audit.Destination("files", "files.corp.example", 22, "datacenter", "finance")


@dataclass(frozen=True)
class Token:
    value: str
    issued: float
    expires: float
    issuer: str = ISSUER
    uid: str = "j-1"


class Tokens:
    """Signs a token for a run."""

    def __init__(self, run: TaskRun, lasts: float = 300) -> None:
        self.run, self.lasts = run, lasts

    def get(self) -> Token:
        now = time.time()
        run = self.run
        claims = {name: getattr(run, name) for name in ("environment", "dag_id", "task_id", "run_id", "try_number", "map_index")}
        claims |= {"correlation": run.correlation, "ti_id": "ti-1", "assurance": run.assurance, "agent_id": run.agent_id}
        times = {"iat": int(now) - 10, "exp": int(now + self.lasts)}
        whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "task", "jti": "j-1", **times, "airlock": claims}
        return Token(KEY.sign(whole), now, now + max(self.lasts, 60))


def run_of(dag_id: str, **more: Any) -> TaskRun:
    when = datetime(2026, 11, 24, 2, tzinfo=UTC)
    correlation = task_correlation(dag_id, "load", 1, when, namespace="default")
    principal = "finance-etl" if dag_id.startswith("finance") else ""
    return TaskRun("finance", dag_id, "load", "scheduled__2026-11-24", correlation=correlation, principal=principal, **more)


FINANCE, MARKETING, AGENT = run_of("finance_daily"), run_of("marketing_daily"), run_of("finance_agent", agent_id="report-writer")


@dataclass(frozen=True)
class Logs:
    events: Path
    proxy: Path


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """What is written while three tasks, and one who went past the forwarder, go to two destinations."""
    envoy, folder = needed(ENVOY, "Envoy"), tmp_path_factory.mktemp("trail")
    issuer = TaskIssuer("finance", "oidc", "finance", ISSUER, AUDIENCE, jwks=key_set(KEY))
    plan = compile_proxy(Access.model_validate(ACCESS), "tcp-proxy", [issuer], date(2026, 11, 26))
    events = folder / "events.jsonl"
    audit.configure([{"kind": "file", "path": str(events)}])
    with ExitStack() as stack:
        there = stack.enter_context(echo())
        running = stack.enter_context(
            proxy(envoy, folder, plan, {WAREHOUSE.target: f"127.0.0.1:{there}", FILES.target: "127.0.0.1:1"})
        )
        end = ProxyEnd("tcp-proxy", "127.0.0.1", running.settings.port, SERVER_NAME)
        files = TlsFiles(str(running.client.certificate), str(running.client.key), str(running.authority.own.certificate))

        def go(run: TaskRun, where: audit.Destination, times: int = 1, lasts: float = 300) -> None:
            forwarder = Forwarder(run, Tokens(run, lasts), files)
            address = forwarder.open(Way(where, end))
            for _ in range(times):
                with socket.create_connection(address, timeout=20) as one:
                    one.sendall(b"x" * 100)
                    with suppress(ConnectionResetError):
                        one.recv(1000)
            forwarder.close()

        audit.emit(audit.task_started(FINANCE))
        go(FINANCE, WAREHOUSE, times=2)
        go(FINANCE, FILES)
        audit.emit(audit.task_ended(FINANCE, success=False, state="failed"))
        go(MARKETING, WAREHOUSE)
        go(AGENT, WAREHOUSE)
        go(AGENT, WAREHOUSE, lasts=-100)
        answer, tunnel = running.connect(WAREHOUSE.target, Tokens(FINANCE).get().value)
        assert (answer.status, tunnel.says("hello")) == (200, "hello")
        tunnel.close()
        assert running.lines("close", session="-") or running.lines("close", session=None)
        assert audit.flush(10)
    audit.configure([])
    return Logs(events, folder / "access.log")


def ask(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "pulumi_airlock.cli", "audit", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_who_reached_the_warehouse_is_answered_from_both_logs(logs: Logs) -> None:
    found = ask(logs.events, logs.proxy, "--to", "warehouse", "--on", "today")

    rows = {(row["task"], row["agent"]): row for row in found["reached"]}
    assert set(rows) == {("finance_daily.load", None), ("finance_agent.load", "report-writer")}
    finance = rows["finance_daily.load", None]
    assert (finance["sessions"], finance["principal"], finance["identityAssurance"]) == (3, "finance-etl", "asserted")
    assert (finance["bytesIn"], finance["bytesOut"]) == (205, 205)
    assert sorted(finance["seenBy"]) == ["provider", "tcp-proxy"]
    kept_out = {(one["task"], one["kind"], one["gate"], one["rule"]): one for one in found["keptOut"]}
    assert set(kept_out) == {
        ("marketing_daily.load", "permission", "tcp-proxy", "deny-warehouse-5432"),
        ("finance_agent.load", "token", "tcp-proxy", "token"),
    }
    assert found["unreadable"]["count"] == 0


def test_each_session_is_one_whatever_the_number_of_logs_that_tell_of_it(logs: Logs) -> None:
    found = ask(logs.events, logs.proxy, "--who", "finance_daily", "--to", "warehouse")

    (run,) = found["runs"]
    sessions = {one["session"] for one in run["entries"] if one.get("session")}
    for session in sessions:
        told = [(one["what"], one["by"]) for one in run["entries"] if one.get("session") == session]
        assert sorted(told) == [("left", "provider"), ("left", "tcp-proxy"), ("reached", "provider"), ("reached", "tcp-proxy")]
    assert len(sessions) == 2


def test_a_session_past_the_forwarder_is_told(logs: Logs) -> None:
    notes = ask(logs.events, logs.proxy)["notes"]

    assert any("1 session at the proxy that no forwarder tells of" in note for note in notes)
    assert not any("that no proxy's log shows" in note for note in notes)


def test_a_destination_that_was_down_is_told_as_routing_by_both(logs: Logs) -> None:
    found = ask(logs.events, logs.proxy, "--to", "files")

    (one,) = found["keptOut"]
    assert (one["kind"], one["what"], one["destination"]) == ("routing", "failed", "files")
    (run,) = found["runs"]
    failed = [entry["by"] for entry in run["entries"] if entry["what"] == "failed"]
    assert sorted(failed) == ["provider", "tcp-proxy"]
    assert run["outcome"] == "failed"


def test_the_answer_is_the_same_from_compressed_wrapped_and_shuffled_logs(logs: Logs, tmp_path: Path) -> None:
    plain = ask(logs.events, logs.proxy, "--to", "warehouse")
    wrapped = tmp_path / "cloudwatch.json.gz"
    lines = logs.events.read_text().splitlines()
    with gzip.open(wrapped, "wt") as file:
        bundle = {"logEvents": [{"id": str(number), "message": line} for number, line in enumerate(reversed(lines))]}
        file.write(json.dumps(bundle) + "\n")
    airflow = tmp_path / "task.log"
    airflow.write_text(
        "".join(
            json.dumps({"timestamp": "t", "event": line, "level": "info", "logger": "task.stdout"}) + "\n"
            for line in logs.proxy.read_text().splitlines()[::-1]
        )
    )
    other = ask(wrapped, airflow, "--to", "warehouse")

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["task"], row["sessions"], row["bytesIn"], row["first"], row["last"], sorted(row["seenBy"])

    assert sorted(map(key, other["reached"])) == sorted(map(key, plain["reached"]))
    assert len(other["keptOut"]) == len(plain["keptOut"])
