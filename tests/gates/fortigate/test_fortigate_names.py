"""Names and comments are what FortiOS takes, for any input."""

import re

from hypothesis import assume, given
from hypothesis import strategies as st
from pulumi_airlock.gates.fortigate import names

LIMITS = st.sampled_from([names.POLICY_NAME, names.OBJECT_NAME, names.SCHEDULE_NAME])
PARTS = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=4)


@given(LIMITS, PARTS)
def test_a_name_fits_and_has_only_characters_that_fortios_takes(limit, parts):
    name = names.device_name(limit, *parts)
    assert 1 <= len(name) <= limit
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    assert name == names.device_name(limit, *parts)


@given(LIMITS, st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
def test_different_subjects_never_share_a_name(limit, one, other):
    assume(one != other)
    assert names.device_name(limit, one) != names.device_name(limit, other)


def test_a_short_clean_name_is_left_alone():
    assert names.device_name(35, "airlock-finance-warehouse") == "airlock-finance-warehouse"


def test_a_long_name_keeps_its_beginning():
    name = names.device_name(35, "airlock-regulatory-returns-quarterly-upload")
    assert name.startswith("airlock-regulatory-returns")
    assert len(name) == 35


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=30))
def test_a_comment_fits_and_has_none_of_the_characters_that_fortios_refuses(items):
    text = names.listed_text(names.POLICY_COMMENT, items)
    assert len(text) <= names.POLICY_COMMENT
    assert not set("<>()#\"'\\") & set(text)


def test_a_comment_says_how_many_it_leaves_out():
    text = names.listed_text(60, [f"route-{number}: REASON-{number}" for number in range(10)])
    assert text == "route-0: REASON-0; route-1: REASON-1; and 8 more"
