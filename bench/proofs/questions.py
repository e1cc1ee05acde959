"""Each thing that the bench measures: an input that is built beforehand, and a question that is timed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulumi_airlock.proof import Proof, Prover, prove
from pulumi_airlock.proof.engine.diagrams import doubtful
from pulumi_airlock.proof.proving import Case, in_order

from .workloads import Workload, chain, changed_rule, wide


@dataclass(frozen=True)
class Goal:
    """What a measurement has to stay under."""

    seconds: float
    megabytes: float | None = None


@dataclass(frozen=True)
class Series:
    """One question at several sizes, by the engines that can answer it."""

    name: str
    unit: str
    sizes: tuple[int, ...]
    engines: tuple[str, ...]
    build: Callable[[int], Workload]
    goals: dict[int, Goal]


OURS, DIAGRAMS, SOLVER = "Airlock", "oxidd", "z3"

CHANGED = "one changed rule"
SHOWN = "all that is shown"

SERIES = (
    Series(
        "chain",
        "routes",
        (1_000, 10_000, 100_000),
        (OURS, DIAGRAMS, SOLVER),
        chain,
        {10_000: Goal(0.5, 500), 100_000: Goal(8, 4_000)},
    ),
    Series("wide", "rules", (1_000, 10_000, 30_000), (OURS, DIAGRAMS, SOLVER), wide, {10_000: Goal(3)}),
    Series(CHANGED, "routes", (1_000, 10_000), (OURS,), chain, {10_000: Goal(0.05)}),
    Series(SHOWN, "routes", (1_000, 10_000, 100_000), (OURS,), chain, {}),
    Series("chain of 10,000 routes", "principals", (100, 300, 1_000), (OURS,), lambda count: chain(10_000, principals=count), {}),
    Series("5,000 rules, wide", "%", (1, 5, 20), (OURS,), lambda percent: wide(5_000, share=percent / 100), {}),
)


def question(name: str, engine: str, given: Workload) -> Callable[[], Any]:
    """What is timed. Whatever is known before the question is asked is made here."""
    if engine == DIAGRAMS:
        return lambda: doubtful(_case(given).sweep)
    if engine == SOLVER:
        from .solver import any_finding

        return lambda: any_finding(_case(given).sweep)
    if name == CHANGED:
        return _again(given)
    if name == SHOWN:
        return lambda: _shown(prove(given.access, given.environments, given.filters, at=given.at))
    return lambda: prove(given.access, given.environments, given.filters, at=given.at)


def _shown(proof: Proof) -> Proof:
    """With everything that is found when somebody looks at it: the first look finds all but who checks what."""
    assert proof.matrix.cells
    return proof


def agrees(answer: Any) -> bool:
    """Whether an answer is the right one: the inputs hold, and what the changed rule grants more is stopped by other gates."""
    return answer.ok if isinstance(answer, Proof) else not answer


def _case(given: Workload) -> Case:
    """The space, cut into classes: what a solver would have to be given too, so that its time counts."""
    return Case(given.access, in_order(given.environments), given.filters, given.at)


def _again(given: Workload) -> Callable[[], Proof]:
    """A proof of what was proven before, but for one rule."""
    filters = changed_rule(given)
    prover = Prover(given.access, given.environments, at=given.at)
    prover.prove(given.filters)
    return lambda: prover.prove(filters)
