"""A real Airflow that runs DAGs: scheduler, DAG processor and API server of Airflow 3, the scheduler of Airflow 2, on SQLite.

DAGs are `schedule="@once"` and start by themselves. What became of their tasks is read from Airflow's database, and what they
said from their log files.
"""

import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from real_airflow import migrated, run, settings
from real_processes import end_of, free_port, server

DONE = {"success", "failed", "upstream_failed", "skipped"}
ENDED_AFTER = 300.0
"""Seconds in which the tasks of all DAGs have to end."""


@dataclass(frozen=True)
class Runs:
    """What the DAGs' tasks came to."""

    home: Path
    states: Mapping[tuple[str, str], str]
    """(DAG, task) → state; of mapped tasks the last one's."""

    def log(self, dag_id: str, task_id: str) -> str:
        """What a task's log says, all tries together."""
        return "\n".join(one.read_text(errors="replace") for one in self.files() if _is_of(one, dag_id, task_id))

    def files(self) -> list[Path]:
        """Every log of every part of Airflow."""
        return sorted(one for one in self.home.rglob("*.log") if one.is_file())


def _is_of(file: Path, dag_id: str, task_id: str) -> bool:
    return {f"dag_id={dag_id}", f"task_id={task_id}"} <= set(file.parts)


def version(python: Path) -> tuple[int, ...]:
    """The version of an Airflow."""
    asked = "import importlib.metadata as m; print(m.version('apache-airflow'))"
    said = run(python, Path("/"), {"PATH": "/usr/bin:/bin"}, "-c", asked)
    return tuple(int(one) for one in re.findall(r"[0-9]+", said)[:3])


@contextmanager
def scheduled(python: Path, home: Path, dags: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[Runs]:
    """Runs DAGs (file → source) until all of their tasks have ended."""
    home.mkdir(parents=True, exist_ok=True)
    migrated(python, home)
    for name, source in dags.items():
        (home / "dags" / name).write_text(source)
    port = free_port()
    env = _environment(python, home, port, environment)
    with ExitStack() as running:
        for name, arguments in _parts(version(python), port):
            log = home / f"{name}.log"
            running.enter_context(server([python, "-m", "airflow", *arguments], log, lambda: True, env, home))
        yield Runs(home, _ended(home, len(dags)))


def _environment(python: Path, home: Path, port: int, more: Mapping[str, str]) -> dict[str, str]:
    own = {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",  # Airflow 2 wants another database for several tasks at once
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",  # all that anything says, as these tests look for what nothing may say
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",  # Airflow 2 starts `airflow` by its name
    }
    made = settings(home, port, own | dict(more))
    made.pop("AIRFLOW__CORE__AUTH_MANAGER")  # nobody signs in here
    return made


def _parts(found: tuple[int, ...], port: int) -> list[tuple[str, list[str]]]:
    if found < (3,):
        return [("scheduler", ["scheduler"])]
    api = ["api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--apps", "execution"]
    return [("api-server", api), ("dag-processor", ["dag-processor"]), ("scheduler", ["scheduler"])]


def _ended(home: Path, dags: int) -> dict[tuple[str, str], str]:
    deadline = time.monotonic() + ENDED_AFTER
    while True:
        found = _states(home)
        runs = _query(home, "select dag_id, state from dag_run")
        if len(runs) >= dags and all(state in DONE for _, state in runs):
            return found
        if time.monotonic() > deadline:
            logs = "\n".join(end_of(home / f"{name}.log") for name in ("scheduler", "dag-processor", "api-server"))
            raise RuntimeError(f"not all has ended: runs {runs}, tasks {found}\n{logs}")
        time.sleep(1)


def _states(home: Path) -> dict[tuple[str, str], str]:
    return {(dag, task): state for dag, task, state in _query(home, "select dag_id, task_id, state from task_instance")}


def _query(home: Path, sql: str) -> list[tuple[str, ...]]:
    with sqlite3.connect(f"file:{home}/airflow.db?mode=ro", uri=True, timeout=30) as database:
        return list(database.execute(sql))
