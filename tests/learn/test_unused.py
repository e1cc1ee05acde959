"""`airlock unused`: what is not used is only said where logs of enough days would show it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Airlock

ACCESS = """\
apiVersion: airlock/v1
principals:
  - {name: finance, dags: ["finance_*"]}
  - {name: risk, dags: ["risk_*"]}
zones:
  datacenter: {cidrs: [10.20.0.0/16], gates: [fortigate-dc], trust: medium}
  saas: {gates: [zpa]}
destinations:
  - {name: warehouse, zone: datacenter, cidrs: [10.20.4.10/32], ports: [5432/tcp]}
  - {name: ledger, zone: datacenter, cidrs: [10.20.4.11/32], ports: [1521/tcp]}
  - {name: api, zone: datacenter, hosts: [api.corp.example], ports: [443/tcp]}
  - {name: rates, zone: saas, hosts: [rates.example], ports: [443/tcp]}
routes:
  - {name: finance-warehouse, from: [finance], to: [warehouse], reason: FIN-1}
  - {name: risk-warehouse, from: [risk], to: [warehouse], reason: RISK-1}
  - {name: finance-ledger, from: [finance], to: [ledger], reason: FIN-2}
  - {name: finance-api, from: [finance], to: [api], reason: FIN-3}
  - {name: finance-rates, from: [finance], to: [rates], reason: FIN-4}
"""
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def fortigate(moment: datetime, address: str, port: int) -> str:
    return (
        f'date={moment:%Y-%m-%d} time={moment:%H:%M:%S} eventtime={int(moment.timestamp())}000000000 type="traffic" '
        f'srcip=10.40.0.11 srcport=40000 dstip={address} dstport={port} proto=6 action="close" policyid=7'
    )


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Ten days, on each of which finance reaches the warehouse, and on the first two the ledger."""
    (tmp_path / "access.yaml").write_text(ACCESS)
    log, runs = [], ["dag_id,task_id,start_date,end_date,hostname"]
    for day in range(10):
        for hour in range(0, 24, 3):
            at = DAY + timedelta(days=day, hours=hour)
            runs.append(f"finance_daily,load,{at},{at + timedelta(minutes=5)},10.40.0.11")
            runs.append(f"risk_daily,load,{at + timedelta(hours=1)},{at + timedelta(hours=1, minutes=5)},10.40.0.11")
            log.append(fortigate(at + timedelta(minutes=2), "10.20.4.10", 5432))
            if day < 2:
                log.append(fortigate(at + timedelta(minutes=3), "10.20.4.11", 1521))
    (tmp_path / "fortigate.log").write_text("\n".join(log) + "\n")
    (tmp_path / "runs.csv").write_text("\n".join(runs) + "\n")
    return tmp_path


def verdicts(airlock: Airlock, bank: Path, *more: object) -> dict[str, tuple[str, str | None]]:
    done = airlock("unused", bank / "fortigate.log", "--access", bank / "access.yaml", "--json", *more)
    assert done.returncode == 0, done.stderr
    return {one["route"]: (one["verdict"], one["last"] and one["last"][:10]) for one in json.loads(done.stdout)["routes"]}


def test_with_task_runs_each_route_is_told_by_its_own_principals(airlock: Airlock, bank: Path) -> None:
    assert verdicts(airlock, bank, "--days", 7, "--runs", bank / "runs.csv") == {
        "finance-warehouse": ("used", "2026-11-10"),
        "risk-warehouse": ("unused", None),
        "finance-ledger": ("unused", "2026-11-02"),
        # Addresses tell nothing of a name; and ZPA's log was not given.
        "finance-api": ("not known", None),
        "finance-rates": ("not known", None),
    }


def test_without_task_runs_a_destination_that_is_reached_is_somebodys(airlock: Airlock, bank: Path) -> None:
    found = verdicts(airlock, bank, "--days", 7)
    assert found["finance-warehouse"] == found["risk-warehouse"] == ("reached by somebody", "2026-11-10")
    assert found["finance-ledger"] == ("unused", "2026-11-02")


def test_logs_of_fewer_days_do_not_say_that_anything_is_unused(airlock: Airlock, bank: Path) -> None:
    assert not any(
        verdict == "unused" for verdict, _ in verdicts(airlock, bank, "--days", 30, "--runs", bank / "runs.csv").values()
    )
    done = airlock("unused", bank / "fortigate.log", "--access", bank / "access.yaml", "--runs", bank / "runs.csv")
    assert "logs of its gates (fortigate-dc) are there of 10 of 30 days" in done.stdout
    assert "fortigate: 96 connections from 2026-11-01 to 2026-11-10, on 10 days" in done.stdout
