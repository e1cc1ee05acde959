"""A difference names what came, what went and what made it so: one change at a time, over one small bank."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof.difference import Case, Difference, Finding, How, Kind, Standing, What, declared_difference, difference
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.findings import Outcome
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Weekly

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday before Europe's change of the clock."""

FILE = {
    "principals": [
        {"name": "ledger", "dags": ["ledger_*"]},
        {"name": "reports", "dags": ["rep_*"]},
        {"name": "desk", "group": "desk", "sources": ["10.60.0.0/24"]},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}, "vault": {"cidrs": ["10.30.0.0/24"], "gates": ["wall"]}},
    "destinations": [
        {"name": "db", "zone": "center", "hosts": ["db.example"], "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
        {"name": "files", "zone": "vault", "cidrs": ["10.30.0.8/30"], "ports": ["22/tcp", "443/tcp"]},
    ],
    "routes": [{"name": "books", "from": ["ledger"], "to": ["db"], "reason": "x"}],
}
DB = Hosts.from_cidr("10.20.4.10/32")
NIGHTS = (frozenset({Weekly(((22 * 60, 28 * 60), (46 * 60, 52 * 60)), "Europe/Zurich")}),)
EVENINGS = (frozenset({Weekly(((20 * 60, 28 * 60), (44 * 60, 52 * 60)), "Europe/Zurich")}),)


def _rule(name: str, match: Match, action: Action = Action.ALLOW, unknown: tuple[str, ...] = ()) -> Rule:
    return Rule(action, match, Source(f"urn:pulumi:prod::bank::wall:Policy::{name}", "", f'policy "{name}"'), unknown)


def _bank(*rules: Rule, file: dict = FILE, sources: str = "10.40.0.0/24", dags: list[str] | None = None) -> Case:
    wall = Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, rules, "urn:pulumi:prod::bank::wall:Wall::wall")
    environments = (Environment("blue", "urn::blue", Hosts.from_cidr(sources)),)
    document = file if dags is None else {**file, "environments": [{"name": "blue", "dags": dags}]}
    return Case(Access.model_validate(document), environments, (wall,))


BOOKS = _rule("books", Match(who=Who(principals=frozenset({"ledger"})), hosts=DB, services=Services.of("tcp", 5432, 5432)))


def _only(found: Difference) -> Finding:
    assert len(found.findings) == 1, [one.message for one in found.findings]
    return found.findings[0]


def test_a_window_that_opens_earlier_is_told_by_its_new_hours() -> None:
    old, new = (replace(BOOKS, match=replace(BOOKS.match, times=times)) for times in (NIGHTS, EVENINGS))
    one = _only(difference(_bank(old), _bank(new), at=AT))
    assert one.kind is Kind.ADDED
    assert [str(reach) for part in one.parts for reach in part.reaches] == ["db on 5432/tcp, Mon, Tue 20:00–22:00 Europe/Zurich"]
    assert one.routes == ("books",)
    (change,) = one.changes
    assert (change.what, change.how, change.gate) == (What.RULE, How.CHANGED, "wall")
    assert change.detail == ("window Mon, Tue 22:00–04:00 Europe/Zurich → Mon, Tue 20:00–04:00 Europe/Zurich",)
    assert one.witness is not None
    assert one.witness.time == datetime(2026, 3, 2, 19, 0, tzinfo=UTC)


def test_a_route_that_no_gate_follows_yet_is_told_as_declared_and_refused() -> None:
    more = {**FILE, "routes": [*FILE["routes"], {"name": "papers", "from": ["reports"], "to": ["files"], "reason": "x"}]}
    one = _only(difference(_bank(BOOKS), _bank(BOOKS, file=more), at=AT))
    assert (one.kind, one.before, one.after, one.standing) == (Kind.DECLARED, Outcome.DENY, Outcome.DENY, Standing.DECLARED)
    assert "declared now" in one.message
    assert "refused as before" in one.message
    assert [change.name for change in one.changes] == ["papers"]


def test_a_route_taken_out_leaves_excess_where_the_gates_stay() -> None:
    one = _only(difference(_bank(BOOKS), _bank(BOOKS, file={**FILE, "routes": []}), at=AT))
    assert one.kind is Kind.UNDECLARED
    assert one.excess
    assert one.routes_before == ("books",)


def test_a_rule_that_moves_up_is_named_as_moved() -> None:
    stop = _rule("stop", Match(hosts=DB), Action.DENY)
    one = _only(difference(_bank(BOOKS, stop), _bank(stop, BOOKS), at=AT))
    assert one.kind is Kind.REMOVED
    assert [change.how for change in one.changes] == [How.MOVED]


def test_a_rule_behind_one_that_decides_already_makes_no_difference_and_is_counted() -> None:
    found = difference(_bank(BOOKS), _bank(BOOKS, _rule("again", BOOKS.match)), at=AT)
    assert found.same
    assert [change.name for change in found.ineffective] == ['policy "again" (again)']


def test_the_addresses_of_an_environment_are_a_cause() -> None:
    by_address = _rule(
        "subnet", Match(who=Who(sources=Hosts.from_cidr("10.40.0.0/25")), hosts=DB, services=Services.of("tcp", 5432, 5432))
    )
    one = difference(_bank(by_address, sources="10.40.0.128/25"), _bank(by_address, sources="10.40.0.0/24"), at=AT)
    added = one.of(Kind.ADDED)
    assert {name for each in added for name in each.principals} == {"ledger", "reports", "any other DAG of blue"}
    assert {change.name for each in added for change in each.changes} == {"blue"}
    assert all(each.before is None for each in added)
    assert any("10.40.0.128/25 → 10.40.0.0/24" in str(change) for change in one.changes)


def test_the_dags_of_an_environment_are_a_cause() -> None:
    everybody = _rule("all", Match(hosts=DB, services=Services.of("tcp", 5432, 5432)))
    found = difference(_bank(everybody, dags=["ledger_*"]), _bank(everybody, dags=["ledger_*", "rep_*"]), at=AT)
    one = _only(found)
    assert one.principals == ("reports",)
    assert [(change.what, change.name) for change in one.changes] == [(What.ENVIRONMENT, "blue")]


def test_who_a_principal_is_changes_what_is_declared() -> None:
    principals = [{"name": "ledger", "dags": ["ledger_*", "books_*"]}, *FILE["principals"][1:]]
    everybody = _rule("all", Match(hosts=DB, services=Services.of("tcp", 5432, 5432)))
    one = _only(difference(_bank(everybody), _bank(everybody, file={**FILE, "principals": principals}), at=AT))
    assert (one.kind, one.principals) == (Kind.DECLARED, ("ledger",))
    assert [(change.what, change.name) for change in one.changes] == [(What.PRINCIPAL, "ledger")]
    by_task = _bank(BOOKS, file={**FILE, "principals": principals})
    one = _only(difference(_bank(BOOKS), by_task, at=AT))
    assert (one.kind, one.principals, one.standing) == (Kind.ADDED, ("ledger",), Standing.DECLARED)


def test_a_name_that_has_other_addresses_takes_its_access_with_it() -> None:
    moved = [{**FILE["destinations"][0], "cidrs": ["10.20.4.11/32"]}, FILE["destinations"][1]]
    by_name = replace(BOOKS, match=replace(BOOKS.match, hosts=Hosts.from_names(["db.example"])))
    found = difference(_bank(by_name), _bank(by_name, file={**FILE, "destinations": moved}), at=AT)
    hosts = {(one.kind, one.witness.host) for one in found.findings if one.witness}
    assert hosts == {(Kind.ADDED, "10.20.4.11"), (Kind.REMOVED, "10.20.4.10")}
    assert all(change.name == "db" for one in found.findings for change in one.changes)
    by_address = difference(_bank(BOOKS), _bank(BOOKS, file={**FILE, "destinations": moved}), at=AT)
    assert {(one.kind, one.witness.host) for one in by_address.findings if one.witness} == {
        (Kind.UNDECLARED, "10.20.4.10"),
        (Kind.DECLARED, "10.20.4.11"),
        (Kind.REMOVED, "db.example"),
    }


def test_a_gate_taken_out_of_a_zone_opens_the_way_for_people_too() -> None:
    zones = {**FILE["zones"], "center": {"cidrs": ["10.20.0.0/16"], "gates": []}}
    found = difference(_bank(BOOKS), _bank(BOOKS, file={**FILE, "zones": zones}), at=AT)
    opened = {name for one in found.of(Kind.ADDED) for name in one.principals}
    assert {"desk", "reports", "anything outside Airflow", "any other DAG of blue"} <= opened
    assert {(change.what, change.name) for one in found.of(Kind.ADDED) for change in one.changes} == {(What.ZONE, "center")}


def test_a_gate_that_is_gone_from_the_stack_makes_everything_uncertain() -> None:
    old = _bank(BOOKS)
    found = difference(old, replace(old, filters=()), at=AT)
    assert {one.kind for one in found.findings} == {Kind.UNCERTAIN}
    assert any(change.what is What.GATE for one in found.findings for change in one.changes)


def test_a_new_environment_is_no_loss_for_anybody() -> None:
    old = _bank(BOOKS)
    inbound = Filter(
        "green",
        "ingress",
        Combine.ANY_ALLOW,
        Action.DENY,
        (),
        "urn::green",
        scope=Match(hosts=Hosts.from_cidr("10.41.0.0/24")),
        always=True,
    )
    more = replace(
        old,
        environments=(*old.environments, Environment("green", "urn::green", Hosts.from_cidr("10.41.0.0/24"))),
        filters=(*old.filters, inbound),
    )
    found = difference(old, more, at=AT)
    assert {(one.kind, one.principals) for one in found.findings} >= {(Kind.ADDED, ("ledger",))}
    assert not [one for one in found.of(Kind.REMOVED) if "anything outside Airflow" in one.principals]


def test_two_stacks_of_one_program_are_compared_resource_by_resource() -> None:
    other = replace(BOOKS, source=replace(BOOKS.source, urn=BOOKS.source.urn.replace("prod", "dev")))
    assert difference(_bank(BOOKS), _bank(other), at=AT).changes == ()


def test_one_gate_alone_is_compared_whatever_zones_and_routes_say() -> None:
    old, new = (
        _bank(BOOKS),
        _bank(BOOKS, _rule("more", Match(hosts=Hosts.from_cidr("192.0.2.0/24"), services=Services.of("tcp", 22, 22)))),
    )
    assert difference(old, new, at=AT).same
    one = difference(old, new, at=AT, gate="wall")
    assert {(each.kind, each.standing) for each in one.findings} == {(Kind.ADDED, Standing.ASIDE)}
    assert not one.excess
    assert {reach.destination for each in one.findings for part in each.parts for reach in part.reaches} == {
        "hosts outside of every zone (192.0.2.0/24)"
    }
    with pytest.raises(KeyError):
        difference(old, new, at=AT, gate="door")


def test_two_access_files_are_compared_by_what_they_declare() -> None:
    night = {"days": ["mon"], "from": "22:00", "to": "23:00"}
    routes = [{**FILE["routes"][0], "window": night}, {"name": "desk", "from": ["desk"], "to": ["files"], "reason": "x"}]
    old, new = (Case(Access.model_validate(one)) for one in (FILE, {**FILE, "routes": routes}))
    found = declared_difference(old, new, at=AT)
    assert found.declarations
    assert {
        (one.kind, one.principals, tuple(str(reach) for part in one.parts for reach in part.reaches)) for one in found.findings
    } == {
        (Kind.DECLARED, ("desk",), ("files on 22/tcp, 443/tcp",)),
        (Kind.UNDECLARED, ("ledger",), ("db on 5432/tcp, outside of Mon 22:00–23:00 UTC",)),
    }
    assert all(one.before is None and one.witness is None for one in found.findings)


def test_an_expired_route_is_a_difference_from_its_last_day_on() -> None:
    until = {**FILE, "routes": [{**FILE["routes"][0], "expires": "2026-04-30"}]}
    one = _only(declared_difference(Case(Access.model_validate(FILE)), Case(Access.model_validate(until)), at=AT))
    assert [reach.when for part in one.parts for reach in part.reaches] == ["from 2026-05-01 00:00 UTC"]


def test_a_rule_for_everything_is_told_in_few_words() -> None:
    found = difference(_bank(BOOKS), _bank(BOOKS, _rule("any", Match())), at=AT)
    ports = {reach.services for one in found.findings for part in one.parts for reach in part.reaches}
    assert ports == {"any port", "any port but 5432/tcp"}
    assert len(found.findings) == 3  # tasks, people, the outside
    assert all(one.excess for one in found.findings)


def test_a_wide_rule_is_told_by_the_destinations_within_and_what_is_left() -> None:
    papers = {**FILE, "routes": [*FILE["routes"], {"name": "papers", "from": ["reports"], "to": ["files"], "reason": "x"}]}
    wide = _rule(
        "wide",
        Match(
            who=Who(principals=frozenset({"reports"})), hosts=Hosts.from_cidr("10.30.0.0/24"), services=Services.of("tcp", 22, 22)
        ),
    )
    found = difference(_bank(BOOKS, file=papers), _bank(BOOKS, wide, file=papers), at=AT)
    assert {(one.excess, str(reach)) for one in found.findings for part in one.parts for reach in part.reaches} == {
        (False, "files on 22/tcp"),
        (True, "elsewhere in vault (10.30.0.0/29, 10.30.0.12–10.30.0.255) on 22/tcp"),
    }


def test_two_destinations_that_overlap_are_kept_apart() -> None:
    more = {"name": "one-file", "zone": "vault", "cidrs": ["10.30.0.9/32"], "ports": ["22/tcp"]}
    routes = [*FILE["routes"], {"name": "papers", "from": ["reports"], "to": ["one-file"], "reason": "x"}]
    old, new = ({**FILE, "destinations": [*FILE["destinations"], more], "routes": each} for each in (FILE["routes"], routes))
    wide = _rule("wide", Match(hosts=Hosts.from_cidr("10.30.0.8/30"), services=Services.of("tcp", 22, 22)))
    one = _only(difference(_bank(wide, file=old), _bank(wide, file=new), at=AT))
    assert (one.kind, one.principals, one.destinations) == (Kind.DECLARED, ("reports",), ("one-file",))
    assert one.witness is not None
    assert one.witness.host == "10.30.0.9"


def test_a_change_that_concerns_no_host_is_counted() -> None:
    principals = [*FILE["principals"], {"name": "new", "dags": ["new_*"]}]
    found = difference(_bank(BOOKS), _bank(BOOKS, file={**FILE, "principals": principals}), at=AT)
    assert found.same
    assert [change.name for change in found.ineffective] == ["new"]


def test_time_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        difference(_bank(BOOKS), _bank(BOOKS), at=datetime(2026, 1, 1))
