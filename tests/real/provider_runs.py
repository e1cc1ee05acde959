"""What the provider is tried with in a real Airflow: its wheel, a manifest, an Envoy, an issuer, a destination, and DAGs."""

import hashlib
import json
import socketserver
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from certificates import Authority
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import ConnectionSettings, Proxy, ProxyRule, TaskIdentity, manifest
from real_parts import ROOT
from real_processes import free_port
from real_runs import Runs, scheduled

for _folder in (ROOT / "tests" / "provider", ROOT / "tests" / "provider" / "forwarder"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from connect_envoy import AUDIENCE, ISSUER, Issuer, connect_proxy  # noqa: E402
from provider_fakes import Fake, faked  # noqa: E402

STATIC = "postgres://static:password-of-nobody-1@static.example:5432/x"
"""A connection that lies in the environment of every process, as before Airlock: no task may get it."""
VAULT_PASSWORD, PRINTED_PASSWORD = "password-of-vault-2", "password/of&vault-4"
"""The second is printed by tasks, and is another text in a URI."""
LEDGER, SHORT, DEAD = "ledger.corp.example:5432", "short.corp.example:5432", "dead.corp.example:5432"

HEAD = """
import datetime, hashlib, socket, time
try:
    from airflow.sdk import DAG, BaseHook, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task
    from airflow.hooks.base import BaseHook
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

ONCE = {"schedule": "@once", "start_date": datetime.datetime(2026, 1, 1), "catchup": False}


def talk(conn, say="ping"):
    with socket.create_connection((conn.host, conn.port), timeout=20) as there:
        there.sendall(say.encode() + b"\\n")
        return there.makefile().readline().strip()


def look(name, wait=0.0):
    conn = BaseHook.get_connection(name)
    once_more = BaseHook.get_connection(name)
    assert (conn.host, conn.port, conn.password) == (once_more.host, once_more.port, once_more.password)
    password = hashlib.sha256((conn.password or "").encode()).hexdigest()
    print("FOUND", conn.conn_type, conn.host, conn.port, conn.login, conn.schema, password)
    print("ANSWERED", talk(conn))
    time.sleep(wait)
    print("ANSWERED", talk(conn, "again"))


def cut(name):
    conn = BaseHook.get_connection(name)
    with socket.create_connection((conn.host, conn.port), timeout=60) as there:
        there.sendall(b"ping\\n")
        print("ANSWERED", there.recv(100).decode().strip())
        try:
            print("ENDED", there.recv(100))
        except ConnectionResetError:
            print("CUT")
    print("ANSWERED", talk(conn, "once more"))


def tell(name):
    conn = BaseHook.get_connection(name)
    print("TOLD", conn.password, conn.get_uri())
"""
DAGS = {
    "ledger.py": """
with DAG("ledger_close", dagrun_timeout=datetime.timedelta(minutes=30), **ONCE):
    for number in (1, 2):
        PythonOperator(task_id=f"look_{number}", python_callable=look, op_args=["ledger_db", 3])
    BashOperator(task_id="templated", bash_command="echo TEMPLATED {{ conn.ledger_db.host }} {{ conn.ledger_db.login }}")
    PythonOperator.partial(task_id="mapped", python_callable=look).expand(op_args=[["ledger_db"], ["ledger-db"]])
    PythonOperator(task_id="unknown", python_callable=look, op_args=["smtp_default"])
    PythonOperator(
        task_id="passed_on", python_callable=lambda: print("PASSED", BaseHook.get_connection("slack_alerts").host)
    )
    PythonOperator(task_id="closed", python_callable=look, op_args=["closed_db"])
    PythonOperator(task_id="cut", python_callable=cut, op_args=["short_db"])
    PythonOperator(task_id="away", python_callable=look, op_args=["away_db"])
    PythonOperator(task_id="dead", python_callable=look, op_args=["dead_db"])
    PythonOperator(task_id="tells", python_callable=tell, op_args=["told_db"])
    BashOperator(task_id="shows", bash_command="echo TOLD '{{ conn.told_db.password }}' '{{ conn.told_db.get_uri() }}'")
""",
    "agent.py": """
with DAG("ledger_agent", params={"agent_id": "report-writer"}, **ONCE):
    PythonOperator(task_id="look", python_callable=look, op_args=["ledger_db"])
""",
    "marketing.py": """
with DAG("marketing_daily", **ONCE):
    PythonOperator(task_id="look", python_callable=look, op_args=["ledger_db"])
    BashOperator(task_id="templated", bash_command="echo TEMPLATED {{ conn.ledger_db.host }}")

    @task
    def swallows():
        try:
            print("GOT", BaseHook.get_connection("ledger_db").host)
        except Exception:
            print("GOT nothing")

    swallows()
""",
    "around.py": """
def around():
    try:
        from airflow.sdk.execution_time.comms import GetConnection
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS
    except ImportError:
        return print("AROUND nothing to ask")
    try:
        print("AROUND", SUPERVISOR_COMMS.send(GetConnection(conn_id="ledger_db")))
    except Exception as error:
        print("AROUND", type(error).__name__)


with DAG("goes_around", **ONCE):
    PythonOperator(task_id="around", python_callable=around)
""",
    "quarter.py": """
with DAG("quarter_end", **ONCE):
    for name in ("open", "shut"):
        PythonOperator(task_id=name, python_callable=lambda: print("RAN", BaseHook.get_connection("quarter_db").host))
""",
    "month.py": """
with DAG("month_end", **ONCE):
    PythonOperator(task_id="gated", python_callable=lambda conn_id: print("RAN"), op_args=["month_db"])
    BashOperator.partial(task_id="mapped").expand(bash_command=["echo RAN", "echo RAN"])
    PythonOperator(task_id="own", python_callable=lambda: print("RAN"), pre_execute=lambda context: print("RAN"))
""",
    "parsed.py": """
try:
    BaseHook.get_connection("ledger_db")
    said = "got"
except BaseException as error:
    said = "refused"
with DAG("parsed_" + said, **ONCE):
    BashOperator(task_id="nothing", bash_command="true")
""",
}


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    runs: Runs
    issuer: Fake
    vault: Fake
    envoy: list[dict[str, Any]]
    """Envoy's log of sessions."""
    digest: str
    audit: list[dict[str, Any]]
    """Audit events."""


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(b"echo of " + line)


def provider(folder: Path) -> Path:
    """The provider as it is installed: its wheel, unpacked, for PYTHONPATH."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT / "airflow-provider", check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    unpacked = folder / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)  # our own
    return unpacked


CONDITIONS = """
def quarter_is_open(situation):
    return None if situation.run.task_id == "open" else f"the books of {situation.granted.destination.name} are shut"
"""


def conditions(folder: Path) -> Path:
    """A distribution of the bank's own, with a trust condition by entry point."""
    about = folder / "bank_airflow-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bank-airflow\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[airlock.conditions]\nquarter-is-open = bank_conditions:quarter_is_open\n")
    (folder / "bank_conditions.py").write_text(CONDITIONS)
    return folder


def access(now: datetime) -> Access:
    """Routes: the ledger's tasks to its database; one whose window is not open; one whose condition nobody knows."""
    shut = [now + timedelta(hours=6), now + timedelta(hours=8)]
    corp = {"zone": "corp", "protocol": "postgres", "ports": ["5432/tcp"]}
    return Access.model_validate(
        {
            "principals": [{"name": name, "dags": [f"{name}_*"]} for name in ("ledger", "month", "quarter")],
            "zones": {"corp": {"gates": ["tcp_proxy"]}},
            "destinations": [
                {"name": name, "hosts": [f"{name.partition('-')[0]}.corp.example"], **corp}
                for name in ("ledger-db", "closed-db", "month-db", "quarter-db", "short-db", "away-db", "dead-db", "told-db")
            ],
            "routes": [
                {
                    "name": "ledger",
                    "from": ["ledger"],
                    "to": ["ledger-db"],
                    "credential": {"kind": "vault", "ref": "database/creds/ledger"},
                    "requires": ["token-fresh", "tunnel-up"],
                    "reason": "FIN-1",
                },
                {
                    "name": "closed",
                    "from": ["ledger"],
                    "to": ["closed-db"],
                    "window": {"from": f"{shut[0]:%H:%M}", "to": f"{shut[1]:%H:%M}"},
                    "reason": "FIN-2",
                },
                {"name": "short", "from": ["ledger"], "to": ["short-db", "dead-db"], "session": "1m", "reason": "FIN-5"},
                {
                    "name": "away",
                    "from": ["ledger"],
                    "to": ["away-db"],
                    "credential": {"kind": "vault", "ref": "database/creds/away"},
                    "reason": "FIN-6",
                },
                {
                    "name": "told",
                    "from": ["ledger"],
                    "to": ["told-db"],
                    "credential": {"kind": "vault", "ref": "kv/data/told"},
                    "reason": "FIN-7",
                },
                {"name": "month", "from": ["month"], "to": ["month-db"], "requires": ["month-is-open"], "reason": "FIN-3"},
                {
                    "name": "quarter",
                    "from": ["quarter"],
                    "to": ["quarter-db"],
                    "requires": ["quarter-is-open"],
                    "reason": "FIN-4",
                },
            ],
        }
    )


@contextmanager
def tried(python: Path, envoy: Path, folder: Path, authority: Authority) -> Iterator[Tried]:
    """Runs all DAGs in a real Airflow with the provider, whose connections go through a real Envoy to an echo."""
    with ExitStack() as running:
        signer, issuer, vault = Issuer(), running.enter_context(faked()), running.enter_context(faked())
        issuer.answers["/token"] = lambda form: {"access_token": _token(signer, form)}
        vault.answers["/v1/auth/jwt/login"] = {"auth": {"client_token": "token-of-vault-3"}}
        vault.answers["/v1/database/creds/ledger"] = {
            "lease_id": "database/creds/ledger/1",
            "lease_duration": 600,
            "data": {"username": "v-ledger", "password": VAULT_PASSWORD},
        }
        vault.answers["/v1/kv/data/told"] = {"data": {"data": {"username": "told", "password": PRINTED_PASSWORD}}}
        vault.answers["/v1/database/creds/away"] = (503, {"errors": ["Vault is sealed"]})
        vault.answers["/v1/sys/leases/revoke"] = (204, None)
        echo = running.enter_context(_serving())
        targets = {
            LEDGER: ("ledger-db", ["ledger_close", "ledger_agent"], echo),
            SHORT: ("short-db", ["ledger_close"], echo),
            DEAD: ("dead-db", ["ledger_close"], ("127.0.0.1", free_port())),
        }
        proxy = running.enter_context(connect_proxy(envoy, folder / "envoy", authority, signer, targets))
        made = manifest(
            access(datetime.now(UTC)),
            "finance",
            [Proxy("tcp_proxy", proxy.address, ("corp",), "proxy.test", {LEDGER: ProxyRule("deny-ledger-db-5432", "allow")})],
            TaskIdentity(ISSUER, AUDIENCE, "oidc", "asserted", endpoint=f"{issuer.url}/token"),
            {"ledger_db": ConnectionSettings(schema="ledger")},
        )
        for one in made.document["routes"]:
            one["session"] = one["session"] and 4  # a minute is long for a test
        file, events, client = folder / "manifest.json", folder / "events.jsonl", authority.issue("airflow")
        file.write_text(made.text())
        environment = {
            "PYTHONPATH": f"{provider(folder / 'wheel')}:{conditions(folder / 'bank')}",
            "AIRFLOW_CONN_LEDGER_DB": STATIC,
            **{f"AIRFLOW_CONN_{name}_DB": STATIC for name in ("CLOSED", "SHORT", "AWAY", "DEAD")},
            "AIRFLOW_CONN_SMTP_DEFAULT": STATIC,
            "AIRFLOW_CONN_SLACK_ALERTS": "http://slack.example",
            "AIRFLOW__SECRETS__BACKEND": "airlock_provider.backend.AirlockBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_prefix": "of/another/backend"}),
            "AIRFLOW__AIRLOCK__MANIFEST": str(file),
            "AIRFLOW__AIRLOCK__DIGEST": made.digest(),
            "AIRFLOW__AIRLOCK__PASS_ON": "slack_*",
            "AIRFLOW__AIRLOCK__CLIENT_CERTIFICATE": str(client.certificate),
            "AIRFLOW__AIRLOCK__CLIENT_KEY": str(client.key),
            "AIRFLOW__AIRLOCK__PROXY_CA": str(authority.own.certificate),
            "AIRFLOW__AIRLOCK__VAULT_ADDRESS": vault.url,
            "AIRFLOW__AIRLOCK__AUDIT_SINKS": json.dumps([{"kind": "file", "path": str(events)}]),
        }
        dags = {name: HEAD + source for name, source in DAGS.items()}
        with scheduled(python, folder / "airflow", dags, environment) as runs:
            told = [json.loads(line) for line in events.read_text().splitlines()] if events.exists() else []
            yield Tried(runs, issuer, vault, proxy.sessions(), made.digest(), told)


def _token(signer: Issuer, form: dict[str, str]) -> str:
    said = json.loads(form["claims"])["airlock"]
    return signer.token(said["dag_id"], lasts=float(form["lifetime"]), airlock=said)


@contextmanager
def _serving() -> Iterator[tuple[str, int]]:
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()


def seen(password: str) -> str:
    """How a task tells which password it has, without telling it."""
    return hashlib.sha256(password.encode()).hexdigest()
