"""Two weeks ahead somebody is told what ends, who answers for it, and what to do."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.proof.engine.tracing import open_at
from pulumi_airlock.proof.expiring import Ending, Expiring, end_of, expiring
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Part, Rule, Source
from pulumi_airlock.proof.times import Once, Times, Weekly
from pulumi_airlock.report.hygiene import expiring_to_json, show_expiring
from rich.console import Console

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NIGHTS = Weekly(((0, 240),), "UTC")


def access(*expires: str | None, expect: list[dict[str, object]] | None = None) -> Access:
    return Access.model_validate(
        {
            "principals": [
                {"name": "close", "dags": ["*"], "owner": "ledger@bank.example"},
                {"name": "staff", "group": "staff"},
            ],
            "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}},
            "destinations": [{"name": "db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]}],
            "routes": [
                {
                    "name": f"route-{number}",
                    "from": ["close", "staff"],
                    "to": ["db"],
                    "reason": "T",
                    **({"expires": day} if day else {}),
                }
                for number, day in enumerate(expires)
            ],
            "expect": expect or [],
        }
    )


def wall(*rules: tuple[str, Times], action: Action = Action.ALLOW) -> Filter:
    made = tuple(Rule(action, Match(times=times), Source(f"urn::{label}", label=label)) for label, times in rules)
    return Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, made, "urn::wall")


def until(day: date) -> Times:
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return (frozenset({Once(None, end)}),)


@pytest.mark.parametrize(
    ("day", "left", "said"),
    [
        ("2026-11-20", -1, "expired on 2026-11-20, 1 day ago, and is still in the file"),
        ("2026-11-21", 0, "ends today: its last day is 2026-11-21"),
        ("2026-12-05", 14, "ends in 14 days: its last day is 2026-12-05"),
        ("2026-12-06", None, ""),
        (None, None, ""),
    ],
)
def test_a_route_is_told_from_two_weeks_before_its_last_day_on(day: str | None, left: int | None, said: str) -> None:
    found = expiring(access(day), [], at=AT)
    assert [one.days for one in found] == ([] if left is None else [left])
    for one in found:
        assert said in one.message
        assert one.owners == ("ledger@bank.example",)
        assert "ledger@bank.example answers for close and staff" in one.advice
        assert one.expired == (left < 0)


def test_the_number_of_days_is_the_callers() -> None:
    assert [one.name for one in expiring(access("2026-12-20", "2026-12-21"), [], at=AT, days=30)] == ["route-0", "route-1"]
    assert [one.name for one in expiring(access("2026-12-21", "2026-12-22"), [], at=AT, days=30)] == ["route-0"]


def test_a_rule_that_ends_is_told_with_what_makes_it_end() -> None:
    times = until(date(2026, 11, 25))
    cutover = Part("schedule", "", "cutover", Match(times=times), "until 2026-11-25 UTC", "urn::schedule")
    rule = Rule(Action.ALLOW, Match(times=times), Source("urn::p", label="policy 7"), parts=lambda: (cutover,))
    (one,) = expiring(access(), [Filter("wall", "p", Combine.FIRST_MATCH, Action.DENY, (rule,), "urn::w")], at=AT)
    assert (one.ending, one.gate, one.name, one.days, one.last_day) == (Ending.RULE, "wall", "policy 7", 4, date(2026, 11, 25))
    assert 'it holds until 2026-11-25 UTC (by schedule "cutover" until 2026-11-25 UTC)' in one.message
    assert "from then on what it lets through is refused" in one.advice


def test_a_rule_of_the_past_is_still_in_the_stack() -> None:
    (one,) = expiring(access(), [wall(("old", until(date(2026, 11, 1))))], at=AT)
    assert one.expired
    assert "old (old) at wall ended on 2026-11-01, and is still in the stack" in one.message


def test_a_rule_that_ended_this_morning_has_ended() -> None:
    times: Times = (frozenset({Once(None, AT - timedelta(hours=1))}),)
    (one,) = expiring(access(), [wall(("this morning", times))], at=AT)
    assert one.expired
    assert one.last_day == AT.date()


def test_rules_that_end_with_a_route_are_told_with_it() -> None:
    filters = [wall(("compiled", until(date(2026, 11, 30))), ("beside", until(date(2026, 12, 1))))]
    route, rule = expiring(access("2026-11-30"), filters, at=AT)
    assert (route.ending, [source.label for source in route.rules]) == (Ending.ROUTE, ["compiled"])
    assert (rule.ending, rule.name) == (Ending.RULE, "beside")


def test_a_rule_of_several_boxes_ends_with_the_last_of_them() -> None:
    first, last = until(date(2026, 11, 22)), until(date(2026, 11, 24))
    assert [one.last_day for one in expiring(access(), [wall(("p", first), ("p", last))], at=AT)] == [date(2026, 11, 24)]
    assert expiring(access(), [wall(("p", first), ("p", ()))], at=AT) == ()


def test_windows_that_recur_never_end_but_with_an_end_they_do() -> None:
    forever = wall(("weekly", (frozenset({NIGHTS}),)), ("or weekly", (frozenset({NIGHTS, Once(None, AT)}),)))
    assert expiring(access(), [forever], at=AT) == ()
    (one,) = expiring(access(), [wall(("both", (frozenset({NIGHTS}), *until(date(2026, 11, 23)))))], at=AT)
    assert one.last_day == date(2026, 11, 23)


def test_an_expectation_about_the_past_still_says_something_and_is_not_told() -> None:
    expect = [{"from": "close", "to": "db", "allow": True, "at": "2026-11-20T09:30:00+00:00"}]
    assert expiring(access(expect=expect), [], at=AT) == ()


def test_of_rules_that_end_together_a_route_has_those_that_are_called_after_it() -> None:
    day = until(date(2026, 11, 30))
    one, other = expiring(access("2026-11-30", "2026-11-30"), [wall(("airlock-route-0", day), ("airlock-route-1", day))], at=AT)
    assert [[rule.label for rule in each.rules] for each in (one, other)] == [["airlock-route-0"], ["airlock-route-1"]]


instants = st.integers(-500, 500).map(lambda hours: AT + timedelta(hours=hours))
windows = st.one_of(st.just(NIGHTS), instants.map(lambda end: Once(None, end)), instants.map(lambda start: Once(start, None)))


@given(st.lists(st.frozensets(windows, min_size=1, max_size=3), max_size=3).map(tuple), instants)
def test_nothing_holds_after_its_end(times: Times, moment: datetime) -> None:
    end = end_of(times)
    if end is not None and moment >= end:
        assert not open_at(times, moment)


def test_what_is_told_is_shown_and_the_same_in_json() -> None:
    found = expiring(access("2026-11-20", "2026-12-01"), [wall(("p", until(date(2026, 11, 25))))], at=AT)
    out = io.StringIO()
    show_expiring(Console(file=out, width=200), found)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Ends soon, or has ended (1 ended, 2 soon)"
    assert [line.split(":")[0] for line in lines if line.startswith("  !")] == [
        "  ! route route-0 expired on 2026-11-20, 1 day ago, and is still in the file",
        "  ! p (p) at wall ends in 4 days",
        "  ! route route-1 ends in 10 days",
    ]
    assert [(one["kind"], one["daysLeft"]) for one in expiring_to_json(found)] == [("route", -1), ("rule", 4), ("route", 10)]


def test_a_long_list_is_cut_and_says_so() -> None:
    found: tuple[Expiring, ...] = expiring(access(*["2026-12-01"] * 14), [], at=AT)
    out = io.StringIO()
    show_expiring(Console(file=out, width=200), found)
    assert "… and 4 more: --verbose lists them" in out.getvalue()


def test_nothing_to_tell_shows_nothing() -> None:
    out = io.StringIO()
    show_expiring(Console(file=out), expiring(access(), [wall(("p", ()))], at=AT))
    assert out.getvalue() == ""


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        expiring(access(), [], at=datetime(2026, 11, 21))
