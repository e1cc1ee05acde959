"""Traffic of a known access file: the task runs of a few weeks, and what each of them connects to; and what is no task's.

Whatever is learnt from it can be held against what it was made of. The same seed makes the same traffic. Nothing of
what reads logs is used here: what connections look like is decided here alone.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from zlib import crc32
from zoneinfo import ZoneInfo

from pulumi_airlock.access import Access, Destination, Route

START = datetime(2026, 10, 26, tzinfo=UTC)
"""A Monday."""
TASKS = ("extract", "transform", "load", "publish")
NAMES = ("daily", "hourly", "backfill")
WORKERS = 4
"""Of each environment."""
_NEAR_ENDS = (32768, 60999)
"""Ports that Linux takes for the near end of a connection."""
_MOVES = 3
"""Days after which a name of the cloud leads to other addresses."""
_SCANNER = "10.90.0.5"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a task, and on which worker."""

    environment: str
    dag: str
    task: str
    run_id: str
    worker: str
    start: datetime
    end: datetime

    @property
    def hostname(self) -> str:
        """As Celery's workers in AWS are called."""
        return f"ip-{self.worker.replace('.', '-')}.eu-central-1.compute.internal"


@dataclass(frozen=True, slots=True)
class Contact:
    """A connection; `run` is None where no task made it."""

    time: datetime
    source: str
    address: str
    name: str
    """The destination's in the access file; empty for what is in none."""
    host: str
    """The host's name; empty where it has none."""
    port: int
    protocol: str
    source_port: int
    run: Run | None = None
    lasts: int = 0
    """Seconds."""
    refused: bool = False
    """Whether a gate refused it."""
    hidden: bool = False
    """Whether who looks at packets alone cannot see the name."""


@dataclass
class Traffic:
    """What happened, and what it was made of."""

    runs: list[Run] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    reach: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """DAG and task → the destinations that it connects to."""
    routes: set[tuple[str, str]] = field(default_factory=set)
    """Principal and destination of which there is traffic."""


def traffic(
    access: Access, *, days: int = 14, noise: float = 1.0, parallel: bool = True, nat: bool = False, seed: int = 7
) -> Traffic:
    """Traffic of the workloads of an access file.

    `noise`: how much there is that is no task's (1: each worker's agents go somewhere every quarter of an hour, and stray now and
    then; a scanner goes through all destinations once a day). `parallel`: whether a DAG's tasks run at the same time, on the same
    few workers, rather than one after the other. `nat`: whether all workers of an environment are seen with one address.
    """
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    made = Traffic()
    environments = sorted({one.environment or "airflow" for one in access.principals if not one.is_people})
    for number, environment in enumerate(environments):
        workers = [f"10.40.{number // 2}.{number % 2 * 128 + 10 + worker}" for worker in range(WORKERS)]
        for principal in access.principals:
            if principal.is_people or (principal.environment or "airflow") != environment:
                continue
            routes = [route for route in access.routes if principal.name in route.from_]
            given = _given(chance, routes)
            for kind in NAMES:
                dag = principal.dags[0].replace("*", kind)
                _dag(made, chance, access, environment, workers, dag, kind, routes, given, days, parallel=parallel)
            made.routes |= {(principal.name, to) for route in routes for to in route.to}
        _noise(made, chance, access, workers, days, noise)
    if noise:
        _scans(made, chance, access, days)
    if nat:
        made.contacts = [replace(one, source=_seen_as(one.source)) for one in made.contacts]
    made.contacts.sort(key=lambda one: one.time)
    seen = {(one.run.dag, one.run.task, one.name) for one in made.contacts if one.run and not one.refused}
    made.reach = {key: frozenset(to for to in reach if (*key, to) in seen) for key, reach in made.reach.items()}
    return made


def _given(chance: random.Random, routes: list[Route]) -> dict[str, set[str]]:
    """Task → where it connects to, the same in all DAGs of a principal: each destination is some task's, or two tasks'."""
    given: dict[str, set[str]] = {task: set() for task in TASKS}
    for place, destination in enumerate(sorted({to for route in routes for to in route.to})):
        given[TASKS[place % len(TASKS)]].add(destination)
        if chance.random() < 0.3:
            given[chance.choice(TASKS)].add(destination)
    return given


def _dag(
    made: Traffic,
    chance: random.Random,
    access: Access,
    environment: str,
    workers: list[str],
    dag: str,
    kind: str,
    routes: list[Route],
    given: Mapping[str, set[str]],
    days: int,
    *,
    parallel: bool,
) -> None:
    order = sorted({to for route in routes for to in route.to})
    for task in TASKS:
        made.reach[dag, task] = frozenset(given[task])
    by_destination = {to: [route for route in routes if to in route.to] for to in order}
    every = {"daily": 24, "hourly": 2, "backfill": 8}[kind]
    offset = timedelta(minutes=chance.randrange(0, every * 60, 5))
    moment = START + offset
    while moment < START + timedelta(days=days):
        _run(made, chance, access, environment, workers, dag, moment, given, by_destination, parallel=parallel)
        moment += timedelta(hours=every)


def _run(
    made: Traffic,
    chance: random.Random,
    access: Access,
    environment: str,
    workers: list[str],
    dag: str,
    moment: datetime,
    given: Mapping[str, set[str]],
    routes: Mapping[str, list[Route]],
    *,
    parallel: bool,
) -> None:
    run_id, begin = f"scheduled__{moment.isoformat()}", moment
    for task in TASKS:
        start = begin + timedelta(seconds=chance.randrange(2, 90))
        end = start + timedelta(seconds=chance.choice((20, 90, 300, 900)) + chance.randrange(20))
        run = Run(environment, dag, task, run_id, chance.choice(workers), start, end)
        made.runs.append(run)
        if not parallel:
            begin = end
        for name in sorted(given[task]):
            if chance.random() < 0.95:
                for _ in range(chance.choice((1, 1, 2, 5))):
                    at = start + chance.random() * (end - start)
                    if any(_open(route, at) for route in routes[name]):
                        made.contacts += _tries(chance, access.destination(name), at, run)


def _tries(chance: random.Random, destination: Destination, at: datetime, run: Run) -> Iterator[Contact]:
    """A connection that lasts for a while, at most as long as its task; now and then after some that a gate refused."""
    if chance.random() < 0.02:
        for number in range(chance.randint(1, 3)):
            yield replace(_contact(chance, destination, at - timedelta(seconds=2 * number), run.worker, run), refused=True)
    left = int((run.end - at).total_seconds())
    yield replace(_contact(chance, destination, at, run.worker, run), lasts=min(left, chance.choice((0, 1, 5, 40, left))))


def _open(route: Route, at: datetime) -> bool:
    if route.window is None:
        return True
    local = at.astimezone(ZoneInfo(route.window.timezone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any(first <= minute < end for first, end in route.window.spans())


def address_of(destination: Destination, number: int = 0) -> str:
    """One of a destination's addresses; a name alone resolves to one that nothing declares."""
    networks = [one for one in destination.networks() if one.version == 4]
    if not networks:
        number += crc32(destination.name.encode()) % 4096 * 16
        return f"198.51.{number // 256}.{number % 256}"
    network = networks[number % len(networks)]
    return str(network[number % network.num_addresses])


def _contact(chance: random.Random, destination: Destination, at: datetime, worker: str, run: Run | None) -> Contact:
    protocol, first, last = destination.services()[0]
    port = chance.randint(first, last)
    host = destination.hosts[0] if destination.hosts else ""
    # Behind a name are two addresses at a time, others after some days; and not every connection shows the name.
    moved = (at - START).days // _MOVES if host else 0
    address = address_of(destination, chance.randrange(2 if host else 8) + 2 * moved)
    hidden, near = chance.random() < 0.2, chance.randint(*_NEAR_ENDS)
    return Contact(at, worker, address, destination.name, host, port, protocol, near, run, hidden=hidden)


def _noise(made: Traffic, chance: random.Random, access: Access, workers: list[str], days: int, noise: float) -> None:
    """Agents of the workers that go to the metrics and the name servers; now and then a connection to something odd."""
    if not noise:
        return
    agents = [one for one in access.destinations if one.name in ("metrics", "name-servers")]
    for worker in workers:
        for _ in range(int(days * 96 * noise)):
            at = START + timedelta(seconds=chance.randrange(days * 86400))
            for destination in agents[: chance.randint(1, 2)]:
                made.contacts.append(_contact(chance, destination, at, worker, None))
        for _ in range(int(days * 4 * noise)):
            at = START + timedelta(seconds=chance.randrange(days * 86400))
            odd = chance.choice(access.destinations)
            if chance.random() < 0.5 and odd.networks():
                made.contacts.append(_contact(chance, odd, at, worker, None))
            else:
                made.contacts.append(Contact(at, worker, f"198.18.0.{chance.randrange(40)}", "", "", 443, "tcp", 40000))


def _scans(made: Traffic, chance: random.Random, access: Access, days: int) -> None:
    """From a machine that is no worker, once a day: what it asks for is there, or is refused."""
    for day in range(days):
        at = START + timedelta(days=day, seconds=chance.randrange(86400))
        for destination in access.destinations:
            if destination.networks():
                found = _contact(chance, destination, at, _SCANNER, None)
                made.contacts += [found, replace(found, port=found.port + 1, refused=True)]


def _seen_as(worker: str) -> str:
    """The address of its NAT: one for each half of a /24, which is an environment's."""
    network, _, host = worker.rpartition(".")
    return worker if worker == _SCANNER else f"{network}.{int(host) // 128 * 128 + 1}"


def everything(made: Traffic, lines: int) -> Iterator[Contact]:
    """The same contacts again and again, until there are so many: for measuring."""
    return islice(cycle(made.contacts), lines)
