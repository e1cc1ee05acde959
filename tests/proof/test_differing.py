"""A difference is that of brute force: who gains and loses what, over random pairs of cases; and it names the changes behind it.

Every run has 4 pairs over 14,274 points each, and 128 held against explanations, read backwards or written in another form;
`AIRLOCK_ORACLE_EXAMPLES=100` (instead of 8) makes it 50 and 1,600.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import ACCESS, AT, HOSTS, NAMES, SERVICES, SPOTS, STACK, TIMES, Judged, Spot, judge, zone_of
from oracle_cases import accesses, cases, filter_of
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.proof import explain
from pulumi_airlock.proof.difference import Case, Difference, How, Kind, Standing, What, declared_difference, difference
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.findings import Outcome
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Weekly

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "8"))
NONE, DENY, UNKNOWN, ALLOW = range(4)


def often(times: float) -> Callable[..., Callable[..., None]]:
    """The same examples every time, so many times EXAMPLES; not shrunk, since a case takes long enough."""
    return settings(
        max_examples=max(1, round(times * EXAMPLES)),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[tuple[Access, list[Filter]], tuple[Access, list[Filter]]]:
    """Two cases that have something in common: filters that are the same, have another order, lost or gained a rule."""
    access, filters = draw(cases())
    other = draw(st.one_of(st.just(access), accesses()))
    return (access, filters), (other, [_changed(draw, one) for one in filters])


def _changed(draw: st.DrawFn, one: Filter) -> Filter:
    how = draw(st.sampled_from(["same", "same", "another", "shuffled", "shorter", "default"]))
    if how == "another":
        more = draw(filter_of(one.gate, always=one.always, scope=one.scope))
        return replace(one, rules=(*one.rules[:1], *more.rules, *one.rules[1:]))
    if how == "shuffled":
        return replace(one, rules=tuple(draw(st.permutations(one.rules))))
    if how == "shorter":
        return replace(one, rules=one.rules[1:])
    if how == "default":
        return replace(one, default=draw(st.sampled_from(Action)), combine=draw(st.sampled_from(Combine)))
    return one


@often(0.5)
@given(pairs())
def test_what_is_gained_and_lost_is_what_brute_force_finds(pair) -> None:
    (access, filters), (other, others) = pair
    found = difference(_case(access, filters), _case(other, others), at=AT)
    expected = set()
    for spot, before, after in _judged(pair):
        kind = _kind(before, after)
        if kind is not None:
            expected.add((kind, _who(spot, [*filters, *others]), zone_of(spot.host), after.declared == "yes"))
    told = {
        (one.kind, _label(name), _zone(reach.destination), one.standing is Standing.DECLARED)
        for one in found.findings
        for part in one.parts
        for name in part.principals
        for reach in part.reaches
    }
    assert told == expected
    for one in found.findings:
        assert one.changes, one.message
        assert _outcome(one.path_before) is one.before, one.message
        assert _outcome(one.path) is one.after, one.message


def _case(access: Access, filters: list[Filter]) -> Case:
    return Case(access, tuple(STACK), tuple(filters))


def _judged(pair) -> Iterator[tuple[Spot, Judged, Judged]]:
    old, new = (judge(access, filters, SPOTS) for access, filters in pair)
    before = {id(one.spot): one for one in old}
    for one in new:
        other = before[id(one.spot)]
        if one.spot.host in NAMES and not (other.known or one.known or "yes" in (other.declared, one.declared)):
            continue
        yield one.spot, other, one


def _code(one: Judged) -> int:
    return ALLOW if one.definite else UNKNOWN if one.possible else DENY


def _kind(before: Judged, after: Judged) -> Kind | None:
    old, new = _code(before), _code(after)
    if old == new:
        if (before.declared == "yes") == (after.declared == "yes"):
            return None
        return Kind.DECLARED if after.declared == "yes" else Kind.UNDECLARED
    if new == UNKNOWN:
        return Kind.UNCERTAIN
    if old == UNKNOWN:
        return Kind.CERTAIN
    return Kind.ADDED if new == ALLOW else Kind.REMOVED


def _who(spot: Spot, filters: list[Filter]) -> str:
    if names := spot.caller.principals():
        return " + ".join(sorted(names))
    group, rules = spot.caller.group, [rule for one in filters for rule in one.rules]
    mentioned = group == "staff" or any(group in (rule.match.who.groups or ()) for rule in rules)
    return spot.caller.environment or f"outside {group if mentioned else None}"


def _label(name: str) -> str:
    if name.startswith("anything outside Airflow"):
        return f"outside {name.rpartition(' in group ')[2] if ' in group ' in name else None}"
    return name.removeprefix("any other DAG of ")


def _zone(destination: str) -> str | None:
    zones = {one["name"]: one["zone"] for one in ACCESS["destinations"]}
    if destination.startswith("elsewhere in "):
        return destination.removeprefix("elsewhere in ").partition(" (")[0]
    return zones.get(destination)


def _outcome(rows) -> Outcome:
    found = {row.outcome for row in rows}
    return next((one for one in (Outcome.DENY, Outcome.UNKNOWN) if one in found), Outcome.ALLOW)


@often(4)
@given(cases(), st.randoms(use_true_random=False))
def test_the_same_rules_in_another_form_are_no_difference(case, random) -> None:
    access, filters = case
    shuffled = []
    for one in filters:
        rules = list(one.rules)
        if one.combine is Combine.ANY_ALLOW:
            random.shuffle(rules)
            rules += rules[:1]
        shuffled.append(replace(one, rules=tuple(rules)))
    random.shuffle(shuffled)
    assert difference(_case(access, filters), _case(access, shuffled), at=AT).same
    assert difference(_case(access, filters), _case(access, list(filters)), at=AT).compared == 0


@often(4)
@given(pairs())
def test_a_difference_read_backwards_is_the_reverse(pair) -> None:
    old, new = (_case(*one) for one in pair)
    there, back = difference(old, new, at=AT), difference(new, old, at=AT)
    assert _pairs(there, Kind.ADDED) == _pairs(back, Kind.REMOVED)
    assert _pairs(there, Kind.DECLARED) == _pairs(back, Kind.UNDECLARED)


def _pairs(found: Difference, kind: Kind) -> set[tuple[str, str]]:
    return {
        (name, str(reach)) for one in found.of(kind) for part in one.parts for name in part.principals for reach in part.reaches
    }


# --- whatever changes: principals, zones, destinations, environments; held against explanations of both sides


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[Case, Case]:
    """Two cases whose access files and environments differ, too."""
    (access, filters), (_, others) = draw(pairs())
    document = {**ACCESS, "routes": access.model_dump(mode="json", by_alias=True, exclude_defaults=True)["routes"]}
    for change in draw(st.lists(st.sampled_from(sorted(REWRITES)), min_size=1, max_size=3, unique=True)):
        document = REWRITES[change](document)
    blue = draw(st.sampled_from(["10.0.0.0/28", "10.0.0.0/28", "10.0.0.0/29", "10.0.0.0/27"]))
    green = draw(st.sampled_from([[STACK[1]], [STACK[1]], []])) if blue != "10.0.0.0/27" else []
    environments = (replace(STACK[0], sources=Hosts.from_cidr(blue)), *green)
    return _case(access, filters), Case(Access.model_validate(document), environments, tuple(others))


def _with(key: str, name: str, **changed: object) -> Callable[[dict], dict]:
    def change(document: dict) -> dict:
        if key == "zones":
            return {**document, key: {**document[key], name: {**document[key][name], **changed}}}
        return {**document, key: [{**one, **changed} if one["name"] == name else one for one in document[key]]}

    return change


REWRITES = {
    "a principal has fewer DAGs": _with("principals", "loaders", dags=["etl_a"]),
    "a principal has other tasks": _with("principals", "loaders", tasks=["x"]),
    "an environment runs fewer DAGs": _with("environments", "blue", dags=["etl_*"]),
    "people connect from elsewhere": _with("principals", "staff", sources=["10.9.0.0/25", "192.0.2.0/24"]),
    "a zone has one gate more": _with("zones", "center", gates=["wall", "door"]),
    "a zone has no gates": _with("zones", "far", gates=[]),
    "a zone is smaller": _with("zones", "center", cidrs=["10.20.0.0/25", "2001:db8:20::/64"]),
    "a name has another address": _with("destinations", "db", cidrs=["10.20.0.9/32"]),
    "a name has an address": _with("destinations", "api", cidrs=["10.20.0.100/32", "10.20.0.4/32"]),
    "a name is in another zone": _with("destinations", "api", zone="far"),
    "a destination has other ports": _with("destinations", "net", ports=["22/tcp", "5433/tcp"]),
}


@often(4)
@given(rewritten())
def test_a_witness_is_explained_on_both_sides_as_the_difference_tells_it(sides) -> None:
    found = difference(*sides, at=AT)
    for one in found.findings:
        seen = one.witness
        assert seen is not None
        assert one.changes, one.message
        if "/" not in seen.task or seen.operation is not None:
            continue
        for case, outcome in zip(sides, (one.before, one.after), strict=True):
            if outcome is not None:
                where = f"[{seen.host}]" if ":" in seen.host else seen.host
                asked = f"{where}:{seen.port}/{seen.protocol}"
                told = _explained(case, seen.task, asked, seen.time, seen.source)
                assert told in (outcome, None), (one.message, asked)


def _explained(case: Case, task: str, asked: str, when: datetime, source: str) -> Outcome | None:
    """None: nobody declares the name, or the answer differs between the points that the question means."""
    try:
        found = explain(case.access, case.environments, case.filters, task, asked, at=AT, when=when, source=source)
    except AccessError:
        return None
    return None if any("differs" in note for note in found.notes) else found.outcome


@often(4)
@given(rewritten(), st.data())
def test_no_difference_that_explanations_tell_is_missed(sides, data) -> None:
    found = difference(*sides, at=AT)
    told = {(one.kind, name) for one in found.findings for name in one.principals}
    for _ in range(6):
        task = data.draw(st.sampled_from(["blue/etl_a.load", "blue/etl_b.load", "blue/etl_a.x", "blue/other.load"]))
        host = data.draw(st.sampled_from([one for one in HOSTS if ":" not in one]))
        kind, port = data.draw(st.sampled_from(SERVICES))
        when = data.draw(st.sampled_from(TIMES))
        before, after = (_explained(case, task, f"{host}:{port}/{kind}", when, "10.0.0.1") for case in sides)
        if before is None or after is None or before is after:
            continue
        expected = _kind_of(before, after)
        assert any(one == expected for one, _ in told), (task, host, port, when)


def _kind_of(before: Outcome, after: Outcome) -> Kind:
    if after is Outcome.UNKNOWN:
        return Kind.UNCERTAIN
    if before is Outcome.UNKNOWN:
        return Kind.CERTAIN
    return Kind.ADDED if after is Outcome.ALLOW else Kind.REMOVED


# --- one change at a time, over one small bank

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


def _only(found: Difference):
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


def test_a_change_that_concerns_no_host_is_counted() -> None:
    principals = [*FILE["principals"], {"name": "new", "dags": ["new_*"]}]
    found = difference(_bank(BOOKS), _bank(BOOKS, file={**FILE, "principals": principals}), at=AT)
    assert found.same
    assert [change.name for change in found.ineffective] == ["new"]


def test_time_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        difference(_bank(BOOKS), _bank(BOOKS), at=datetime(2026, 1, 1))
