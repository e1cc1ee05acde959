"""Who can be at the start of a path: the atoms of the first dimension.

For each environment, each combination of declared principals that some task really has, and the tasks that have none; people by
group; anything outside Airflow. Each is refined by source address, as far as a rule tells addresses apart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...access.model import Access, Principal
from ...access.names import split_task
from ..declared import sources_of
from ..filters import Environment, Match, Who
from ..sets import Hosts
from ..times import DagRun, Times
from .globs import Index, friendly
from .instants import runs_of
from .sources import Sources

OUTSIDE = "anything outside Airflow"


@dataclass(frozen=True, slots=True)
class Subject:
    """One class of callers at one class of source addresses."""

    environment: str | None
    """None for people and the outside."""
    principals: frozenset[str]
    """The declared principals that it is, together; empty: none of them."""
    group: str | None
    family: int
    address: int
    """One of its source addresses."""
    cell: int
    """Which class of source addresses."""
    task: str
    """`dag.task`: one that it can be; empty for others than workloads."""
    dag: str | None = None
    """The DAG, where windows on its runs tell it apart: its tasks run only while it does."""
    workloads: frozenset[str] = frozenset({""})
    """The workload of a cluster that it is, `""` for none; where two stacks are compared, that on either side."""
    component: bool = False
    """Whether it is a part of Airflow that runs no task."""
    ids: tuple[str, str] | None = None
    """Ids of a DAG and a task that it can be; None for others than workloads."""

    @property
    def label(self) -> str:
        """What a finding calls it."""
        if self.principals:
            return " + ".join(sorted(self.principals))
        if self.component:
            return f"{self._workload} of {self.environment}"
        if self.environment is not None:
            return f"any other DAG of {self.environment}"
        if self._workload:
            return f"{OUTSIDE} as {self._workload}"
        return f"{OUTSIDE} in group {self.group}" if self.group else OUTSIDE

    @property
    def _workload(self) -> str:
        return " + ".join(sorted(filter(None, self.workloads)))


@dataclass(frozen=True, slots=True)
class Selector:
    """Who an expectation or a question speaks of."""

    text: str
    principal: str | None = None
    environment: str | None = None
    dag: str = ""
    task: str = "*"
    outside: bool = False
    other: bool = False

    @classmethod
    def parse(cls, text: str, known: Iterable[str]) -> "Selector":
        """`[environment/]` and a principal's name, `dag.task` globs or `other`; or `outside`, as `access.names` reads them."""
        if text in ("outside", OUTSIDE):
            return cls(text, outside=True)
        environment, slash, rest = _cut_environment(text)
        where = environment if slash else None
        if rest in set(known):
            return cls(text, principal=rest, environment=where)
        if rest in ("any other DAG", "other"):
            return cls(text, environment=where, other=True)
        dag, task = split_task(rest) or (rest, "*")
        return cls(text, environment=where, dag=dag, task=task)

    def within(self, environment: str | None) -> bool:
        """Whether it may speak of tasks of this environment."""
        return self.environment is None or (environment is not None and fnmatchcase(environment, self.environment))


def _cut_environment(text: str) -> tuple[str, str, str]:
    before, slash, after = text.partition("/")
    # A slash inside a bracket expression is the glob's.
    return ("", "", text) if "[" in before and "]" not in before else (before, slash, after) if slash else ("", "", text)


_NOBODY = np.zeros(0, dtype=np.intp)
_OUTSIDE: frozenset[str | None] = frozenset({None})
"""The environment of whoever is in none."""

_Key = TypeVar("_Key")


def _grouped(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, NDArray[np.intp]]:
    found: dict[_Key, list[int]] = {}
    for key, number in pairs:
        found.setdefault(key, []).append(number)
    return {key: np.array(numbers, dtype=np.intp) for key, numbers in found.items()}


def _environments(who: Who) -> frozenset[str | None] | None:
    """The empty set of environments matches the outside."""
    return _OUTSIDE if who.environments is not None and not who.environments else who.environments


def _put(table: NDArray[np.bool_], named: Sequence[tuple[int, frozenset[Any]]], members: Mapping[Any, NDArray[np.intp]]) -> None:
    """Marks in each row the members of its names."""
    parts = [(row, members[name]) for row, names in named for name in names if name in members]
    if parts:
        rows = np.repeat([row for row, _ in parts], [len(one) for _, one in parts])
        table[rows, np.concatenate([one for _, one in parts])] = True


def addresses_of(who: Who) -> Hosts | None:
    """The source addresses that a rule looks at; names aside."""
    return None if who.sources is None else who.sources.addresses()


def _is_task(who: Who, one: Subject) -> bool:
    return one.ids is not None and who.holds_task(*one.ids)


def _pairs(whos: Iterable[Who]) -> Iterator[Selector]:
    """Each pair of globs that a rule tells tasks by."""
    for who in whos:
        for dag, task in sorted(pair for each in who.tasks or () for pair in each):
            yield Selector(f"{dag}.{task}", dag=dag, task=task)


class _Tasks:
    """Kinds of task ids, by the glob sets that match them."""

    def __init__(self, sets: Sequence[tuple[str, ...]], words: Mapping[frozenset[int], str]) -> None:
        self._every = sorted(words.items(), key=lambda item: (len(item[1]), item[1]))
        self._narrow = frozenset(number for number, one in enumerate(sets) if "*" not in one)
        self._matching: dict[int, list[int]] = {}
        for place, (key, _) in enumerate(self._every):
            for number in key & self._narrow:
                self._matching.setdefault(number, []).append(place)

    def of(self, sets: frozenset[int]) -> Iterable[tuple[frozenset[int], str]]:
        """The kinds that these sets tell apart, shortest words first: those that one of them matches, and one that none does."""
        places = {place for number in sets & self._narrow for place in self._matching.get(number, ())}
        other = next((place for place in range(len(self._every)) if place not in places), None)
        return [self._every[place] for place in sorted(places | ({other} if other is not None else set()))]


class Subjects:
    """All subjects of a proof, and which of them a `Who` or a `Selector` means."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        whos: Iterable[Who],
        times: Iterable[Times],
        selectors: Iterable[Selector],
        needs: Sequence[Match] = (),
    ) -> None:
        """`needs`: what must get through of gates' own flows; their callers and addresses are among `whos`."""
        self._access = access
        distinct = list(dict.fromkeys(whos))
        self._selectors = list(dict.fromkeys((*selectors, *_pairs(distinct))))
        asked = [Selector.parse(one.from_, [principal.name for principal in access.principals]) for one in access.expect]
        self._ids = [one for one in (*self._selectors, *asked) if one.dag and not set(one.dag) & set("*?[")]
        """Those that name a DAG: what a person recognises in a witness."""
        self._runs = sorted({one.dag for found in times for window in found for one in window if isinstance(one, DagRun)})
        people = [one for one in access.principals if one.group is not None]
        declared = {one.name: sources_of(one) for one in people}
        ours = [one.sources.addresses() for one in environments]
        inside = Hosts.union(ours)
        looked_at = [found for found in map(addresses_of, distinct) if found is not None]
        self.cells = Sources([*ours, inside, *looked_at, *(found for found in declared.values() if found is not None)])
        self.all: list[Subject] = []
        self._selected: list[frozenset[Selector]] = []
        for environment, addresses in zip(environments, ours, strict=True):
            self._of_environment(environment, np.flatnonzero(self.cells.within(addresses)).tolist())
        away = ~self.cells.within(inside)
        reach = {name: away if found is None else self.cells.within(found) for name, found in declared.items()}
        self._groups(people, reach)
        mentioned = {group for who in distinct for group in who.groups or ()} - {one.group for one in people}
        for group in (None, *sorted(mentioned)):
            for cell in np.flatnonzero(away).tolist():
                self._add(None, frozenset(), group, cell)
        self._others(distinct, away, needs)
        self._cell_of = np.array([one.cell for one in self.all], dtype=np.intp)

    def _others(self, whos: Sequence[Who], away: NDArray[np.bool_], needs: Sequence[Match]) -> None:
        """Workloads of no environment: where a gate says that its own are, and else anywhere outside of the environments."""
        placed: dict[str, NDArray[np.bool_]] = {}
        for one in needs:
            if (said := addresses_of(one.who)) is not None:
                for workload in one.who.workloads or ():
                    placed[workload] = placed.get(workload, False) | self.cells.within(said)
        known = {workload for one in self.all for workload in one.workloads} | {""}
        for workload in sorted({workload for who in whos for workload in who.workloads or ()} - known):
            for cell in np.flatnonzero(placed.get(workload, away)).tolist():
                self._add(None, frozenset(), None, cell, workloads=frozenset({workload}))

    def _add(
        self,
        environment: str | None,
        principals: frozenset[str],
        group: str | None,
        cell: int,
        dag: str | None = None,
        selected: frozenset[Selector] = frozenset(),
        workloads: frozenset[str] = frozenset({""}),
        component: bool = False,
        ids: tuple[str, str] | None = None,
    ) -> None:
        family, address = self.cells.all[cell]
        task = ".".join(ids or ())
        self.all.append(Subject(environment, principals, group, family, address, cell, task, dag, workloads, component, ids))
        self._selected.append(selected)

    def _of_environment(self, environment: Environment, cells: Sequence[int]) -> None:
        for principals, selected, dag, ids in self._tasks(environment.name):
            workloads = environment.workloads.of(principals)
            for cell in cells:
                self._add(environment.name, principals, None, cell, dag, selected, workloads, ids=ids)
        for part in sorted(environment.workloads.parts()):
            for cell in cells:
                self._add(environment.name, frozenset(), None, cell, workloads=frozenset({part}), component=True)

    def _tasks(self, environment: str) -> list[tuple[frozenset[str], frozenset[Selector], str | None, tuple[str, str]]]:
        """The kinds of tasks of an environment: principals, selectors that mean them, the DAG if that counts, a name."""
        here = [one for one in self._access.principals if one.group is None and one.environment in (None, environment)]
        asked = [one for one in self._selectors if one.dag and one.within(environment)]
        deployed = next((one.dags for one in self._access.environments if one.name == environment), ("*",))
        dag_sets = [deployed, *(one.dags for one in here), *((one.dag,) for one in asked), *((run,) for run in self._runs)]
        task_sets = [*(one.tasks for one in here), *((one.task,) for one in asked)]
        known = [one for one in self._ids if one.within(environment)]
        dag_words = friendly(dag_sets, (one.dag for one in known), "any_dag")
        task_words = friendly(task_sets, (), "any_task")
        index = Index(task_sets)
        spoken = {(one.dag, index.region_of(one.task)): one.task for one in known if not set(one.task) & set("*?[")}
        tasks = _Tasks(task_sets, task_words)
        found: dict[tuple[frozenset[str], frozenset[Selector], str | None], tuple[str, str]] = {}
        for dag_key, dag in sorted(dag_words.items(), key=lambda item: (len(item[1]), item[1])):
            if 0 not in dag_key:
                continue
            first_run = 1 + len(here) + len(asked)
            run = next((self._runs[number - first_run] for number in dag_key if number >= first_run), None)
            mine = frozenset(number - 1 for number in dag_key if 1 <= number < first_run)
            for task_key, task in tasks.of(mine):
                both = mine & task_key
                principals = frozenset(here[number].name for number in both if number < len(here))
                selected = frozenset(asked[number - len(here)] for number in both if number >= len(here))
                found.setdefault((principals, selected, run), (dag, spoken.get((dag, task_key), task)))
        # Declared principals first, and of these the tasks that somebody speaks of: a witness among them says more.
        ranked = sorted(found.items(), key=lambda item: (not item[0][0], sorted(item[0][0]), not item[0][1], ".".join(item[1])))
        return [(*key, ids) for key, ids in ranked]

    def _groups(self, people: Sequence[Principal], reach: Mapping[str, NDArray[np.bool_]]) -> None:
        for group in dict.fromkeys(one.group for one in people):
            members = [one.name for one in people if one.group == group]
            for cell in range(len(self.cells)):
                names = frozenset(name for name in members if reach[name][cell])
                if names:
                    self._add(None, names, group, cell)

    def knows(self, whos: Iterable[Who], times: Iterable[Times], selectors: Iterable[Selector]) -> bool:
        """Whether these tell no subjects apart that are one here."""
        listed = list(whos)
        sources = (found for found in map(addresses_of, listed) if found is not None)
        return (
            all(map(self.cells.knows, sources))
            and all(self._by_group.keys() >= one.groups for one in listed if one.groups)
            and all(self._by_workload.keys() >= one.workloads for one in listed if one.workloads)
            and frozenset(self._runs).issuperset(run for one in times for run in runs_of(one))
            and frozenset(self._selectors).issuperset((*selectors, *_pairs(listed)))
        )

    def __len__(self) -> int:
        return len(self.all)

    def _where(self, test: Callable[[Subject], bool]) -> NDArray[np.bool_]:
        return np.fromiter(map(test, self.all), dtype=bool, count=len(self.all))

    @cached_property
    def _by_environment(self) -> Mapping[str | None, NDArray[np.intp]]:
        return _grouped((one.environment, number) for number, one in enumerate(self.all))

    @cached_property
    def _by_group(self) -> Mapping[str | None, NDArray[np.intp]]:
        return _grouped((one.group, number) for number, one in enumerate(self.all))

    @cached_property
    def _by_principal(self) -> Mapping[str, NDArray[np.intp]]:
        return _grouped((name, number) for number, one in enumerate(self.all) for name in one.principals)

    @cached_property
    def _by_workload(self) -> Mapping[str, NDArray[np.intp]]:
        return _grouped((name, number) for number, one in enumerate(self.all) for name in one.workloads)

    @cached_property
    def members(self) -> Mapping[str, NDArray[np.bool_]]:
        """Declared principal → the subjects that it is."""
        return {one.name: self._mask([self._by_principal.get(one.name, _NOBODY)]) for one in self._access.principals}

    def _mask(self, parts: Sequence[NDArray[np.intp]]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.all), dtype=bool)
        for part in parts:
            found[part] = True
        return found

    def matching(self, whos: Sequence[Who]) -> NDArray[np.bool_]:
        """Which subjects rules mean. Shape (whos, subjects)."""
        found = np.zeros((len(whos), len(self.all)), dtype=bool)
        whole = np.ones(len(whos), dtype=bool)
        tests: tuple[tuple[Sequence[frozenset[Any] | None], Mapping[Any, NDArray[np.intp]]], ...] = (
            ([_environments(one) for one in whos], self._by_environment),
            ([one.groups for one in whos], self._by_group),
            ([one.principals for one in whos], self._by_principal),
            ([one.workloads for one in whos], self._by_workload),
        )
        for names, members in tests:
            named = np.array([one is not None for one in names], dtype=bool)
            again = np.flatnonzero(named & ~whole)
            before = found[again]
            found[again] = False
            _put(found, [(row, one) for row, one in enumerate(names) if one is not None], members)
            found[again] &= before
            whole &= ~named
        found[whole] = True
        for number, who in enumerate(whos):
            for name in who.outside or ():
                found[number, self._by_environment.get(name, _NOBODY)] = False
            sources = addresses_of(who)
            if sources is not None:
                found[number] &= self._from(sources)
            if who.tasks is not None:
                found[number] &= self._where(partial(_is_task, who))
        return found

    def _from(self, sources: Hosts) -> NDArray[np.bool_]:
        return self.cells.within(sources)[self._cell_of]

    def selected(self, selector: Selector) -> NDArray[np.bool_]:
        """Which subjects a selector means."""
        if selector.outside:
            return self._where(lambda one: one.environment is None and not one.principals)
        here = self._where(lambda one: selector.within(one.environment))
        if selector.principal is not None:
            return self.members[selector.principal] & here
        if selector.other:
            return here & self._where(lambda one: one.environment is not None and not one.principals and not one.component)
        return np.fromiter((selector in one for one in self._selected), dtype=bool, count=len(self.all))
