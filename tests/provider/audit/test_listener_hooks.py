"""The listener behind pluggy, with the hooks as Airflow 2.11 and 3 specify them. Real Airflows call it in tests/real."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy
import pytest
from airlock_provider import audit, broker
from airlock_provider.audit import pipeline
from airlock_provider.audit.sinks import KINDS
from airlock_provider.correlation import task_correlation
from provider_cases import written

STARTED = datetime(2026, 11, 26, 8, tzinfo=UTC)
SPEC = pluggy.HookspecMarker("airflow")


class Two:
    """airflow/listeners/spec/taskinstance.py of 2.11."""

    @SPEC
    def on_task_instance_running(self, previous_state: Any, task_instance: Any, session: Any) -> None: ...
    @SPEC
    def on_task_instance_success(self, previous_state: Any, task_instance: Any, session: Any) -> None: ...
    @SPEC
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any, session: Any) -> None: ...


class Three:
    """The same of 3.3."""

    @SPEC
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None: ...
    @SPEC
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None: ...
    @SPEC
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None: ...
    @SPEC
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None: ...
    @SPEC
    def before_stopping(self, component: Any) -> None: ...


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    airflow, listeners = ModuleType("airflow"), ModuleType("airflow.listeners")
    listeners.hookimpl = pluggy.HookimplMarker("airflow")  # type: ignore[attr-defined]
    airflow.listeners = listeners  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow", airflow)
    monkeypatch.setitem(sys.modules, "airflow.listeners", listeners)
    monkeypatch.delitem(sys.modules, "airlock_provider.listener", raising=False)
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    yield import_module("airlock_provider.listener")
    audit.configure([])
    sys.modules.pop("airlock_provider.listener", None)


@pytest.fixture
def events(options: Callable[..., Path], tmp_path: Path) -> Callable[[], list[audit.Event]]:
    options(written())
    audit.configure([{"kind": "file", "path": str(tmp_path / "events.jsonl")}])
    return lambda: [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]


def hooks(listener: ModuleType, spec: type) -> Any:
    manager = pluggy.PluginManager("airflow")
    manager.add_hookspecs(spec)
    manager.register(listener)
    return manager.hook


def instance(generation: int, **more: Any) -> SimpleNamespace:
    dag_run = SimpleNamespace(logical_date=datetime(2026, 11, 25, tzinfo=UTC), run_after=None, start_date=STARTED)
    found = SimpleNamespace(
        dag_id="ledger_close",
        task_id="load",
        run_id="r",
        try_number=2,
        map_index=-1,
        start_date=STARTED,
        task=SimpleNamespace(params={}),
    )
    if generation == 3:
        found.id = "0199f0a2-1111-7222-8333-444455556666"
        found.get_template_context = lambda: {"ti": found, "dag_run": dag_run, "params": {"agent_id": "writer"}}
    else:
        found.dag_run = dag_run
    for name, value in more.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(("generation", "spec"), [(2, Two), (3, Three)])
def test_a_try_has_its_start_and_its_end_with_airflows_time_and_lineages_id(
    generation: int, spec: type, listener: ModuleType, events: Callable[[], list[audit.Event]]
) -> None:
    called, one = hooks(listener, spec), instance(generation, state="failed")
    more = {"session": None} if generation == 2 else {}
    called.on_task_instance_running(previous_state=None, task_instance=one, **more)
    called.on_task_instance_failed(previous_state=None, task_instance=one, error=ValueError("x"), **more)
    started, ended = events()

    assert (started["activity_name"], started["time"]) == ("Start", int(STARTED.timestamp() * 1000))
    assert (ended["activity_name"], ended["status"], ended["status_code"]) == ("Stop", "Failure", "failed")
    expected = task_correlation("ledger_close", "load", 2, datetime(2026, 11, 25, tzinfo=UTC), namespace="default")
    assert {one["metadata"]["correlation_uid"] for one in (started, ended)} == {expected}
    assert started["unmapped"]["airlock"]["principal"] == "ledger-close"
    assert started["unmapped"]["airlock"].get("agent_id") == ("writer" if generation == 3 else None)


def test_what_goes_wrong_in_the_listener_is_logged_and_no_task_feels_it(
    listener: ModuleType, events: Callable[[], list[audit.Event]], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("no database")

    called = hooks(listener, Three)
    called.on_task_instance_running(previous_state=None, task_instance=instance(3, get_template_context=broken))

    assert "the audit trail of this task is not whole: RuntimeError('no database')" in caplog.text


def test_without_a_manifest_nothing_is_written_and_nothing_breaks(
    listener: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__MANIFEST", str(tmp_path / "none.json"))
    audit.configure([{"kind": "file", "path": str(tmp_path / "events.jsonl")}])
    called = hooks(listener, Three)
    called.on_task_instance_running(previous_state=None, task_instance=instance(3))
    called.before_stopping(component=None)

    assert not (tmp_path / "events.jsonl").exists()


def test_the_end_of_a_process_takes_back_what_its_tasks_have(listener: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(broker, "end", lambda: ended.append("end"))
    hooks(listener, Three).before_stopping(component=None)

    assert ended == ["end"]


def test_a_sink_that_takes_nothing_holds_up_the_end_of_a_task_once(
    listener: ModuleType, options: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead:
        batch = 1

        def write(self, events: object) -> None:
            raise OSError("down")

        def close(self) -> None:
            pass

    options(written())
    monkeypatch.setitem(KINDS, "dead", lambda settings: Dead())  # type: ignore[arg-type]
    monkeypatch.setattr(listener, "_patience", [0.5])
    audit.configure([{"kind": "dead"}])
    called, one = hooks(listener, Three), instance(3)
    called.on_task_instance_running(previous_state=None, task_instance=one)
    waited: list[float] = []
    real = audit.flush
    monkeypatch.setattr(audit, "flush", lambda timeout: waited.append(timeout) or real(timeout))
    called.on_task_instance_success(previous_state=None, task_instance=one)
    called.before_stopping(component=None)

    assert waited == [0.5, 0.1]
