"""Times: what is seen outside of a declared window is told, and a long connection is seen from its begin to its end."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access, Route, loads
from pulumi_airlock.access.calendar import holds_at
from pulumi_airlock.learn import Verdict, fragment, gate_kinds, learn, opened, propose, unused
from pulumi_airlock.learn.windows import declared_at

ACCESS = """\
apiVersion: airlock/v1
principals:
  - {name: finance, dags: ["finance_*"]}
zones:
  datacenter: {cidrs: [10.20.0.0/16], gates: [fortigate], trust: medium}
destinations:
  - {name: ledger, zone: datacenter, cidrs: [10.20.4.11/32], ports: [1521/tcp]}
routes:
  - name: finance-ledger
    from: [finance]
    to: [ledger]
    window: {days: [mon, tue, wed, thu, fri], from: "22:00", to: "04:00", timezone: Europe/Zurich}
    reason: FIN-2
"""
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def access() -> Access:
    return loads(ACCESS)


def minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def row(began: datetime, ended: datetime | None = None, task: str = "load") -> tuple[object, ...]:
    """A connection of which the log names the task."""
    who = ("airflow", "finance_daily", task) if task else ("", "", "")
    seen = (minute(began), minute(ended or began))
    return ("fortigate", "10.40.0.11", "10.20.4.11", "", 1521, "tcp", *seen, True, "", *who, 1)


@settings(deadline=None)
@given(
    st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), min_size=1, max_size=30),
    st.sampled_from(["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.sampled_from([("22:00", "04:00"), ("02:15", "02:45"), ("00:00", "12:00")]),
    st.sampled_from([(), ("mon",), ("sun", "wed")]),
)
def test_minutes_lie_in_a_window_as_instants_do(moments, timezone, times, days) -> None:
    given = {"name": "r", "from": ("a",), "to": ("b",), "reason": "R-1"}
    window = {"days": days, "from": times[0], "to": times[1], "timezone": timezone}
    route = Route.model_validate({**given, "window": window})
    minutes = np.array([minute(one.replace(tzinfo=UTC)) for one in moments], dtype=np.int64)
    expected = [holds_at(route, one.replace(tzinfo=UTC)) for one in moments]
    assert declared_at([route], minutes).tolist() == expected


def test_use_outside_of_a_window_is_told() -> None:
    inside, outside = MONDAY + timedelta(hours=22), MONDAY + timedelta(days=1, hours=12)
    with opened() as seen:
        seen.add([row(inside), row(outside), row(outside + timedelta(days=1))])
        learnt = learn(seen, [], [], access())
    proposed = propose(learnt, access(), TODAY)
    assert proposed.routes == []
    (one,) = proposed.outside
    assert (one.routes[0].name, len(one.minutes), one.minutes[0]) == ("finance-ledger", 2, minute(outside))
    text = fragment(proposed, learnt, whole=False)
    assert "airflow/finance_daily.load to ledger: in 2 of 3 minutes, from 2026-11-03 12:00 to 2026-11-04 12:00 UTC" in text
    assert '#     route finance-ledger: window {days: [mon, tue, wed, thu, fri], from: "22:00", to: "04:00"' in text


@pytest.mark.parametrize(("hour", "verdict"), [(22, Verdict.USED), (12, Verdict.UNUSED)])
def test_a_route_is_not_used_by_what_its_window_does_not_hold(hour: int, verdict: Verdict) -> None:
    with opened() as seen:
        seen.add(row(MONDAY + timedelta(days=day, hours=hour)) for day in range(3))
        (found,) = unused(seen, learn(seen, [], [], access()), access(), gate_kinds(access()), 3)
    assert found.verdict is verdict
    assert (verdict is Verdict.USED) or found.why == "its own principals reached it outside its window alone"


def test_a_connection_that_began_long_ago_is_in_use_until_it_ends_and_says_nothing_of_the_days_before() -> None:
    began, ended = MONDAY + timedelta(hours=22), MONDAY + timedelta(days=9, hours=1)
    with opened() as seen:
        seen.add([row(began, ended)])
        (covered,) = seen.covered()
        assert (covered.first, covered.last, covered.days) == (ended, ended, 1)
        (found,) = unused(seen, learn(seen, [], [], access()), access(), gate_kinds(access()), 1)
    assert (found.verdict, found.last) == (Verdict.USED, ended)


def test_a_session_of_a_fortigate_is_its_begin_s_task(tmp_path) -> None:
    """It is logged when it ends, an hour after it began: by then, another task runs."""
    ended = int((MONDAY + timedelta(hours=3)).timestamp())
    line = (
        f'date=2026-11-02 time=03:00:00 devname="edge" logid="0000000013" type="traffic" subtype="forward" '
        f"eventtime={ended}000000000 srcip=10.40.0.11 srcport=40000 dstip=10.20.4.11 dstport=1521 proto=6 "
        'action="close" policyid=1 duration=3600 sentbyte=1'
    )
    log = tmp_path / "fortigate.log"
    log.write_text(f"{line}\n")
    with opened() as seen:
        seen.read(str(log))
        assert seen.sql.execute("SELECT minute, last FROM seen").fetchall() == [(ended // 60 - 60, ended // 60)]
