"""The fewest columns that cover all rows: exactly, as far as a budget of steps goes; else as good as found, and a lower bound.

Rows are points, columns the largest rules that are not too wide. The way of two-level logic minimisation (Quine, McCluskey;
Brayton and others, "Logic Minimization Algorithms for VLSI Synthesis", 1984): take what is the only one to cover something, drop
what another one covers, then branch. A lower bound is a set of rows no two of which are in one column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .boxes import bits

MAX_STEPS = 2_000
"""Branches that are looked at in one group of rows that hang together."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Columns that cover all rows, and the number that no cover goes below."""

    chosen: tuple[int, ...]
    """Numbers of columns, ascending."""
    least: int


def cover(columns: Sequence[int], *, steps: int = MAX_STEPS) -> Cover:
    """The fewest of these columns (sets of rows, as bits) that cover every row of theirs; earlier ones where it makes no odds."""
    chosen: list[int] = []
    least = 0
    for group in _groups({number: rows for number, rows in enumerate(columns) if rows}):
        found, bound = _solve(group, steps)
        chosen += found
        least += bound
    return Cover(tuple(sorted(chosen)), least)


def _groups(columns: dict[int, int]) -> Iterable[dict[int, int]]:
    """Columns that hang together by rows in common."""
    home = {number: number for number in columns}

    def root(number: int) -> int:
        while home[number] != number:
            home[number] = home[home[number]]
            number = home[number]
        return number

    first: dict[int, int] = {}
    for number, rows in columns.items():
        for row in bits(rows):
            one, other = sorted((root(number), root(first.setdefault(row, number))))
            home[other] = one
    found: dict[int, dict[int, int]] = {}
    for number, rows in columns.items():
        found.setdefault(root(number), {})[number] = rows
    return found.values()


def _solve(columns: dict[int, int], steps: int) -> tuple[list[int], int]:
    search = _Search(steps)
    fixed, rest = _reduced(columns)
    if not rest:
        return fixed, len(fixed)
    best = _greedy(rest)
    least = len(_independent(rest))
    if least < len(best):
        best, finished = search.better(rest, best)
        if finished:
            least = len(best)
    return fixed + best, len(fixed) + least


class _Search:
    """Branch and bound within a budget."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def better(self, columns: dict[int, int], best: list[int]) -> tuple[list[int], bool]:
        """A cover with fewer columns than `best`, or `best`; and whether there is none with still fewer."""
        found = self._below(columns, len(best))
        finished = self._left > 0
        return (best if found is None else found), finished

    def _below(self, columns: dict[int, int], limit: int) -> list[int] | None:
        """The smallest cover with fewer than `limit` columns; None where there is none, or the budget is used up."""
        self._left -= 1
        if self._left <= 0 or limit <= 0:
            return None
        fixed, rest = _reduced(columns)
        if not rest:
            return fixed if len(fixed) < limit else None
        if len(fixed) + len(_independent(rest)) >= limit:
            return None
        best = fixed + _greedy(rest)
        answer = best if len(best) < limit else None
        limit = min(limit, len(best))
        row = min(_by_row(rest).items(), key=lambda item: (len(item[1]), item[0]))
        for number in sorted(row[1], key=lambda one: (-rest[one].bit_count(), one)):
            taken = rest[number]
            left = {one: rows & ~taken for one, rows in rest.items() if rows & ~taken}
            deeper = self._below(left, limit - len(fixed) - 1)
            if deeper is not None:
                answer = [*fixed, number, *deeper]
                limit = len(answer)
        return answer


def _by_row(columns: dict[int, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number, rows in columns.items():
        for row in bits(rows):
            found.setdefault(row, []).append(number)
    return found


def _reduced(columns: dict[int, int]) -> tuple[list[int], dict[int, int]]:
    """Columns that every smallest cover may have, and what is left: rows that are no harder than others are dropped first."""
    fixed: list[int] = []
    current = dict(columns)
    while True:
        current = _largest(_hardest(current))
        only = {found[0] for found in _by_row(current).values() if len(found) == 1}
        if not only:
            return fixed, current
        fixed += sorted(only)
        taken = 0
        for number in only:
            taken |= current[number]
        current = {number: rows & ~taken for number, rows in current.items() if rows & ~taken}
        if not current:
            return fixed, current


def _hardest(columns: dict[int, int]) -> dict[int, int]:
    """Without the rows that are covered whenever some other row is."""
    holders: dict[int, int] = {}
    for row, numbers in _by_row(columns).items():
        holders.setdefault(sum(1 << number for number in numbers), row)
    kept: list[int] = []
    for holder in sorted(holders, key=lambda one: (one.bit_count(), holders[one])):
        if not any(small & holder == small for small in kept):
            kept.append(holder)
    wanted = sum(1 << holders[one] for one in kept)
    return {number: rows & wanted for number, rows in columns.items() if rows & wanted}


def _largest(columns: dict[int, int]) -> dict[int, int]:
    """Without the columns that lie within another one."""
    kept: dict[int, int] = {}
    for number in sorted(columns, key=lambda one: (-columns[one].bit_count(), one)):
        rows = columns[number]
        if not any(rows & other == rows for other in kept.values()):
            kept[number] = rows
    return dict(sorted(kept.items()))


def _greedy(columns: dict[int, int]) -> list[int]:
    """The column with most rows left, again and again; then those go that the others cover."""
    left = 0
    for rows in columns.values():
        left |= rows
    chosen = []
    while left:
        best = max(columns, key=lambda one: ((columns[one] & left).bit_count(), -one))
        chosen.append(best)
        left &= ~columns[best]
    for one in list(chosen):
        rest = 0
        for other in chosen:
            rest |= columns[other] if other != one else 0
        if not columns[one] & ~rest:
            chosen.remove(one)
    return chosen


def _independent(columns: dict[int, int]) -> list[int]:
    """Rows no two of which are in one column: those first that are in few company."""
    by_row = _by_row(columns)
    company = dict.fromkeys(by_row, 0)
    for row, numbers in by_row.items():
        for number in numbers:
            company[row] |= columns[number]
    found, taken = [], 0
    for row in sorted(by_row, key=lambda one: (company[one].bit_count(), one)):
        if not taken >> row & 1:
            found.append(row)
            taken |= company[row]
    return found
