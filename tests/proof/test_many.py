"""What makes large proofs fast says the same as what it stands for: look-ups of names, of globs, of networks as texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import ACCESS, AT, STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof.atoms.cidrs import of_cidr, of_cidrs
from pulumi_airlock.proof.atoms.globs import friendly, region_of, regions
from pulumi_airlock.proof.atoms.naming import Index
from pulumi_airlock.proof.engine import diagrams
from pulumi_airlock.proof.engine.screening import doubtful
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.proving import Case, in_order
from pulumi_airlock.proof.sets import Hosts, Names

FRESH = "\x00"
NAMES = ["db.corp.example", "corp.example", "api.db.corp.example", "anything.corp.example", "any.example", "other"]
patterns = st.sampled_from([*NAMES, "*.corp.example", "*.example", "*.db.corp.example", "DB.corp.example", "unheard.of"])
names = st.recursive(
    st.sets(patterns, max_size=3).map(lambda one: Names(frozenset(one))),
    lambda parts: st.one_of(st.tuples(parts, parts).map(lambda one: one[0] | one[1]), parts.map(Names.complement)),
    max_leaves=5,
)


@given(names)
@settings(deadline=None, max_examples=300)
def test_a_set_of_names_holds_what_the_index_says(found: Names) -> None:
    usual, others = Index(NAMES).exceptions(found)
    assert usual == (FRESH in found)
    assert {name: (name in found) for name in NAMES} == {name: usual != (name in others) for name in NAMES}


@given(
    st.one_of(
        st.ip_addresses(v=4).flatmap(lambda one: st.integers(0, 32).map(lambda length: f"{one}/{length}")),
        st.ip_addresses(v=6).flatmap(lambda one: st.integers(0, 128).map(lambda length: f"{one}/{length}")),
        st.ip_addresses().map(str),
        st.just("10.0.0.0/255.255.0.0"),
    )
)
@settings(deadline=None)
def test_a_network_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert of_cidr(text) == Hosts.from_cidr(text)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0", "10.0.0.0/", "10.0.0.0/+8", "::/129", "", "010.0.0.1/32"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?s).*"):
        of_cidrs([text])


@pytest.mark.parametrize("glob", ["team_{:04}_*", "team_{:04}_daily", "{:04}_close*"])
def test_thousands_of_teams_each_have_a_kind_of_dags_of_their_own(glob: str) -> None:
    teams = [(glob.format(number),) for number in range(3_000)]
    found = friendly(teams, (), "any_dag")
    assert found[frozenset()] == "any_dag"
    assert all(frozenset({number}) in found for number in range(3_000))
    assert len(found) == 3_001


@given(st.lists(st.tuples(st.text("ab*?[]", min_size=1, max_size=5)), max_size=4), st.text("ab", min_size=1, max_size=4))
@settings(deadline=None)
def test_a_word_belongs_to_a_combination_that_exists(sets: list[tuple[str, ...]], word: str) -> None:
    assert region_of(sets, word) in regions(sets)


@given(cases())
@settings(deadline=None, max_examples=5, derandomize=True, database=None)
def test_where_diagrams_need_too_much_memory_the_screen_goes_on(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    sweep = Case(access, in_order(STACK), filters, AT).sweep

    def full(_: object) -> object:
        raise MemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagrams, "doubtful", full)
        found = doubtful(sweep, budget=0)
    assert found.keys() == doubtful(sweep).keys()


def test_an_environment_tells_apart_the_tasks_that_principals_name() -> None:
    """A principal with tasks of its own, beside one with the same DAGs and any task, and one with other tasks of all DAGs."""
    principals = [
        {"name": "loaders", "dags": ["etl_*"], "tasks": ["load"]},
        {"name": "etl", "dags": ["etl_*"]},
        {"name": "checks", "dags": ["*"], "tasks": ["check_*"]},
        *({"name": f"team-{number}", "dags": [f"team{number}_*"]} for number in range(30)),
    ]
    rest = {"routes": [], "destinations": ACCESS["destinations"], "zones": ACCESS["zones"]}
    access = Access.model_validate({**rest, "environments": [{"name": "blue"}], "principals": principals})
    subjects = Case(access, STACK[:1], [], AT).space.subjects.all
    assert {one.principals for one in subjects if one.environment} == {
        frozenset(),
        frozenset({"checks"}),
        frozenset({"etl"}),
        frozenset({"etl", "loaders"}),
        frozenset({"etl", "checks"}),
        *(frozenset({f"team-{number}"}) for number in range(30)),
        *(frozenset({f"team-{number}", "checks"}) for number in range(30)),
    }
