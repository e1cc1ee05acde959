"""How long a task waits for a connection that it has been lent already: the provider in Airflow, asked as hooks ask.

python -m bench.lookups [--python PYTHON]… [--lookups N] [--json]

Each Python is one of an Airflow (`make parts` brings 3.3 and 2.11). A process in it loads a manifest of 200 principals and 500
destinations, is lent a connection once, at a forwarder's port, and then asks again and again: the backend itself, and by
Airflow's own `BaseHook.get_connection`. No proxy runs: nothing connects.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import Proxy, TaskIdentity, manifest
from rich.console import Console
from rich.table import Table

GOAL = 2.0
"""Milliseconds that a cached lookup may take: of waiting at the median, of work 99 of 100 times, however busy the machine is."""
ROOT = Path(__file__).parent.parent
PYTHONS = (ROOT / ".venv-airflow" / "bin" / "python", ROOT / ".venv-airflow2" / "bin" / "python")
PRINCIPALS, DESTINATIONS = 200, 500

INSIDE = """
import json, os, sys, time
from datetime import datetime, timezone
from types import SimpleNamespace

import airflow.configuration  # first: it loads the backend that it is told of
from airlock_provider.backend import AirlockBackend

try:
    from airflow.sdk import BaseHook
    from airflow.sdk.definitions._internal.contextmanager import _CURRENT_CONTEXT
except ImportError:
    from airflow.hooks.base import BaseHook
    from airflow.models.taskinstance import _CURRENT_CONTEXT
from importlib.metadata import version

now = datetime.now(timezone.utc)
ti = SimpleNamespace(dag_id="dag_7_daily", task_id="load", run_id="r", try_number=1, map_index=-1, id="x")
dag_run = SimpleNamespace(logical_date=now, run_after=now, start_date=now)
_CURRENT_CONTEXT.append({"ti": ti, "dag_run": dag_run, "dag": None, "task": None, "params": {}})
backend, name, lookups = AirlockBackend(), "db_7", int(sys.argv[1])
found = {"airflow": version("apache-airflow")}
for way, ask in (("backend", backend.get_connection), ("BaseHook", BaseHook.get_connection)):
    began = time.perf_counter()
    assert ask(name).host == "127.0.0.1"
    first, waited, worked = time.perf_counter() - began, [], []
    for _ in range(lookups):
        began, used = time.perf_counter(), time.thread_time()
        ask(name)
        waited.append(time.perf_counter() - began)
        worked.append(time.thread_time() - used)
    waited.sort()
    worked.sort()
    most = lookups * 99 // 100
    found[way] = [1000 * one for one in (first, waited[lookups // 2], waited[most], worked[lookups // 2], worked[most])]
print("FOUND" + json.dumps(found))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.lookups", description=__doc__.partition("\n")[0])
    arguments.add_argument("--python", type=Path, action="append", help="of an Airflow (default: those of `make parts`)")
    arguments.add_argument("--lookups", type=int, default=5_000, help="how often is asked (default: 5000)")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = arguments.parse_args()
    pythons = given.python or [one for one in PYTHONS if one.exists()]
    if not pythons:
        arguments.error("no Airflow here: `make parts` installs two, or say --python")
    with Console(stderr=True).status("measuring …"):
        measured = [measure(one, given.lookups) for one in pythons]
    if given.json:
        print(json.dumps(measured, indent=2))
    else:
        Console().print(_table(measured))


def measure(python: Path, lookups: int) -> dict[str, Any]:
    """Milliseconds by way of asking: the first lookup; waited, median and 99 of 100; worked, the same (processor time)."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "manifest.json").write_text(_manifest())
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "AIRFLOW_HOME": folder,
            "PYTHONPATH": str(ROOT / "airflow-provider" / "src"),
            "AIRFLOW__SECRETS__BACKEND": "airlock_provider.backend.AirlockBackend",
            "AIRFLOW__AIRLOCK__MANIFEST": str(home / "manifest.json"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        command = [str(python), "-c", INSIDE, str(lookups)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"{python}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.partition("FOUND")[2])
    return found


def _manifest() -> str:
    access = Access.model_validate(
        {
            "principals": [{"name": f"p{number}", "dags": [f"dag_{number}_*"]} for number in range(PRINCIPALS)],
            "zones": {"corp": {"gates": ["tcp_proxy"]}},
            "destinations": [
                {"name": f"db-{number}", "zone": "corp", "hosts": [f"db{number}.corp.example"], "ports": ["5432/tcp"]}
                for number in range(DESTINATIONS)
            ],
            "routes": [
                {
                    "name": f"r{number}",
                    "from": [f"p{number % PRINCIPALS}"],
                    "to": [f"db-{number}"],
                    "window": {"days": [], "from": "00:00", "to": "00:00", "timezone": "Europe/Zurich"},
                    "reason": "BENCH-1",
                }
                for number in range(DESTINATIONS)
            ],
        }
    )
    identity = TaskIdentity("https://issuer.example", "proxy", "projected", "attested", path="/nowhere")
    return manifest(access, "bench", [Proxy("tcp_proxy", "127.0.0.1:1", ("corp",))], identity).text()


def _table(measured: list[dict[str, Any]]) -> Table:
    worst = max(max(numbers[1], numbers[4]) for one in measured for way, numbers in one.items() if way != "airflow")
    table = Table(
        title="A connection that was lent already, milliseconds",
        caption=f"Goal: under {GOAL:g} ms, waited at the median, worked 99 of 100 times ({'met' if worst < GOAL else 'missed'}).",
    )
    table.add_column("Airflow")
    table.add_column("asked by")
    for heading in ("the first time", "waited", "99 of 100", "worked", "99 of 100"):
        table.add_column(heading, justify="right")
    for one in measured:
        for way in ("backend", "BaseHook"):
            table.add_row(one["airflow"], way, *(f"{number:.3f}" for number in one[way]))
    return table


if __name__ == "__main__":
    main()
