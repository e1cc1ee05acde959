"""Who checks what, against brute force: a gate makes a check where two that differ in nothing else fare differently there."""

from collections.abc import Callable, Hashable, Iterable

from hypothesis import given
from oracle import ACCESS, AT, DECLARED, STACK, WEB_SPOTS, Judged, Spot, decide, judge, path_of
from oracle_cases import cases, often
from pulumi_airlock.access import Access
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.checks import Check, Fault
from pulumi_airlock.proof.filters import Filter

PEOPLE = {"staff"}


@often(4)
@given(cases(http=True, timed=False))
def test_checks_without_exactly_one_owner_are_those_of_brute_force(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    proof, judged = prove(access, STACK, filters, at=AT), judge(access, filters, WEB_SPOTS)
    told = {
        (one.check, one.callers, name, one.fault, frozenset(owner.gate for owner in one.owners))
        for one in proof.overlaps
        for name in one.destinations
    }
    truth = {found for name, callers, limited in paths(access) for found in faults(filters, judged, name, callers, limited)}
    assert told == truth


def paths(access: Access) -> set[tuple[str, str, bool]]:
    """(destination, kind of callers, whether a route of theirs restricts requests)."""
    found: dict[tuple[str, str], bool] = {}
    for route in access.routes:
        for to in route.to:
            for name in route.from_:
                key = to, "people" if name in PEOPLE else "tasks"
                found[key] = found.get(key, False) or bool(route.http)
    return {(to, callers, limited) for (to, callers), limited in found.items()}


Found = tuple[Check, str, str, Fault, frozenset[str]]


def faults(filters: list[Filter], judged: list[Judged], name: str, callers: str, limited: bool) -> Iterable[Found]:
    here = [spot for spot in WEB_SPOTS if spot.in_box(DECLARED[name]) == "yes"]
    zone = next(one["zone"] for one in ACCESS["destinations"] if one["name"] == name)
    gates = {one.gate for one in filters if one.always or one.gate in ACCESS["zones"][zone]["gates"]}
    who = Check.PERSON if callers == "people" else Check.TASK
    owners = {check: {gate for gate in gates if makes(filters, gate, here, check, callers)} for check in (who, Check.REQUEST)}
    if who is Check.PERSON:
        owners[Check.REQUEST] -= owners[who]
    let = [
        one
        for one in judged
        if one.spot.in_box(DECLARED[name]) == "yes" and one.declared == "no" and one.possible and not one.own and one.known
    ]
    missing = set(nobody(filters, gates, here, let, judged, callers, limited))
    for check, found in owners.items():
        if check not in missing and len(found) > 1:
            yield check, callers, name, Fault.SEVERAL, frozenset(found)
    yield from ((check, callers, name, Fault.NOBODY, frozenset[str]()) for check in missing)


def nobody(
    filters: list[Filter], gates: set[str], here: list[Spot], let: list[Judged], judged: list[Judged], callers: str, limited: bool
) -> Iterable[Check]:
    is_mine = {"people": lambda spot: spot.caller.environment is None, "tasks": lambda spot: spot.caller.environment is not None}
    mine = [one.spot for one in let if is_mine[callers](one.spot)]
    partly = {(one.spot.caller, one.spot.host, one.spot.service) for one in judged if one.declared == "yes"}
    needed = {
        Check.PERSON: mine if callers == "people" else [],
        Check.CALLER: [one.spot for one in let] if callers == "tasks" else [],
        Check.REQUEST: [one for one in mine if (one.caller, one.host, one.service) in partly] if limited else [],
    }
    for check, spots in needed.items():
        for host, family in {(one.host, one.caller.family) for one in spots}:
            place = [one for one in here if (one.host, one.caller.family) == (host, family)]
            if not any(makes(filters, gate, place, check, callers) for gate in gates):
                yield check


def makes(filters: list[Filter], gate: str, here: list[Spot], check: Check, callers: str) -> bool:
    """Whether a gate lets two of these fare differently that differ in what the check is about alone."""
    is_task = callers == "tasks"
    tests: dict[Check, tuple[Callable[[Spot], bool], Callable[[Spot], Hashable]]] = {
        Check.PERSON: (
            lambda spot: spot.caller.environment is None,
            lambda spot: (spot.caller.source, spot.host, spot.service, spot.request),
        ),
        Check.TASK: (
            lambda spot: spot.caller.environment is not None,
            lambda spot: (spot.caller.environment, spot.caller.source, spot.host, spot.service, spot.request),
        ),
        Check.REQUEST: (
            lambda spot: spot.request is not None and (spot.caller.environment is not None) == is_task,
            lambda spot: (spot.caller, spot.host, spot.service),
        ),
        Check.CALLER: (lambda spot: True, lambda spot: (spot.caller.family, spot.host, spot.service, spot.request)),
    }
    counts, same = tests[check]
    fates: dict[Hashable, set[tuple[bool, bool]]] = {}
    for spot in filter(counts, here):
        met = [found for one in path_of(filters, spot.host) if one.gate == gate and (found := decide(one, spot)) is not None]
        fate = all("allow" in found for found in met), any("deny" in found for found in met)
        fates.setdefault(same(spot), set()).add(fate)
    return any(len(found) > 1 for found in fates.values())
