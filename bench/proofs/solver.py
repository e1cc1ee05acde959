"""The proof's question put to z3: is there a point that is let through and not declared, or declared and not let through?

Over the classes that the engine cuts the space into, each dimension a number in bits: the cut is done for z3, and the points to
look for are the same. Everything else (which rule decides, in which order) is in the formula.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import z3  # type: ignore[import-untyped]
from pulumi_airlock.proof.atoms.places import BY_NAME, MAYBE, SURE
from pulumi_airlock.proof.atoms.space import Box, Boxes
from pulumi_airlock.proof.engine.encoding import Held
from pulumi_airlock.proof.engine.reader import Reader
from pulumi_airlock.proof.engine.sweep import Sweep
from pulumi_airlock.proof.filters import Action
from pulumi_airlock.proof.times import DagRun

Formula = Any
"""z3 has no types."""


def any_finding(sweep: Sweep) -> bool:
    """Whether there is such a point. RuntimeError when the solver does not know."""
    solver = z3.SolverFor("QF_BV")
    solver.add(_Question(sweep).wrong())
    answer = solver.check()
    if answer == z3.unknown:
        raise RuntimeError(solver.reason_unknown())
    return bool(answer == z3.sat)


class _Question:
    """The formula; `proof.diagrams` asks the same in the same steps."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.space = sweep, sweep.space
        space = self.space
        self.place, self.service = self._number("place", len(space.places)), self._number("service", len(space.service))
        self.subject, self.operation = (
            self._number("subject", len(space.subjects)),
            self._number("operation", len(space.requests)),
        )
        self.clock = self._number("clock", len(space.clock))
        self.held = Held(space.places)
        self._known: dict[tuple[str, int], Formula] = {}

    @staticmethod
    def _number(name: str, size: int) -> Formula:
        return z3.BitVec(name, max(1, size.bit_length()))

    # --- sets

    @staticmethod
    def _spans(number: Formula, spans: Iterable[tuple[int, int]]) -> Formula:
        parts = [
            number == first if first + 1 == end else z3.And(z3.UGE(number, first), z3.ULT(number, end)) for first, end in spans
        ]
        return z3.Or(parts)

    def _mask(self, number: Formula, mask: Any) -> Formula:
        atoms = np.flatnonzero(mask)
        if not len(atoms):
            return z3.BoolVal(False)
        breaks = np.flatnonzero(np.diff(atoms) != 1) + 1
        return self._spans(number, zip(atoms[[0, *breaks]].tolist(), (atoms[[*(breaks - 1), -1]] + 1).tolist(), strict=True))

    def _who(self, row: int) -> Formula:
        return self._once("who", row, lambda: self._mask(self.subject, self.space.who.table[row]))

    def _hosts(self, row: int, least: int) -> Formula:
        def made() -> Formula:
            names, held = self.held.names(row)
            spans = [*self.held.addresses(row), *((one, one + 1) for one in names[held & 3 >= least].tolist())]
            return self._spans(self.place, spans)

        return self._once(f"hosts {least}", row, made)

    def _named(self, row: int) -> Formula:
        names, held = self.held.names(row)
        return self._spans(self.place, ((one, one + 1) for one in names[held & BY_NAME != 0].tolist()))

    def _once(self, dimension: str, row: int, make: Any) -> Formula:
        found = self._known.get((dimension, row))
        if found is None:
            found = self._known[dimension, row] = make()
        return found

    def _times(self, row: int) -> Formula:
        parts = []
        for windows in self.space.times_of(row):
            runs = [z3.Bool(f"running {one.dag}") for one in windows if isinstance(one, DagRun)]
            parts.append(z3.Or([self._mask(self.clock, self.space.clock.holds((windows,))), *runs]))
        return z3.And(parts)

    def _rest(self, box: Box) -> Formula:
        space = self.space
        services = self._once("services", box.services, lambda: self._spans(self.service, space.service.bounds(box.services)))
        operations = self._once(
            "operations", box.operations, lambda: self._mask(self.operation, space.operation.table[box.operations])
        )
        return z3.And(self._who(box.who), services, operations, self._once("times", box.times, lambda: self._times(box.times)))

    def _box(self, box: Box, least: int) -> Formula:
        return z3.And(self._hosts(box.hosts, least), self._rest(box))

    def _boxes(self, boxes: Boxes) -> Formula:
        return z3.Or([self._box(one, SURE) for one in boxes])

    # --- decisions

    def _exists(self) -> Formula:
        space = self.space
        v4 = self._mask(self.place, space.places.kinds.family == 4)
        parts = [v4 == self._who(space.is_v4)]
        parts += [z3.Implies(self._who(row), z3.Bool(f"running {run}")) for run, row in space.runs.items()]
        sizes = [(self.place, len(space.places)), (self.service, len(space.service)), (self.subject, len(space.subjects))]
        sizes += [(self.operation, len(space.requests)), (self.clock, len(space.clock))]
        return z3.And(parts + [z3.ULT(number, size) for number, size in sizes])

    def _on_path(self, reader: Reader) -> Formula:
        places = self.space.places
        zones = [number for number, zone in enumerate(places.zones) if reader in self.sweep.path(zone)]
        return self._mask(self.place, np.isin(places.kinds.zone, zones))

    def _outcome(self, reader: Reader) -> tuple[Formula, Formula]:
        """Where a filter may allow, and where it may deny: from the last rule on."""
        rules = reader.filter.rules
        allow, deny = z3.BoolVal(reader.filter.default is Action.ALLOW), z3.BoolVal(reader.filter.default is Action.DENY)
        numbered = [*zip(reader.order, reader.boxes, strict=True)]
        runs = [(action, [*found]) for action, found in groupby(numbered, lambda one: rules[one[0]].action)]
        for action, found in reversed(runs):
            perhaps = z3.Or([self._box(box, MAYBE) for _, box in found])
            surely = z3.Or([self._box(box, SURE) for number, box in found if not rules[number].unknown])
            if action is Action.ALLOW:
                allow, deny = z3.Or(allow, perhaps), z3.And(deny, z3.Not(surely))
            else:
                allow, deny = z3.And(allow, z3.Not(surely)), z3.Or(deny, perhaps)
        return allow, deny

    def wrong(self) -> Formula:
        """The points at which anything is wrong, or unproven."""
        space = self.space
        possible, definite, met = [], [], []
        named: list[Formula] = [self._mask(self.place, ~space.places.kinds.is_name)]
        for reader in self.sweep.readers:
            scope = z3.And(self._on_path(reader), self._box(reader.scope, MAYBE))
            allow, deny = self._outcome(reader)
            met.append(scope)
            possible.append(z3.Or(z3.Not(scope), allow, z3.Not(self._hosts(reader.scope.hosts, SURE))))
            definite.append(z3.Not(z3.And(scope, deny)))
            told = [z3.And(self._named(box.hosts), self._rest(box)) for box in self._telling(reader)]
            named += [z3.And(self._on_path(reader), z3.Or(told))]
        inside = self._mask(self.clock, space.clock.inside)
        considered = z3.And(self._exists(), inside, z3.Or([self._who(space.is_task), *met]))
        declared = self._boxes(self.sweep.granted)
        extra = z3.And([z3.Not(declared), z3.Or(named), *possible])
        lost = z3.And(declared, z3.Not(z3.And(definite)))
        return z3.And(considered, z3.Not(self._boxes(self.sweep.needed)), z3.Or(extra, lost))

    def _telling(self, reader: Reader) -> Sequence[Box]:
        return [box for box in reader.boxes if (self.held.names(box.hosts)[1] & BY_NAME).any()]
