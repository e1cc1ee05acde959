"""Who reaches what, where and when, gathered over many hosts: the parts of a finding."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from ..atoms.instants import Bools
from ..atoms.places import SURE
from ..atoms.space import Box, Space, TimeCut
from ..engine.walk import Point
from ..findings import Witness
from ..sets import Hosts
from .pairing import Pair
from .places import Probe
from .sides import Side

When: TypeAlias = tuple[tuple[frozenset[str], bytes], ...]
"""Instants (classes of the clock, packed) for each set of DAGs that run; empty: always."""
Key: TypeAlias = tuple[str, When, frozenset[int] | None]
"""Destination, instants, atoms of HTTP operations (None: all of them)."""


@dataclass
class Where:
    """The services of one destination, and its hosts where it has no name."""

    services: set[int] = field(default_factory=set)
    hosts: list[Hosts] = field(default_factory=list)


@dataclass
class Reached:
    """What each caller reaches."""

    by_label: dict[str, dict[Key, Where]] = field(default_factory=dict)


class Reaching:
    """Puts points into `Reached`."""

    def __init__(self, sides: tuple[Side, Side]) -> None:
        self._sides = sides
        self._times: dict[tuple[int, bytes], tuple[TimeCut, When]] = {}
        self._tables = [
            [(name, box, np.asarray(side.space.service.table[box.services])) for name, box in _narrowest(side)] for side in sides
        ]
        """Of each side, the narrowest destination first: of two that hold a host, it says more."""

    def add(self, into: Reached, pair: Pair, probe: Probe, mask: Bools, side: int, atoms: Sequence[int]) -> int:
        """Adds the points of these callers. Returns how telling they are: 0 on a declared port, 1 at a destination, else 2."""
        labels: dict[int, dict[str, None]] = {}
        for atom in atoms:
            labels.setdefault(int(pair.who.inverse[atom]), {})[self._sides[side].labels[atom]] = None
        exists = pair.seen[0].exists | pair.seen[1].exists
        profiles: dict[tuple[bytes, bytes], dict[str, None]] = {}
        rows: dict[tuple[bytes, bytes], int] = {}
        for who, names in labels.items():
            key = mask[who].tobytes(), exists[who].tobytes()
            rows[key] = who
            profiles.setdefault(key, {}).update(names)
        here = self._here(pair, side)
        rank = 2
        for key, names in profiles.items():
            for found, services in self._profile(pair, mask[rows[key]], exists[rows[key]]).items():
                for destination, ports, declared in self._split(pair, side, here, services):
                    rank = min(rank, 0 if declared else 1 if here else 2)
                    for name in names:
                        where = into.by_label.setdefault(name, {}).setdefault((destination, *found), Where())
                        where.services |= ports
                        if not here and probe.hosts not in where.hosts[-1:]:
                            where.hosts.append(probe.hosts)
        return rank

    def _profile(self, pair: Pair, his: Bools, exists: Bools) -> dict[tuple[When, frozenset[int] | None], set[int]]:
        """One caller's points by instants and requests: the services of each."""
        found: dict[tuple[When, frozenset[int] | None], set[int]] = {}
        size = his.shape[1]
        for service in np.flatnonzero(his.any(axis=(1, 2))).tolist():
            times: dict[When, list[int]] = {}
            for operation in np.flatnonzero(his[service].any(axis=1)).tolist():
                row, every = his[service, operation], exists[service, operation]
                times.setdefault(() if bool((row == every).all()) else self._when(pair, row), []).append(operation)
            atoms = set(np.flatnonzero(pair.service.inverse == service).tolist())
            for when, operations in times.items():
                requests = (
                    None
                    if len(operations) == size
                    else frozenset(np.flatnonzero(np.isin(pair.operation.inverse, operations)).tolist())
                )
                found.setdefault((when, requests), set()).update(atoms)
        return found

    def _when(self, pair: Pair, row: Bools) -> When:
        """Classes of instants, in the terms of the whole clock: the same for every host."""
        key = id(pair.time), row.tobytes()
        known = self._times.get(key)
        if known is None:
            time, clock = pair.space.time, pair.space.clock
            masks: dict[frozenset[str], Bools] = {}
            for place in np.flatnonzero(row).tolist():
                running = pair.time.starts[place][1]
                alike = np.logical_and.reduce(
                    [clock.inside, *(time.where(number, running) == found[place] for number, found in pair.time.rows.items())]
                )
                masks[running] = masks[running] | alike if running in masks else alike
            found = tuple(
                sorted(
                    ((running, np.packbits(mask).tobytes()) for running, mask in masks.items()), key=lambda one: sorted(one[0])
                )
            )
            known = self._times[key] = (pair.time, found)
        return known[1]

    def _here(self, pair: Pair, side: int) -> list[int]:
        """The destinations that the host surely belongs to."""
        seen = pair.seen[side]
        column = seen.side.space.places.column(seen.group.number)
        return [number for number, (_, box, _) in enumerate(self._tables[side]) if column[box.hosts] & 3 == SURE]

    def _split(self, pair: Pair, side: int, here: Sequence[int], services: set[int]) -> list[tuple[str, set[int], bool]]:
        """Services by the destination whose ports they are; other ports are the first one's."""
        rest, found = set(services), []
        for number in here:
            name, _, table = self._tables[side][number]
            mine = {atom for atom in rest if table[atom]}
            if mine:
                found.append((name, mine, True))
                rest -= mine
        if rest:
            zone = pair.seen[side].group.place.zone
            elsewhere = f"elsewhere in {zone}" if zone is not None else "hosts outside of every zone"
            found.append((self._tables[side][here[0]][0] if here else elsewhere, rest, False))
        return found

    def points(self, pair: Pair, mask: Bools, side: int, atoms: Sequence[int]) -> tuple[Point, Point]:
        """The most telling point of these callers, on both sides: on a declared port, the earliest."""
        classes = list(dict.fromkeys(pair.who.inverse[list(atoms)].tolist()))
        mine = np.zeros_like(mask)
        mine[classes] = mask[classes]
        for number in self._here(pair, side):
            declared = mine & self._tables[side][number][2][pair.service.first][:, None, None]
            if declared.any():
                mine = declared
                break
        time, who, service, operation = np.argwhere(mine.transpose(3, 0, 1, 2))[0].tolist()
        subject = next(atom for atom in atoms if pair.who.inverse[atom] == who)
        minute, running = pair.time.starts[time]
        rest = (
            int(pair.service.first[service]),
            int(pair.operation.first[operation]),
            minute,
            int(pair.time.classes[time]),
            running,
        )
        first, second = (Point(subject, seen.group.number, *rest) for seen in pair.seen)
        return first, second

    def named(self, seen: Witness, side: Side, point: Point) -> Witness:
        """A witness by the names of its side."""
        subject = side.space.subjects.all[point.subject]
        label = side.labels[point.subject]
        timezone = seen.timezone or side.space.timezone(label.split(" + "))
        return replace(seen, principal=label, timezone=timezone) if subject.principals else seen


def _narrowest(side: Side) -> list[tuple[str, Box]]:
    sizes = {one.name: sum(network.num_addresses for network in one.networks()) for one in side.case.access.destinations}
    return sorted(side.destinations, key=lambda one: sizes[one[0]])


def instants(space: Space, packed: bytes) -> Bools:
    """The classes of the clock that a `When` holds."""
    size = len(space.clock)
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=size).astype(bool)
