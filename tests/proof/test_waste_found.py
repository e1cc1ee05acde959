"""What an engineer is told about waste: which rules, what decides in their stead, and how a merged one would read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.shape import Shape, Span
from pulumi_airlock.proof.times import Once, Weekly
from pulumi_airlock.proof.waste import Waste, waste

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NETWORKS = Shape(Span.NETWORK, Span.NETWORK, Span.RANGE)
NIGHT = Weekly(((120, 240),), "UTC")
MORNING = Weekly(((240, 480),), "UTC")
HTTPS, SSH = Services.of("tcp", 443, 443), Services.of("tcp", 22, 22)
BLUE = Environment("blue", "urn::blue", Hosts.from_cidr("10.0.0.0/28"))

DOCUMENT = {
    "principals": [
        {"name": "etl", "dags": ["etl_*"]},
        {"name": "etl-a", "dags": ["etl_a"]},
        {"name": "staff", "group": "staff", "sources": ["10.9.0.0/24"]},
        {"name": "desk", "group": "staff", "sources": ["10.9.0.0/28"]},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}},
    "destinations": [
        {"name": "db", "zone": "center", "cidrs": ["10.20.0.4/32"], "ports": ["5432/tcp"]},
        {"name": "net", "zone": "center", "cidrs": ["10.20.0.0/24"], "ports": ["5000-6000/tcp"]},
        {"name": "api", "zone": "center", "hosts": ["api.corp.example"], "ports": ["443/tcp"], "protocol": "https"},
    ],
    "routes": [],
}


def net(*cidrs: str) -> Hosts:
    return Hosts.from_cidrs(cidrs)


def allow(number: int, match: Match, unknown: tuple[str, ...] = ()) -> Rule:
    return Rule(Action.ALLOW, match, Source(f"urn::rule-{number}", label=f"policy {number}"), unknown)


def deny(number: int, match: Match) -> Rule:
    return replace(allow(number, match), action=Action.DENY)


def found(*rules: Rule, combine: Combine = Combine.FIRST_MATCH, **fields) -> Waste:
    one = Filter("wall", "policies of wall", combine, fields.pop("default", Action.DENY), rules, "urn::wall", **fields)
    return waste(Access.model_validate(DOCUMENT), [BLUE], [one], at=AT)


def routes(*given: dict) -> Waste:
    listed = [{"name": f"r{number}", "reason": "test", **one} for number, one in enumerate(given, 1)]
    return waste(Access.model_validate({**DOCUMENT, "routes": listed}), [BLUE], [], at=AT)


def test_a_rule_that_two_earlier_ones_shadow_together_names_both_and_no_third():
    result = found(
        allow(1, Match(hosts=net("10.20.0.0/25"))),
        allow(2, Match(hosts=net("10.30.0.0/25"))),
        deny(3, Match(hosts=net("10.20.0.128/25"))),
        allow(4, Match(hosts=net("10.20.0.0/24"))),
    )

    (shadowed,) = result.shadowed
    assert shadowed.rule.label == "policy 4"
    assert [one.label for one in shadowed.by] == ["policy 1", "policy 3"]
    assert shadowed.message == (
        "policy 4 (rule-4) at wall never decides: policy 1 (rule-1) and policy 3 (rule-3) together decide first for everything "
        "that it matches"
    )


def test_one_rule_that_is_enough_is_named_alone():
    result = found(
        allow(1, Match(hosts=net("10.20.0.0/25"))),
        allow(2, Match(hosts=net("10.20.0.128/25"))),
        allow(3, Match(hosts=net("10.20.0.0/16"))),
        allow(4, Match(hosts=net("10.20.0.0/24"))),
    )

    assert [[one.label for one in each.by] for each in result.shadowed] == [["policy 3"]]


def test_what_is_unknown_covers_nothing():
    result = found(allow(1, Match(), ("wall.action",)), allow(2, Match(hosts=net("10.20.0.0/24"))))

    assert not result.shadowed
    assert not result.redundant


def test_windows_that_make_up_another_shadow_it():
    both = (frozenset({Weekly(((120, 480),), "UTC")}),)
    result = found(
        allow(1, Match(times=(frozenset({NIGHT}),))), allow(2, Match(times=(frozenset({MORNING}),))), allow(3, Match(times=both))
    )

    assert [one.rule.label for one in result.shadowed] == ["policy 3"]


def test_a_date_beyond_the_proofs_horizon_still_counts():
    until = (frozenset({Once(None, AT + timedelta(days=1000))}),)
    hosts = net("10.20.0.0/24")

    assert not found(allow(1, Match(hosts=hosts, times=until)), allow(2, Match(hosts=hosts))).shadowed
    assert found(allow(1, Match(hosts=hosts)), allow(2, Match(hosts=hosts, times=until))).shadowed


def test_a_name_whose_addresses_are_not_known_does_not_hide_an_address():
    named, address = Match(hosts=Hosts.from_names(["api.corp.example"])), Match(hosts=net("10.20.0.4/32"))

    assert not found(allow(1, named), allow(2, address)).shadowed
    assert found(allow(1, Match(hosts=net("10.20.0.0/16"))), allow(2, named)).shadowed


def test_an_exception_that_a_later_rule_makes_needless_can_go():
    result = found(allow(1, Match(hosts=net("10.20.0.4/32"))), allow(2, Match(hosts=net("10.20.0.0/24"))))

    (redundant,) = result.redundant
    assert redundant.message == "policy 1 (rule-1) at wall can go: policy 2 (rule-2) would decide the same in its stead"


def test_an_exception_before_a_refusal_has_to_stay():
    result = found(
        allow(1, Match(hosts=net("10.20.0.4/32"))),
        deny(2, Match(services=SSH)),
        allow(3, Match(hosts=net("10.20.0.0/24"))),
    )

    assert not result.redundant


def test_an_allow_before_a_default_allow_can_go():
    result = found(allow(1, Match(hosts=net("10.20.0.4/32"))), deny(2, Match(services=SSH)), default=Action.ALLOW)

    assert not result.redundant
    result = found(deny(1, Match(services=SSH)), allow(2, Match(hosts=net("10.20.0.4/32"))), default=Action.ALLOW)
    assert [one.rule.label for one in result.redundant] == ["policy 2"]
    assert result.redundant[0].default
    assert "the default of policies of wall, which is to allow" in result.redundant[0].message


def test_halves_of_a_network_are_one_rule_where_a_rule_has_one_network():
    halves = [
        allow(1, Match(hosts=net("10.20.0.0/25"), services=HTTPS)),
        allow(2, Match(hosts=net("10.20.0.128/25"), services=HTTPS)),
    ]
    result = found(*halves, combine=Combine.ANY_ALLOW, shape=NETWORKS)

    (merged,) = result.mergeable
    assert merged.differs == "destinations"
    assert merged.into == Match(hosts=net("10.20.0.0/24"), services=HTTPS)
    assert merged.message.endswith("differ in destinations alone, and could be one: allow anyone → 10.20.0.0/24, 443/tcp")
    assert (result.counts[0].rules, result.counts[0].least, result.counts[0].exact) == (2, 1, True)


def test_networks_that_are_not_halves_of_one_stay_apart_unless_a_rule_can_list_them():
    two = [allow(1, Match(hosts=net("10.20.0.0/25"))), allow(2, Match(hosts=net("10.30.0.0/25")))]

    assert not found(*two, combine=Combine.ANY_ALLOW, shape=NETWORKS).mergeable
    assert len(found(*two).mergeable) == 1


def test_ports_that_adjoin_are_one_range_and_others_are_not():
    where = net("10.20.0.0/24")
    adjoining = [
        allow(number, Match(hosts=where, services=Services.of("tcp", port, port))) for number, port in ((1, 80), (2, 81), (3, 90))
    ]
    (merged,) = found(*adjoining, combine=Combine.ANY_ALLOW, shape=NETWORKS).mergeable

    assert [one.label for one in merged.rules] == ["policy 1", "policy 2"]
    assert merged.into.services == Services.of("tcp", 80, 81)


def test_rules_with_a_refusal_in_between_that_concerns_them_are_not_merged():
    first, last = (
        allow(1, Match(hosts=net("10.20.0.0/24"), services=SSH)),
        allow(3, Match(hosts=net("10.20.0.0/24"), services=HTTPS)),
    )

    assert not found(first, deny(2, Match(services=HTTPS, hosts=net("10.20.0.4/32"))), last).mergeable
    assert found(first, deny(2, Match(services=HTTPS, hosts=net("10.30.0.4/32"))), last).mergeable


def test_windows_and_last_days_merge():
    where = net("10.20.0.0/24")
    soon, late = (frozenset({Once(None, AT + timedelta(days=days))}) for days in (10, 90))
    night, morning = frozenset({NIGHT}), frozenset({MORNING})
    (merged,) = found(
        allow(1, Match(hosts=where, times=(night, late))), allow(2, Match(hosts=where, times=(morning, late)))
    ).mergeable

    assert merged.into.times == (night | morning, late)
    assert "Mon 02:00–04:00 UTC or Mon 04:00–08:00 UTC and until 2027-02-19 09:00 UTC" in merged.message
    # Under another last day neither covers the other, and no one schedule says both.
    assert not found(
        allow(1, Match(hosts=where, times=(night, soon))), allow(2, Match(hosts=where, times=(morning, late)))
    ).mergeable


def test_hosts_behind_different_interfaces_are_not_merged():
    near, far = net("10.20.0.0/24"), net("10.30.0.0/24")

    assert not found(allow(1, Match(hosts=near)), allow(2, Match(hosts=far)), shape=Shape(apart=(near, far))).mergeable


def test_a_group_that_lets_everything_out_refuses_nothing():
    scope = Match(who=Who(environments=frozenset({"blue"})))
    result = found(allow(1, Match(hosts=net("0.0.0.0/0"))), combine=Combine.ANY_ALLOW, scope=scope)

    assert [one.message for one in result.vacuous] == ["policies of wall at wall refuses nothing that passes there"]
    assert not found(allow(1, Match()), combine=Combine.ANY_ALLOW, scope=scope, kind=Kind.ROUTING).vacuous


def test_a_rule_outside_of_the_filters_scope_matches_nothing():
    result = found(allow(1, Match(hosts=net("10.30.0.0/24"))), scope=Match(hosts=net("10.20.0.0/24")))

    assert [one.message for one in result.vacuous] == ["policy 1 (rule-1) at wall matches nothing that can pass there"]


def test_a_longer_prefix_to_the_same_place_is_no_waste_in_a_route_table():
    result = found(allow(1, Match(hosts=net("10.20.0.0/24"))), allow(2, Match(hosts=net("10.20.0.0/16"))), kind=Kind.ROUTING)

    assert not result.redundant
    assert not result.mergeable


def test_a_route_that_another_one_covers_in_every_dimension_can_go():
    result = routes({"from": ["etl-a"], "to": ["db"]}, {"from": ["etl"], "to": ["net"]})

    assert [one.message for one in result.routes] == ["route r1 can go: r2 declares all that it does"]


def test_people_of_a_group_are_covered_by_the_same_group_from_more_addresses():
    result = routes({"from": ["desk"], "to": ["db"]}, {"from": ["staff"], "to": ["db"]})

    assert [(one.route, one.by) for one in result.routes] == [("r1", ("r2",))]


def test_routes_that_cover_another_only_together_are_both_named():
    hours = {"days": ["mon"], "timezone": "UTC"}
    result = routes(
        {"from": ["etl"], "to": ["db"], "window": {**hours, "from": "02:00", "to": "04:00"}},
        {"from": ["etl"], "to": ["db"], "window": {**hours, "from": "04:00", "to": "08:00"}},
        {"from": ["etl"], "to": ["db"], "window": {**hours, "from": "03:00", "to": "05:00"}},
    )

    assert [(one.route, one.by) for one in result.routes] == [("r3", ("r1", "r2"))]


@pytest.mark.parametrize(("first", "second", "covered"), [("2030-06-30", "2031-06-30", "r1"), ("2031-06-30", "2030-06-30", "r2")])
def test_the_route_that_expires_first_is_the_one_that_can_go(first, second, covered):
    result = routes({"from": ["etl"], "to": ["db"], "expires": first}, {"from": ["etl"], "to": ["db"], "expires": second})

    assert [one.route for one in result.routes] == [covered]


def test_a_route_with_a_credential_of_its_own_says_so():
    credential = {"kind": "vault", "ref": "secret/db", "rotate": "30d"}
    result = routes({"from": ["etl-a"], "to": ["db"], "credential": credential}, {"from": ["etl"], "to": ["db"]})

    assert result.routes[0].differs == ("credential",)
    assert result.routes[0].message.endswith("; it has its own credential")


def test_requests_of_a_route_count():
    some = [{"methods": ["GET"], "paths": ["/v1/*"]}]
    result = routes({"from": ["etl"], "to": ["api"], "http": some}, {"from": ["etl"], "to": ["api"]})

    assert [one.route for one in result.routes] == ["r1"]


def test_the_instant_needs_a_time_zone():
    with pytest.raises(ValueError, match="no time zone"):
        waste(Access.model_validate(DOCUMENT), [], [], at=datetime(2026, 1, 1))
