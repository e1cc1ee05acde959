"""The real parts: a destination, and an Envoy configured by what the gate compiles. Needs `make parts`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import Settings, TaskIssuer, compile_proxy, envoy_configuration

ROOT = Path(__file__).parents[2]
TARGET = "warehouse.corp.example:5432"
ISSUER, AUDIENCE, SERVER_NAME = "https://issuer.airlock.bench", "airlock-proxy", "proxy.airlock.test"
ACCESS: dict[str, Any] = {
    "environments": [{"name": "bench"}],
    "principals": [{"name": "etl", "dags": ["finance_*"]}],
    "zones": {"datacenter": {"gates": ["tcp-proxy"]}},
    "destinations": [{"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]}],
    "routes": [{"name": "finance", "from": ["etl"], "to": ["warehouse"], "reason": "bench"}],
}


@dataclass(frozen=True)
class Parts:
    """What runs."""

    address: str
    """The destination's own, `host:port`."""
    through: dict[str, Any]
    """What a task needs to go through the proxy."""


def real(*names: str) -> list[Any]:
    """Modules of tests/real, where the real parts are started."""
    folder = str(ROOT / "tests" / "real")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return [import_module(one) for one in names]


@contextmanager
def running(folder: Path) -> Iterator[Parts]:
    """Destination and proxy, until the block ends."""
    helpers, names, processes, certificates = real("real_tcp_proxy", "real_parts", "real_processes", "certificates")
    if names.ENVOY is None:
        raise SystemExit("no Envoy here: `make parts` installs it")
    key = helpers.SigningKey()
    issuer = TaskIssuer("bench", "oidc", "bench", ISSUER, AUDIENCE, jwks=helpers.key_set(key))
    plan = compile_proxy(Access.model_validate(ACCESS), "tcp-proxy", [issuer], date(2026, 1, 1))
    authority = certificates.Authority(folder / "authority")
    helpers.put_certificate(authority, folder / "tls")
    client = authority.issue("worker", hosts=["worker.airflow.test"])
    with subprocess.Popen([sys.executable, "-m", "bench.path.destination"], stdout=subprocess.PIPE, text=True, cwd=ROOT) as there:
        assert there.stdout is not None
        address = f"127.0.0.1:{int(there.stdout.readline())}"
        settings = Settings(
            folder=str(folder / "envoy"),
            certificates=str(folder / "tls"),
            keys=str(folder / "jwks"),
            address="127.0.0.1",
            port=processes.free_port(),
            admin_port=processes.free_port(),
            log=str(folder / "access.log"),
            upstreams={TARGET: address},
        )
        options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]
        command = [names.ENVOY, "-c", envoy_configuration(plan, settings).write(), *options]
        with processes.server(command, folder / "envoy.log", lambda: processes.listening(settings.port), within=30) as envoy:
            through = {
                "target": TARGET,
                "proxy": f"127.0.0.1:{settings.port}",
                "server_name": SERVER_NAME,
                "certificate": str(client.certificate),
                "key": str(client.key),
                "ca": str(authority.own.certificate),
                "token": _token(key),
                "events": str(folder / "events.jsonl"),
                "envoy": envoy.pid,
            }
            yield Parts(address, through)
        there.terminate()


def _token(key: Any) -> str:
    now = int(time.time())
    claims = {"environment": "bench", "dag_id": "finance_daily", "task_id": "load", "run_id": "run", "try_number": 1}
    claims |= {"map_index": -1, "ti_id": "ti", "correlation": "019aaaaa-bbbb-7ccc-8ddd-eeeeffff0000", "assurance": "asserted"}
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "task", "jti": "bench", "iat": now, "exp": now + 3500, "airlock": claims}
    return str(key.sign(whole))


def measure(**given: Any) -> dict[str, float]:
    """Runs a task's process with this to do: its numbers."""
    command = [sys.executable, "-m", "bench.path.task", json.dumps(given)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "airflow-provider" / "src")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"bench.path.task: {done.stdout}{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
