"""`airlock verify` from end to end: a proven program with both gates, brought up, and logs as its tenants would write them."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airlock_command import airlock
from pulumi_airlock.cli import app
from typer.testing import CliRunner, Result
from verify_cases import FLOW_HEAD, firewall, flow, lss, web

FINE = [
    firewall(locationname="airlock-finance-worker", rulelabel="airlock-rates"),
    web(spriv="airlock-finance-worker", urlfilterrulelabel="airlock-rates"),
    firewall(locationname="airlock-finance-scheduler", rulelabel="airlock-pypi", cdfqdn="pypi.example", csip="192.0.2.1"),
    lss(Policy="airlock-finance-warehouse"),
    lss(Username="ann@bank.example", ClientPrivateIP="", Policy="airlock-controllers-ui", Host="10.40.0.20", ServicePort=443),
    firewall(locationname="airlock-finance-worker", rulelabel="airlock-pypi", cdfqdn="pypi.example"),
    flow(destination="10.40.13.4"),
]


def test_a_preview_says_the_same_as_a_state(state: Path) -> None:
    folder = state.parents[2]
    done = airlock("preview", "--stack", "test", "--json", "--no-policy-packs", cwd=folder)
    preview = state.parent / "preview.json"
    preview.write_text(done.stdout)
    lines = [*FINE, flow(destination="203.0.113.20", port=22), firewall(locationname="Road Warrior")]
    assert document(preview, lines) == document(state, lines)


def run(state: Path, lines: list[str], *options: str) -> Result:
    log = state.parent / "zscaler.log"
    log.write_text("\n".join([FLOW_HEAD, *lines]))
    return CliRunner().invoke(app, ["verify", str(log), "--from", str(state), *options])


def document(state: Path, lines: list[str], *options: str) -> Any:
    log = state.parent / "zscaler.log"
    log.write_text("\n".join([FLOW_HEAD, *lines]))
    command = [sys.executable, "-m", "pulumi_airlock.cli", "verify", str(log), "--from", str(state), "--json", *options]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout)


def test_all_of_it_seen_as_compiled(state: Path) -> None:
    done = run(state, FINE, "--require-seen")
    assert done.exit_code == 0, done.output
    assert (
        "✓ 5 of 5 seen as compiled, nothing else found." in done.output or "seen as compiled, nothing else found" in done.output
    )
    rows = {(one["component"], one["gate"]): one for one in document(state, FINE)["rows"]}
    assert {key: one["seen"]["count"] for key, one in rows.items()} == {
        ("scheduler", "zia"): 1,
        ("worker", "zia"): 3,
        ("webserver", "zia"): 0,
        ("scheduler, worker", "zpa"): 1,
        ("webserver", "zpa"): 1,
    }
    assert rows["worker", "zia"]["routes"] == ["finance-rates", "finance-pypi"]
    assert rows["worker", "zia"]["onItsWay"]["count"] == 1
    assert rows["scheduler", "zia"]["routes"] == []
    assert rows["scheduler", "zia"]["through"] == "airlock-finance-scheduler, port 10001"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (flow(destination="203.0.113.20", port=22), "around"),
        (flow(source="10.60.0.1", destination="10.40.0.20", port=443), "around"),
        (flow(destination="10.40.13.4", port=9400), "unknown location"),
        (firewall(locationname="airlock-finance-worker", rulelabel="airlock-rates", cdfqdn="evil.example"), "undeclared"),
        (firewall(locationname="airlock-finance-webserver", rulelabel="airlock-rates"), "undeclared"),
        (firewall(locationname="airlock-finance-scheduler", rulelabel="airlock-rates"), "undeclared"),
        (firewall(locationname="airlock-finance-worker", rulelabel="airlock-zia-block", action="Reset"), "blocked"),
        (
            firewall(
                locationname="airlock-finance-scheduler", rulelabel="airlock-zia-block", cdfqdn="pypi.example", action="Drop"
            ),
            "blocked",
        ),
        (web(spriv="airlock-finance-worker", urlfilterrulelabel="Marketing"), "foreign rule"),
        (firewall(locationname="airlock-finance-worker", rulelabel="airlock-pypi"), "drift"),
        (firewall(locationname="Road Warrior", rulelabel="airlock-rates"), "unknown location"),
        (lss(Policy="airlock-controllers-ui"), "drift"),
        (lss(Policy="airlock-finance-warehouse", ServicePort=22), "undeclared"),
        (lss(Policy="airlock-finance-warehouse", Username="ann@bank.example", ClientPrivateIP=""), "undeclared"),
        (
            lss(Policy="airlock-deny-tasks", ConnectionStatus="close", InternalReason="BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY"),
            "blocked",
        ),
        (lss(Policy="Allow all"), "foreign rule"),
    ],
)
def test_a_changed_line_is_found_with_its_place(state: Path, line: str, kind: str) -> None:
    done = run(state, [*FINE, line], "--json")
    assert done.exit_code == 3, done.output
    found = document(state, [*FINE, line])["findings"]
    assert [one["kind"] for one in found] == [kind]
    assert found[0]["seen"]["example"]["line"] == len(FINE) + 2
    assert found[0]["seen"]["example"]["text"] == line
    shown = run(state, [*FINE, line]).output
    assert f"zscaler.log:{len(FINE) + 2}" in shown
    assert found[0]["message"] in shown


def test_a_client_of_the_proxy_connects_to_the_proxy_and_the_log_says_where_that_went(state: Path) -> None:
    line = firewall(
        locationname="airlock-finance-worker",
        rulelabel="airlock-rates",
        cdip="10.40.13.4",
        cdport="10002",
        sdip="203.0.113.80",
        sdport="443",
    )
    assert document(state, [line])["findings"] == []


def test_exit_statuses(state: Path) -> None:
    assert run(state, FINE).exit_code == 0
    assert run(state, FINE[:1]).exit_code == 0
    assert "Not seen yet: finance scheduler at zia" in run(state, FINE[:1]).output
    assert run(state, FINE[:1], "--require-seen").exit_code == 3
    unreadable = run(state, [*FINE, "what?"])
    assert unreadable.exit_code == 1
    assert "zscaler.log:9: 1 fields, where the format has 17: what?" in unreadable.output
    assert run(state, [*FINE, "what?", flow(destination="8.8.8.8", port=53)]).exit_code == 3
    assert run(state, [firewall(rulelabel="x")], "--since", "1h").exit_code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.log"], "none.log: cannot be read"),
        (["-", "-"], "name it once"),
        (["-", "--since", "yesterday"], "'yesterday' is no instant"),
        (["-", "--log-format", "some words"], "no format of flow logs"),
    ],
)
def test_wrong_input_is_told_without_a_traceback(state: Path, options: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_airlock.cli", "verify", *options, "--from", str(state)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input_and_what_is_compressed(state: Path) -> None:
    packed = state.parent / "more.gz"
    packed.write_bytes(gzip.compress(FINE[0].encode()))
    command = [sys.executable, "-m", "pulumi_airlock.cli", "verify", "-", str(packed), "--from", str(state), "--json"]
    done = subprocess.run(command, input=lss(Policy="x").encode(), capture_output=True, timeout=60, check=False)
    found = json.loads(done.stdout)
    assert found["formats"] == {"zpa-lss": 1, "zia-firewall": 1}
    assert found["findings"][0]["seen"]["example"]["file"] == "standard input"


# --- the same lines, explained


def explained(state: Path, line: str) -> Any:
    command = [sys.executable, "-m", "pulumi_airlock.cli", "explain", "--from-log", line, "--from", str(state), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (found,) = json.loads(done.stdout)
    return found


def test_a_line_of_zpa_is_explained_by_who_can_have_made_it(state: Path) -> None:
    found = explained(state, lss(Policy="Allow all"))
    assert found["agreement"] == "agrees"
    assert found["rule"] is None  # the stack has no "Allow all"
    assert found["environments"] == ["finance"]
    assert found["suspects"][0]["callers"] == ["ledger"]
    assert found["suspects"][0]["explanation"]["routes"] == ["finance-warehouse"]


def test_a_line_of_zia_by_the_location_that_it_came_by(state: Path) -> None:
    line = firewall(csip="192.0.2.1", locationname="airlock-finance-worker", action="Drop", rulelabel="airlock-zia-block")
    found = explained(state, line)
    assert found["agreement"] == "stricter"
    assert "airlock-zia-block" in found["rule"]["label"]
    assert "explained as from 10.40.0.10" in found["note"]
    assert found["environments"] == ["finance"]


def test_of_a_person_zpa_tells_no_group(state: Path) -> None:
    person = {"Username": "ann@bank.example", "ClientPrivateIP": "", "Host": "10.40.0.20", "ServicePort": 443}
    found = explained(state, lss(**person, Policy="airlock-controllers-ui"))
    assert (found["agreement"], found["suspects"][0]["callers"]) == ("agrees", ["controllers"])
    refused = {"ConnectionStatus": "close", "InternalReason": "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY"}
    assert explained(state, lss(**person, **refused, Policy="airlock-deny-rest"))["agreement"] == "unknown"


def test_traffic_of_somebody_else_is_none_of_the_stack_s(state: Path) -> None:
    line = firewall(csip="192.0.2.1", locationname="Paris")
    done = CliRunner().invoke(app, ["explain", "--from-log", line, "--from", str(state)])
    assert done.exit_code == 1
    assert "the stack has nothing to do with it" in done.output
