"""Merging never changes what is allowed."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.fortigate.boxes import Box, fewest_boxes

SETS = st.frozensets(st.integers(0, 3), min_size=1, max_size=3)
BOXES = st.lists(st.tuples(SETS, SETS, SETS), max_size=12)


def points(boxes):
    return {point for box in boxes for point in product(*box.sets)}


@given(BOXES)
@settings(max_examples=200)
def test_the_union_is_exactly_the_same_and_every_origin_is_kept(sets):
    boxes = [Box(one, (position,)) for position, one in enumerate(sets)]
    merged = fewest_boxes(boxes)
    assert points(merged) == points(boxes)
    assert len(merged) <= len(boxes)
    assert {origin for box in merged for origin in box.origins} == set(range(len(boxes)))


def test_a_full_product_becomes_one_box():
    singles = [
        Box((frozenset({one}), frozenset({two}), frozenset({three})), (0,)) for one, two, three in product("ab", "cde", "fg")
    ]
    assert len(fewest_boxes(singles)) == 1


def test_a_missing_corner_is_not_filled_in():
    three = [Box((frozenset({one}), frozenset({two})), (0,)) for one, two in [("a", "c"), ("a", "d"), ("b", "c")]]
    assert points(fewest_boxes(three)) == {("a", "c"), ("a", "d"), ("b", "c")}
    assert len(fewest_boxes(three)) == 2
