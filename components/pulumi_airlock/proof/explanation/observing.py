"""A connection as a device's log shows it: who can have made it, whether they may, and whether the device did as the stack says.

A log has an address where an access file has tasks: everybody who can have that address is a suspect. Those with a route to the
destination at that time are likely meant, then those with a route at other times.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np

from ...access.model import Access
from ..filters import Environment, Filter
from ..findings import Explanation, Outcome, Row
from ..sets import Hosts
from .explaining import Inquiry


class Likely(IntEnum):
    """How likely it is that a caller made a connection, by what is declared."""

    MEANT = 0
    """A route declares it at that time."""
    OTHER_TIMES = 1
    """A route declares it at other times."""
    UNDECLARED = 2


@dataclass(frozen=True, slots=True)
class Suspects:
    """Callers who can have made a connection, and for whom the answer is the same, for the same reason."""

    callers: tuple[str, ...]
    likely: Likely
    explanation: Explanation
    """Of the first of them."""


class Agreement(IntEnum):
    """Whether a device did what the rules of the stack say."""

    AGREES = 0
    STRICTER = 1
    """The device refuses what the stack allows."""
    LOOSER = 2
    """The device allows what the stack refuses."""
    UNKNOWN = 3
    """The line, or the stack, does not say; or callers at the same address are treated differently."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a line of a log means for a stack."""

    source: str
    destination: str
    when: datetime
    environments: tuple[str, ...]
    """The environments whose tasks can have the source address."""
    suspects: tuple[Suspects, ...]
    """The most likely first."""
    agreement: Agreement
    rows: tuple[Row, ...]
    """What the device's own filters do, for the most likely caller; empty where the stack has none of the device's."""
    passed: tuple[Row, ...] = ()
    """Filters before the device that refuse every caller, although the connection came as far as the device."""


def observe(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    source: str,
    destination: str,
    *,
    at: datetime,
    when: datetime,
    allowed: bool | None = None,
    group: str = "",
    device: Sequence[Filter] = (),
    callers: Sequence[str] = (),
) -> Observation:
    """Who can have connected from `source` to `destination` (an address or a name, with its port), and whether they may.

    `callers` narrows it to some (as `Inquiry` takes them); with them `source` may be empty, where it tells nothing (behind NAT).

    `group` is the group of the identity provider that the device let in, `allowed` what it decided, `device` its own filters, to
    which that is compared: without them nothing is. AccessError where the stack has no path there; ValueError for a source
    that is no address.
    """
    asked = source or ", ".join(callers)
    inquiry = Inquiry(
        access, environments, filters, asked, destination, at=at, when=when, source=source or None, callers=tuple(callers)
    )
    return _Observing(inquiry, group, list(device)).made(allowed)


class _Observing:
    """One line under way."""

    def __init__(self, inquiry: Inquiry, group: str, device: Sequence[Filter]) -> None:
        self._inquiry, self._group, self._device = inquiry, group, device

    def made(self, allowed: bool | None) -> Observation:
        inquiry = self._inquiry
        suspects = self._suspects()
        source = Hosts.from_cidr(str(ipaddress.ip_address(inquiry.source))) if inquiry.source else Hosts.every()
        likely = suspects[0].explanation.rows if suspects else ()
        return Observation(
            source=inquiry.source or "",
            destination=inquiry.destination,
            when=inquiry.when,
            environments=tuple(one.name for one in inquiry.environments if one.sources.covers_addresses(source)),
            suspects=suspects,
            agreement=self._agreement(suspects, allowed),
            rows=tuple(row for row in likely if row.filter in self._device),
            passed=self._passed(suspects),
        )

    def _passed(self, suspects: Sequence[Suspects]) -> tuple[Row, ...]:
        """Before the device each one's path has filters that refuse; those of the most likely caller."""
        before = [self._before(one.explanation.rows) for one in suspects]
        return before[0] if before and all(before) else ()

    def _before(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        first = next((place for place, row in enumerate(rows) if row.filter in self._device), 0)
        return tuple(row for row in rows[:first] if row.outcome is Outcome.DENY)

    def _suspects(self) -> tuple[Suspects, ...]:
        """Everybody at the address, by what happens to them and why."""
        found: dict[tuple[object, ...], list[Explanation]] = {}
        for explanation in self._explanations():
            rows = tuple((row.filter.gate, row.filter.name, row.outcome, row.source) for row in explanation.rows)
            key = likely(explanation), explanation.outcome, rows, explanation.routes
            found.setdefault(key, []).append(explanation)
        groups = [
            Suspects(tuple(one.principal for one in same), likely(same[0]), same[0])
            for same in sorted(found.values(), key=lambda same: likely(same[0]))
        ]
        return tuple(groups)

    def _explanations(self) -> list[Explanation]:
        inquiry = self._inquiry
        everybody = inquiry.space.subjects.all
        atoms = np.zeros_like(inquiry.meant)
        for part in (*inquiry.refused, *inquiry.unclear, *inquiry.passing):
            atoms |= inquiry.atoms(part)
        seen: dict[str, Explanation] = {}
        for number in np.flatnonzero(atoms).tolist():
            one = everybody[number]
            if self._group and one.group is not None and one.group != self._group:
                continue
            if one.label not in seen:
                seen[one.label] = inquiry.about(number)
        order = {one.name: place for place, one in enumerate(inquiry.access.principals)}
        return sorted(seen.values(), key=lambda one: order.get(one.principal.partition(" + ")[0], len(order)))

    def _agreement(self, suspects: Sequence[Suspects], allowed: bool | None) -> Agreement:
        outcomes = {self._decision(one.explanation) for one in suspects}
        # A device that sees addresses decides for all of them alike; one that sees more is compared with who is likely meant.
        if len(outcomes) > 1 and suspects[0].likely is Likely.MEANT:
            outcomes = {self._decision(one.explanation) for one in suspects if one.likely is Likely.MEANT}
        if allowed is None or len(outcomes) != 1:
            return Agreement.UNKNOWN
        ours = outcomes.pop()
        if ours is Outcome.UNKNOWN:
            return Agreement.UNKNOWN
        if (ours is Outcome.ALLOW) is allowed:
            return Agreement.AGREES
        return Agreement.LOOSER if allowed else Agreement.STRICTER

    def _decision(self, explanation: Explanation) -> Outcome:
        """What the device's filters do; UNKNOWN where none of them stands on the path."""
        outcomes = {row.outcome for row in explanation.rows if row.filter in self._device}
        return next((one for one in (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW) if one in outcomes), Outcome.UNKNOWN)


def likely(explanation: Explanation) -> Likely:
    """How likely a caller is, by what is declared for it."""
    if explanation.routes:
        return Likely.MEANT
    return Likely.OTHER_TIMES if explanation.other_times else Likely.UNDECLARED
