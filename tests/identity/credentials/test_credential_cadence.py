"""Cadences as Secrets Manager takes them, and as periods."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.identity.credentials.cadence import (
    LONGEST,
    SHORTEST,
    overdue_after,
    parse_schedule,
    period,
    schedule_expression,
)

MINUTES = st.integers(int(SHORTEST.total_seconds()) // 60, int(LONGEST.total_seconds()) // 60)


@given(MINUTES)
def test_a_schedule_is_never_slower_and_less_than_an_hour_faster(minutes: int) -> None:
    cadence = timedelta(minutes=minutes)
    found = parse_schedule(schedule_expression(cadence))
    assert found is not None
    assert cadence - timedelta(hours=1) < found <= cadence
    assert cadence < overdue_after(cadence) <= cadence + timedelta(days=1)


@pytest.mark.parametrize("minutes", [0, 239, 999 * 1440 + 1])
def test_outside_of_what_secrets_manager_takes(minutes: int) -> None:
    with pytest.raises(ValueError, match="Secrets Manager rotates every 4h to every 999d"):
        schedule_expression(timedelta(minutes=minutes))


def test_what_is_no_rate() -> None:
    assert parse_schedule("cron(0 8 1 * ? *)") is None
    assert parse_schedule("rate(1 day)") == timedelta(days=1)
    assert schedule_expression(timedelta(days=1)) == "rate(1 day)"


@given(st.dates(date(2000, 1, 1), date(2200, 1, 1)), st.integers(1, 400))
def test_periods_are_as_long_as_the_cadence(today: date, days: int) -> None:
    cadence = timedelta(days=days)
    numbers = [period(today + timedelta(days=step), cadence) for step in range(days + 1)]
    assert numbers[-1] == numbers[0] + 1
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 2


def test_periods_are_of_days() -> None:
    with pytest.raises(ValueError, match="36h is no whole number of days"):
        period(date(2026, 11, 26), timedelta(hours=36))
