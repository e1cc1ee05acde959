"""Weekly windows on a wall clock: the same as the proof's calendar says, and closing exactly when they stop to hold."""

from datetime import UTC, datetime, timedelta

import pytest
from airlock_provider.manifest import Window
from airlock_provider.windows import closes, is_open
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Route
from pulumi_airlock.access import Window as Declared
from pulumi_airlock.access.calendar import holds_at

ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CHANGES = ["2026-03-29T00:00", "2026-10-25T00:00", "2026-03-08T06:00", "2026-11-01T05:00", "2026-04-04T14:00", "2026-10-03T15:00"]
"""Instants some hours before clocks are changed, in UTC."""
times = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
declared = st.builds(
    lambda days, start, end, zone: Declared.model_validate({"days": days, "from": start, "to": end, "timezone": zone}),
    st.lists(st.sampled_from(DAYS), unique=True, max_size=7),
    times,
    times,
    st.sampled_from(ZONES),
)
instants = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.builds(
        lambda base, minutes: datetime.fromisoformat(base) + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-600, 1500),
    ),
).map(lambda one: one.replace(tzinfo=UTC))


def read(window: Declared) -> Window:
    return Window(window.timezone, window.spans())


@given(declared, instants)
def test_a_window_is_open_when_the_proofs_calendar_says_that_its_route_holds(window: Declared, instant: datetime) -> None:
    route = Route.model_validate({"name": "r", "from": ["p"], "to": ["d"], "reason": "X", "window": window})
    assert is_open(read(window), instant) == holds_at(route, instant)


@settings(deadline=None)
@given(declared, instants)
def test_it_closes_at_the_first_minute_at_which_it_is_not_open(window: Declared, instant: datetime) -> None:
    opened = read(window)
    if not is_open(opened, instant):
        assert closes(opened, instant) == instant
        return
    end = closes(opened, instant)
    minute = instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
    horizon = instant + timedelta(days=8)
    while minute < horizon and is_open(opened, minute):
        minute += timedelta(minutes=1)
    assert end == (minute if minute < horizon else None)


@pytest.mark.parametrize(
    ("instant", "closed"),
    [
        ("2026-03-29T00:10+00:00", "2026-03-29T01:00+00:00"),  # 01:10 in Zurich; at 02:00 it is 03:00 at once
        ("2026-10-25T00:10+00:00", "2026-10-25T00:30+00:00"),  # 02:10 for the first time
        ("2026-10-25T01:10+00:00", "2026-10-25T01:30+00:00"),  # and 02:10 once more, an hour later
    ],
)
def test_hours_that_are_skipped_and_repeated(instant: str, closed: str) -> None:
    night = Window("Europe/Zurich", ((6 * 1440 + 60, 6 * 1440 + 150),))  # Sunday 01:00–02:30
    assert closes(night, datetime.fromisoformat(instant)) == datetime.fromisoformat(closed)


def test_a_window_of_the_whole_week_does_not_close() -> None:
    assert closes(Window("UTC", ((0, 7 * 1440),)), datetime(2026, 11, 26, tzinfo=UTC)) is None


def test_over_sundays_midnight_it_stays_open() -> None:
    window = Window("UTC", ((0, 240), (7 * 1440 - 60, 7 * 1440)))
    assert closes(window, datetime(2026, 11, 29, 23, 30, tzinfo=UTC)) == datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
