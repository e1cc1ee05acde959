"""The fewest rules: never claimed higher than an exhaustive search finds, and never more than what is said to be enough."""

from itertools import chain, combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import AT
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.shape import Shape, Span
from pulumi_airlock.proof.waste import Count, waste
from pulumi_airlock.proof.waste.covering import cover

NOBODY = Access.model_validate({"principals": [], "zones": {}, "destinations": [], "routes": []})
NETWORKS = Shape(Span.NETWORK, Span.NETWORK, Span.RANGE)
SOURCES = ["10.1.0.0/24", "10.1.1.0/24", "10.1.5.0/24"]
PLACES = ["10.20.0.4/32", "10.20.0.9/32", "10.20.0.77/32"]
PORTS = [22, 443, 5432]


def count_of(rules: list[Match], shape: Shape | None = None) -> Count:
    made = tuple(Rule(Action.ALLOW, one, Source(f"urn::{number}")) for number, one in enumerate(rules))
    one = Filter("gate", "filter", Combine.ANY_ALLOW, Action.DENY, made, "urn::gate", shape=shape)
    (count,) = waste(NOBODY, [], [one], at=AT).counts
    return count


def exhaustive(points: set, rules: list[frozenset]) -> int:
    """The fewest of these sets whose union is all points."""
    useful = {one for one in rules if one and one <= points}
    largest = [one for one in useful if not any(one < other for other in useful)]
    return next(
        size for size in range(len(points) + 1) if any(set().union(*some) == points for some in combinations(largest, size))
    )


def some(options: list) -> list[tuple]:
    return list(chain.from_iterable(combinations(options, size) for size in range(1, len(options) + 1)))


sets = st.tuples(*(st.sets(st.integers(0, 2), min_size=1, max_size=2) for _ in range(3)))


@settings(max_examples=60, deadline=None)
@given(st.lists(sets, min_size=1, max_size=4))
def test_products_of_sets_are_counted_as_an_exhaustive_search_does(found):
    points = {point for one in found for point in product(*one)}
    every = [frozenset(product(*one)) for one in product(some([0, 1, 2]), repeat=3)]
    fewest = exhaustive(points, every)

    rules = [
        Match(
            Who(sources=Hosts.from_cidrs(SOURCES[n] for n in who)),
            Hosts.from_cidrs(PLACES[n] for n in where),
            Services.union(Services.of("tcp", PORTS[n], PORTS[n]) for n in what),
        )
        for who, where, what in found
    ]
    count = count_of(rules)

    assert count.least <= fewest <= count.most <= count.rules == len(found)


AREA = [(first, length) for length in range(30, 33) for first in range(0, 4, 2 ** (32 - length))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(AREA), st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6))
def test_networks_and_ranges_are_counted_exactly(found):
    def area(first, length, low, high):
        return frozenset(product(range(first, first + 2 ** (32 - length)), range(low, high + 1)))

    points = set().union(*(area(*network, low, min(3, low + width)) for network, low, width in found))
    every = [area(*network, low, high) for network in AREA for low in range(1, 4) for high in range(low, 4)]
    rules = [
        Match(hosts=Hosts.from_cidr(f"10.0.0.{first}/{length}"), services=Services.of("tcp", low, min(3, low + width)))
        for (first, length), low, width in found
    ]
    count = count_of(rules, NETWORKS)

    assert count.exact
    assert count.least == exhaustive(points, every)


@given(st.lists(st.frozensets(st.integers(0, 7), min_size=1), min_size=1, max_size=8))
def test_a_cover_is_the_smallest_there_is(columns):
    rows = frozenset().union(*columns)
    found = cover([sum(1 << row for row in one) for one in columns])

    assert frozenset().union(*(columns[number] for number in found.chosen)) == rows
    assert len(found.chosen) == found.least == exhaustive(set(rows), columns)


@given(st.lists(st.frozensets(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=16))
def test_without_a_search_the_bound_still_holds(columns):
    quick = cover([sum(1 << row for row in one) for one in columns], steps=1)

    assert quick.least <= cover([sum(1 << row for row in one) for one in columns]).least <= len(quick.chosen)


def test_hosts_on_different_interfaces_need_rules_of_their_own():
    near, far = Hosts.from_cidr("10.20.0.0/24"), Hosts.from_cidr("10.30.0.0/24")
    rules = [Match(hosts=near), Match(hosts=far)]

    assert count_of(rules).least == 1
    assert count_of(rules, Shape(apart=(near, far))).least == 2


def test_a_group_of_networks_that_a_rule_names_is_one_rule():
    group = Hosts.from_cidrs(["10.20.0.0/28", "10.30.0.0/28"])
    count = count_of([Match(hosts=group, services=Services.of("tcp", 443, 443))], NETWORKS)

    assert (count.rules, count.least, count.exact) == (1, 1, True)


def test_a_closing_refusal_of_everything_is_no_waste_and_not_counted():
    rules = [Rule(Action.ALLOW, Match(services=Services.of("tcp", 443, 443)), Source("urn::1"))]
    rules.append(Rule(Action.DENY, Match(), Source("urn::2", label="deny-all")))
    one = Filter("gate", "filter", Combine.FIRST_MATCH, Action.DENY, tuple(rules), "urn::gate")
    found = waste(NOBODY, [], [one], at=AT)

    assert not found.findings
    assert (found.counts[0].rules, found.counts[0].least) == (1, 1)
