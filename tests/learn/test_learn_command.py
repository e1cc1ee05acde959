"""`airlock learn`: a file that `airlock check` takes, with what speaks for each route; and into one that is there already."""

import gzip
import json
from pathlib import Path

import pytest
from conftest import BANK, Airlock, Bank, dump
from pulumi_airlock.access import load

ENVIRONMENTS = ("finance", "markets", "risk", "treasury", "payments", "regulatory")


@pytest.fixture(scope="module")
def given(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A log of the FortiGate, packed, and the task runs of each environment."""
    folder = tmp_path_factory.mktemp("logs")
    log = folder / "fortigate.log.gz"
    log.write_bytes(gzip.compress(bank.log("FortiGate").encode()))
    arguments = [str(log)]
    for name in ENVIRONMENTS:
        (folder / f"{name}.csv").write_text(dump(one for one in bank.made.runs if one.environment == name))
        arguments += ["--runs", f"{name}={folder / name}.csv"]
    return arguments


def test_without_an_access_file_a_whole_one_is_proposed(given: list[str], airlock: Airlock, tmp_path: Path) -> None:
    done = airlock("learn", *given, "--windows")
    assert done.returncode == 0, done.stderr
    proposed = tmp_path / "proposed.yaml"
    proposed.write_text(done.stdout)
    checked = airlock("check", proposed)
    assert checked.returncode == 0, checked.stdout
    access = load(proposed)
    # All DAGs of the family do the same, and there is no other of its name: a glob.
    assert any("ledger_*" in one.dags for one in access.principals)
    # Host names that the FortiGate knows are the destinations', addresses side by side are one.
    assert any(one.hosts == ("ledger-db.corp.bank.example",) and one.ports == ("1521/tcp",) for one in access.destinations)
    assert any(one.cidrs == ("10.20.6.16/29",) for one in access.destinations)
    assert any(one.window is not None and one.window.days for one in access.routes)
    assert done.stdout.count("# evidence: ") == len(access.routes)
    assert "by time alone (" in done.stdout


def test_of_an_access_file_only_what_it_lacks_is_proposed(given: list[str], airlock: Airlock, tmp_path: Path) -> None:
    text = BANK.read_text()
    lines = text.splitlines()
    kept = tmp_path / "access.yaml"
    without = [line for line in lines if "name: risk-warehouse, from" not in line and "risk-warehouse:5432" not in line]
    kept.write_text("\n".join(without) + "\n")
    merged = tmp_path / "merged.yaml"
    done = airlock("learn", *given, "--access", kept, "--output", merged)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    before, after = load(kept), load(merged)
    new = [one for one in after.routes if one not in before.routes]
    assert {(one.from_, one.to) for one in new} == {
        (("var-engine",), ("risk-warehouse",)),
        (("stress-testing",), ("risk-warehouse",)),
    }
    assert (after.principals, after.destinations, after.expect) == (before.principals, before.destinations, before.expect)
    # Not a line of the file is lost or changed.
    left = iter(merged.read_text().splitlines())
    assert all(line in left for line in without)
    assert airlock("check", merged).returncode == 0


def test_what_the_access_file_refuses_is_told_and_not_proposed(given: list[str], airlock: Airlock, tmp_path: Path) -> None:
    kept = tmp_path / "access.yaml"
    kept.write_text(
        "\n".join(
            line for line in BANK.read_text().splitlines() if "name: risk-warehouse, from" not in line and "var_daily" not in line
        )
        + '\n  - {from: var_daily.*, to: "risk-warehouse:5432", allow: false}\n'
    )
    done = airlock("learn", *given, "--access", kept, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["route"]["from"] for one in found["routes"]] == [["stress-testing"]]
    (refused,) = found["refused"]
    assert refused["route"]["from"] == ["var-engine"]
    assert 'expects that "var-engine" does not reach "risk-warehouse:5432/tcp"' in refused["why"][0]
    assert refused["evidence"][0]["how"] == "time"


def test_lines_that_cannot_be_read_are_told_by_number(airlock: Airlock, bank: Bank, tmp_path: Path) -> None:
    lines = bank.log("VPC flow log").splitlines()[:2000]
    lines[700] = "2 123456789012 eni-1 10.40.0.300 10.20.4.10 40000 1521 6 6 20 1795252801 1795252861 ACCEPT OK"
    log = tmp_path / "flow.log"
    log.write_text("\n".join(lines))
    done = airlock("learn", log)
    assert done.returncode == 1
    assert f"{log}:701: srcaddr is no address: '10.40.0.300'" in done.stderr


def test_everything_wrong_with_the_command_is_told(airlock: Airlock, tmp_path: Path) -> None:
    assert "give logs, or --aggregated FILE" in airlock("learn").stderr
    log = tmp_path / "flow.log"
    log.write_text("2 1 eni-1 10.40.0.3 10.20.4.10 40000 1521 6 6 20 1795252801 1795252861 ACCEPT OK\n")
    done = airlock("learn", log, "--worker", "nobody", "--worker", "x=10.0.0.300")
    assert done.returncode == 1
    assert '--worker: "nobody": write NAME=ADDRESS' in done.stderr
    assert '--worker: "10.0.0.300/32" is no network' in done.stderr
    done = airlock("learn", "--sql", "oracle", "--table", "a;b", "--since", "monday")
    assert all(one in done.stderr for one in ('no dialect "oracle"', '"a;b" is no table', '"monday" is no day'))
