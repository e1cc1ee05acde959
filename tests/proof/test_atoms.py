"""The classes that dimensions are cut into: globs, and instants across changes of the clock."""

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof.atoms import globs
from pulumi_airlock.proof.atoms.globs import regions
from pulumi_airlock.proof.atoms.instants import Clock, from_minute, to_minute
from pulumi_airlock.proof.times import Once, Weekly

WORDS = ["a", "b", "ab", "ba", "aab", "abb", "_", "a_b", "zz", "abab", "b_"]


@given(st.lists(st.tuples(st.text("ab*?_", min_size=1, max_size=4)), max_size=5))
@settings(deadline=None)
def test_regions_are_the_combinations_that_words_really_have(sets: list[tuple[str, ...]]) -> None:
    found = regions(sets)
    for key, word in found.items():
        assert {number for number, one in enumerate(sets) if any(fnmatchcase(word, glob) for glob in one)} == key
    for word in WORDS:
        assert frozenset(number for number, one in enumerate(sets) if any(fnmatchcase(word, glob) for glob in one)) in found


def test_brackets_are_those_of_fnmatch() -> None:
    assert set(regions([("[ab]x",), ("[!a]x",), ("[",)])) == {
        frozenset(),
        frozenset({0}),
        frozenset({1}),
        frozenset({0, 1}),
        frozenset({2}),
    }


def test_tangled_globs_are_refused_rather_than_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "MAX_STATES", 500)
    with pytest.raises(InputError, match="overlap"):
        regions([(f"*{char}?????????*",) for char in "abcdef"])


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
@given(
    start=st.integers(0, 10079),
    length=st.integers(1, 3000),
    minutes=st.lists(st.integers(0, 400 * 1440 - 1), min_size=20, max_size=20),
)
@settings(deadline=None, max_examples=15)
def test_a_weekly_window_holds_exactly_when_the_wall_clock_says_so(
    zone: str, start: int, length: int, minutes: list[int]
) -> None:
    window = Weekly(((start, min(start + length, 10080)),), zone)
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    marks = [begin + timedelta(minutes=one) for one in minutes]
    # Around changes of the clock.
    marks += [
        datetime(2026, month, day, hour, 30, tzinfo=UTC)
        for month, day in ((3, 8), (3, 29), (10, 25), (11, 1))
        for hour in range(0, 24, 1)
    ]
    clock = Clock(begin, [window], marks)
    holds = clock.holds((frozenset({window}),))
    for mark in marks:
        local = mark.astimezone(ZoneInfo(zone))
        minute = local.weekday() * 1440 + local.hour * 60 + local.minute
        assert holds[clock.class_of(mark)] == any(first <= minute < last for first, last in window.spans)


def test_a_window_of_one_time_ends_before_its_end() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    window = Once(None, begin + timedelta(days=1))
    clock = Clock(begin, [window], [begin, begin + timedelta(days=1)])
    holds = clock.holds((frozenset({window}),))
    assert holds[clock.class_of(begin)]
    assert not holds[clock.class_of(begin + timedelta(days=1))]
    assert from_minute(to_minute(begin)) == begin
