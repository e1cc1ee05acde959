"""Lines of several logs become one session and one run, whatever their order; what cannot be joined is told."""

import json
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.audit.timeline import Question, Trail, What
from trail_lines import LEDGER, NOON, WAREHOUSE, closed, fortigate, line, opened, proxied, refused, run, session, trail

from airlock_provider import audit  # isort: skip


def shape(found: Trail) -> list[tuple[str, int, list[list[str]]]]:
    return [
        (one.correlation, len(one.entries), [sorted(f"{e.what}/{e.by}" for e in each.entries) for each in one.sessions])
        for one in found.runs
    ]


WHO = run()
ONE, TWO = session(port=41000), session(port=42000, at=NOON + timedelta(seconds=30))
WHOLE = [
    line(audit.task_started(WHO), NOON - timedelta(seconds=5)),
    opened(WHO, ONE),
    proxied(WHO, ONE, "open"),
    opened(WHO, TWO),
    proxied(WHO, TWO, "open"),
    closed(WHO, ONE),
    proxied(WHO, ONE, "close", 60),
    closed(WHO, TWO),
    proxied(WHO, TWO, "close", 60),
    line(audit.task_ended(WHO, success=True), NOON + timedelta(seconds=120)),
]


@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(order: random.Random) -> None:
    lines = list(WHOLE)
    order.shuffle(lines)
    found = trail(*lines)

    four = ["left/provider", "left/tcp_proxy", "reached/provider", "reached/tcp_proxy"]
    assert shape(found) == [(WHO.correlation, 2, [four, four])]
    assert found.notices == []


def test_without_the_sessions_name_both_ends_of_a_connection_are_joined_by_the_callers_port() -> None:
    lines = [opened(WHO, ONE), opened(WHO, TWO)]
    lines += [proxied(WHO, one, event, session=None) for one in (TWO, ONE) for event in ("open", "close")]

    assert [sessions for _, _, sessions in shape(trail(*lines))] == [
        [["left/tcp_proxy", "reached/provider", "reached/tcp_proxy"]] * 2
    ]


def test_two_tries_and_two_mapped_tasks_are_runs_of_their_own() -> None:
    runs = [run(1), run(2, try_number=2), run(3, map_index=0), run(4, map_index=1)]
    found = trail(*[opened(one, session(port=41000 + number)) for number, one in enumerate(runs)])

    assert [(one.who.try_number, one.who.map_index) for one in found.runs] == [(1, -1), (2, -1), (1, 0), (1, 1)]


def test_a_token_that_names_another_task_under_the_same_correlation_is_not_hidden() -> None:
    """A correlation id is what a task says it is: who the proxy verified must not vanish behind it."""
    other = run(1, dag_id="marketing_daily", principal="marketing")
    found = trail(opened(WHO, ONE), proxied(other, session(port=5), "open"))

    assert {entry.who.dag_id for one in found.runs for each in one.sessions for entry in each.entries} == {
        "finance_daily",
        "marketing_daily",
    }
    assert {one.who.dag_id for one in found.runs} == {"finance_daily", "marketing_daily"}


def test_a_refusal_that_names_nobody_is_found_by_the_sessions_name() -> None:
    found = trail(
        refused(WHO, ONE, audit.TOKEN),
        proxied(None, ONE, "refused", response_code=401, reason="token", policy=None),
        proxied(None, session(port=7), "refused", response_code=401, reason="token", policy=None),
    )

    assert shape(found)[0] == (WHO.correlation, 0, [["refused/provider", "refused/tcp_proxy"]])
    assert [one.who.task for one in found.runs] == ["finance_daily.load", ""]


def test_sessions_that_one_side_alone_tells_of_are_noted() -> None:
    found = trail(opened(WHO, ONE), proxied(run(2), session(port=9), "open"))

    assert len(found.notices) == 2
    assert "1 session at the proxy that no forwarder tells of" in found.notices[0]
    assert "1 session of forwarders that no proxy's log shows" in found.notices[1]
    assert trail(opened(WHO, ONE)).notices == []  # one kind of log tells of no gap


def test_a_fortigate_and_flow_logs_are_joined_by_addresses_and_ports() -> None:
    flow = "2 123456789012 eni-1 10.1.2.3 10.9.9.1 41000 8443 6 10 1000 {start} {end} ACCEPT OK"
    at = int(NOON.timestamp())
    found = trail(
        *WHOLE,
        fortigate("10.9.9.1", 41001, "10.20.4.10", 5432, NOON + timedelta(seconds=1)),
        flow.format(start=at, end=at + 60),
        fortigate("10.9.9.1", 41001, "10.20.4.10", 5432, NOON + timedelta(hours=9)),  # the port, long after: another's
        fortigate("10.9.9.7", 41001, "10.20.4.10", 5432, NOON),  # another machine's
    )

    first, second = found.runs[0].sessions
    assert [(one.what, one.rule, one.joined) for one in first.entries if one.joined] == [
        (What.PASSED, "", "addresses"),
        (What.PASSED, "proxy-to-warehouse", "addresses"),
    ]
    assert not [one for one in second.entries if one.joined]
    assert found.skipped == {"fortigate: of no session here": 2}
    assert found.formats["fortigate"] == 3


def test_what_a_fortigate_dropped_is_joined_to_the_attempt_of_that_moment_and_said_to_be_by_time() -> None:
    failed = [
        refused(WHO, ONE, audit.ROUTING),
        proxied(WHO, ONE, "refused", response_code=503, reason="routing", upstream_local="-"),
    ]
    drop = fortigate("10.9.9.1", 50000, "10.20.4.10", 5432, NOON + timedelta(seconds=2), "deny")
    found = trail(*failed, drop)

    (entry,) = [one for one in found.runs[0].sessions[0].entries if one.joined]
    assert (entry.what, entry.rule, entry.joined) == (What.DROPPED, "proxy-to-warehouse", "time")
    two = session(port=43000)
    ambiguous = trail(*failed, refused(run(2), two, audit.ROUTING), proxied(run(2), two, "refused", response_code=503), drop)
    assert not [one for _, each in ambiguous.sessions() for one in each.entries if one.joined]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: f"<109>1 2026-11-24T12:00:00.000Z worker airlock 7 audit - {text}",
        lambda text: json.dumps({"logEvents": [{"id": "1", "message": text}]}),
        lambda text: json.dumps({"timestamp": "t", "event": text, "level": "info", "logger": "task.stdout"}),
        lambda text: json.dumps({"insertId": "1", "jsonPayload": json.loads(text)}),
        lambda text: json.dumps([{"jsonPayload": json.loads(text)}]),
        lambda text: json.dumps({"preview": False, "result": {"_raw": text}}),
        lambda text: json.dumps({"time": 1, "sourcetype": "airlock:ocsf", "event": json.loads(text)}),
        lambda text: f"[2026-11-24T12:00:00.000+0000] {{logging_mixin.py:190}} INFO - {text}",
    ],
    ids=["plain", "syslog", "cloudwatch", "airflow-3", "cloud-logging", "gcloud", "splunk", "hec", "airflow-2"],
)
@pytest.mark.parametrize("kind", ["provider", "proxy"])
def test_an_event_is_found_in_whatever_it_was_wrapped_into(wrap: object, kind: str) -> None:
    text = opened(WHO, ONE) if kind == "provider" else proxied(WHO, ONE, "open")
    found = trail(wrap(text))  # type: ignore[operator]

    assert [one.entries[0].what for _, one in found.sessions()] == [What.OPENED]
    assert found.unread_count == 0


def test_whoever_asks_the_proxy_for_its_manifests_is_no_session() -> None:
    found = trail(opened(WHO, ONE), proxied(WHO, ONE, "open"), proxied(None, session(port=8), "asked", target="proxy.internal"))

    assert len(found.runs) == 1
    assert (found.formats["proxy log"], found.unread_count) == (2, 0)
    assert trail(proxied(WHO, ONE, "paused")).unread[0].why.startswith("event 'paused'")


def test_broken_lines_are_counted_and_told_with_their_place() -> None:
    whole = opened(WHO, ONE)
    event = json.loads(whole)
    found = trail(
        whole,
        whole[:200],
        "",
        json.dumps({**event, "time": "yesterday"}),
        json.dumps({**event, "class_uid": 9999}),
        json.dumps({**event, "unmapped": {}}),
        proxied(WHO, ONE, "close", time="never"),
        proxied(WHO, ONE, "close", bytes_in="many"),
        "this is no log at all",
    )

    assert found.unread_count == 6
    assert {one.place.number for one in found.unread} == {2, 4, 5, 6, 7, 8}
    assert (found.strange_count, str(found.strange)) == (1, "log:9")
    whys = " ".join(one.why for one in found.unread)
    for part in ("damaged", "no time in milliseconds", "class 9999", "which task it is of", "no instant", "no whole number"):
        assert part in whys
    assert len(list(found.sessions())) == 1


@given(st.text(max_size=300), st.integers(0, 2000))
def test_no_line_whatever_it_holds_stops_the_reading(text: str, cut: int) -> None:
    for whole in (opened(WHO, ONE), proxied(WHO, ONE, "open")):
        at = cut % len(whole)
        found = trail(text.replace("\n", " "), whole[:at] + text.replace("\n", " ") + whole[at:], whole)
        assert any(one.reached for _, one in found.sessions())


def test_a_tasks_own_log_holds_events_between_lines_that_are_nothings() -> None:
    event = opened(WHO, ONE)
    three = [
        json.dumps({"timestamp": "t", "level": "info", "event": "Task started"}),
        json.dumps({"event": event, "level": "info"}),
    ]
    two = [
        "[2026-11-24T12:00:00.000+0000] {taskinstance.py:2885} INFO - Starting attempt 1 of 1",
        "Traceback (most recent call last):",
    ]
    found = trail(*three, *two)

    assert (found.unread_count, found.strange_count, found.formats) == (0, 3, {"provider events": 1})


def test_events_that_were_lost_are_told_by_the_trail_itself() -> None:
    assert trail(opened(WHO, ONE), line(audit.events_lost(7, "file")), line(audit.events_lost(5, "file"))).lost == 12


def test_other_gates_lines_on_standard_input_are_counted_and_not_joined() -> None:
    lines = [*WHOLE, fortigate("10.9.9.1", 41001, "10.20.4.10", 5432, NOON)]
    found = trail(*lines, once=frozenset({"log"}))

    assert list(found.skipped.values()) == [1]
    assert "read once" in next(iter(found.skipped))


# --- questions


def asked(found: Trail, **question: object) -> list[tuple[str, int]]:
    return [(one.who.task, len(one.sessions)) for one in Question(**question).answered(found)]  # type: ignore[arg-type]


def test_a_session_counts_for_every_time_in_which_it_was_open() -> None:
    midnight = NOON.replace(hour=0)
    over = session(at=midnight - timedelta(minutes=10))
    found = trail(opened(WHO, over), closed(WHO, over, after=3600))

    for start, end, count in ((-60, -11, 0), (-60, -9, 1), (-5, 5, 1), (10, 20, 1), (49, 70, 1), (51, 70, 0)):
        answer = asked(found, start=midnight + timedelta(minutes=start), end=midnight + timedelta(minutes=end))
        assert answer == [("finance_daily.load", 1)] * count, (start, end)


def test_a_session_without_an_end_counts_until_it_must_have_ended() -> None:
    one = session(deadline=(NOON + timedelta(hours=1)).timestamp())
    found = trail(opened(WHO, one))

    assert asked(found, start=NOON + timedelta(minutes=59)) == [("finance_daily.load", 1)]
    assert asked(found, start=NOON + timedelta(minutes=61)) == []


def test_questions_pick_by_destination_task_agent_and_run() -> None:
    agent = run(2, dag_id="finance_agent", agent_id="report-writer")
    third = run(3, dag_id="ledger_close", principal="ledger")
    found = trail(
        line(audit.task_started(WHO), NOON),
        opened(WHO, ONE),
        opened(agent, session(port=1)),
        opened(third, session(LEDGER, port=2)),
        refused(third, session(WAREHOUSE, port=3)),
    )

    assert asked(found, to="warehouse") == [("finance_daily.load", 1), ("finance_agent.load", 1), ("ledger_close.load", 1)]
    assert asked(found, to="ledger.corp.example:1521") == [("ledger_close.load", 1)]
    assert asked(found, to="*.corp.example", who="ledger*") == [("ledger_close.load", 2)]
    assert asked(found, who="report-writer") == [("finance_agent.load", 1)]
    assert asked(found, run=WHO.correlation[-4:]) == []
    assert asked(found, run=WHO.correlation) == [("finance_daily.load", 1)]
    assert asked(found, run="run-2") == [("finance_agent.load", 1)]
    assert asked(found, to="nowhere") == []


def test_what_is_far_from_the_time_asked_for_is_not_kept() -> None:
    found = trail(
        *[opened(run(day), session(at=NOON + timedelta(days=day), port=day)) for day in range(1, 20)],
        question=Question(start=NOON + timedelta(days=10)),
    )

    assert len(found.runs) == 11
