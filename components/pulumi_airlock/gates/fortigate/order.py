"""In which order a device looks at its policies: what the stack says of it, and where it says nothing.

FortiOS goes by *sequence*. A new policy is appended; its id says nothing of its place. So a place is known from
- moves (`PolicyMove`, `SecurityPolicyseq`): the one policy right before, or right after, the other;
- sorts (`PolicySort`): the whole device by id or by name, or the listed policies among themselves;
- creation: a policy that waits for another (it depends on it) is appended behind it, unless it is moved or the device is sorted.
Two policies about which none of these says anything may stand either way.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from ..stack import UNKNOWN, Resource
from .device import MOVE, POLICY, SEQUENCE, SORT, Device, kind_of, prop

_MOVES: Mapping[str, tuple[str, str, str]] = {
    MOVE: ("policyidSrc", "policyidDst", "move"),
    SEQUENCE: ("policySrcId", "policyDstId", "alterPosition"),
}


class Order:
    """The order of one device's policies, as far as it is known."""

    def __init__(self, device: Device) -> None:
        policies = device.of_kind(POLICY)
        self._device = device
        self._index = {one.urn: number for number, one in enumerate(policies)}
        self._by_id = {_number(one.get("policyid")): one for one in policies if _number(one.get("policyid")) is not None}
        moves = list(self._moves())
        sorts = device.of_kind(SORT)
        pairs = [pair for _, pair in moves if pair is not None]
        pairs += [pair for one in sorts for pair in self._sorted_pairs(one, policies)]
        moved = {urn for urn, _ in moves}
        if not sorts:
            pairs += self._created(policies, moved)
        self.total = not moves and _is_chain([one.urn for one in policies], pairs)
        """Whether one list has all policies in their order: then nothing about it is in doubt."""
        if self.total:
            places = {urn: number for number, urn in enumerate([*(one for one, _ in pairs[:1]), *(one for _, one in pairs)])}
            self.policies = sorted(policies, key=lambda one: places.get(one.urn, 0))
            self._place = {one.urn: number for number, one in enumerate(self.policies)}
            return
        reached = _closure(len(policies), [(self._index[first], self._index[later]) for first, later in pairs])
        self._after = [_one_way(reached, number) for number in range(len(policies))]
        """For each policy, the bit set of those that surely come after it."""
        self.policies = self._line_up(policies)

    def surely_before(self, one: Resource, other: Resource) -> bool:
        """Whether the stack tells that `one` is looked at before `other`. Contradictions tell nothing."""
        if self.total:
            return self._place[one.urn] < self._place[other.urn]
        return bool(self._after[self._index[one.urn]] >> self._index[other.urn] & 1)

    def _line_up(self, policies: list[Resource]) -> list[Resource]:
        """One order that fits everything known, otherwise the stack's own: whoever has more behind him comes earlier."""
        return [
            policies[number]
            for number in sorted(range(len(policies)), key=lambda number: (-self._after[number].bit_count(), number))
        ]

    # What tells the order

    def _moves(self) -> Iterator[tuple[str, tuple[str, str] | None]]:
        """(URN of a moved policy, (URN before, URN after)); no pair where the other policy is not in the stack."""
        for kind, (source, target, position) in _MOVES.items():
            for move in self._device.of_kind(kind):
                moved, anchor = self._policy(move, source), self._policy(move, target)
                if moved is None:
                    continue
                place = move.get(position)
                if anchor is None or place not in ("before", "after") or anchor is moved:
                    yield moved.urn, None
                else:
                    yield moved.urn, (moved.urn, anchor.urn) if place == "before" else (anchor.urn, moved.urn)

    def _policy(self, resource: Resource, key: str) -> Resource | None:
        used = [one for one in resource.refers_to(key) if kind_of(one) == POLICY and one.urn in self._index]
        if len(used) == 1:
            return used[0]
        return self._by_id.get(_number(resource.get(key)))

    def _sorted_pairs(self, sort: Resource, policies: list[Resource]) -> Iterator[tuple[str, str]]:
        by, direction = sort.get("sortby"), sort.get("sortdirection")
        if direction == "manual":
            listed = [self._listed(one, by) for one in prop(sort, "manualOrders") or ()]
            yield from _neighbours([one.urn for one in listed if one is not None])
        elif direction in ("ascending", "descending") and by in ("policyid", "name"):
            keyed = [(key, one.urn) for one in policies if (key := _sort_key(one, by)) is not None]
            keyed.sort(reverse=direction == "descending")
            yield from _neighbours([urn for _, urn in keyed])

    def _listed(self, entry: Any, by: Any) -> Resource | None:
        if entry is UNKNOWN:
            return None
        if by == "name":
            return self._device.named(str(entry), POLICY)
        return self._by_id.get(_number(entry))

    def _created(self, policies: list[Resource], moved: set[str]) -> Iterator[tuple[str, str]]:
        staying = [one for one in policies if one.urn not in moved]
        known = {one.urn for one in staying}
        for one in staying:
            for earlier in _waits_for(one) & known - {one.urn}:
                yield earlier, one.urn


def _waits_for(policy: Resource) -> set[str]:
    """Everything that a policy is created after: what it depends on, and what that does."""
    found: set[str] = set()
    left = list(_direct(policy))
    while left:
        urn = left.pop()
        if urn not in found:
            found.add(urn)
            above = policy.stack.find(urn)
            left += _direct(above) if above is not None else ()
    return found


def _direct(resource: Resource) -> Iterable[str]:
    return (*resource.dependencies, *(urn for urns in resource.property_dependencies.values() for urn in urns))


def _neighbours(urns: list[str]) -> Iterator[tuple[str, str]]:
    yield from pairwise(urns)


def _is_chain(urns: list[str], pairs: list[tuple[str, str]]) -> bool:
    """Whether the pairs are the neighbours of one list of all policies."""
    linked = all(later == following for (_, later), (following, _) in pairwise(pairs))
    return linked and len(pairs) == max(len(urns) - 1, 0) and len({urn for pair in pairs for urn in pair}) in (0, len(urns))


def _closure(size: int, pairs: list[tuple[int, int]]) -> list[int]:
    """For each number the bit set of those known to come after it."""
    direct = [0] * size
    for first, later in pairs:
        direct[first] |= 1 << later
    behind = list(direct)
    changed = True
    while changed:
        changed = False
        for number in range(size - 1, -1, -1):
            reached, left = behind[number], direct[number]
            while left:
                low = left & -left
                reached |= behind[low.bit_length() - 1]
                left ^= low
            if reached != behind[number]:
                behind[number], changed = reached, True
    return behind


def _one_way(reached: list[int], number: int) -> int:
    """Those that can be reached from a number, and not the other way round."""
    left, found = reached[number], 0
    while left:
        low = left & -left
        if not reached[low.bit_length() - 1] >> number & 1:
            found |= low
        left ^= low
    return found


def _number(value: Any) -> int | None:
    if value is UNKNOWN or value is None or isinstance(value, bool):
        return None
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _sort_key(policy: Resource, by: str) -> Any:
    if by == "policyid":
        return _number(policy.get("policyid"))
    name = policy.get("name")
    return name if isinstance(name, str) else None
