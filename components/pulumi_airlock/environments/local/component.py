"""An Airflow of this machine with its proxy, issuer and destinations, as one component. Needs no SDK but Pulumi's own."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pulumi

from ...access import Access
from ...access.manifest import TaskIdentity, manifest
from ...errors import Problems
from ...gates.tcp_proxy import ProxyPlan, Settings, TaskIssuer, compile_proxy, envoy_configuration, proxy_of
from ...gates.tcp_proxy.envoy import BOOTSTRAP
from ...tokens import LOCAL_ENVIRONMENT, TCP_PROXY
from . import issuer as issuing
from . import lending, postgres
from .certificates import AUTHORITY, CERTIFICATE, KEY, LocalCertificates
from .files import LocalFiles, digest
from .processes import LocalProcess
from .runs import LocalDagRun

HOST = "127.0.0.1"
AUDIENCE = "airlock-proxy"
AUDIT, PROXY_LOG = "audit.jsonl", "proxy-access.log"
"""Files that the provider and the proxy write, for `airlock audit`."""
_PASSWORD = "postgres-password"  # noqa: S105  # the file's name
_PARTS = "make parts installs it"


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs that the stack runs; `make parts` installs them."""

    airflow: Path
    """Python of a virtual environment with Airflow and `airflow-provider-airlock`."""
    envoy: Path


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of 127.0.0.1, which nobody else may have: `first` and the ten after it, then one for each destination."""

    first: int = 28080

    @property
    def airflow(self) -> int:
        """Airflow's API server and UI."""
        return self.first

    @property
    def issuer(self) -> int:
        """Who signs the tasks' tokens."""
        return self.first + 1

    @property
    def lending(self) -> int:
        """Who lends passwords."""
        return self.first + 2

    @property
    def proxy(self) -> int:
        """Envoy."""
        return self.first + 3

    @property
    def proxy_admin(self) -> int:
        """Envoy's administration."""
        return self.first + 4

    @property
    def destinations(self) -> int:
        """The first destination; the next ones follow."""
        return self.first + 11


@dataclass(frozen=True, slots=True)
class Try:
    """A run of a DAG that shows what the stack does."""

    dag_id: str
    succeeds: bool
    told: str = ""
    """What its tasks' logs must say."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Folders of the stack."""

    root: Path

    @property
    def certificates(self) -> Path:
        """`proxy` and `tasks`, each with its certificate, key and authority."""
        return self.root / "certificates"

    @property
    def proxy(self) -> Path:
        """Envoy's configuration."""
        return self.root / "proxy"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.root / "airflow"

    @property
    def secrets(self) -> Path:
        """What is for its owner alone."""
        return self.root / "secrets"


@dataclass(frozen=True, slots=True)
class _Server:
    """A destination as it is on this machine."""

    target: str
    """As tasks ask the proxy for it."""
    destination: str
    port: int
    postgres: Path | None
    """PostgreSQL's programs where it is one; else it is the echo server."""


class LocalEnvironment(pulumi.ComponentResource):
    """Airflow on this machine behind a real proxy: issuer, lender, destinations, Envoy, Airflow, and runs that show it.

    It is for trying Airlock out. Nothing on one machine keeps a process from a port of 127.0.0.1: what the proxy refuses is
    refused by the proxy and by the provider, and by no network.
    """

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        folder: Path,
        dags: Path,
        tools: Tools,
        gate: str = "tcp_proxy",
        ports: Ports | None = None,
        tries: Sequence[Try] = (),
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The environment that the access file calls `name`.

        `folder`: where everything lies, and every process logs (`<process>.log`). `dags`: the folder of its DAGs. `gate`: what
        zones call the proxy. Each destination behind it becomes a server of this machine. InputError with every problem.
        """
        self._name, self._ports, self._places = name, ports or Ports(), _Places(folder.resolve())
        self._tools, self._access = tools, access
        self._refuse(dags)
        issuer_address = issuing.address(self._ports.issuer)
        task_issuer = TaskIssuer("local", "oidc", name, issuer_address, AUDIENCE, jwks_uri=f"{issuer_address}/jwks.json")
        plan = compile_proxy(access, gate, [task_issuer], today or date.today())
        lends = [{"kind": one.credential.kind, "ref": one.credential.ref} for one in access.routes if one.credential]
        # Said twice, for who reads the stack: a preview of the Pulumi CLI has a component's inputs, a stack policy its outputs.
        described = {"gate": gate, "behind": [one.host for one in plan.targets], "credentials": lends}
        super().__init__(LOCAL_ENVIRONMENT, name, {"folder": str(folder), **described}, opts)
        identity = TaskIdentity(issuer_address, AUDIENCE, "oidc", "asserted", endpoint=f"{issuer_address}/token")
        proxy = proxy_of(plan, f"{HOST}:{self._ports.proxy}", "proxy.local")
        written = manifest(access, name, [proxy], identity)
        plan = replace(plan, manifests={name: written.digest()})
        servers = self._servers(plan)

        databases = {one.destination: self._database(one) for one in servers if one.postgres}
        secrets = self._files(
            "secrets", self._places.secrets, {lending.DATABASES: json.dumps(databases)}, [lending.KEY, _PASSWORD]
        )
        certificates = LocalCertificates(
            f"{name}-certificates",
            folder=self._places.certificates,
            names={"proxy": ["proxy.local"], "tasks": []},
            opts=self._child(),
        )
        issuer = self._server("issuer", "issuer", self._ports.issuer, [str(self._places.secrets), AUDIENCE], secrets)
        destinations = [self._destination(one, secrets) for one in servers]
        lend = [str(self._places.secrets), issuer_address, AUDIENCE]
        lender = self._server("lending", "lending", self._ports.lending, lend, issuer, *destinations)
        settings = Settings(
            folder=str(self._places.proxy),
            certificates=str(self._places.certificates / "proxy"),
            keys=str(self._places.proxy / "jwks"),
            address=HOST,
            port=self._ports.proxy,
            admin_port=self._ports.proxy_admin,
            log=str(self._places.root / PROXY_LOG),
            upstreams={one.target: f"{HOST}:{one.port}" for one in servers},
        )
        envoy = _Proxy(gate, plan, settings, self._tools.envoy, self._child(certificates, issuer)).process
        airflow = self._airflow(written.text(), written.digest(), dags, envoy, lender)
        url = f"http://{HOST}:{self._ports.airflow}"
        last: LocalDagRun | None = None
        for one in tries:
            # One after the other: Airflow's database is SQLite, and Pulumi's engine makes at once what it can.
            last = LocalDagRun(
                f"{name}-{one.dag_id}",
                airflow=url,
                dag_id=one.dag_id,
                succeeds=one.succeeds,
                told=one.told,
                digest=written.digest(),
                opts=self._child(airflow, *([last] if last else [])),
            )
        self.url = pulumi.Output.from_input(url)
        self.logs = pulumi.Output.from_input([str(self._places.root / one) for one in (AUDIT, PROXY_LOG)])
        self.register_outputs({"url": self.url, "logs": self.logs, **described})

    def _refuse(self, dags: Path) -> None:
        problems = Problems(self._name)
        if not dags.is_dir():
            problems.add("dags", f"no folder {dags}")
        for index, route in enumerate(self._access.routes):
            lent = [f"database/creds/{name}" for name in route.to]
            if route.credential and (route.credential.kind != "vault" or [route.credential.ref] != lent):
                found = f"{route.credential.kind} {route.credential.ref}"
                problems.add(f"routes[{index}].credential", f"{found}: on this machine tasks are lent vault {' or '.join(lent)}")
        problems.raise_any()

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _files(self, name: str, folder: Path, files: Mapping[str, str], random: Sequence[str] = ()) -> LocalFiles:
        return LocalFiles(f"{self._name}-{name}", folder=folder, files=files, random=random, opts=self._child())

    def _server(self, name: str, module: str, port: int, arguments: Sequence[str], *after: pulumi.Resource) -> LocalProcess:
        """One of our own small servers."""
        return LocalProcess(
            f"{self._name}-{name}",
            command=[sys.executable, "-m", f"{__package__}.{module}", str(port), *arguments],
            ready=f"tcp://{HOST}:{port}",
            folder=self._places.root,
            opts=self._child(*after),
        )

    def _servers(self, plan: ProxyPlan) -> list[_Server]:
        programs = postgres.programs()
        databases = {one.name for one in self._access.destinations if one.protocol == "postgres"}
        return [
            _Server(one.authority, one.destination, port, programs if one.destination in databases else None)
            for port, one in enumerate(plan.targets, self._ports.destinations)
        ]

    def _database(self, one: _Server) -> Mapping[str, object]:
        """What the lender needs to make roles in a database."""
        where = {"host": HOST, "port": one.port, "user": postgres.USER, "psql": f"{one.postgres}/psql"}
        return {**where, "password_file": str(self._places.secrets / _PASSWORD)}

    def _destination(self, one: _Server, secrets: LocalFiles) -> LocalProcess:
        name = f"{one.destination}-{one.port}"
        if one.postgres is None:
            lent = any(route.credential for route in self._access.routes if one.destination in route.to)
            key = [str(self._places.secrets / lending.KEY)] if lent else []
            return self._server(name, "echo", one.port, [one.destination, *key], secrets)
        arguments = [str(self._places.root / f"postgres-{one.port}"), str(self._places.secrets / _PASSWORD), str(one.postgres)]
        return self._server(name, "postgres", one.port, arguments, secrets)

    def _airflow(self, text: str, checked: str, dags: Path, *after: LocalProcess) -> LocalProcess:
        """Airflow, all of it in one process group."""
        home, port = self._places.airflow, self._ports.airflow
        written = self._files("manifest", home / "airlock", {"manifest.json": text})
        tasks = self._places.certificates / "tasks"
        url = f"http://{HOST}:{port}"
        backend = "airlock_provider.backend.AirlockBackend"
        options = {
            "CORE__DAGS_FOLDER": str(dags.resolve()),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "API__HOST": HOST,
            "API__PORT": str(port),
            "API__BASE_URL": url,
            "API__WORKERS": "1",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "SECRETS__BACKEND": backend,
            "WORKERS__SECRETS_BACKEND": backend,
            # SQLite has one writer at a time: on a busy machine a task waits longer than the five seconds of the default.
            "WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRLOCK__MANIFEST": str(home / "airlock" / "manifest.json"),
            "AIRLOCK__DIGEST": checked,
            "AIRLOCK__CLIENT_CERTIFICATE": str(tasks / CERTIFICATE),
            "AIRLOCK__CLIENT_KEY": str(tasks / KEY),
            "AIRLOCK__PROXY_CA": str(tasks / AUTHORITY),
            "AIRLOCK__VAULT_ADDRESS": f"http://{HOST}:{self._ports.lending}",
            "AIRLOCK__AUDIT_SINKS": json.dumps([{"kind": "file", "path": str(self._places.root / AUDIT)}]),
        }
        return LocalProcess(
            f"{self._name}-airflow",
            command=[str(self._tools.airflow), "-m", "airflow", "standalone"],
            environment={
                "PATH": f"{self._tools.airflow.parent}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(home),
                "AIRFLOW_HOME": str(home),
                **{f"AIRFLOW__{key}": value for key, value in options.items()},
            },
            ready=f"{url}/api/v2/version",
            folder=self._places.root,
            ready_seconds=240,
            how_to_get=_PARTS,
            opts=self._child(written, *after),
        )


class _Proxy(pulumi.ComponentResource):
    """Envoy. Targets, rules and certificates are read again when their files change; its first file, at its start alone."""

    def __init__(self, gate: str, plan: ProxyPlan, settings: Settings, program: Path, opts: pulumi.ResourceOptions) -> None:
        issuers = [{"name": one.name, "environment": one.environment, "subject": one.subject} for one in plan.issuers]
        here = {"sources": [f"{HOST}/32"], "entry": {"cidrs": [f"{HOST}/32"], "port": settings.port}}
        described = {"issuers": issuers, **here, "upstreams": dict(settings.upstreams)}
        super().__init__(TCP_PROXY, gate, described, opts)
        configuration = envoy_configuration(plan, settings)
        written = LocalFiles(
            f"{gate}-files",
            folder=Path(settings.folder),
            files=configuration.files,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.process = LocalProcess(
            f"{gate}-envoy",
            command=[
                *(str(program), "-c", f"{settings.folder}/{BOOTSTRAP}", "--use-dynamic-base-id", "--log-level", "warning"),
                *("--file-flush-interval-msec", "100"),  # Envoy's own is ten seconds: longer than whoever reads the log waits
            ],
            ready=f"tcp://{HOST}:{settings.port}",
            folder=Path(settings.folder).parent,
            depends_on_files={BOOTSTRAP: digest({BOOTSTRAP: configuration.files[BOOTSTRAP]})},
            how_to_get=_PARTS,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[written]),
        )
        self.register_outputs(described)
