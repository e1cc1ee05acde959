"""The main job: every stack previews well, `up` creates everything once, `destroy` leaves nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

STACKS = {"dev-mwaa": 25, "prod-mwaa": 33, "prod-composer": 25, "prod-eks": 24, "dev-gke": 9, "dev-consul": 11}
"""Stack → its expectations."""


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_is_policed_and_proven_as_it_stands(airlock, stack: str):
    done = airlock("preview", "--stack", stack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ proven" in done.stdout
    assert f"{STACKS[stack]} of {STACKS[stack]} expectations hold" in done.stdout
    assert "[mandatory]" not in done.stdout


@pytest.mark.parametrize("stack", ["dev-mwaa", "prod-mwaa", "prod-composer", "prod-eks", "dev-gke", "dev-consul"])
def test_every_access_file_passes_its_check(airlock, stack: str):
    done = airlock("check", "--strict", f"stacks/access/{stack}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_up_creates_once_changes_nothing_the_second_time_and_destroy_leaves_nothing(airlock, project: Path):
    first = airlock("up", "--stack", "dev-mwaa", "--yes")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "are simulated" in first.stdout

    second = airlock("up", "--stack", "dev-mwaa", "--yes")
    assert second.returncode == 0, second.stdout + second.stderr
    summary = next(line for line in second.stdout.splitlines() if line.startswith("dev-mwaa: "))
    assert summary.endswith(" unchanged")
    assert "," not in summary

    proven = airlock("prove", "--from", ".airlock/airlock/dev-mwaa.json")
    assert proven.returncode == 0, proven.stdout + proven.stderr

    gone = airlock("destroy", "--stack", "dev-mwaa", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not (project / ".airlock" / "airlock" / "dev-mwaa.json").exists()


@pytest.mark.parametrize("stack", ["dev-mwaa", "prod-composer", "prod-eks", "dev-consul", "local"])
def test_a_preview_of_the_pulumi_cli_is_proven_as_the_stack_is(airlock, project: Path, stack: str):
    local = project / "stacks" / "Pulumi.local.yaml"
    for tool in (".venv-airflow/bin/python", ".venv-parts/bin/envoy"):  # a preview asks whether they are there, and runs neither
        local.write_text(local.read_text().replace(tool, sys.executable))
    preview = airlock("preview", "--stack", stack, "--no-policy-packs", "--json")
    assert preview.returncode == 0, preview.stderr
    (project / "preview.json").write_text(_as_the_cli_writes(json.loads(preview.stdout)))
    proven = airlock("prove", "--from", "preview.json", "--json")
    assert proven.returncode == 0, proven.stdout + proven.stderr
    assert json.loads(proven.stdout)["ok"] is True


def _as_the_cli_writes(document: dict[str, Any]) -> str:
    """Keys in order, a resource as it was asked for, before it has outputs, and no default providers (tests/pulumi_cli)."""
    states = [step["newState"] for step in document["steps"]]
    states = [state for state in states if ":pulumi:providers:" not in state["urn"] or "::default_" not in state["urn"]]
    asked = [{"op": "create", "urn": state["urn"], "newState": _asked(state)} for state in states]
    return json.dumps({"steps": asked}, sort_keys=True)


def _asked(state: dict[str, Any]) -> dict[str, Any]:
    """A provider puts the name that it makes up among the inputs."""
    made = {key: value for key, value in state.get("outputs", {}).items() if key == "name" and state["custom"]}
    kept = {key: value for key, value in state.items() if key not in ("outputs", "id", "place")}
    return kept | {"inputs": made | state.get("inputs", {})}


def test_explain_tells_every_gate_and_the_rule_that_decides(airlock):
    done = airlock(
        "explain", "ledger_close.post_entries", "ledger-db:1521", "--stack", "prod-mwaa", "--at", "2026-11-23T12:00+01:00"
    )
    assert "aws_network" in done.stdout
    assert "airlock-deny-all" in done.stdout
    assert "not at this time" in done.stdout


def test_a_person_is_explained_through_zpa(airlock):
    allowed = airlock("explain", "treasury-desk", "airflow-ui-treasury:443", "--stack", "prod-mwaa")
    for said in ("zpa", "SCIM_GROUP", "airflow-treasury", "aws_network-treasury-from-10.40.15.0-27-tcp-443"):
        assert said in allowed.stdout, allowed.stdout + allowed.stderr
    refused = airlock("explain", "treasury-desk", "airflow-ui-markets:443", "--stack", "prod-mwaa")
    assert "Refused by: zpa (permission)" in refused.stdout, refused.stdout


def test_a_task_is_explained_through_zpa_and_through_zia(airlock):
    private = airlock("explain", "liquidity_intraday.load", "group-liquidity:8443", "--stack", "prod-mwaa")
    for said in ("EDGE_CONNECTOR_GROUP", "airlock-group-liquidity", "route to endpoint"):
        assert said in private.stdout, private.stdout + private.stderr
    internet = airlock("explain", "ledger_close.post_entries", "central-bank-rates:443", "--stack", "prod-mwaa")
    assert "Refused by: zia (permission)" in internet.stdout, internet.stdout + internet.stderr


def test_only_zpa_tells_people_apart_on_the_way_to_the_web_servers(airlock):
    done = airlock("prove", "--stack", "prod-mwaa", "--json")
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)
    telling = {one["route"]: one["gates"] for one in proof["identity"] if one["destination"].startswith("airflow-ui-")}
    assert set(map(tuple, telling.values())) == {("zpa",)}, telling
    cells = {(one["principal"], one["destination"]): one for one in proof["matrix"]}
    assert cells["treasury-desk", "airflow-ui-treasury"]["declared"] == "all"
    assert cells["treasury-desk", "airflow-ui-markets"]["declared"] == "none"
    assert proof["identityFindings"] == {"ok": True, "findings": []}
