"""Who can call, as atoms: kinds of callers by environment, declared principals, group and DAG; and their source addresses."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ...access.model import Access
from ..atoms.globs import regions
from ..declared import sources_of
from ..filters import Environment, Who
from .lines import Addresses


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of callers."""

    environment: str | None
    """None: outside of every environment."""
    principals: frozenset[str] = frozenset()
    """The declared workloads that it is, together."""
    group: str | None = None
    dag: str | None = None
    """The DAG, where windows on its runs tell it apart."""
    workloads: frozenset[str] = frozenset({""})
    """The workload of a cluster that it is, as far as a rule asks for workloads."""
    pairs: frozenset[tuple[str, str]] = frozenset()
    """The globs on DAG and task ids that match it, of those by which rules tell tasks."""


class Callers:
    """The kinds of callers and the source addresses that some rules tell apart.

    Tasks of an environment come from its addresses; anybody else may come from anywhere, whatever the access file says of people.
    """

    def __init__(self, access: Access, environments: Sequence[Environment], whos: Iterable[Who], runs: Iterable[str]) -> None:
        self._access = access
        self._whos = list(dict.fromkeys(whos))
        self._runs = sorted(runs)
        self._people = {one.name: one for one in access.principals if one.group is not None}
        self._workloads = {one.name: one.workloads for one in environments}
        self._by_workload = any(one.workloads is not None for one in self._whos)
        self._asked = frozenset[str]().union(*(one.principals or () for one in self._whos))
        self._pairs = sorted({pair for one in self._whos for each in one.tasks or () for pair in each})
        if self._by_workload:
            self._asked |= {name for one in environments for name, _ in one.workloads.of_principals}
        self._sources = {one.name: one.sources.addresses() for one in environments if one.sources.addresses()}
        declared = [sources_of(one) for name, one in self._people.items() if name in self._asked]
        looked_at = [one.sources.addresses() for one in self._whos if one.sources is not None]
        self.addresses = Addresses([*self._sources.values(), *looked_at, *(one for one in declared if one is not None)])
        self.kinds = list(dict.fromkeys(self._all([one.name for one in environments])))
        self._boxes: dict[Who, list[tuple[int, int]]] = {}

    def _all(self, environments: Sequence[str]) -> Iterator[Kind]:
        mentioned = {name for one in self._whos for name in (*(one.environments or ()), *(one.outside or ()))}
        for environment in dict.fromkeys([*environments, *sorted(mentioned)]):
            yield from self._tasks(environment)
        yield Kind(None)
        if self._by_workload:
            yield from self._by_name()
        groups = {group for one in self._whos for group in one.groups or ()}
        groups |= {one.group for name, one in self._people.items() if name in self._asked and one.group}
        for group in sorted(groups):
            yield Kind(None, group=group)

    def _by_name(self) -> Iterator[Kind]:
        """Parts of Airflow that run no task, and whoever else rules know by a workload."""
        known = {""}
        for environment, workloads in self._workloads.items():
            known |= workloads.of_tasks() | workloads.components
            for part in sorted(workloads.components):
                yield Kind(environment, workloads=frozenset({part}))
        for name in sorted({name for one in self._whos for name in one.workloads or ()} - known):
            yield Kind(None, workloads=frozenset({name}))

    def _workloads_of(self, environment: str, principals: frozenset[str]) -> frozenset[str]:
        known = self._workloads.get(environment) if self._by_workload else None
        return frozenset({""}) if known is None else known.of(principals)

    def _tasks(self, environment: str) -> Iterator[Kind]:
        """Every combination of principals that some task really has, as far as a rule asks for them."""
        here = [
            one
            for one in self._access.principals
            if one.group is None and one.name in self._asked and one.environment in (None, environment)
        ]
        if not here and not self._runs and not self._pairs:
            yield Kind(environment, workloads=self._workloads_of(environment, frozenset()))
            return
        deployed = next((one.dags for one in self._access.environments if one.name == environment), ("*",))
        theirs = range(len(here), len(here) + len(self._pairs))
        runs = 1 + len(here) + len(self._pairs)
        tasks = regions([("*",), *(one.tasks for one in here), *((task,) for _, task in self._pairs)])
        dags = regions(
            [deployed, *(one.dags for one in here), *((dag,) for dag, _ in self._pairs), *((run,) for run in self._runs)]
        )
        for key in sorted(dags, key=sorted):
            if 0 not in key:
                continue
            run = next((self._runs[number - runs] for number in sorted(key) if number >= runs), None)
            for task in sorted(tasks, key=sorted):
                both = {number - 1 for number in key if number} & {number - 1 for number in task}
                principals = frozenset(here[number].name for number in both if number < len(here))
                pairs = frozenset(self._pairs[number - len(here)] for number in both if number in theirs)
                workloads = self._workloads_of(environment, principals)
                yield Kind(environment, principals, dag=run, workloads=workloads, pairs=pairs)

    def boxes(self, who: Who) -> list[tuple[int, int]]:
        """(Source addresses, kinds) whose products together are the callers that a rule means."""
        known = self._boxes.get(who)
        if known is None:
            known = self._boxes[who] = self._meant(who)
        return known

    def _meant(self, who: Who) -> list[tuple[int, int]]:
        addresses = self.addresses.full if who.sources is None else self.addresses.bits(who.sources)
        kinds = self._kinds(who)
        if who.principals is None:
            found = [(addresses, kinds)]
        else:
            found = [(addresses, kinds & self._where(lambda one: bool(one.principals & (who.principals or frozenset()))))]
            for name in sorted(who.principals & self._people.keys()):
                declared, group = sources_of(self._people[name]), self._people[name].group
                mine = addresses if declared is None else addresses & self.addresses.bits(declared)
                found.append((mine, kinds & self._where(partial(_in_group, group))))
        return [(mine, theirs) for mine, theirs in found if mine and theirs]

    def _kinds(self, who: Who) -> int:
        inside: frozenset[str | None] | None = None
        if who.environments is not None:
            inside = frozenset(who.environments or (None,))
        return self._where(
            lambda one: (
                (inside is None or one.environment in inside)
                and (not who.outside or one.environment not in who.outside)
                and (who.groups is None or one.group in who.groups)
                and (who.workloads is None or bool(one.workloads & who.workloads))
                and all(bool(one.pairs & each) for each in who.tasks or ())
            )
        )

    def _where(self, test: Callable[[Kind], bool]) -> int:
        return sum(1 << number for number, one in enumerate(self.kinds) if test(one))

    def elsewhere(self) -> Iterator[tuple[int, int]]:
        """(Source addresses, kinds) that never go together: tasks have the addresses of their environment."""
        for environment, sources in self._sources.items():
            beyond = self.addresses.full & ~self.addresses.bits(sources)
            kinds = self._where(partial(_in_environment, environment))
            if beyond and kinds:
                yield beyond, kinds


def _in_group(group: str | None, one: Kind) -> bool:
    return one.group == group


def _in_environment(environment: str, one: Kind) -> bool:
    return one.environment == environment
