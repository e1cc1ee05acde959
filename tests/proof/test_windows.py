"""Windows in words say exactly which minutes they are."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.access.window import Window
from pulumi_airlock.proof.sets import Intervals
from pulumi_airlock.proof.times import ALWAYS, NEVER, WEEK_MINUTES, DagRun, Once, Times, Weekly
from pulumi_airlock.proof.windows import times_text, weekly_text

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
NIGHTS = Weekly(((22 * 60, 28 * 60), (46 * 60, 52 * 60)), "Europe/Zurich")


def minutes(text: str) -> Intervals:
    """What a person reads in `Mon–Fri 22:00–04:00; Sat UTC`: minutes since Monday, those past Sunday's midnight from 0 on."""
    spans = []
    for part in text.rsplit(" ", 1)[0].split("; "):
        found = re.fullmatch(r"(.*?)(?: (\d\d):(\d\d)–(\d\d):(\d\d))?", part)
        assert found
        begin, end = (int(found[2]) * 60 + int(found[3]), int(found[4]) * 60 + int(found[5])) if found[2] else (0, 1440)
        for day in days(found[1]):
            first = day * 1440 + begin
            last = first + ((end - begin) % 1440 or 1440)
            spans += [(first, min(last, WEEK_MINUTES) - 1), *([(0, last - WEEK_MINUTES - 1)] if last > WEEK_MINUTES else [])]
    return Intervals.of(spans)


def days(text: str) -> list[int]:
    if text == "every day":
        return [*range(7)]
    found = []
    for part in text.split(", "):
        first, _, last = part.partition("–")
        found += range(DAYS.index(first), DAYS.index(last or first) + 1)
    return found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "04:00"}, "Mon–Fri 22:00–04:00 UTC"),
        ({"days": ["sun"], "from": "20:00", "to": "02:00"}, "Sun 20:00–02:00 UTC"),
        ({"days": ["sat", "sun"]}, "Sat, Sun UTC"),
        ({"days": ["mon", "wed"], "from": "09:00", "to": "17:00"}, "Mon, Wed 09:00–17:00 UTC"),
        ({"from": "23:00", "to": "01:00"}, "every day 23:00–01:00 UTC"),
        ({"days": ["mon"], "from": "20:00", "to": "14:00"}, "Mon 20:00–24:00; Tue 00:00–14:00 UTC"),
    ],
)
def test_a_window_of_an_access_file_reads_as_it_is_written(given: dict[str, object], said: str) -> None:
    assert weekly_text(Weekly(Window.model_validate(given).spans(), "UTC")) == said


spans = st.lists(st.tuples(st.integers(0, WEEK_MINUTES - 1), st.integers(1, 3000)), min_size=1, max_size=5)


@given(spans)
def test_the_words_say_the_same_minutes(listed: list[tuple[int, int]]) -> None:
    held = Intervals.of((first, min(first + length, WEEK_MINUTES) - 1) for first, length in listed)
    text = weekly_text(Weekly(tuple((first, last + 1) for first, last in held.spans), "UTC"))
    assert minutes(text) == held, text


ZURICH = ZoneInfo("Europe/Zurich")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (ALWAYS, "always"),
        (NEVER, "never"),
        ((frozenset({DagRun("close_day")}),), "while DAG close_day runs"),
        ((frozenset({Once(None, datetime(2027, 7, 1, tzinfo=UTC))}),), "until 2027-06-30 UTC"),
        ((frozenset({Once(None, datetime(2027, 7, 1, 2, tzinfo=ZURICH))}),), "until 2027-07-01 02:00 Europe/Zurich"),
        ((frozenset({Once(datetime(2027, 7, 1, 8, tzinfo=UTC), None)}),), "from 2027-07-01 08:00 UTC"),
        (
            (frozenset({NIGHTS}), frozenset({Once(None, datetime(2027, 7, 1, tzinfo=UTC))})),
            "Mon, Tue 22:00–04:00 Europe/Zurich, until 2027-06-30 UTC",
        ),
        (
            (frozenset({NIGHTS, DagRun("close_day")}),),
            "Mon, Tue 22:00–04:00 Europe/Zurich or while DAG close_day runs",
        ),
    ],
)
def test_conjunctions_and_alternatives(times: Times, said: str) -> None:
    assert times_text(times) == said
