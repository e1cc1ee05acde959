"""What an explanation proposes turns the answer: made, and judged by brute force, which shares no code with the engine.

`AIRLOCK_ORACLE_EXAMPLES=100` makes it a longer run, as for the oracle's own tests.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, CALLERS, HOSTS, SERVICES, STACK, TASKS, TIMES, Spot, declared_by, outcomes
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof import Outcome
from pulumi_airlock.proof.explanation.changing import Change, Step, apply
from pulumi_airlock.proof.explanation.explaining import Inquiry
from pulumi_airlock.proof.explanation.opposite import Opposite, opposite
from pulumi_airlock.proof.filters import Action, Combine, Filter

Case = tuple[Access, list[Filter]]
Asked = tuple[str, tuple[str, int], datetime, str]

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "8"))

often = settings(
    max_examples=15 * EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
asked = st.tuples(
    st.sampled_from([one for one in HOSTS if ":" not in one]),
    st.sampled_from(SERVICES),
    st.sampled_from(TIMES),
    st.sampled_from(TASKS["blue"]),
)


def ask(case: Case, one: Asked) -> tuple[Inquiry, list[Spot]]:
    access, filters = case
    host, service, moment, task = one
    inquiry = Inquiry(access, STACK, filters, f"blue/{task}", f"{host}:{service[1]}/{service[0]}", at=AT, when=moment)
    callers = [caller for caller in CALLERS if caller.environment == "blue" and caller.task == task]
    return inquiry, [Spot(caller, host, service, moment) for caller in callers]


def verdict(filters: Sequence[Filter], spots: list[Spot]) -> Outcome:
    """Refused if any of the spots is, allowed if all are."""
    found = [outcomes(list(filters), spot) for spot in spots]
    if any({"deny"} in met for met in found):
        return Outcome.DENY
    return Outcome.ALLOW if all(one == {"allow"} for met in found for one in met) else Outcome.UNKNOWN


def closed(filters: Sequence[Filter], spots: list[Spot]) -> bool:
    return all({"deny"} in outcomes(list(filters), spot) for spot in spots)


@often
@given(cases(), asked)
def test_what_is_refused_passes_once_the_changes_are_made_and_none_of_them_is_needless(case: Case, one: Asked) -> None:
    inquiry, spots = ask(case, one)
    if inquiry.outcome is not Outcome.DENY:
        return
    filters, found = case[1], opposite(inquiry)
    assert found.outcome is Outcome.ALLOW
    assert verdict(apply(filters, found.changes), spots) is Outcome.ALLOW
    for number in range(len(found.changes)):
        fewer = [*found.changes[:number], *found.changes[number + 1 :]]
        assert verdict(apply(filters, fewer), spots) is not Outcome.ALLOW, found.changes[number]
    for other in found.others:
        assert verdict(apply(filters, other.changes), spots) is Outcome.ALLOW


@often
@given(cases(), asked)
def test_every_refusing_filter_is_changed_once_unless_denies_override(case: Case, one: Asked) -> None:
    inquiry, _ = ask(case, one)
    if inquiry.outcome is not Outcome.DENY:
        return
    for change in opposite(inquiry).changes:
        same = [each for each in opposite(inquiry).changes if each.number == change.number]
        assert len(same) == 1 or change.filter.combine is Combine.DENY_OVERRIDES


@often
@given(cases(), asked)
def test_what_passes_is_refused_once_the_changes_are_made_at_one_gate_with_the_fewest(case: Case, one: Asked) -> None:
    inquiry, spots = ask(case, one)
    if inquiry.outcome is not Outcome.ALLOW:
        return
    filters, found = case[1], opposite(inquiry)
    ways = [(found.changes, found.lost)] if found.outcome is Outcome.DENY else []
    ways += [(each.changes, each.lost) for each in found.others]
    for changes, _ in ways:
        assert closed(apply(filters, changes), spots)
        assert len({change.number for change in changes}) == 1
    fewest = len(found.changes) if ways else 9
    removable = [
        Change(Step.TAKE_AWAY, number, each, rule.source)
        for number, each in enumerate(filters)
        for rule in each.rules
        if rule.action is Action.ALLOW
    ]
    for size in range(1, min(fewest, 3)):
        for few in combinations(removable, size):
            assert not closed(apply(filters, few), spots), f"{size} suffice"


@often
@given(cases(), asked)
def test_the_access_file_as_proposed_declares_it_or_no_longer(case: Case, one: Asked) -> None:
    inquiry, spots = ask(case, one)
    found = opposite(inquiry).declare
    if found is None or found.access is None:
        return
    again = Inquiry(found.access, STACK, case[1], inquiry.principal, inquiry.destination, at=AT, when=inquiry.when)
    known = found.access.principals == case[0].principals and found.access.destinations == case[0].destinations
    declared = [declared_by(found.access, spot) == "yes" for spot in spots] if known else []
    if inquiry.outcome is Outcome.ALLOW:
        assert not again.routes()
        assert not any(declared)
    else:
        assert not again.undeclared
        assert all(declared)


@often
@given(cases(), asked)
def test_who_else_would_lose_access_is_who_is_blocked_afterwards(case: Case, one: Asked) -> None:
    """Of the declared pairs: none that stays open is told, by brute force over tasks at the same place."""
    inquiry, _ = ask(case, one)
    if inquiry.outcome is not Outcome.ALLOW:
        return
    found: Opposite = opposite(inquiry)
    for pair in found.lost:
        who, where = pair.split(" → ")
        before = Inquiry(case[0], STACK, case[1], who, where, at=AT)
        after = before.with_filters(apply(case[1], found.changes))
        everything = [(part.ever & part.group.declared & ~part.group.definite).any() for part in after.found]
        assert any(everything)


@often
@given(
    cases(http=True),
    st.sampled_from(["loaders", "etl-a", "staff", "other", "outside", "blue/*.load", "green/loaders"]),
    st.sampled_from(["db", "api", "net", "far", "db.corp.example:5432", "api.corp.example", "10.20.0.9:22", "2001:db8:20::4"]),
    st.sampled_from(TIMES),
)
def test_names_people_requests_and_several_callers_are_turned_as_well(case: Case, who: str, where: str, moment: datetime) -> None:
    """Too many points for brute force: the engine itself is asked again, of all that is meant."""
    try:
        inquiry = Inquiry(case[0], STACK, case[1], who, where, at=AT, when=moment)
        outcome = inquiry.outcome
    except InputError:
        return  # nobody, or nothing, is there
    found = opposite(inquiry)
    again = inquiry.with_filters(apply(case[1], found.changes))
    if outcome is Outcome.DENY:
        assert found.outcome is Outcome.ALLOW
        assert again.outcome is Outcome.ALLOW
    elif found.outcome is Outcome.DENY:
        assert not again.passing
        assert not again.unclear
    if found.declare is not None and found.declare.access is not None and outcome is Outcome.DENY and who != "other":
        # With a principal for one of them, "other" means others.
        assert not inquiry.with_access(found.declare.access).undeclared
