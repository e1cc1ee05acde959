"""A real Airflow: its API server with the FAB auth manager, on SQLite, with the DAGs, roles and configuration of a test."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_processes import free_port, server

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


@dataclass(frozen=True)
class AirflowServer:
    """A running API server."""

    port: int
    home: Path
    """AIRFLOW_HOME: `webserver_config.py`, `dags`, `airflow.db`."""
    log: Path
    python: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> str:
        """Runs Python beside the server, as in `run("-m", "airflow", "users", "list")`: what it prints."""
        return run(self.python, self.home, self.environment, *arguments)


def settings(home: Path, port: int, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of Airflow's processes. Nothing of the caller's but PATH: a developer's own Airflow must not show."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": "of-the-tests-alone-0123456789abcdef",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of-the-tests-alone-0123456789abcdef-0123456789abcdef-0123456789abcdef",
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        **more,
    }


def run(python: Path, home: Path, environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(python), *arguments], env=dict(environment), cwd=home, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def migrated(python: Path, home: Path) -> Path:
    """An empty database of this Airflow: some 20 s, hence once for all servers."""
    (home / "dags").mkdir(exist_ok=True)
    run(python, home, settings(home, 0, {}), "-m", "airflow", "db", "migrate")
    return home / "airflow.db"


@contextmanager
def running(
    python: Path,
    database: Path,
    home: Path,
    webserver_config: str = "",
    environment: Mapping[str, str] | None = None,
    dags: Mapping[str, str] | None = None,
    roles: Sequence[Mapping[str, str]] = (),
) -> Iterator[AirflowServer]:
    """An API server in a folder of its own.

    `webserver_config`: the text of the file. `environment`: more of `AIRFLOW__SECTION__OPTION`. `dags`: file name → source.
    `roles`: what `airflow roles import` takes.
    """
    (home / "dags").mkdir(parents=True, exist_ok=True)
    shutil.copy(database, home / "airflow.db")
    if webserver_config:
        (home / "webserver_config.py").write_text(webserver_config)
    port = free_port()
    env = settings(home, port, environment or {})
    if roles:
        (home / "roles.json").write_text(json.dumps(list(roles)))
        run(python, home, env, "-m", "airflow", "roles", "import", "roles.json")
    for name, source in (dags or {}).items():
        (home / "dags" / name).write_text(source)
    if dags:
        run(python, home, env, "-m", "airflow", "dags", "reserialize")
    log = home / "api-server.log"
    command: list[str | Path] = [
        python,
        "-m",
        "airflow",
        "api-server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    found = AirflowServer(port, home, log, python, env)
    with server(command, log, lambda: _answers(found.url), env, home):
        yield found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v2/version", timeout=5) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def as_data(found: AirflowServer) -> dict[str, Any]:
    """For another process of the same run."""
    places = {"home": str(found.home), "log": str(found.log), "python": str(found.python)}
    return {"port": found.port, "environment": dict(found.environment), **places}


def from_data(data: Mapping[str, Any]) -> AirflowServer:
    """The other way round."""
    home, log, python = (Path(data[name]) for name in ("home", "log", "python"))
    return AirflowServer(data["port"], home, log, python, data["environment"])
