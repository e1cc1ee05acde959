"""Checks of principals with each other, and with the environments."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from .. import globs
from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, warning
from ..model import Principal


def overlapping(draft: Draft, today: date) -> Iterator[Finding]:
    """Two principals that one caller can be at the same time: it has the rights of both."""
    for (_, one), (index, other) in combinations(draft.principals.items(), 2):
        if one.is_people and other.is_people:
            if one.group == other.group and _same_places(one, other):
                who = f"people of group {quoted(one.group)} are also {quoted(one.name)}"
                message = f"{who}: they have the rights of both; make them one principal"
                yield warning("principals-overlap", ("principals", index, "group"), message)
        elif not one.is_people and not other.is_people:
            shared = _shared_task(draft, one, other)
            if shared:
                task, where = shared
                at = f" in environment {quoted(where)}" if where else ""
                what = f"task {quoted(task)}{at} is both {quoted(one.name)} and {quoted(other.name)}"
                message = f"{what}: it has the rights of both; keep the globs apart"
                yield warning("principals-overlap", ("principals", index, "dags"), message)


def nowhere(draft: Draft, today: date) -> Iterator[Finding]:
    """Workloads whose DAGs no environment runs."""
    if not draft.environments or not draft.whole("environments"):
        return
    for index, principal in draft.principals.items():
        places = [place for place in draft.environments.values() if principal.environment in (None, place.name)]
        known = principal.environment is None or principal.environment in draft.declared("environments")
        if (
            principal.dags
            and known
            and not any(_first(mine, dag) for place in places for dag in place.dags for mine in principal.dags)
        ):
            where = f"environment {quoted(principal.environment)} runs" if principal.environment else "no environment runs"
            none = "no DAG" if principal.environment else "a DAG"
            message = f"{where} {none} that {quoted(principal.name)} covers: change its dags, or the environment's"
            yield warning("principal-nowhere", ("principals", index, "dags"), message)


def _same_places(one: Principal, other: Principal) -> bool:
    if not one.sources or not other.sources:
        return True
    return any(a.version == b.version and a.overlaps(b) for a in one.networks() for b in other.networks())


def _shared_task(draft: Draft, one: Principal, other: Principal) -> tuple[str, str | None] | None:
    """A task that both cover, and the environment it runs in."""
    if None not in (one.environment, other.environment) and one.environment != other.environment:
        return None
    wanted = one.environment or other.environment
    task = next((found for a in one.tasks for b in other.tasks if (found := globs.example(a, b))), None)
    places: list[tuple[str | None, tuple[str, ...]]] = [
        (place.name, place.dags) for place in draft.environments.values() if wanted in (None, place.name)
    ]
    for name, deployed in places or ([(wanted, ("*",))] if not draft.environments else []):
        dag = next(
            (found for a in one.dags for b in other.dags for glob in deployed if (found := globs.example(a, b, glob))), None
        )
        if dag and task:
            return f"{dag}.{task}", name
    return None


def _first(*patterns: str) -> str | None:
    return globs.example(*patterns)
