"""Every claim about waste is true at every point that brute force can tell apart, and nothing is missed where it can judge."""

import os
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import AT, HTTP_SPOTS, NAMES, SPOTS, STACK, WINDOWS, Spot, asks_for, decide, declared_by, means, open_at, within
from oracle_cases import BLUE, accesses, filter_of, hosts, operations, services, times
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.waste import Waste, waste

THOROUGH = settings(
    max_examples=int(os.environ.get("AIRLOCK_WASTE_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@dataclass(frozen=True)
class Resolved(Spot):
    """A spot at a name that turns out to have one address."""

    address: str = ""

    def in_box(self, match: Match) -> str:
        number = {"tcp": 6, "udp": 17}[self.service[0]] * 65536 + self.service[1]
        if not asks_for(self.request, match.operations) or number not in match.services.cells:
            return "no"
        if not (means(match.who, self.caller) and open_at(match.times, self.moment)):
            return "no"
        named, negated = self.host in match.hosts.names, "never.mentioned" in match.hosts.names
        return "yes" if (named if named != negated else within(self.address, match.hosts)) else "no"


def resolved(spots: list[Spot]) -> list[Spot]:
    """The same spots, where each name has each of the addresses that it may have."""
    found = []
    for spot in spots:
        if spot.host not in NAMES:
            found.append(spot)
        else:
            known = ["10.20.0.4"] if NAMES[spot.host] else ["10.20.0.9", "10.20.0.100", "2001:db8:20::4"]
            found += [
                Resolved(spot.caller, spot.host, spot.service, spot.moment, spot.request, one)
                for one in known
                if (":" in one) == (spot.caller.family == 6)
            ]
    return found


# Some of the points are enough at one time: every caller, host and service, at few moments; and all moments elsewhere.
EVERYWHERE = resolved([one for number, one in enumerate(SPOTS) if number % 13 in (0, 3, 6) or one.caller.source == "10.0.0.1"])
HTTP = resolved(HTTP_SPOTS)


def decisions(one: Filter, spots: list[Spot]) -> list[set[str] | None]:
    return [decide(one, spot) for spot in spots]


def of(one: Filter, access) -> Waste:
    return waste(access, STACK, [one], at=AT)


def without(one: Filter, sources: set[Source]) -> Filter:
    return replace(one, rules=tuple(rule for rule in one.rules if rule.source not in sources))


@st.composite
def crowded(draw):
    """Filters whose rules are often alike, so that there is much to find."""
    few = st.tuples(
        st.sampled_from([Who(), Who(), Who(sources=Hosts.from_cidr("10.0.0.0/28")), Who(groups=frozenset({"staff"}))]),
        st.one_of(st.sampled_from([Hosts.every(), Hosts.from_cidr("10.20.0.0/24"), Hosts.from_cidr("10.20.0.4/32")]), hosts),
        st.sampled_from([Services.every(), Services.of("tcp", 5432, 5432), Services.of("tcp", 5433, 5433), Services.of("tcp")]),
        st.sampled_from([(), (), (frozenset(WINDOWS[1:2]),), (frozenset(WINDOWS[:1]),), (frozenset(WINDOWS[2:]),)]),
    )
    actions = st.sampled_from([Action.ALLOW, Action.ALLOW, Action.ALLOW, Action.DENY])
    rules = [
        Rule(
            draw(actions),
            Match(who, where, what, None, when),
            Source(f"urn::{number}"),
            draw(st.sampled_from([()] * 9 + [("x",)])),
        )
        for number, (who, where, what, when) in enumerate(draw(st.lists(few, min_size=2, max_size=8)))
    ]
    scope = draw(st.sampled_from([Match(), Match(), BLUE, Match(hosts=Hosts.from_cidr("10.20.0.0/28"))]))
    default = draw(st.sampled_from([Action.DENY, Action.DENY, Action.ALLOW]))
    return Filter("wall", "wall", draw(st.sampled_from(Combine)), default, tuple(rules), "urn::wall", scope=scope)


any_filter = st.one_of(crowded(), crowded(), filter_of("wall"), filter_of("wall", http=True), filter_of("blue", scope=BLUE))


def spots_for(one: Filter) -> list[Spot]:
    return HTTP if any(rule.match.operations for rule in one.rules) else EVERYWHERE


@THOROUGH
@given(accesses(), any_filter)
def test_what_is_shadowed_or_redundant_can_all_be_taken_out(access, one):
    found = of(one, access)
    gone = {each.rule for each in (*found.shadowed, *found.redundant, *found.vacuous) if each.rule is not None}

    assert decisions(without(one, gone), spots_for(one)) == decisions(one, spots_for(one))


@THOROUGH
@given(accesses(), any_filter)
def test_a_shadowed_rule_is_decided_for_by_the_rules_that_are_named(access, one):
    for shadowed in of(one, access).shadowed:
        (rule,) = [each for each in one.rules if each.source == shadowed.rule]
        by = [each for each in one.rules if each.source in shadowed.by]
        assert not any(each.unknown for each in by)
        if one.combine is Combine.FIRST_MATCH:
            assert all(one.rules.index(each) < one.rules.index(rule) for each in by)
        for spot in spots_for(one):
            if spot.in_box(one.scope) != "no" and spot.in_box(rule.match) != "no":
                assert any(spot.in_box(each.match) == "yes" for each in by)


@THOROUGH
@given(accesses(), any_filter)
def test_a_redundant_rule_is_replaced_by_the_rules_and_the_default_that_are_named(access, one):
    for redundant in of(one, access).redundant:
        (rule,) = [each for each in one.rules if each.source == redundant.rule]
        instead = [each for each in one.rules if each.source in redundant.instead]
        assert instead or redundant.default
        assert all(each.action is rule.action for each in instead)
        assert not redundant.default or one.default is rule.action


@THOROUGH
@given(accesses(), any_filter)
def test_merged_rules_decide_the_same(access, one):
    merged = one
    for found in of(one, access).mergeable:
        first, *rest = found.rules
        into = tuple(replace(rule, match=found.into) if rule.source == first else rule for rule in merged.rules)
        merged = without(replace(merged, rules=into), set(rest))

    assert decisions(merged, spots_for(one)) == decisions(one, spots_for(one))


@THOROUGH
@given(accesses(), any_filter)
def test_what_is_vacuous_refuses_or_matches_nothing(access, one):
    for found in of(one, access).vacuous:
        if found.rule is None:
            assert all(result in (None, {"allow"}) for result in decisions(one, spots_for(one)))
        else:
            (rule,) = [each for each in one.rules if each.source == found.rule]
            ignored = one.combine is Combine.ANY_ALLOW and rule.action is Action.DENY
            assert ignored or all("no" in (spot.in_box(one.scope), spot.in_box(rule.match)) for spot in spots_for(one))


@THOROUGH
@given(accesses(http=True))
def test_covered_routes_declare_nothing_more(access):
    covered = {one.route for one in waste(access, STACK, [], at=AT).routes}
    rest = access.model_copy(update={"routes": tuple(one for one in access.routes if one.name not in covered)})

    for spot in (*EVERYWHERE, *HTTP):
        assert (declared_by(access, spot) == "yes") == (declared_by(rest, spot) == "yes")


@THOROUGH
@given(accesses())
def test_no_covered_route_is_missed(access):
    found = {one.route for one in waste(access, STACK, [], at=AT).routes}
    left = [one for one in access.routes if one.name not in found]
    for route in left:
        others = access.model_copy(update={"routes": tuple(one for one in left if one is not route)})
        every = access.model_copy(update={"routes": tuple(left)})
        more = [spot for spot in resolved(SPOTS) if declared_by(every, spot) == "yes"]
        assert any(declared_by(others, spot) != "yes" for spot in more), route.name


plain = st.tuples(hosts.filter(lambda one: not one.names.mentioned()), services, times)


@st.composite
def plain_filters(draw):
    """Filters of which brute force knows every class of points: callers count for nothing, names are not told apart."""
    rules = [
        Rule(draw(st.sampled_from(Action)), Match(hosts=where, services=what, times=when), Source(f"urn::{number}"))
        for number, (where, what, when) in enumerate(draw(st.lists(plain, min_size=1, max_size=5)))
    ]
    default = draw(st.sampled_from(Action))
    return Filter("wall", "wall", draw(st.sampled_from(Combine)), default, tuple(rules), "urn::wall")


@THOROUGH
@given(accesses(), plain_filters())
def test_nothing_that_could_go_is_missed(access, one):
    found = of(one, access)
    gone = {each.rule for each in (*found.shadowed, *found.redundant, *found.vacuous) if each.rule is not None}
    left = without(one, gone)
    spots = [spot for spot in resolved(SPOTS) if spot.caller.source in ("10.0.0.1", "2001:db8:9::5")]
    before = decisions(one, spots)
    closing = [rule.source for rule in left.rules[-1:] if rule.action is Action.DENY is one.default]
    for rule in left.rules:
        if rule.source not in closing:
            assert decisions(without(left, {rule.source}), spots) != before, rule


@THOROUGH
@given(accesses(), plain_filters())
def test_no_rule_is_named_for_nothing(access, one):
    for shadowed in of(one, access).shadowed:
        (rule,) = [each for each in one.rules if each.source == shadowed.rule]
        by = [each for each in one.rules if each.source in shadowed.by]
        spots = [spot for spot in resolved(SPOTS) if spot.in_box(rule.match) == "yes"]
        for left_out in by:
            others = [each for each in by if each is not left_out]
            assert any(not any(spot.in_box(each.match) == "yes" for each in others) for spot in spots)


@given(st.lists(operations, min_size=2, max_size=3), accesses(http=True))
@THOROUGH
def test_requests_count(found, access):
    rules = [Rule(Action.ALLOW, Match(operations=one), Source(f"urn::{number}")) for number, one in enumerate(found)]
    one = Filter("wall", "wall", Combine.ANY_ALLOW, Action.DENY, tuple(rules), "urn::wall")
    gone = {each.rule for each in (*of(one, access).shadowed, *of(one, access).redundant)}

    assert decisions(without(one, gone), HTTP) == decisions(one, HTTP)
    assert len(gone) >= len(found) - len(set(found))


@THOROUGH
@given(accesses(), any_filter)
def test_no_count_is_above_the_rules_that_there_are(access, one):
    (count,) = of(one, access).counts

    assert 0 <= count.least <= count.most <= count.rules <= len(one.rules)
