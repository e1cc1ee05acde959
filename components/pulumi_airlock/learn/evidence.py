"""Connections joined with task runs: which task reaches what, how often, and how sure that is.

Where the log names the task (Airlock's proxy, the labels in Hubble's flows) or a service account (a mesh), that is exact. Where
it shows the worker's address alone, the runs on that worker at that time are candidates, and `attributing` weighs them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..access import Access
from ..proof.sets import Hosts
from ..verify.points import address_in
from .attributing import Attributed, Ints, Ran, attribute, keys, minutes_of
from .places import End, Places, Target
from .runs import TaskRun, Worker, placed
from .seen import Seen, at

Mask = NDArray[np.bool_]


class Task(NamedTuple):
    """A task of a DAG."""

    environment: str
    dag: str
    task: str

    def __str__(self) -> str:
        return f"{self.environment}/{self.dag}.{self.task}" if self.environment else f"{self.dag}.{self.task}"


@dataclass(frozen=True)
class Evidence:
    """What speaks for a task, or a principal, reaching a destination."""

    target: Target
    connections: int
    minutes: Ints
    """The minutes since 1970 in which connections began, in order."""
    latest: int
    """The minute in which one was seen last: a long one ends later than it began."""
    task: Task | None = None
    principal: str = ""
    """Where the log names a service account: its principal."""
    weighed: Attributed | None = None
    """None: the log itself names who it was."""
    others: tuple[Task, ...] = ()
    """Tasks that were there every time, so that nothing tells them apart."""

    @property
    def last(self) -> datetime:
        """When it was seen last, to the minute."""
        return at(self.latest)


@dataclass
class Learnt:
    """What logs and task runs show together."""

    evidence: list[Evidence] = field(default_factory=list)
    ends: dict[Target, list[End]] = field(default_factory=dict)
    """Every destination that was reached, as it was seen, with the names that its addresses have elsewhere."""
    raw: dict[Target, list[End]] = field(default_factory=dict)
    """The same as it stands in the logs."""
    formats: dict[Target, set[str]] = field(default_factory=dict)
    """Whose logs show it."""
    tasks: set[Task] = field(default_factory=set)
    """Every task that ran."""
    unexplained: dict[Target, int] = field(default_factory=dict)
    """Connections of which nothing tells who made them."""
    not_of_workers: int = 0
    """Connections from addresses that are no worker's."""
    lost: tuple[str, ...] = ()
    """Workers whose address is not known."""
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class _Rows:
    """What was seen, in numbers: one entry for each end, caller and minute."""

    target: Ints
    caller: Ints
    minute: Ints
    last: Ints
    count: Ints

    def where(self, mask: Mask) -> "_Rows":
        return _Rows(self.target[mask], self.caller[mask], self.minute[mask], self.last[mask], self.count[mask])


class _Caller(NamedTuple):
    source: str
    user: str
    environment: str
    dag_id: str
    task_id: str


def learn(seen: Seen, runs: Iterable[TaskRun], workers: Sequence[Worker], access: Access | None = None) -> Learnt:
    """Who reaches what. `access`: whose destinations and service accounts are known."""
    found = Learnt()
    ends = [(End(*row[:4]), set(row[4])) for row in seen.sql.execute(_ENDS).fetchall()]
    callers = [_Caller(*row) for row in seen.sql.execute(_CALLERS).fetchall()]
    places = Places(access, (one for one, _ in ends))
    targets: dict[Target, int] = {}
    of = [places.of(one) for one, _ in ends]
    target_of = np.array([targets.setdefault(target, len(targets)) for target in of], dtype=np.int64)
    for (one, formats), target in zip(ends, of, strict=True):
        found.ends.setdefault(target, []).append(places.named(one))
        found.raw.setdefault(target, []).append(one)
        found.formats.setdefault(target, set()).update(formats)
    columns = seen.sql.execute(_ROWS).fetchnumpy()
    end, caller, minute, last, count = (np.asarray(columns[name], dtype=np.int64) for name in ("e", "c", "minute", "last", "n"))
    if not len(end):
        return found
    since, until = int(last.min()), int(last.max())  # what began long before the log does is no log of that time
    found.first, found.last = at(since), at(until)
    rows = _Rows(target_of[end], caller, minute, last, count)
    named = _exact(found, rows, callers, list(targets), access)
    _by_time(found, rows.where(~named[rows.caller]), callers, list(targets), runs, workers, since, until)
    found.evidence.sort(key=lambda one: (str(one.target), one.principal, one.task or ("", "", "")))
    return found


_ALLOWED = "coalesce(allowed, true) AND minute IS NOT NULL"
_ENDS = f"""
    CREATE OR REPLACE TABLE ends AS SELECT row_number() OVER () - 1 AS e, * FROM (
        SELECT destination, name, port, protocol, list(DISTINCT format) AS formats FROM seen WHERE {_ALLOWED} GROUP BY ALL);
    SELECT destination, name, port, protocol, formats FROM ends ORDER BY e"""  # noqa: S608
_CALLERS = f"""
    CREATE OR REPLACE TABLE callers AS SELECT row_number() OVER () - 1 AS c, * FROM (
        SELECT DISTINCT source, user, environment, dag_id, task_id FROM seen WHERE {_ALLOWED});
    SELECT source, user, environment, dag_id, task_id FROM callers ORDER BY c"""  # noqa: S608
_ROWS = f"""
    SELECT e, c, minute, max(last) AS last, sum(connections)::BIGINT AS n FROM seen
    JOIN ends USING (destination, name, port, protocol) JOIN callers USING (source, user, environment, dag_id, task_id)
    WHERE {_ALLOWED} GROUP BY e, c, minute"""  # noqa: S608


# --- where the log names who it was


def _exact(found: Learnt, rows: _Rows, callers: Sequence[_Caller], targets: Sequence[Target], access: Access | None) -> Mask:
    """Evidence of callers that the log names; which ones these are."""
    accounts = {one.service_account or one.name: one.name for one in access.principals if not one.is_people} if access else {}
    whose: dict[tuple[Task | None, str], int] = {}
    of = np.full(len(callers), -1, dtype=np.int64)
    for number, one in enumerate(callers):
        principal = accounts.get(one.user.rpartition("/sa/")[2]) if one.user else None
        if one.dag_id and one.task_id:
            task = Task(one.environment, one.dag_id, one.task_id)
            found.tasks.add(task)
            of[number] = whose.setdefault((task, ""), len(whose))
        elif principal:
            of[number] = whose.setdefault((None, principal), len(whose))
    here = rows.where(of[rows.caller] >= 0)
    names = list(whose)
    for target, who, part in _groups(here.target, of[here.caller]):
        whom, principal = names[who]
        found.evidence.append(
            Evidence(
                targets[target],
                int(here.count[part].sum()),
                np.unique(here.minute[part]),
                int(here.last[part].max()),
                whom,
                principal,
            )
        )
    return of >= 0


# --- by time


def _by_time(
    found: Learnt,
    rows: _Rows,
    callers: Sequence[_Caller],
    targets: Sequence[Target],
    runs: Iterable[TaskRun],
    workers: Sequence[Worker],
    since: int,
    until: int,
) -> None:
    ran, lost = placed(runs, workers)
    found.lost = tuple(lost)
    units = {place: number for number, place in enumerate(dict.fromkeys(place for _, place in ran))}
    of = _units(callers, units)
    elsewhere = of[rows.caller] < 0
    found.not_of_workers = int(rows.count[elsewhere].sum())
    strangers = np.bincount(rows.target[elsewhere], rows.count[elsewhere], minlength=len(targets))
    found.unexplained = {targets[number]: int(count) for number, count in enumerate(strangers) if count}
    here = rows.where(~elsewhere)
    tasks: dict[Task, int] = {}
    spans = _ran(ran, units, tasks, since, until)
    found.tasks.update(tasks)
    if not len(here.target):
        return
    logged = len(units) * (until - since + 1)
    quiet = logged - busy(spans)
    listed, asked = list(tasks), len(np.unique(here.target))
    for target, _, part in _groups(here.target, np.zeros_like(here.target)):
        contact = keys(of[here.caller[part]], here.minute[part])
        order = np.argsort(contact, kind="stable")
        contact, count, last = contact[order], here.count[part][order], here.last[part][order]
        explained = np.zeros(len(contact), dtype=bool)
        for one in attribute(spans, contact, len(tasks), quiet, logged, asked):
            mine = np.isin(contact, one.contacts)
            explained |= mine
            others = tuple(listed[other] for other in one.others)
            minutes = np.unique(minutes_of(one.contacts))
            latest = int(last[mine].max())
            counted = int(count[mine].sum())
            found.evidence.append(Evidence(targets[target], counted, minutes, latest, listed[one.task], "", one, others))
        if left := int(count[~explained].sum()):
            found.unexplained[targets[target]] = found.unexplained.get(targets[target], 0) + left


def _units(callers: Sequence[_Caller], units: dict[str, int]) -> Ints:
    """Caller → the worker, or the network of workers, that its address is of; -1: of none."""
    networks = [(number, Hosts.from_cidr(place)) for place, number in units.items() if "/" in place]
    known: dict[str, int] = {}
    for one in callers:
        if one.source not in known:
            inside = (number for number, network in networks if address_in(one.source, network))
            known[one.source] = units.get(one.source, next(inside, -1))
    return np.array([known[one.source] for one in callers], dtype=np.int64)


def _ran(ran: Sequence[tuple[TaskRun, str]], units: dict[str, int], tasks: dict[Task, int], since: int, until: int) -> Ran:
    """Runs as far as the logs reach."""
    task, source, first, last = [], [], [], []
    for run, place in ran:
        start = max(since, int(run.start.timestamp()) // 60)
        task.append(tasks.setdefault(Task(run.environment, run.dag_id, run.task_id), len(tasks)))
        source.append(units[place])
        first.append(start)
        last.append(max(start, min(until, int(run.end.timestamp()) // 60) if run.end else until))
    return Ran(*(np.array(one, dtype=np.int64) for one in (task, source, first, last)))


def busy(ran: Ran) -> int:
    """Minutes, over all workers, in which some task runs."""
    first, last = keys(ran.source, ran.first), keys(ran.source, ran.last)
    order = np.argsort(first, kind="stable")
    first, last = first[order], np.maximum.accumulate(last[order])
    before = np.concatenate((first[:1] - 1, last[:-1]))
    return int(np.maximum(0, last - np.maximum(first - 1, before)).sum())


def _groups(one: Ints, other: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Each different pair of two columns, with the places where it stands."""
    if not len(one):
        return
    order = np.lexsort((other, one))
    a, b = one[order], other[order]
    cuts = np.flatnonzero((a[1:] != a[:-1]) | (b[1:] != b[:-1])) + 1
    for part in np.split(order, cuts):
        yield int(one[part[0]]), int(other[part[0]]), part
