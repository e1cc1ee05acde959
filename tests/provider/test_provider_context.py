"""Which task asks, and when Airflow ends it: by Airflow's own objects, which stand in here."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airlock_provider import context
from airlock_provider.context import Asker, UnknownTaskError
from provider_cases import read

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
BOUND = {"dag_id": "ledger_daily", "task_id": "close", "run_id": "r", "try_number": 2, "map_index": 3, "ti_id": "ti-7"}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(context, "_bound", lambda: None)
    context.forget()
    yield
    context.forget()


def of_airflow(task_id: str = "close", **more: Any) -> dict[str, Any]:
    ti = SimpleNamespace(dag_id="ledger_daily", task_id=task_id, run_id="r", try_number=1, map_index=None, id="ti-1")
    return {"ti": ti, "dag_run": None, **more}


def test_what_executes_goes_before_what_the_process_was_started_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_bound", lambda: BOUND)
    assert context.asker() == Asker(("ledger_daily", "close", "r", 2, 3), "ti-7", None)
    monkeypatch.setattr(context, "_get_current_context", lambda: of_airflow("executing"))
    assert context.asker().key == ("ledger_daily", "executing", "r", 1, -1)


def test_where_airflow_says_nothing_it_is_the_task_whose_gate_was_passed() -> None:
    with pytest.raises(UnknownTaskError, match="no task is running here"):
        context.asker()
    context.begin(of_airflow("begun"))
    assert context.asker().key[1] == "begun"


def test_an_airflow_that_fails_to_say_is_one_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Any:
        raise RuntimeError("Current context was requested but no context was found!")

    monkeypatch.setattr(context, "_get_current_context", nothing)
    with pytest.raises(UnknownTaskError):
        context.asker()


def test_the_task_run_has_openlineages_id_only_where_its_date_is_known() -> None:
    dag_run = SimpleNamespace(logical_date=None, run_after=NOW, start_date=NOW)
    known = context.task_run(context.begin(of_airflow(dag_run=dag_run)), read())
    assert (known.principal, known.environment, known.assurance) == ("ledger-close", "finance", "asserted")
    assert known.correlation
    assert not context.task_run(context.begin(of_airflow("other")), read()).correlation


def test_the_dag_run_and_the_task_end_when_airflow_ends_them() -> None:
    dag_run = SimpleNamespace(start_date=NOW - timedelta(minutes=10), logical_date=NOW)
    dag, task = SimpleNamespace(dagrun_timeout=timedelta(hours=1)), SimpleNamespace(execution_timeout=timedelta(minutes=5))
    asker = context.begin(of_airflow("timed", dag_run=dag_run, dag=dag, task=task))
    found = context.limits(asker, NOW)
    assert (found.dagrun, found.execution) == (NOW + timedelta(minutes=50), NOW + timedelta(minutes=5))
    later = context.limits(asker, NOW + timedelta(minutes=2))
    assert later.execution == found.execution, "it counts from when the task was first seen"


def test_while_templates_are_rendered_the_timeouts_are_those_that_the_policy_has_seen() -> None:
    dag = SimpleNamespace(dagrun_timeout=timedelta(hours=1))
    task = SimpleNamespace(dag_id="d", task_id="t", dag=dag, execution_timeout=timedelta(minutes=5), partial_kwargs=None)
    context.remember(task)
    found = context.limits(Asker(("d", "t", "r", 1, -1), "", None), NOW)
    assert (found.dagrun, found.execution) == (None, NOW + timedelta(minutes=5)), "no DAG run is known here"


def test_an_agents_name_is_what_code_says_before_what_the_run_was_given() -> None:
    asker = context.begin(of_airflow(params={"agent_id": "of-the-run"}))
    assert context.agent_of(asker) == "of-the-run"
    with context.agent("of-the-code"):
        assert context.agent_of(asker) == "of-the-code"
    assert context.agent_of(context.begin(of_airflow(params={"agent_id": 7}))) == ""
