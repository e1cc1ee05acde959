"""A difference is that of brute force: who gains and loses what, over random pairs of cases; and it names the changes behind it.

Every run has 4 pairs over 14,274 points each, and 128 held against explanations, read backwards or written in another form;
`AIRLOCK_ORACLE_EXAMPLES=100` (instead of 8) makes it 50 and 1,600.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import ACCESS, AT, HOSTS, NAMES, SERVICES, SPOTS, STACK, TIMES, Judged, Spot, judge, zone_of
from oracle_cases import accesses, cases, filter_of
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.proof import explain
from pulumi_airlock.proof.difference import Case, Difference, Kind, Standing, difference
from pulumi_airlock.proof.filters import Action, Combine, Filter
from pulumi_airlock.proof.findings import Outcome
from pulumi_airlock.proof.sets import Hosts

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
