"""The stack of this machine under the Pulumi CLI: the same dynamic providers start, show and stop real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import real_cli
from real_cli import Cli, copied, packs, variables

sys.path.insert(0, str(real_cli.ROOT / "tests" / "real"))
from real_parts import AIRFLOW_PYTHON, ENVOY, needed
from real_processes import free_ports

pytestmark = real_cli.MARKS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Cli]:
    airflow, envoy = needed(AIRFLOW_PYTHON, "Airflow"), needed(ENVOY, "Envoy")
    project = copied(tmp_path / "desk", "Pulumi.yaml", "stacks", "policy-packs")
    settings = project / "stacks" / "Pulumi.local.yaml"
    text = settings.read_text().replace(".venv-airflow/bin/python", str(airflow)).replace(".venv-parts/bin/envoy", str(envoy))
    settings.write_text(f"{text}  airlock:firstPort: {free_ports(20)}\n")
    cli = Cli(project, variables(tmp_path / "cli"))
    cli.select("local")
    yield cli
    cli.pulumi("destroy", "--yes", status=None)


def test_the_cli_runs_and_ends_it(desk: Cli) -> None:
    """One test, for one stack: it takes a minute to come up."""
    desk.pulumi("up", "--yes", "--skip-preview", *packs(desk.folder, ["least-privilege", "access-proof"]))
    made = _state(desk)
    assert made["desk-finance_daily"]["outputs"]["state"] == "success"
    assert made["desk-marketing_daily"]["outputs"]["state"] == "failed"
    assert any("no route leads marketing to warehouse" in line for line in made["desk-marketing_daily"]["outputs"]["log"])
    desk.airlock("prove", "--from", "state.json")

    desk.pulumi("up", "--yes", "--expect-no-changes")

    logs = [str(desk.folder / ".airlock" / "desk" / name) for name in ("audit.jsonl", "proxy-access.log")]
    told = desk.airlock("audit", *logs)
    assert "no route leads marketing to warehouse" in told

    before = made["tcp_proxy-envoy"]["outputs"]["pid"]
    os.killpg(before, signal.SIGKILL)
    desk.pulumi("up", "--yes", "--skip-preview")
    assert _state(desk)["tcp_proxy-envoy"]["outputs"]["pid"] != before

    desk.pulumi("destroy", "--yes")
    assert _processes(desk) == []
    assert [one for one in _state(desk) if one.startswith("desk-")] == []


def _state(cli: Cli) -> dict[str, Any]:
    cli.pulumi("stack", "export", "--file", "state.json")
    resources = json.loads((cli.folder / "state.json").read_text())["deployment"].get("resources") or []
    return {one["urn"].rsplit("::", 1)[1]: one for one in resources}


def _processes(cli: Cli) -> list[str]:
    listed = subprocess.run(["/bin/ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [one for one in listed.splitlines() if str(cli.folder) in one]
