"""The tables: ranges take what Google's pages say, and every generation sizes the components that it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.environments.composer import ComposerScale, Maintenance, Workers, Workload
from pulumi_airlock.environments.composer.airflow_options import BLOCKED, BLOCKED_IN, LIMITED, overrides
from pulumi_airlock.environments.composer.limits import ONLY_IN, SIZES, SIZES_OF, WORKLOADS, Range
from pulumi_airlock.environments.composer.operation import check_maintenance
from pulumi_airlock.environments.composer.scale import check_scale
from pulumi_airlock.errors import Problems


@pytest.mark.parametrize(
    ("allowed", "taken", "refused"),
    [
        (Range(0.5, 32, halves_and_pairs=True), (0.5, 1, 2, 4, 32), (0.25, 0.75, 1.5, 3, 5, 33, 34)),
        (Range(0.5, 28, 0.25), (0.5, 0.75, 27.75), (0.3, 0.6, 28.25)),
        (Range(0, 100, 1), (0, 1, 100), (0.5, 101, -1)),
        (Range(1, 6.5), (1, 3.3333, 6.5), (0.99, 6.51)),
    ],
)
def test_a_range_takes_its_steps(allowed: Range, taken: tuple[float, ...], refused: tuple[float, ...]) -> None:
    assert all(map(allowed.takes, taken))
    assert not any(map(allowed.takes, refused))


def refused(scale: ComposerScale, generation: int) -> int:
    problems = Problems("x")
    check_scale(scale, generation, problems)
    return len(problems)


@given(st.sampled_from([2, 3]), st.sampled_from(["scheduler", "web_server", "worker"]), st.integers(1, 400), st.integers(1, 1200))
def test_a_workload_is_refused_where_any_of_three_rules_says_so(generation: int, name: str, quarters: int, memory: int) -> None:
    """CPU, memory, and memory for each CPU: none of them is looked at alone."""
    cpu, gigabytes, limits = quarters / 4, memory / 4, WORKLOADS[generation][name]
    kind = Workers if name == "worker" else Workload
    scale = ComposerScale(**{name: kind(cpu=cpu, memory_gb=gigabytes)})  # type: ignore[arg-type]
    ratio = limits.memory_per_cpu.least <= gigabytes / cpu <= limits.memory_per_cpu.most
    fine = limits.cpu.takes(cpu) and limits.memory_gb.takes(gigabytes) and ratio
    assert (refused(scale, generation) == 0) == fine


@given(st.sampled_from([2, 3]))
def test_the_smallest_of_everything_is_taken(generation: int) -> None:
    for name, limits in WORKLOADS[generation].items():
        # The least of each alone need not fit together: memory has to fit the CPU.
        memory = max(limits.memory_gb.least, limits.cpu.least * limits.memory_per_cpu.least)
        given_: dict[str, float] = {"cpu": limits.cpu.least, "memory_gb": memory}
        if name == "worker":
            scale = ComposerScale(worker=Workers(**given_, min_count=1, max_count=1))
        else:
            count = None if limits.count is None else int(limits.count.least)
            scale = ComposerScale(**{name: Workload(**given_, count=count)})  # type: ignore[arg-type]
        assert refused(scale, generation) == 0, name


def test_only_composer_3_sizes_dag_processors() -> None:
    assert set(WORKLOADS[3]) - set(WORKLOADS[2]) == {"dag_processor"}
    assert set(SIZES_OF[3]) - set(SIZES_OF[2]) == {"extra_large"}
    assert set(SIZES_OF[3]) == set(SIZES)


@given(st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1), st.floats(0, 30))
def test_a_week_needs_twelve_hours_in_slots_of_four(days: set[str], hours: float) -> None:
    problems = Problems("x")
    check_maintenance(Maintenance(days=tuple(sorted(days)), hours=hours), problems)
    assert (len(problems) == 0) == (4 <= hours <= 24 and len(days) * hours >= 12)


def test_tables_of_options_are_written_as_options() -> None:
    assert all(option.count(".") == 1 for option in (*BLOCKED, *LIMITED, *BLOCKED_IN[2], *BLOCKED_IN[3]))
    assert not {*BLOCKED, *BLOCKED_IN[2], *BLOCKED_IN[3]} & set(LIMITED)
    assert overrides({"core.dags_are_paused_at_creation": "True"}) == {"core-dags_are_paused_at_creation": "True"}


def test_every_generation_only_input_says_what_to_write() -> None:
    assert {generation for generation, _ in ONLY_IN.values()} == {2, 3}
    assert all(instead for _, instead in ONLY_IN.values())
