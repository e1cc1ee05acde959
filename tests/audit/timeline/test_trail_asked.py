"""Days and instants as people say them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.audit.timeline import day, moment, zone_of
from pulumi_airlock.errors import InputError

THURSDAY = datetime(2026, 11, 26, 9, tzinfo=UTC)
ZURICH, UTC_ZONE = zone_of("Europe/Zurich"), zone_of("UTC")


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("tuesday", "2026-11-24"),
        ("last Tuesday", "2026-11-24"),
        ("tue", "2026-11-24"),
        ("Wednesday", "2026-11-25"),
        ("thursday", "2026-11-19"),  # today is one: the last one is a week ago
        ("friday", "2026-11-20"),
        ("today", "2026-11-26"),
        ("yesterday", "2026-11-25"),
        ("2026-02-28", "2026-02-28"),
    ],
)
def test_a_day(said: str, first: str) -> None:
    start, end = day(said, THURSDAY, UTC_ZONE)

    assert start == datetime.fromisoformat(f"{first}T00:00:00+00:00")
    assert end - start == timedelta(days=1)


def test_a_day_is_one_of_the_time_zone_and_has_23_hours_when_the_clocks_go_forward() -> None:
    assert day("tuesday", THURSDAY, ZURICH)[0] == datetime(2026, 11, 23, 23, tzinfo=UTC)
    start, end = day("2026-03-29", THURSDAY, ZURICH)
    assert end - start == timedelta(hours=23)
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # Friday already in Zürich
    assert day("today", late, ZURICH)[0] == datetime(2026, 11, 26, 23, tzinfo=UTC)


@pytest.mark.parametrize("said", ["", "t", "someday", "2026-02-30", "24.11.2026"])
def test_what_is_no_day_is_told(said: str) -> None:
    with pytest.raises(InputError, match="is no day: write one as in tuesday"):
        day(said, THURSDAY, UTC_ZONE)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["monday", "sunday", "wednesday"]))
def test_the_last_day_of_a_name_is_within_a_week_before_today(now: datetime, name: str) -> None:
    at = now.replace(tzinfo=UTC)
    start, end = day(name, at, UTC_ZONE)

    assert f"{start:%A}".lower() == name
    assert end <= at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert timedelta(0) <= at - end < timedelta(days=7)


def test_instants() -> None:
    assert moment("24h", "--from", THURSDAY, ZURICH) == THURSDAY - timedelta(days=1)
    assert moment("2026-11-24T08:00", "--from", THURSDAY, ZURICH) == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert moment("2026-11-24T08:00Z", "--from", THURSDAY, ZURICH) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    with pytest.raises(InputError, match="--from"):
        moment("eight", "--from", THURSDAY, ZURICH)
    with pytest.raises(InputError, match="is no time zone"):
        zone_of("Mars/Olympus")
