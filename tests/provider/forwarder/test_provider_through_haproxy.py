"""The provider as a whole in front of a real HAProxy: one manifest for both sides, and a certificate for each principal."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airlock_provider import context
from airlock_provider.backend import AirlockBackend
from airlock_provider.denied import AccessRefused
from forwarding import destination, echo, talk, wait_until
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import Manifest, TaskIdentity, manifest
from pulumi_airlock.gates.tcp_proxy import TaskCertificates, compile_proxy, haproxy_configuration, proxy_of
from real_haproxy import HOST, RunningHaproxy, proxy
from real_parts import HAPROXY, needed

DOCUMENT: dict[str, Any] = {
    "environments": [{"name": "finance"}],
    "principals": [{"name": "ledger", "dags": ["ledger_*"]}, {"name": "etl", "dags": ["etl_*"]}],
    "zones": {"datacenter": {"gates": ["tcp_proxy"]}},
    "destinations": [{"name": "ledger-db", "zone": "datacenter", "hosts": ["ledger.test"], "ports": ["5432/tcp"]}],
    "routes": [
        {
            "name": "ledger",
            "from": ["ledger", "etl"],
            "to": ["ledger-db"],
            "requires": ["tunnel-up", "policy-current"],
            "reason": "T",
        }
    ],
}
IDENTITY = TaskIdentity("", "", "certificate", "asserted")
TARGET = "ledger.test:5432"


def made(port: int, document: dict[str, Any] = DOCUMENT) -> tuple[Any, Manifest]:
    """The proxy's plan, and the manifest of its tasks: each knows the other's."""
    access = Access.model_validate(document)
    plan = compile_proxy(access, "tcp_proxy", [TaskCertificates("finance", "finance")], date.today(), engine="haproxy")
    found = manifest(access, "finance", [proxy_of(plan, f"127.0.0.1:{port}", HOST)], IDENTITY)
    return replace(plan, manifests={"finance": found.digest()}), found


@pytest.fixture
def asks(tmp_path: Path, options: Callable[..., Path]) -> Iterator[tuple[RunningHaproxy, Callable[[str], AirlockBackend]]]:
    """The proxy, and the backend as a task of a DAG finds it."""
    needed(HAPROXY, "HAProxy")
    (tmp_path / "proxy").mkdir()
    with ExitStack() as stack:
        host, port = stack.enter_context(destination(echo))
        plan, _ = made(8443)
        running = stack.enter_context(proxy(tmp_path / "proxy", plan, {TARGET: f"{host}:{port}"}))
        plan, found = made(running.settings.port)
        haproxy_configuration(plan, running.settings, HOST).write()
        pairs = {name: running.authority.issue(name, unit="finance") for name in ("ledger", "etl")}
        in_force = {"finance": found.digest()}
        wait_until(lambda: running.asks(pairs["etl"], HOST, "/airlock/manifest").body == in_force)
        place = str(pairs["ledger"].certificate.parent / "finance.{principal}")
        authority = str(running.authority.own.certificate)
        options(found.text(), client_certificate=f"{place}.crt", client_key=f"{place}.key", proxy_ca=authority)

        def given(dag_id: str) -> AirlockBackend:
            ti = SimpleNamespace(dag_id=dag_id, task_id="load", run_id="r", try_number=1, map_index=-1, id="ti-1")
            started = datetime.now(UTC)
            dag_run = SimpleNamespace(logical_date=started, run_after=started, start_date=started)
            dag, task = SimpleNamespace(dagrun_timeout=None), SimpleNamespace(execution_timeout=None)
            context.begin({"ti": ti, "dag_run": dag_run, "dag": dag, "task": task, "params": {}})
            return AirlockBackend()

        yield running, given
        context.forget()


def test_each_task_shows_the_certificate_of_its_principal(
    asks: tuple[RunningHaproxy, Callable[[str], AirlockBackend]],
) -> None:
    running, backend = asks
    for dag, principal in (("ledger_close", "ledger"), ("etl_daily", "etl")):
        lent = json.loads(backend(dag).get_conn_value("ledger_db") or "null")
        assert lent["host"] == "127.0.0.1"
        assert talk((lent["host"], lent["port"]), b"hello") == b"hello"
        assert running.lines("close", principal=principal, bytes_in=5, policy="allow-ledger-db-5432/ledger")


def test_a_condition_that_is_not_met_names_the_proxys_policy(
    asks: tuple[RunningHaproxy, Callable[[str], AirlockBackend]],
) -> None:
    """The manifest still leads there, and the proxy does not any more: both conditions would say so, the first is asked first."""
    running, backend = asks
    narrower = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "from": ["ledger"]}]}
    plan, _ = made(running.settings.port, narrower)
    haproxy_configuration(plan, running.settings, HOST).write()
    pair = running.authority.issue("other", unit="finance")
    seen = running.asks(pair, HOST, "/airlock/manifest").body
    wait_until(lambda: running.asks(pair, HOST, "/airlock/manifest").body != seen)
    with pytest.raises(AccessRefused, match=r"tunnel-up.*tcp_proxy refused it by rule deny-ledger-db-5432"):
        backend("etl_daily").get_conn_value("ledger_db")
