"""Who refuses, and of which kind: permission, routing or token; each has advice of its own, and several are all told."""

from datetime import UTC, datetime, timedelta

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, explain
from pulumi_airlock.proof.explanation.changing import Step, apply
from pulumi_airlock.proof.explanation.explaining import Inquiry
from pulumi_airlock.proof.explanation.opposite import opposite
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Weekly

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A Monday."""

DOCUMENT = {
    "environments": [{"name": "finance", "dags": ["ledger_*", "report_*"]}],
    "principals": [
        {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
        {"name": "report", "dags": ["report_*"], "environment": "finance"},
        {"name": "auditors", "group": "audit", "sources": ["10.60.0.0/24"]},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall", "proxy"]}},
    "destinations": [
        {"name": "db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
        {"name": "archive", "zone": "center", "cidrs": ["10.20.9.0/28"], "ports": ["9000/tcp"]},
    ],
    "routes": [{"name": "close", "from": ["ledger"], "to": ["db"], "reason": "FIN-1"}],
}
STACK = [Environment("finance", "urn::finance", Hosts.from_cidr("10.40.0.0/25"))]
DB = Match(hosts=Hosts.from_cidr("10.20.4.10"), services=Services.of("tcp", 1521, 1521))
FINANCE = Match(who=Who(environments=frozenset({"finance"})))


def rule(match: Match = DB, action: Action = Action.ALLOW, name: str = "close", *unknown: str) -> Rule:
    return Rule(action, match, Source(f"urn::{name}", label=f'policy "{name}"'), unknown)


def routes(*rules: Rule) -> Filter:
    return Filter(
        "net", "route table a", Combine.FIRST_MATCH, Action.DENY, rules, "urn::table", Kind.ROUTING, scope=FINANCE, always=True
    )


def wall(*rules: Rule) -> Filter:
    return Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, rules, "urn::wall")


def proxy(*rules: Rule) -> Filter:
    return Filter("proxy", "tokens for db", Combine.DENY_OVERRIDES, Action.DENY, rules, "urn::proxy", Kind.TOKEN)


def token(principal: str = "ledger") -> Rule:
    return rule(Match(who=Who(principals=frozenset({principal}))), name="audience-db")


WAY = rule(Match(hosts=Hosts.from_cidr("10.20.0.0/16")), name="way")


def inquiry(*filters: Filter, who: str = "ledger", where: str = "db", access: dict[str, object] = DOCUMENT) -> Inquiry:
    return Inquiry(Access.model_validate(access), STACK, filters, who, where, at=AT)


@pytest.mark.parametrize(
    ("filters", "kind", "advice"),
    [
        ((routes(WAY), wall(), proxy(token())), Kind.PERMISSION, "Give wall (policies) a rule for it"),
        ((routes(), wall(rule()), proxy(token())), Kind.ROUTING, "Give net (route table a) a route to 10.20.4.10"),
        ((routes(WAY), wall(rule()), proxy()), Kind.TOKEN, "Renew the caller's token"),
    ],
)
def test_each_kind_of_refusal_has_its_advice(filters: tuple[Filter, ...], kind: Kind, advice: str) -> None:
    found = inquiry(*filters).explanation
    assert (found.outcome, found.kind) == (Outcome.DENY, kind)
    assert found.advice.startswith(advice)
    assert "declares it already" in found.advice


def test_several_kinds_are_all_told_first_what_a_packet_meets_first() -> None:
    found = inquiry(routes(), wall(), proxy()).explanation
    assert found.kind is Kind.ROUTING
    places = [found.advice.index(text) for text in ("net (route table a)", "wall (policies)", "proxy (tokens for db)")]
    assert places == sorted(places)


def test_a_token_that_is_for_somebody_else_is_a_rule_for_the_principal() -> None:
    found = opposite(inquiry(routes(WAY), wall(rule()), proxy(token("report"))))
    assert [(one.step, str(one)) for one in found.changes] == [
        (Step.ADD, "add to tokens for db a rule that allows ledger → 10.20.4.10 on 1521/tcp")
    ]


def test_what_is_declared_already_needs_no_change_of_the_access_file() -> None:
    found = opposite(inquiry(routes(WAY), wall(), proxy(token())))
    assert found.declare is not None
    assert found.declare.snippet == ""
    assert found.declare.text.startswith("Nothing: route close declares it already.")
    assert [one.filter.gate for one in found.changes] == ["wall"]


def test_a_rule_whose_window_is_closed_is_let_hold_then() -> None:
    night = rule(Match(DB.who, DB.hosts, DB.services, times=(frozenset({Weekly(((0, 60),), "UTC")}),)), name="night")
    found = opposite(inquiry(routes(WAY), wall(night), proxy(token())))
    assert [(one.step, one.source) for one in found.changes] == [(Step.ALWAYS, night.source)]


def test_a_window_of_a_route_is_opened_for_this_time_alone() -> None:
    window = {"days": ["mon"], "from": "22:00", "to": "23:00", "timezone": "Europe/Zurich"}
    document = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "window": window, "session": "30m"}]}
    asked = inquiry(routes(WAY), wall(), proxy(), access=document)
    found = opposite(asked).declare
    assert found is not None
    assert found.access is not None
    assert "name: close-once" in found.snippet
    assert 'window: {days: [mon], from: "13:00", to: "15:00", timezone: Europe/Zurich}' in found.snippet
    assert "expires: 2026-11-23" in found.snippet
    assert not asked.with_access(found.access).undeclared


def test_a_window_far_ahead_is_said_to_open_every_week_until_then() -> None:
    window = {"days": ["mon"], "from": "22:00", "to": "23:00"}
    access = Access.model_validate({**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "window": window}]})
    later = AT + timedelta(days=21)
    found = opposite(Inquiry(access, STACK, [routes(WAY), wall(), proxy()], "ledger", "db", at=AT, when=later)).declare
    assert found is not None
    assert "it opens every mon until it ends by itself" in found.text


def test_an_expired_route_is_renewed_in_its_place() -> None:
    document = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "expires": "2026-11-01"}]}
    asked = inquiry(routes(WAY), wall(), proxy(), access=document)
    found = opposite(asked).declare
    assert found is not None
    assert found.text == "Renew route close, which expired on 2026-11-01: put this in its place."
    assert "expires: 2027-02-21" in found.snippet


def test_what_nobody_declared_needs_a_route_and_what_is_on_its_ends() -> None:
    new = opposite(inquiry(routes(WAY), wall(), proxy(), who="report", where="10.20.77.1:22")).declare
    assert new is not None
    assert [line for line in new.snippet.splitlines() if not line.startswith(" ")] == ["destinations:", "routes:"]
    nowhere = opposite(inquiry(routes(), wall(), proxy(), where="8.8.8.8:53/udp")).declare
    assert nowhere is not None
    assert (nowhere.access, nowhere.snippet) == (None, "")
    assert nowhere.text.startswith("Declare 8.8.8.8 first: a zone that holds it")
    outside = opposite(inquiry(routes(), wall(), proxy(), who="outside")).declare
    assert outside is not None
    assert outside.access is None
    document = {**DOCUMENT, "environments": [{"name": "finance"}]}
    other = opposite(inquiry(routes(), wall(), proxy(), who="finance/etl_x.load", access=document)).declare
    assert other is not None
    assert "principals:\n  - name: etl-x\n    dags: [etl_x]\n    tasks: [load]\n    environment: finance\n" in other.snippet


def test_who_is_unknown_says_what_must_become_known() -> None:
    found = inquiry(routes(WAY), wall(rule(DB, Action.ALLOW, "close", "address.subnet")), proxy(token()))
    assert found.outcome is Outcome.UNKNOWN
    assert opposite(found).unknown == ("address.subnet",)
    assert "Make known before the update what decides here (address.subnet)" in found.explanation.advice
    closed = opposite(inquiry(routes(WAY), wall(), who="report", where="db"))
    assert (closed.outcome, closed.unknown) == (Outcome.UNKNOWN, ('what gate "proxy" does (it is not in the stack)',))


def test_what_is_allowed_is_refused_where_that_takes_least_from_others() -> None:
    """Two callers share the wall's rule; the proxy tells them apart."""
    document = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "from": ["ledger", "report"]}]}
    both = [token(), Rule(Action.ALLOW, token("report").match, Source("urn::report", label='policy "report"'))]
    found = opposite(inquiry(routes(WAY), wall(rule()), proxy(*both), access=document))
    assert [(one.filter.gate, one.step) for one in found.changes] == [("proxy", Step.TAKE_AWAY)]
    assert found.lost == ()
    at_wall = [one for one in found.others if one.changes[0].filter.gate == "wall"]
    assert {one.lost for one in at_wall} == {("report → db",)}
    assert found.others[-1].changes[0].filter.kind is Kind.ROUTING
    assert found.declare is not None
    assert "from: [report]" in found.declare.snippet


def test_a_rule_that_serves_more_is_not_what_is_taken_away() -> None:
    """A wide rule of the wall serves another destination too: a deny before it takes less away."""
    document = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "to": ["db", "archive"]}]}
    filters = routes(WAY), wall(rule(Match(hosts=Hosts.from_cidr("10.20.0.0/16")), name="wide")), proxy(rule(Match(), name="any"))
    found = opposite(inquiry(*filters, access=document))
    assert (found.changes[0].step, found.lost) == (Step.ADD, ())
    removed = next(one for one in found.others if one.changes[0].step is Step.TAKE_AWAY)
    assert removed.lost == ("ledger → archive",)
    assert found.declare is not None
    assert "to: [archive]" in found.declare.snippet


def test_layers_of_rules_that_allow_the_same_are_all_taken_away() -> None:
    layers = Filter(
        "wall", "group", Combine.ANY_ALLOW, Action.DENY, (rule(), rule(name="more"), rule(Match(), name="any")), "urn::wall"
    )
    found = opposite(inquiry(layers, proxy(token())))
    assert found.changes[0].filter.gate == "proxy"
    at_wall = next(one for one in found.others if one.changes[0].filter.gate == "wall")
    assert [one.source.urn for one in at_wall.changes if one.source] == ["urn::close", "urn::more", "urn::any"]
    assert inquiry(*apply([layers, proxy(token())], at_wall.changes[:2])).outcome is Outcome.ALLOW


def test_the_caller_s_address_narrows_the_question() -> None:
    half = wall(rule(Match(Who(sources=Hosts.from_cidr("10.40.0.0/26")), DB.hosts, DB.services)))
    access, filters = Access.model_validate(DOCUMENT), [routes(WAY), half, proxy(token())]
    outcomes = [
        explain(access, STACK, filters, "ledger", "db", at=AT, source=source).outcome
        for source in ("10.40.0.5", "10.40.0.100", None)
    ]
    assert outcomes == [Outcome.ALLOW, Outcome.DENY, Outcome.DENY]
    with pytest.raises(ValueError, match=r"nobody of 'ledger' connects from 10\.9\.9\.9"):
        explain(access, STACK, filters, "ledger", "db", at=AT, source="10.9.9.9")


def test_whom_no_gate_tells_apart_is_told_when_a_route_is_added_or_taken_away() -> None:
    """The wall sees addresses: both principals of the environment look the same to it; the proxy sees who they are."""
    coarse = {**DOCUMENT, "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}}}
    by_address = rule(Match(Who(sources=Hosts.from_cidr("10.40.0.0/25")), DB.hosts, DB.services))
    other = rule(Match(Who(sources=Hosts.from_cidr("10.40.0.0/25")), Hosts.from_cidr("10.20.9.0/28")), name="archive")
    added = opposite(inquiry(routes(WAY), wall(by_address), where="archive", access=coarse)).declare
    assert added is not None
    assert "No gate on the way tells the caller from report, who get in too" in added.text
    told = opposite(inquiry(routes(WAY), wall(other), proxy(token("report")), where="archive:9000")).declare
    assert told is not None
    assert "report" not in told.text
    both = {**coarse, "routes": [{**DOCUMENT["routes"][0], "from": ["ledger", "report"]}]}
    kept = opposite(inquiry(routes(WAY), wall(by_address), access=both)).declare
    assert kept is not None
    assert "But no gate on the way tells the caller from report, whose route keeps it open" in kept.text
    apart = {**DOCUMENT, "routes": both["routes"]}
    gone = opposite(inquiry(routes(WAY), wall(by_address), proxy(token()), access=apart)).declare
    assert gone is not None
    assert "keeps it open" not in gone.text


def test_a_name_that_no_destination_has_may_be_in_any_zone() -> None:
    everywhere = Rule(Action.ALLOW, Match(), Source("urn::default"))
    found = inquiry(routes(everywhere), wall(), proxy(), where="unheard-of.example:443").explanation
    assert any("No destination has the name unheard-of.example, so that it may be in any zone" in note for note in found.notes)
    assert not any("No destination has the name" in note for note in inquiry(routes(), wall(), proxy()).explanation.notes)
