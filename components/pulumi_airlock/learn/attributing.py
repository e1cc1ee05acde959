"""Which tasks explain the connections of a worker to a destination, where the log names the worker alone.

At a minute in which a worker reached a destination, one of the tasks that ran there did it, or something that is no task. Which,
one minute does not tell; many do. The method is expectation maximisation over a mixture: each task has a probability that a run
of it reaches the destination; each contact is shared out among the runs that were there, in proportion to how likely each of them
was to make it at that minute; from the shares the probabilities follow, and so on until they stand still. Runs without a contact
speak against their task, contacts without its runs for another. What happens while no task runs is the background's rate, and a
task is only proposed when its runs are hit far more often than the background would hit them by chance (binomial tail).

Arrays of numpy throughout: `n` tasks, `r` runs, `c` contacts (worker and minute, each once).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

ROUNDS = 60
CHANCE = 1e-3
"""How improbable it has to be that the background alone makes a task's hits, over all tasks and destinations together."""
LEAST = 0.05
"""The share of its runs that a task has to be made responsible for."""
_SOURCE_BITS = 40
"""Minutes since 1970 take less: a worker and a minute are one sortable number."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ran:
    """Task runs, sorted or not; one entry a run."""

    task: Ints
    source: Ints
    """The worker's number."""
    first: Ints
    last: Ints
    """The minutes since 1970 in which it ran, both ends inclusive."""

    def __len__(self) -> int:
        return len(self.task)


@dataclass(frozen=True, slots=True, eq=False)
class Attributed:
    """A task that explains contacts with a destination."""

    task: int
    runs: int
    """Its runs on workers of which there is a log, at times of which there is one."""
    hit: int
    """Of these, the ones during which the destination was reached from their worker."""
    alone: int
    """Of these, the ones with a contact at which no other task ran there."""
    share: float
    """How many of its runs it is made responsible for, of all: 0 to 1."""
    contacts: Ints
    """The contacts (`keys`) while it ran."""
    others: tuple[int, ...] = ()
    """Tasks that ran at every single one of these, and explain them as well: nothing tells them apart."""


def keys(source: Ints, minute: Ints) -> Ints:
    """A worker and a minute as one number, in order."""
    return (source << _SOURCE_BITS) | minute


def minutes_of(contacts: Ints) -> Ints:
    """The minutes of contacts."""
    return contacts & ((1 << _SOURCE_BITS) - 1)


def attribute(ran: Ran, contacts: Ints, tasks: int, quiet: int, minutes: int, destinations: int = 1) -> list[Attributed]:
    """The tasks that explain contacts (`keys`, each once) with one destination, the surest first.

    `tasks`: how many there are. `minutes`: how many the log is of, over all workers; `quiet`: those in which no task runs.
    `destinations`: how many are asked for, one after the other: of many, one is soon hit by chance.
    """
    contacts = np.unique(contacts)
    low = np.searchsorted(contacts, keys(ran.source, ran.first))
    high = np.searchsorted(contacts, keys(ran.source, ran.last), side="right")
    found = np.flatnonzero(high > low)
    if not len(found):
        return []
    counts = high[found] - low[found]
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    # Pairs of a run that was there, and a contact; those of one run follow each other.
    run = np.repeat(np.arange(len(found)), counts)
    contact = np.arange(len(run)) - np.repeat(starts, counts) + np.repeat(low[found], counts)
    runs = np.bincount(ran.task, minlength=tasks)
    task = ran.task[found]
    length = (ran.last[found] - ran.first[found] + 1).astype(np.float64)
    background = min(_rate(len(contacts) - len(np.unique(contact)), quiet), _rate(len(contacts), minutes))
    shares = _shares(task, length, run, contact, starts, runs, len(contacts), background)
    chance = 1 - (1 - background) ** length
    return _chosen(shares, task, runs, chance, run, contact, starts, contacts, CHANCE / destinations)


def _rate(contacts: int, minutes: int) -> float:
    """Contacts a minute; one more than was seen, since few minutes were perhaps looked at (Laplace)."""
    return min(0.5, (contacts + 1) / (minutes + 2))


def _shares(
    task: Ints, length: Floats, run: Ints, contact: Ints, starts: Ints, runs: Ints, contacts: int, background: float
) -> Floats:
    """For each run that was there: how far it is responsible, by the contact that speaks for it most."""
    probability = np.bincount(task, minlength=len(runs)) / np.maximum(runs, 1)
    best = np.ones(len(task))
    for _ in range(ROUNDS):
        weight = (probability[task] / length)[run]
        share = weight / (np.bincount(contact, weight, minlength=contacts) + background)[contact]
        best = np.maximum.reduceat(share, starts)
        changed = np.bincount(task, best, minlength=len(runs)) / np.maximum(runs, 1)
        if np.abs(changed - probability).max() < 1e-4:
            break
        probability = changed
    return best


def _chosen(
    shares: Floats,
    task: Ints,
    runs: Ints,
    chance: Floats,
    run: Ints,
    contact: Ints,
    starts: Ints,
    contacts: Ints,
    improbable: float,
) -> list[Attributed]:
    responsible = np.bincount(task, shares, minlength=len(runs))
    hit = np.bincount(task, minlength=len(runs))
    by_chance = np.bincount(task, chance, minlength=len(runs)) / np.maximum(hit, 1)
    crowd = np.bincount(contact)[contact]
    alone = np.bincount(task, np.minimum.reduceat(crowd, starts) == 1, minlength=len(runs))
    wanted = improbable / max(1, int(np.count_nonzero(hit)))
    found = []
    for one in np.flatnonzero(hit):
        share = float(responsible[one] / runs[one])
        if share < LEAST or _tail(int(runs[one]), round(float(responsible[one])), float(by_chance[one])) > wanted:
            continue
        there = contacts[np.unique(contact[task[run] == one])]
        found.append(Attributed(int(one), int(runs[one]), int(hit[one]), int(alone[one]), share, there))
    told = (replace(one, others=tuple(other.task for other in found if _hides(one, other))) for one in found)
    return sorted(told, key=lambda one: (-one.share, one.task))


def _hides(one: Attributed, other: Attributed) -> bool:
    """Whether another task was there at every contact of a task."""
    return one is not other and bool(np.isin(one.contacts, other.contacts, assume_unique=True).all())


def _tail(count: int, hits: int, chance: float) -> float:
    """The probability of at least so many hits (Chernoff's bound, which is over it: never too sure)."""
    if hits <= 0:
        return 1.0
    rate = float(hits) / count
    if rate <= chance:
        return 1.0
    divergence = rate * math.log(rate / chance) + ((1 - rate) * math.log((1 - rate) / (1 - chance)) if rate < 1 else 0.0)
    return math.exp(-count * divergence)
