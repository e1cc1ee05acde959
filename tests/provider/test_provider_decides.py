"""What the provider decides from the manifest: the same as the access document says, with a deadline and a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airlock_provider.decide import Granted, Limits, Refused, decide, required
from hypothesis import given, settings
from hypothesis import strategies as st
from provider_cases import ACCESS, PROXY, read, run_of
from pulumi_airlock.access import Access
from pulumi_airlock.access.calendar import holds_at

OPEN = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
"""A Thursday, 23:00 in Zurich: the window closes at 03:00 UTC."""
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def granted(*arguments: Any, **more: Any) -> Granted:
    found = decide(*arguments, **more)
    assert isinstance(found, Granted), found
    return found


def refused(*arguments: Any, **more: Any) -> Refused:
    found = decide(*arguments, **more)
    assert isinstance(found, Refused), found
    return found


def test_a_task_gets_what_its_route_leads_to_until_the_window_closes() -> None:
    found = granted(read(), run_of(), "ledger_db", OPEN)
    assert (found.principal.name, found.route.name, found.destination.name) == ("ledger-close", "close", "ledger-db")
    assert found.proxy is not None
    assert found.proxy.gate == PROXY.gate
    assert (found.deadline, found.bound) == (datetime(2026, 11, 27, 3, 0, tzinfo=UTC), "the window of route close closes")


def test_without_a_proxy_before_its_zone_a_destination_is_reached_straight() -> None:
    found = granted(read(), run_of(task_id="load_rates"), "rates", NOON)
    assert (found.proxy, found.deadline, found.bound) == (None, None, "nothing ends it")


@pytest.mark.parametrize(
    ("run", "connection", "rule", "says"),
    [
        (run_of("other", "t"), "ledger_db", "no-principal", "no principal of finance covers other.t"),
        (run_of(task_id="load_x"), "idle", "no-route", "no route leads ledger-close or loads to idle"),
        (run_of("other", "load_x"), "ledger_db", "no-route", "no route leads loads to ledger-db"),
        (run_of(), "warehouse", "unknown-connection", 'has no connection "warehouse"'),
    ],
)
def test_a_refusal_says_what_is_missing(run: Any, connection: str, rule: str, says: str) -> None:
    refusal = refused(read(), run, connection, OPEN).refusal
    assert (refusal.kind, refusal.gate, refusal.rule) == ("permission", "provider", rule)
    assert says in refusal.text


def test_a_closed_window_is_told_with_its_hours() -> None:
    refusal = refused(read(), run_of(), "ledger_db", NOON).refusal
    assert refusal.rule == "close"
    assert "Mon 22:00–Tue 04:00" in refusal.text
    assert "Europe/Zurich" in refusal.text


def test_a_refusal_names_the_rule_by_which_the_proxy_would_refuse_the_same() -> None:
    assert refused(read(), run_of("other", "t"), "ledger_db", OPEN).refusal.detail == (
        "tcp_proxy would refuse it too, by deny-ledger-db-5432"
    )


def test_a_route_holds_on_its_last_day_in_utc_and_not_after() -> None:
    last = datetime(2030, 6, 30, 22, 0, tzinfo=UTC)  # Monday 00:00 in Zurich: within Sunday? no: Sunday has no window
    friday = datetime(2030, 6, 28, 22, 0, tzinfo=UTC)
    assert granted(read(), run_of(), "ledger_db", friday).deadline == datetime(2030, 6, 29, 2, 0, tzinfo=UTC)
    assert "expired on 2030-06-30" in refused(read(), run_of(), "ledger_db", last + timedelta(days=1)).refusal.text


def test_what_ends_first_sets_the_deadline() -> None:
    soon, sooner = OPEN + timedelta(minutes=50), OPEN + timedelta(minutes=20)
    assert granted(read(), run_of(), "ledger_db", OPEN, Limits(dagrun=soon)).bound == "the DAG run's timeout"
    found = granted(read(), run_of(), "ledger_db", OPEN, Limits(dagrun=soon, execution=sooner))
    assert (found.deadline, found.bound) == (sooner, "the task's execution timeout")


def test_one_connection_lasts_as_long_as_its_session_and_not_past_the_deadline() -> None:
    found = granted(read(), run_of(), "ledger_db", OPEN)
    assert found.ends(OPEN) == (OPEN + timedelta(hours=1), "the longest session of route close")
    late = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
    assert found.ends(late) == (found.deadline, "the window of route close closes")
    assert granted(read(), run_of(task_id="load_x"), "rates", NOON).ends(NOON) == (None, "nothing ends it")


def test_a_dag_runs_window_holds_for_its_own_tasks_and_for_others_while_it_runs() -> None:
    other = run_of("ledger_other")
    assert granted(read(), run_of("ledger_daily"), "stream", NOON).deadline is None
    assert granted(read(), other, "stream", NOON, None, lambda dag: dag == "ledger_daily").route.name == "stream"
    assert "which it does not" in refused(read(), other, "stream", NOON, None, lambda _: False).refusal.text
    assert "is not known here" in refused(read(), other, "stream", NOON, None, lambda _: None).refusal.text
    assert "is not known here" in refused(read(), other, "stream", NOON).refusal.text


def test_of_two_routes_the_one_that_lasts_longer_is_used() -> None:
    more = {"name": "always", "from": ["loads"], "to": ["ledger-db"], "reason": "FIN-3"}
    both = read(access={**ACCESS, "routes": [*ACCESS["routes"], more]})
    found = granted(both, run_of(task_id="load_x"), "ledger_db", OPEN)
    assert (found.route.name, found.principal.name, found.deadline) == ("always", "loads", None)
    assert granted(both, run_of(task_id="load_x"), "ledger_db", NOON).route.name == "always"


def test_conditions_are_those_of_what_a_task_may_use_now() -> None:
    assert [one.route.name for one in required(read(), run_of(task_id="load_x"), OPEN)] == ["close", "rates", "stream"]
    assert [one.route.name for one in required(read(), run_of(task_id="load_x"), NOON)] == ["rates", "stream"]
    assert [one.route.name for one in required(read(), run_of(), OPEN, ["ledger_db", "idle"])] == ["close"]


names = st.sampled_from(["a", "b", "c"])
globs = st.sampled_from(["*", "a*", "b_*", "?_x", "[ab]*", "c_y"])
windows = st.sampled_from(
    [None, {"days": ["thu"], "timezone": "Europe/Zurich"}, {"from": "06:00", "to": "18:00"}, {"from": "20:00", "to": "02:00"}]
)
documents = st.builds(
    lambda principals, routes: {
        "principals": [{"name": f"p{i}", "dags": dags, "tasks": tasks} for i, (dags, tasks) in enumerate(principals)],
        "zones": {"z": {"gates": ["g"]}},
        "destinations": [{"name": name, "zone": "z", "hosts": [f"{name}.example"], "ports": ["443/tcp"]} for name in "abc"],
        "routes": [
            {"name": f"r{i}", "from": [f"p{who % len(principals)}"], "to": [to], "reason": "X", "expires": expires}
            | ({"window": window} if window else {})
            for i, (who, to, window, expires) in enumerate(routes)
        ],
    },
    st.lists(
        st.tuples(st.lists(globs, min_size=1, max_size=2, unique=True), st.lists(globs, min_size=1, max_size=2, unique=True)),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.tuples(st.integers(0, 2), names, windows, st.sampled_from([None, "2026-11-26", "2026-11-30"])), max_size=5),
)


@settings(deadline=None)
@given(documents, st.sampled_from(["a_x", "b_x", "c_y"]), st.sampled_from(["a_x", "b_x", "c_y"]), names, st.integers(0, 7 * 96))
def test_it_grants_exactly_what_the_access_document_declares(
    document: dict[str, Any], dag: str, task: str, connection: str, quarter: int
) -> None:
    access = Access.model_validate(document)
    at = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    declared = any(
        connection in route.to and holds_at(route, at) and any(access.principal(name).covers(dag, task) for name in route.from_)
        for route in access.routes
    )
    found = decide(read(access=document, proxies=()), run_of(dag, task), connection, at)
    assert isinstance(found, Granted) == declared
    if isinstance(found, Granted) and found.deadline is not None:
        assert holds_at(access.routes[int(found.route.name[1:])], found.deadline - timedelta(seconds=1))
        assert not holds_at(access.routes[int(found.route.name[1:])], found.deadline)
