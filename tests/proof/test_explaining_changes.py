"""Changes to filters: what is left of a box is exact, and making a change touches what it says and nothing else."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import NAMES, SPOTS
from oracle_cases import cidrs, filter_of, services, whos
from pulumi_airlock.proof.explanation.changing import Change, Step, apply, traffic, without
from pulumi_airlock.proof.filters import Action, Combine, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services

slow = settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
SOME = [spot for spot in SPOTS if spot.host not in NAMES][::7]
"""Points at addresses: a name's addresses are one question, taken by the tests of explanations."""
networks = st.one_of(
    st.just(Hosts.every()), cidrs.map(Hosts.from_cidrs), cidrs.map(lambda one: Hosts.from_cidrs(one).complement())
)
addresses = st.sampled_from(["10.20.0.0/24", "10.20.0.4/32", "0.0.0.0/0", "2001:db8:20::/64"]).map(Hosts.from_cidr)
excepted = st.builds(
    Match,
    who=st.sampled_from(
        [
            Who(),
            Who(environments=frozenset({"blue"})),
            Who(sources=Hosts.from_cidr("10.0.0.0/28")),
            Who(sources=Hosts.from_cidr("10.9.0.0/24")),
        ]
    ),
    hosts=addresses,
    services=services,
)


@slow
@given(st.builds(Match, who=whos, hosts=networks, services=services), excepted)
def test_a_box_without_another_holds_what_is_in_it_and_not_in_the_other(whole: Match, part: Match) -> None:
    left = list(without(whole, part))
    for spot in SOME:
        expected = spot.in_box(whole) == "yes" and spot.in_box(part) != "yes"
        assert any(spot.in_box(one) == "yes" for one in left) is expected, spot


@slow
@given(filter_of("wall"), filter_of("door"))
def test_only_the_rules_that_are_named_change(one: Filter, other: Filter) -> None:
    if not one.rules:
        return
    source = one.rules[-1].source
    away = Change(Step.TAKE_AWAY, 0, one, source)
    before = Change(Step.ADD, 0, one, source, Match(), Action.DENY)
    last = Change(Step.ADD, 0, one, None, Match(), Action.ALLOW)
    always = Change(Step.ALWAYS, 0, one, source)
    assert apply([one, other], []) == (one, other)
    assert apply([one, other], [away]) == (replace(one, rules=one.rules[:-1]), other)
    changed = apply([one, other], [before, last, away])[0]
    assert [rule.source for rule in changed.rules[:-2]] == [rule.source for rule in one.rules[:-1]]
    assert [rule.action for rule in changed.rules[-2:]] == [Action.DENY, Action.ALLOW]
    assert apply([one], [always])[0].rules[-1].match == replace(one.rules[-1].match, times=())


def gate(combine: Combine, kind: Kind = Kind.PERMISSION) -> Filter:
    rule = Rule(Action.DENY, Match(), Source("urn::deny", label='policy "deny-all"'))
    return Filter("wall", "policies of edge", combine, Action.DENY, (rule,), "urn::wall", kind)


def test_a_change_reads_as_what_somebody_would_do() -> None:
    match = Match(Who(sources=Hosts.from_cidr("10.40.0.0/25")), Hosts.from_cidr("10.20.4.10"), Services.of("tcp", 1521, 1521))
    first, deny = gate(Combine.FIRST_MATCH), gate(Combine.FIRST_MATCH).rules[0].source
    assert str(Change(Step.ADD, 0, first, deny, match, Action.ALLOW)) == (
        'add to policies of edge a rule that allows 10.40.0.0/25 → 10.20.4.10 on 1521/tcp, before policy "deny-all" (deny)'
    )
    assert str(Change(Step.ADD, 0, gate(Combine.ANY_ALLOW), None, match, Action.ALLOW)).endswith("on 1521/tcp")
    routes = gate(Combine.FIRST_MATCH, Kind.ROUTING)
    assert str(Change(Step.ADD, 0, routes, None, Match(hosts=match.hosts), Action.ALLOW)) == (
        "add to policies of edge a route to 10.20.4.10"
    )
    assert str(Change(Step.ADD, 0, routes, deny, Match(hosts=match.hosts), Action.ALLOW)) == (
        'add to policies of edge a route to 10.20.4.10; now: policy "deny-all" (deny)'
    )
    assert str(Change(Step.TAKE_AWAY, 0, first, deny)) == 'take policy "deny-all" (deny) away from policies of edge'
    assert str(Change(Step.NARROW, 0, first, deny, match)).startswith('make an exception in policy "deny-all"')


def test_long_lists_of_addresses_are_cut() -> None:
    many = Hosts.from_cidrs(f"10.{number}.0.0/16" for number in range(1, 60, 2))
    assert traffic(Match(hosts=many)) == "traffic to 10.1.0.0/16 10.3.0.0/16 10.5.0.0/16 10.7.0.0/16 10.9.0.0/16 and 25 more"
    who = Who(environments=frozenset(), groups=frozenset({"staff"}), principals=frozenset({"a"}))
    assert traffic(Match(who=who)) == "anything outside Airflow, a, group staff → any address"
