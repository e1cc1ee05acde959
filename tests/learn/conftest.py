"""What this folder's tests have in common: traffic of a small bank, as logs and as task runs."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

pytest.importorskip("duckdb", reason="needs the extra `learn`")

from pulumi_airlock.access import Access, load  # noqa: E402
from pulumi_airlock.learn import Learnt, TaskRun, learn, opened  # noqa: E402

from bench.lines import LINES  # noqa: E402
from bench.traffic import Run, Traffic, traffic  # noqa: E402

BANK = ROOT / "stacks" / "access" / "prod-mwaa.yaml"


@dataclass(frozen=True)
class Bank:
    """An access file, and eleven days of traffic of it."""

    access: Access
    made: Traffic

    def log(self, kind: str) -> str:
        return "".join(f"{LINES[kind](one)}\n" for one in self.made.contacts)

    @property
    def truth(self) -> set[tuple[str, str, str]]:
        """DAG, task and destination."""
        return {(*key, to) for key, reach in self.made.reach.items() for to in reach}

    def learn(self, log: Path, *, joined: bool = True) -> Learnt:
        runs = [TaskRun(one.environment, one.dag, one.task, one.start, one.end, one.hostname) for one in self.made.runs]
        with opened() as seen:
            seen.read(str(log))
            assert not seen.told.unreadable, seen.told
            return learn(seen, runs if joined else [], [], self.access)


@pytest.fixture(scope="session")
def bank() -> Bank:
    access = load(BANK)
    return Bank(access, traffic(access, days=11, noise=0.3))


def dump(runs: Iterable[Run]) -> str:
    """As Airflow's table task_instance is exported."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["task_id", "dag_id", "run_id", "map_index", "start_date", "end_date", "state", "try_number", "hostname"])
    rows.writerows([one.task, one.dag, one.run_id, -1, one.start, one.end, "success", 1, one.hostname] for one in runs)
    return out.getvalue()


Airlock = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def airlock() -> Airlock:
    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pulumi_airlock.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return call
