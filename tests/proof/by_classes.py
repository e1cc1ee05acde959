"""What a proof says beside whether it holds, found class of hosts by class of hosts: slow, and plain to check."""

from collections.abc import Mapping, Sequence

import numpy as np
from pulumi_airlock.proof.engine.group import Group
from pulumi_airlock.proof.findings import Cell, Identity, Share
from pulumi_airlock.proof.overview.dead import dead_routes, dead_rules
from pulumi_airlock.proof.proving import Case

DEEP = 120


def by_classes(case: Case) -> dict[str, object]:
    """`internal`, `dead`, `identity` and the matrix' cells."""
    pairs, identities, alive = Pairs(case), Identities(case), set()
    case._stops = {}
    gates: dict[tuple[object, ...], dict[str, None]] = {}
    for group in case.sweep.groups(case.expectations.questions(case.space)):
        here = case._notes.here(group)
        case._overgrants(group, here, None)
        pairs.add(group, here)
        identities.add(group)
        alive.update(case.grants[each].route.name for each, points in group.grants if (points & group.considered).any())
        for key, stopped in case._stops.items():
            met = gates.setdefault(key, {})
            met.update(dict.fromkeys(sorted(stopped.gates.keys() - met.keys(), key=list(group.by_gate).index)))
    for key, draft in case._internal.items():
        draft.principals, draft.more = dict.fromkeys(case._stops[key].destinations), gates[key]
    return {
        "internal": case._words.internal(case._internal.values()),
        "dead": (*dead_routes(case.access, case.grants, case.space, case.filters, alive, case.at), *dead_rules(case.sweep)),
        "identity": identities.all(),
        "matrix": pairs.cells(),
    }


class Pairs:
    def __init__(self, case: Case) -> None:
        self._case, self._members, self._boxes = case, case.members, case.destinations
        self._names = [one.name for one in case.access.destinations]
        size = len(self._members.names), len(self._names)
        self._seen = {key: np.zeros(size, dtype=bool) for key in ("declared", "undeclared", "passes", "stops", "perhaps")}
        self._depth = np.full(size, DEEP, dtype=np.int8)

    def add(self, group: Group, here: Sequence[int]) -> None:
        members = self._members.of(group.local.who)
        known = group.considered
        if group.named is not None:
            known = known & (group.declared | group.named | ~group.possible)
        refusals = np.zeros(group.local.shape, dtype=np.int8)
        for refused in group.by_gate.values():
            refusals += refused
        for number in here:
            points = known & group.local.service.rows[self._boxes[number].services][:, None, None]
            undeclared = points & ~group.declared & ~group.own
            parts = {
                "declared": points & group.declared,
                "undeclared": undeclared,
                "passes": points & group.definite,
                "stops": points & ~group.definite,
                "perhaps": points & group.possible & ~group.definite,
            }
            for key, part in parts.items():
                self._seen[key][:, number] |= members @ part.any(axis=(1, 2, 3))
            depth = np.where(undeclared, refusals, DEEP).min(axis=(1, 2, 3))
            mine = np.where(members, depth, DEEP).min(axis=1, initial=DEEP)
            self._depth[:, number] = np.minimum(self._depth[:, number], mine)

    def cells(self) -> Mapping[tuple[str, str], Cell]:
        return {
            (principal, destination): self._cell(row, column)
            for row, principal in enumerate(self._members.names)
            for column, destination in enumerate(self._names)
        }

    def _cell(self, row: int, column: int) -> Cell:
        seen = {key: bool(table[row, column]) for key, table in self._seen.items()}
        depth = int(self._depth[row, column])
        return Cell(
            declared=_share(seen["declared"], seen["undeclared"]),
            allowed=_share(seen["passes"], seen["stops"]),
            possible=seen["perhaps"],
            depth=None if depth == DEEP else depth,
        )


def _share(some: bool, rest: bool) -> Share:
    return Share.NONE if not some else Share.PART if rest else Share.ALL


class Identities:
    def __init__(self, case: Case) -> None:
        self._grants = case.grants
        self._full: dict[tuple[str, str], dict[str, bool]] = {}
        self._some: dict[tuple[str, str], dict[str, bool]] = {}

    def add(self, group: Group) -> None:
        others = group.considered & ~group.declared & ~group.own
        for number, granted in group.grants:
            grant = self._grants[number]
            here = granted & group.considered
            if (group.place.name is not None and grant.destination.cidrs) or not here.any():
                continue
            strangers = others & here.any(axis=0)
            key = (grant.route.name, grant.destination.name)
            full, some = self._full.setdefault(key, {}), self._some.setdefault(key, {})
            for gate, refused in group.by_gate.items():
                full[gate] = full.get(gate, True) and not (strangers & ~refused).any()
                some[gate] = some.get(gate, False) or bool((strangers & refused).any())

    def all(self) -> tuple[Identity, ...]:
        return tuple(
            Identity(
                *key,
                gates=tuple(gate for gate, every in self._full[key].items() if every and self._some[key][gate]),
                partly=tuple(gate for gate, every in self._full[key].items() if not every and self._some[key][gate]),
            )
            for key in dict.fromkeys((one.route.name, one.destination.name) for one in self._grants)
            if key in self._full
        )
