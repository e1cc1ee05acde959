"""The local stack, really: what `make up` makes, shows and, after `make down`, leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_parts import AIRFLOW_PYTHON, ENVOY, needed
from real_processes import free_ports

ROOT = Path(__file__).parents[2]


class Project:
    """A copy of the project, whose local stack has a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def airlock(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pulumi_airlock.cli", *arguments]
        env = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=500, check=False)

    def up(self) -> str:
        done = self.airlock("up", "--stack", "local", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state(self) -> dict[str, Any]:
        document = json.loads((self.folder / ".airlock" / "airlock" / "local.json").read_text())
        return {one["urn"].rsplit("::", 1)[1]: one for one in document["deployment"]["resources"]}

    def processes(self) -> list[str]:
        listed = subprocess.run(["/bin/ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        return [one for one in listed.splitlines() if str(self.folder) in one]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    airflow, envoy = needed(AIRFLOW_PYTHON, "Airflow"), needed(ENVOY, "Envoy")
    found = subprocess.run([str(airflow), "-c", "import airlock_provider"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"{airflow} has no airflow-provider-airlock: make parts installs it")
    folder = tmp_path / "desk"
    folder.mkdir()
    for name in ("stacks", "policy-packs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    settings = folder / "stacks" / "Pulumi.local.yaml"
    text = settings.read_text().replace(".venv-airflow/bin/python", str(airflow)).replace(".venv-parts/bin/envoy", str(envoy))
    settings.write_text(f"{text}  airlock:firstPort: {free_ports(20)}\n")
    one = Project(folder)
    yield one
    one.airlock("destroy", "--stack", "local", "--yes")


def test_the_local_stack_from_up_to_down(project: Project) -> None:
    """One test, for one stack: it takes a minute to come up."""
    up_runs_it_all_and_shows_what_is_let_through_and_what_is_refused(project)
    a_second_up_changes_nothing(project)
    the_timeline_shows_both_and_which_agent_it_was(project)
    no_secret_is_in_a_log_or_in_the_state(project)
    a_proxy_that_died_is_started_again(project)
    destroy_stops_everything(project)


def up_runs_it_all_and_shows_what_is_let_through_and_what_is_refused(project: Project) -> None:
    said = project.up()
    assert "✓ proven" in said
    assert "6 of 6 expectations hold" in said
    made = project.state()
    assert made["desk-finance_daily"]["outputs"]["state"] == "success"
    assert "v-finance-etl-" in made["desk-finance_daily"]["outputs"]["log"][0]  # a user that lives for minutes
    assert made["desk-marketing_daily"]["outputs"]["state"] == "failed"
    (told,) = [one for one in made["desk-marketing_daily"]["outputs"]["log"] if "does not get connection" in one][:1]
    for word in ("permission", "no route leads marketing to warehouse", "tcp_proxy", "deny-warehouse-"):
        assert word in told


def a_second_up_changes_nothing(project: Project) -> None:
    summary = next(line for line in project.up().splitlines() if line.startswith("local: "))
    assert summary.endswith(" unchanged")
    assert "," not in summary


def the_timeline_shows_both_and_which_agent_it_was(project: Project) -> None:
    logs = [str(project.folder / ".airlock" / "desk" / name) for name in ("audit.jsonl", "proxy-access.log")]
    done = project.airlock("audit", *logs)
    assert done.returncode == 0, done.stderr
    for word in ("finance_daily", "marketing_daily", "no route leads marketing to warehouse", "analyst"):
        assert word in done.stdout


def no_secret_is_in_a_log_or_in_the_state(project: Project) -> None:
    folder = project.folder / ".airlock"
    secrets = [
        one.read_text() for one in (folder / "desk" / "secrets").iterdir() if one.name in ("lending-key", "postgres-password")
    ]
    secrets += ["PRIVATE KEY-----", "eyJ"]  # keys, and tokens
    read = [*folder.glob("desk/*.log"), *folder.glob("desk/*.jsonl"), *folder.glob("desk/airflow/logs/dag_id=*/**/*.log")]
    read.append(folder / "airlock" / "local.json")
    assert len(read) > 10
    for one in read:
        text = one.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], one


def a_proxy_that_died_is_started_again(project: Project) -> None:
    before = project.state()["tcp_proxy-envoy"]["outputs"]["pid"]
    os.killpg(before, signal.SIGKILL)
    project.up()
    assert project.state()["tcp_proxy-envoy"]["outputs"]["pid"] != before


def destroy_stops_everything(project: Project) -> None:
    assert project.processes()
    done = project.airlock("destroy", "--stack", "local", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.processes() == []
    assert not (project.folder / ".airlock" / "airlock" / "local.json").exists()
