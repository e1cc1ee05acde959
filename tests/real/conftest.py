"""Real servers for tests: each started once in a run, whatever the number of pytest's processes, and stopped at its end."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parent / "gates" / "nginx"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import real_airflow  # noqa: E402
import real_envoy  # noqa: E402
import real_kubernetes  # noqa: E402
from certificates import Authority  # noqa: E402
from real_parts import AIRFLOW_PYTHON, CRDS, ENVOY, ETCD, KUBE_API_SERVER, PARTS, needed  # noqa: E402
from real_processes import Shared  # noqa: E402

StartAirflow = Callable[..., real_airflow.AirflowServer]
StartEnvoy = Callable[..., real_envoy.Envoy]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The servers of this run, in a folder that all its processes see: pytest-xdist gives each process a folder inside of it."""
    mine = tmp_path_factory.getbasetemp()
    with Shared((mine.parent if mine.name.startswith("popen-") else mine) / "real") as found:
        yield found


@pytest.fixture(scope="session")
def airflow_server(servers: Shared) -> StartAirflow:
    """Starts a real Airflow: `airflow_server(webserver_config=…, environment={…}, dags={…}, roles=[…])`.

    The same arguments give the same running server; others one more, in a folder and on a port of its own. Tests change what
    Airflow knows of people, so that each of pytest's processes has its own; only the empty database is made once.
    """
    python = needed(AIRFLOW_PYTHON, "Airflow")

    @contextmanager
    def database(home: Path) -> Iterator[dict[str, Any]]:
        yield {"database": str(real_airflow.migrated(python, home))}

    def start(
        webserver_config: str = "",
        environment: Mapping[str, str] | None = None,
        dags: Mapping[str, str] | None = None,
        roles: Sequence[Mapping[str, str]] = (),
    ) -> real_airflow.AirflowServer:
        arguments = (webserver_config, dict(environment or {}), dict(dags or {}), list(roles))
        empty = Path(servers.get("airflow-empty", database)["database"])

        @contextmanager
        def one(home: Path) -> Iterator[dict[str, Any]]:
            with real_airflow.running(python, empty, home, *arguments) as found:
                yield real_airflow.as_data(found)

        process = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        name = f"airflow-{process}-{sha256(repr(arguments).encode()).hexdigest()[:12]}"
        return real_airflow.from_data(servers.get(name, one))

    return start


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the certificates of a mesh: `authority.workload("airflow", "etl")`."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def envoy(tmp_path: Path) -> Iterator[StartEnvoy]:
    """Starts a real Envoy that decides by RBAC rules: `envoy(http={8080: [rules, …]}, tcp={…}, authority=authority)`."""
    program = needed(ENVOY, "Envoy")
    with ExitStack() as running:
        yield lambda **given: running.enter_context(real_envoy.deciding(program, tmp_path / "envoy", **given))


@pytest.fixture(scope="session")
def kube_api(servers: Shared) -> real_kubernetes.KubeApi:
    """A real Kubernetes API server with all definitions: `kube_api.dry_run(object)` raises what the server says."""
    programs = needed(ETCD, "etcd"), needed(KUBE_API_SERVER, "kube-apiserver")
    parts = needed(PARTS / "crds", "definitions of Gateway API, cert-manager and trust-manager")
    if not CRDS.exists():
        pytest.skip(f"no {CRDS}: the definitions of Cilium, the meshes and nginx (AIRLOCK_CRDS says where they are)")

    @contextmanager
    def one(home: Path) -> Iterator[dict[str, Any]]:
        definitions = [file for folder in (CRDS, parts, HERE / "operator") for file in sorted(folder.glob("*.yaml"))]
        with real_kubernetes.running(*programs, home, definitions) as api:
            yield {"url": api.url, "token": api.token, "authority": str(api.authority)}

    found = servers.get("kubernetes", one)
    return real_kubernetes.KubeApi(found["url"], found["token"], Path(found["authority"]))
