"""Who looks the same to a gate: for rows of bits over the subjects."""

import numpy as np

from ..engine.lanes import Callers, Numbers, Words


class Alike:
    """Who looks the same, within an address family, as bits."""

    def __init__(self, callers: Callers, looks: Numbers) -> None:
        """`looks`: a number for each subject."""
        order = np.argsort(looks, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(looks[order])) + 1)
        several = [one for one in parts if len(one) > 1]
        table = np.zeros((len(several) + 1, callers.size), dtype=bool)
        table[len(several)] = True
        for number, one in enumerate(several):
            table[number, one] = True
            table[len(several), one] = False
        *masks, self._alone = callers.packed(table)
        self._masks = [
            (found, mask[found])
            for mask in masks
            for words in callers.words.values()
            for found in [words.start + np.flatnonzero(mask[words])]
            if len(found)
        ]
        """Words, and the bits of those who look the same."""

    def of(self, rows: Words, words: slice) -> Words:
        """Who looks like one of each row; the rows have these words."""
        first, last, _ = words.indices(len(self._alone))
        found: Words = rows & self._alone[words]
        for where, mask in self._masks:
            if first <= where[0] < last:
                mine = where - first
                found[:, mine] |= np.where((rows[:, mine] & mask).any(axis=1)[:, None], mask, np.uint64(0))
        return found
