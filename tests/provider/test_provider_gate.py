"""The gate before a task, as the cluster policy puts it there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airlock_provider import context, gate, settings, trust
from airlock_provider.backend import AirlockBackend
from airlock_provider.denied import AccessRefused
from provider_cases import ACCESS, written

NEVER = {"name": "never", "from": ["loads"], "to": ["idle"], "requires": ["not-today"], "reason": "X-1"}
WELL = {"name": "well", "from": ["loads"], "to": ["rates"], "requires": ["always"], "reason": "X-2"}


class Operator:
    """What the gate sees of an operator of Airflow."""

    def __init__(self, **fields: Any) -> None:
        self._pre_execute_hook: Callable[..., None] | None = None
        self.__dict__.update(fields)


@pytest.fixture
def runs(options: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`runs(operator, task_id=…, routes=…)`: puts the gate before an operator and lets Airflow reach it."""
    asked: dict[str, trust.Condition] = {"not-today": lambda _: "it is Thursday", "always": lambda _: None}
    monkeypatch.setattr(trust, "conditions", lambda: asked)
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airlock_provider.backend.AirlockBackend")

    def given(operator: Operator, task_id: str = "load_x", routes: Any = (NEVER, WELL), dag_id: str = "other") -> None:
        options(written(access={**ACCESS, "routes": list(routes)}, proxies=()))
        gate.put_before(operator)
        ti = SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id="r", try_number=1, map_index=-1)
        now = datetime.now(UTC)
        found = {"ti": ti, "task": operator, "dag_run": SimpleNamespace(logical_date=now, start_date=now), "dag": None}
        assert operator._pre_execute_hook is not None
        operator._pre_execute_hook(found)

    yield given
    context.forget()


def test_a_task_that_names_its_connections_needs_their_conditions_alone(runs: Callable[..., None]) -> None:
    runs(Operator(http_conn_id="rates"))
    runs(Operator(http_conn_id="rates", other_conn_id="unknown", conn_id=None))
    with pytest.raises(
        AccessRefused, match=r"other.load_x may not run: trust: .*not-today of route never is not met: it is Thursday"
    ):
        runs(Operator(conn_id="idle"))


def test_a_task_that_names_none_needs_those_of_all_that_it_may_use(runs: Callable[..., None]) -> None:
    runs(Operator(), routes=[WELL])
    with pytest.raises(AccessRefused, match="not-today"):
        runs(Operator())


def test_a_task_of_no_principal_is_nothing_to_the_gate(runs: Callable[..., None]) -> None:
    runs(Operator(), task_id="report")


def test_what_the_author_wants_before_it_follows_the_gate(runs: Callable[..., None]) -> None:
    ran: list[Any] = []
    runs(Operator(_pre_execute_hook=ran.append), routes=[WELL])
    assert len(ran) == 1
    with pytest.raises(AccessRefused):
        runs(Operator(_pre_execute_hook=ran.append))
    assert len(ran) == 1


def test_the_gate_is_put_once_and_before_mapped_tasks_too() -> None:
    operator = Operator()
    gate.put_before(operator)
    first = operator._pre_execute_hook
    gate.put_before(operator)
    assert operator._pre_execute_hook is first
    mapped = SimpleNamespace(partial_kwargs={"retries": 1})
    gate.put_before(mapped)
    assert getattr(mapped.partial_kwargs["pre_execute"], "_airlock_gate")  # noqa: B009  # a function's own mark


@pytest.mark.parametrize("option", ["AIRFLOW__WORKERS__SECRETS_BACKEND", "AIRFLOW__SECRETS__BACKEND"])
def test_no_task_runs_while_another_backend_is_asked_first(
    runs: Callable[..., None], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv(option, "airflow.providers.hashicorp.secrets.vault.VaultBackend")
    with pytest.raises(AccessRefused, match=r"tasks ask airflow.providers.hashicorp.secrets.vault.VaultBackend .*rule backend"):
        runs(Operator(), routes=[WELL])


def test_a_backend_that_is_made_of_airlocks_is_airlocks(runs: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "test_provider_gate.Own")
    runs(Operator(), routes=[WELL])


class Own(AirlockBackend):
    """A backend of the bank's own."""


def test_a_manifest_that_cannot_be_read_lets_no_task_run(runs: Callable[..., None]) -> None:
    operator = Operator()
    runs(operator, routes=[WELL])
    settings.current().manifest.write_text("{}")
    with pytest.raises(AccessRefused, match=r"may not run: permission: manifest .*rule manifest"):
        operator._pre_execute_hook({"ti": None})  # type: ignore[misc]


def test_where_nothing_is_set_up_the_package_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIRFLOW__AIRLOCK__MANIFEST", "AIRFLOW__SECRETS__BACKEND"):
        monkeypatch.delenv(name, raising=False)
    settings.current.cache_clear()
    gate.check({})
