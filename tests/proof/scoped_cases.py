"""Random cases with scopes of every form, and windows on the runs of DAGs."""

from dataclasses import replace

from hypothesis import strategies as st
from oracle_cases import accesses, cidrs, filter_of, operations, services, times, whos
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Filter, Match, Who
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.proof.times import DagRun

# Scopes of every form, and the filters of two environments, which never meet.
scopes = st.builds(
    Match,
    whos,
    st.one_of(st.just(Hosts.every()), cidrs.map(Hosts.from_cidrs), st.just(Hosts.from_names(["db.corp.example"]))),
    services,
    st.none(),
    times,
)
runs = st.sampled_from([(frozenset({DagRun("etl_a")}),), (frozenset({DagRun("etl_a"), DagRun("other")}),)])


@st.composite
def scoped(draw: st.DrawFn) -> tuple[Access, list[Filter]]:
    filters = [draw(filter_of("wall", scope=draw(scopes), http=True)), draw(filter_of("door", scope=draw(scopes)))]
    for name in ("blue", "green"):
        own = Match(who=Who(environments=frozenset({name})))
        filters += [draw(filter_of(name, always=True, scope=own)) for _ in range(2)]
    filters = [replace(one, rules=tuple(replace(rule, match=draw(changed(rule.match))) for rule in one.rules)) for one in filters]
    return draw(accesses(http=True)), filters


def changed(match: Match) -> st.SearchStrategy[Match]:
    same = st.just(match)
    return st.one_of(
        same, same, runs.map(lambda one: replace(match, times=one)), operations.map(lambda one: replace(match, operations=one))
    )
