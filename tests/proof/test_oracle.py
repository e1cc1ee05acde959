"""The proof agrees with brute force (`oracle`): findings, pairs and depth, internal excess, identity, explanations, dead rules.

Every run has the same few cases; `run_oracle.py` runs 10,000, for a change of the engine.
"""

from collections import defaultdict
from datetime import datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from oracle import (
    ACCESS,
    AT,
    CALLERS,
    DECLARED,
    HOSTS,
    HTTP_SPOTS,
    NAMES,
    SERVICES,
    SPOTS,
    STACK,
    TASKS,
    TIMES,
    WEB_SPOTS,
    Caller,
    Judged,
    Spot,
    declared_by,
    declaring,
    held,
    judge,
    outcomes,
    zone_of,
)
from oracle_cases import cases, filter_of, often
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, Proof, Share, Witness, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match

Case = tuple[Access, list[Filter]]


@often()
@given(cases())
def test_a_proof_is_that_of_brute_force(case: Case) -> None:
    access, filters = case
    proof, judged = prove(access, STACK, filters, at=AT), judge(access, filters, SPOTS)
    check_findings(proof, access, filters, judged)
    check_pairs(proof, judged)
    check_internal(proof, filters, judged)
    check_identity(proof, access, judged)


@often()
@given(cases(http=True, timed=False))
def test_a_proof_with_http_operations_is_that_of_brute_force(case: Case) -> None:
    access, filters = case
    proof, judged = prove(access, STACK, filters, at=AT), judge(access, filters, WEB_SPOTS)
    check_findings(proof, access, filters, judged)
    check_pairs(proof, judged)


@often(40)
@given(cases(http=True))
def test_every_witness_is_what_its_finding_says(case: Case) -> None:
    """Requests, windows and names together: what the proof shows as an example is one, whoever looks at it."""
    access, filters = case
    proof = prove(access, STACK, filters, at=AT)
    kinds = {
        "excess": proof.excess,
        "blocked": proof.blocked,
        "doubt": [one for one in proof.unproven if one.declared],
        "perhaps": [one for one in proof.unproven if not one.declared],
    }
    for kind, found in kinds.items():
        for spot in (spot_of(one.witness) for one in found):
            (judged,) = judge(access, filters, [spot])
            assert not judged.own
            assert kind_of(judged) == kind


def spot_of(one: Witness) -> Spot:
    where, slash, task = one.task.partition("/")
    caller = Caller(where, task, None, one.source) if slash else Caller(None, "", one.task or None, one.source)
    request = (one.operation.method, one.operation.path) if one.operation else None
    return Spot(caller, one.host, (one.protocol, one.port), one.time, request)


def kind_of(one: Judged) -> str | None:
    """The finding that a point belongs to; None: it is as declared, or its addresses tell what happens to its name."""
    if one.declared == "yes":
        return "blocked" if not one.possible else "doubt" if not one.definite else None
    if not (one.known and one.possible):
        return None
    return "excess" if one.definite and one.declared == "no" else "perhaps"


@often(20)
@given(cases(http=True), st.sampled_from(HTTP_SPOTS))
def test_every_request_is_judged_as_brute_force_does(case: Case, spot: Spot) -> None:
    """An explanation is of every request: refused if one is, allowed if all are."""
    access, filters = case
    if spot.caller.environment is None or spot.host in NAMES:
        return
    asked = f"{spot.caller.environment}/{spot.caller.task}"
    answer = explain(access, STACK, filters, asked, f"{spot.host}:{spot.service[1]}/{spot.service[0]}", at=AT, when=spot.moment)
    alike = [
        one
        for one in HTTP_SPOTS + [each for each in SPOTS if each.moment == spot.moment]
        if (one.host, one.service, one.moment) == (spot.host, spot.service, spot.moment)
        and (one.caller.environment, one.caller.task) == (spot.caller.environment, spot.caller.task)
    ]
    met = [outcomes(filters, one) for one in alike]
    assert (answer.outcome is Outcome.DENY) == any({"deny"} in one for one in met)
    assert (answer.outcome is Outcome.ALLOW) == all(result == {"allow"} for one in met for result in one)


# --- what is compared


def check_findings(proof: Proof, access: Access, filters: list[Filter], judged: list[Judged]) -> None:
    excess, blocked, doubt, lost = set(), set(), set(), set()
    for one in judged:
        spot = one.spot
        if one.declared == "yes":
            if one.own:
                continue
            into = doubt if one.possible and not one.definite else blocked if not one.possible else None
            if into is not None:
                into |= {(name, spot.host) for name, hit in declaring(access, spot) if hit == "yes"}
        elif one.possible and not one.own and one.known:
            sure = one.definite and one.declared == "no"
            (excess if sure else lost).add((who_of(spot.caller, filters), zone_of(spot.host)))
    assert bool(proof.excess) == bool(excess)
    assert {name for name, _ in blocked} == {name for one in proof.blocked for name in one.principals}
    assert {name for one in proof.unproven if one.declared for name in one.principals} == {name for name, _ in doubt}
    assert bool([one for one in proof.unproven if not one.declared]) == bool(lost)
    assert {_label(name) for one in proof.excess for name in one.principals} == {who for who, _ in excess}
    zones = {name: one["zone"] for one in ACCESS["destinations"] for name in [one["name"]]}
    told = {zones.get(name, name.removeprefix("elsewhere in ")) for one in proof.excess for name in one.destinations}
    assert told == {zone or "hosts outside of every zone" for _, zone in excess}
    assert proof.ok == (not (excess or blocked or doubt or lost))


def who_of(caller: Caller, filters: list[Filter]) -> str:
    """The principals, the environment of any other DAG, or the group of the outside where a rule speaks of it."""
    if names := caller.principals():
        return " + ".join(sorted(names))
    return caller.environment or f"outside {group_of(caller, filters)}"


def group_of(caller: Caller, filters: list[Filter]) -> str | None:
    mentioned = caller.group == "staff" or any(
        caller.group in (rule.match.who.groups or ()) for one in filters for rule in one.rules
    )
    return caller.group if mentioned else None


def _label(name: str) -> str:
    if name.startswith("any other DAG of "):
        return name.removeprefix("any other DAG of ")
    if name.startswith("anything outside Airflow"):
        return f"outside {name.rpartition(' in group ')[2] if ' in group ' in name else None}"
    return name


def check_pairs(proof: Proof, judged: list[Judged]) -> None:
    for name, destination in product(["loaders", "etl-a", "staff"], ["db", "api", "net", "far"]):
        there = DECLARED[destination]
        declared, passes, depth = set(), set(), []
        for one in judged:
            if name not in one.spot.caller.principals() or one.spot.in_box(there) != "yes":
                continue
            if one.declared != "yes" and not one.known and one.possible:
                continue
            declared.add(one.declared == "yes")
            passes.add(one.definite)
            if one.declared != "yes" and not one.own:
                depth.append(len({each.gate for each, result in one.met if result == {"deny"}}))
        cell = proof.matrix.cells[name, destination]
        assert cell.declared is share(declared)
        assert cell.allowed is share(passes)
        assert cell.depth == (min(depth) if depth else None)


def share(seen: set[bool]) -> Share:
    return Share.NONE if True not in seen else Share.PART if False in seen else Share.ALL


def check_internal(proof: Proof, filters: list[Filter], judged: list[Judged]) -> None:
    """A filter grants what looks to it like nothing declared, and another one refuses it."""

    def look(one: Filter, spot: Spot) -> tuple[object, ...]:
        matches = [one.scope, *(rule.match for rule in one.rules)]
        who, caller = [each.who for each in matches], spot.caller
        return (
            spot.host,
            caller.family,
            caller.environment if any(each.environments is not None or each.outside is not None for each in who) else None,
            caller.source if any(each.sources is not None for each in who) else None,
            group_of(caller, filters) if any(each.groups is not None for each in who) else None,
            frozenset(caller.principals()) if any(each.principals is not None for each in who) else None,
            spot.service if any(each.services != Match().services for each in matches) else None,
            spot.moment if any(each.times for each in matches) else None,
        )

    stopped: dict[str, set[str]] = defaultdict(set)
    for one in filters:
        wanted = {look(one, spot) for each in judged for spot in [each.spot] if each.declared != "no" or each.own}
        for each in judged:
            result = next((found for passed, found in each.met if passed is one), None)
            if each.declared == "yes" or each.own or not each.known or each.possible or result != {"allow"}:
                continue
            if look(one, each.spot) in wanted:
                continue
            granting = (rule for rule in one.rules if rule.action is Action.ALLOW and each.spot.in_box(rule.match) != "no")
            rule = next(granting, None)
            refusing = {passed.gate for passed, found in each.met if found == {"deny"}}
            stopped[rule.source.urn if rule else one.urn] |= refusing
    told: dict[str, set[str]] = defaultdict(set)
    for one in proof.internal:
        told[one.rule.urn] |= set(one.stopped_by)
    assert told == stopped


def check_identity(proof: Proof, access: Access, judged: list[Judged]) -> None:
    """A gate tells a route's principals apart if it refuses everybody else wherever the route leads."""
    found = {(one.route, one.destination): one for one in proof.identity}
    by_name = {one.name: one for one in access.destinations}
    for route, name in [(one, name) for one in access.routes for name in one.to]:
        mine = access.model_copy(update={"routes": (route.model_copy(update={"to": (name,)}),)})
        keys = {
            (one.spot.host, one.spot.caller.family, one.spot.service, one.spot.moment)
            for one in judged
            if not (by_name[name].cidrs and one.spot.host in NAMES)
            and held(DECLARED[name].hosts, one.spot.host, one.spot.caller.family) == "yes"
            and declared_by(mine, one.spot) == "yes"
        }
        if not keys:
            assert (route.name, name) not in found
            continue
        strangers = [
            one
            for one in judged
            if (one.spot.host, one.spot.caller.family, one.spot.service, one.spot.moment) in keys
            and one.declared != "yes"
            and not one.own
        ]
        refusing = [{each.gate for each, result in one.met if result == {"deny"}} for one in strangers]
        some = set().union(*refusing)
        full = some.intersection(*refusing) if refusing else set()
        assert set(found[route.name, name].gates) == full
        assert set(found[route.name, name].partly) == some - full


# --- one question at a time


@often(20)
@given(cases(), st.sampled_from(HOSTS), st.sampled_from(SERVICES), st.sampled_from(TIMES), st.sampled_from(TASKS["blue"]))
def test_an_explanation_is_what_brute_force_decides(
    case: Case, host: str, service: tuple[str, int], moment: datetime, task: str
) -> None:
    if ":" in host:
        return  # tasks have IPv4 alone
    access, filters = case
    spots = [Spot(caller, host, service, moment) for caller in CALLERS if caller.environment == "blue" and caller.task == task]
    found = [outcomes(filters, spot) for spot in spots]
    answer = explain(access, STACK, filters, f"blue/{task}", f"{host}:{service[1]}/{service[0]}", at=AT, when=moment)
    verdicts = {
        Outcome.DENY
        if any(one == {"deny"} for one in met)
        else Outcome.ALLOW
        if all(one == {"allow"} for one in met)
        else Outcome.UNKNOWN
        for met in found
    }
    expected = next(one for one in (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW) if one in verdicts)
    assert answer.outcome is expected
    assert bool(answer.routes) == any(declared_by(access, spot) == "yes" for spot in spots)
    rows = [{row.outcome} for row in answer.rows]
    as_sets = [[{Outcome(next(iter(one)))} if len(one) == 1 else {Outcome.UNKNOWN} for one in met] for met in found]
    order = {id(one): number for number, one in enumerate(filters)}
    assert sorted(order[id(row.filter)] for row in answer.rows)
    assert [rows[number] for number in sorted(range(len(rows)), key=lambda one: order[id(answer.rows[one].filter)])] in as_sets


@often(4)
@given(filter_of("wall"))
def test_a_rule_is_dead_exactly_when_taking_it_out_changes_no_decision_before_it(one: Filter) -> None:
    proof = prove(Access.model_validate({**ACCESS, "routes": []}), STACK, [one], at=AT)
    dead = {each.rule.urn for each in proof.dead if each.rule}
    if one.combine is not Combine.FIRST_MATCH:
        return
    for number, rule in enumerate(one.rules):
        before = one.rules[:number]
        ends = [
            (spot, [hit for other in before if (hit := spot.in_box(other.match)) == "yes" and not other.unknown])
            for spot in SPOTS
        ]
        decides = any(spot.in_box(rule.match) != "no" and not earlier for spot, earlier in ends)
        assert (rule.source.urn in dead) == (not decides and not rule.unknown)
