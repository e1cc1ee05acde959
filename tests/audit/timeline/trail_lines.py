"""Lines of logs for tests: the provider's by its own code, the proxy's as Envoy writes them (tests/real has real ones)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airlock_provider import audit
from pulumi_airlock.audit.timeline import Question, Trail, read

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""A Tuesday."""
WAREHOUSE = audit.Destination("warehouse", "warehouse.corp.example", 5432, "datacenter", "finance")
LEDGER = audit.Destination("ledger-db", "ledger.corp.example", 1521, "datacenter", "close")


def run(number: int = 1, dag_id: str = "finance_daily", **more: Any) -> audit.TaskRun:
    correlation = more.pop("correlation", f"019aaaaa-0000-7000-8000-{number:012x}")
    given = {"task_id": "load", "run_id": f"run-{number}", "principal": "finance-etl", **more}
    return audit.TaskRun("finance", dag_id, correlation=correlation, **given)


def session(where: audit.Destination = WAREHOUSE, at: datetime = NOON, port: int = 41000, **more: Any) -> audit.Session:
    given = {"gate": "tcp_proxy", "proxy": "10.9.9.1:8443", "source_ip": "10.1.2.3", "source_port": port, **more}
    return audit.Session(where, at.timestamp(), **given)


def line(event: audit.Event, at: datetime | None = None) -> str:
    return json.dumps({**event, **({"time": int(at.timestamp() * 1000)} if at else {})})


def opened(who: audit.TaskRun, one: audit.Session) -> str:
    return line(audit.session_opened(who, one))


def closed(who: audit.TaskRun, one: audit.Session, after: float = 60, reason: str = "client") -> str:
    return line(audit.session_closed(who, one, bytes_in=1000, bytes_out=10, reason=reason, ended=one.opened + after))


def refused(who: audit.TaskRun, one: audit.Session, kind: str = audit.PERMISSION, text: str = "") -> str:
    refusal = audit.Refusal(kind, text or f"not reached, by {kind}", "tcp_proxy", "deny-warehouse-5432", "why", 403)
    return line(audit.session_refused(who, one, refusal), datetime.fromtimestamp(one.opened, UTC))


def proxied(who: audit.TaskRun | None, one: audit.Session, event: str, after: float = 0, **more: Any) -> str:
    """A line of the proxy."""
    named = who or audit.TaskRun("", "", "", "")
    at = datetime.fromtimestamp(one.opened, UTC)
    said = {
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "gate": "tcp_proxy",
        "client": f"{one.source_ip}:{one.source_port}",
        "certificate": "CN=worker",
        "connection": 7,
        "event": event,
        "target": one.destination.target,
        "destination": one.destination.name,
        "environment": named.environment or None,
        "dag_id": named.dag_id or None,
        "task_id": named.task_id or None,
        "run_id": named.run_id or None,
        "try_number": str(named.try_number),
        "map_index": str(named.map_index),
        "correlation": named.correlation or None,
        "session": one.uid,
        "stream": f"stream-{one.uid}",
        "assurance": "asserted",
        "policy": "allow-warehouse-5432/finance",
        "reason": None,
        "response_code": 200,
        "response_code_details": "via_upstream",
        "response_flags": "-",
        "bytes_in": 10 if event == "close" else 0,
        "bytes_out": 1000 if event == "close" else 0,
        "duration_ms": int(after * 1000),
        "upstream": "10.20.4.10:5432",
        "upstream_local": f"10.9.9.1:{one.source_port + 1}",
        "upstream_failure": None,
    }
    return json.dumps({**said, **more})


def fortigate(source: str, port: int, where: str, to: int, at: datetime, action: str = "close") -> str:
    local = at + timedelta(hours=1)
    return (
        f'date={local:%Y-%m-%d} time={local:%H:%M:%S} eventtime={int(at.timestamp())}000000000 tz="+0100" devname="edge" '
        f'type="traffic" subtype="forward" srcip={source} srcport={port} dstip={where} dstport={to} proto=6 action="{action}" '
        f'policyid=12 policyname="proxy-to-warehouse" sentbyte=1 rcvdbyte=2'
    )


def trail(*lines: str, question: Question | None = None, **more: Any) -> Trail:
    return read(["log"], lambda name: lines, question or Question(), **more)


RULE = "deny-warehouse-5432"
WHY = f"rbac_access_denied_matched_policy[{RULE}]"


def logs(folder: Path) -> list[str]:
    """Writes the logs of docs/audit-trail.md's example: their names."""
    finance, agent, ledger = (
        run(1),
        run(2, dag_id="finance_agent", agent_id="report-writer"),
        run(3, dag_id="marketing_daily", principal="marketing"),
    )
    one, two = session(port=41000), session(port=42000, at=NOON + timedelta(minutes=3))
    out, other = session(port=43000, at=NOON + timedelta(minutes=7)), session(LEDGER, port=44000)
    events = [
        line(audit.task_started(finance), NOON - timedelta(seconds=5)),
        opened(finance, one),
        closed(finance, one, 90),
        opened(agent, two),
        refused(
            ledger,
            out,
            text=f"warehouse (warehouse.corp.example:5432) is not reached, by permission: tcp_proxy refused it by rule {RULE}",
        ),
        opened(finance, other),
        closed(finance, other),
        line(audit.task_ended(finance, success=True), NOON + timedelta(seconds=95)),
    ]
    proxy = [
        proxied(finance, one, "open"),
        proxied(finance, one, "close", 90, response_code_details="downstream_remote_disconnect"),
        proxied(agent, two, "open"),
        proxied(ledger, out, "refused", response_code=403, reason="permission", policy=RULE, response_code_details=WHY),
        proxied(finance, other, "open"),
        proxied(finance, other, "close", 60),
    ]
    device = [fortigate("10.9.9.1", 41001, "10.20.4.10", 5432, NOON + timedelta(seconds=1))]
    for name, lines in (("events.jsonl", events), ("proxy.jsonl", proxy), ("fortigate.log", device)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return ["events.jsonl", "proxy.jsonl", "fortigate.log"]
