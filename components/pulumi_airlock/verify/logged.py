"""What ZPA's own log shows of destinations, to find flows of which it shows nothing."""

from datetime import datetime, timedelta

from ..proof.sets import Hosts
from .declaring import Declared
from .expected import ZPA
from .judging import Judged
from .model import Tally
from .packets import Packet
from .points import address_in

MOST = 50_000
"""Destinations that are remembered; once there are more, nothing is said to be missing."""
_APART = timedelta(minutes=5)
"""By how much the clocks of two logs, and when they are written, may differ."""


class Logged:
    """The destinations in ZPA's log, and of which time it is."""

    def __init__(self) -> None:
        self._addresses: set[tuple[str, str, int]] = set()
        self._named: dict[tuple[str, int], Hosts] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def span(self, kind: str, time: datetime | None) -> None:
        """A line of a log, whoever it is of."""
        if kind == ZPA and time is not None:
            self._first = time if self._first is None or time < self._first else self._first
            self._last = time if self._last is None or time > self._last else self._last

    def note(self, one: Judged, declared: Declared) -> None:
        """A connection of a log; what it has by name alone may have any address that is declared for the name."""
        if one.kind != ZPA or len(self._addresses) > MOST:
            return
        if one.destination:
            self._addresses.add((one.destination, one.protocol, one.port))
        else:
            service = (one.protocol, one.port)
            self._named[service] = self._named.get(service, Hosts()) | declared.host("", one.name).may

    def misses(self, one: Packet, tally: Tally) -> bool:
        """Whether the log is of the time of a flow, and shows nothing of where it went."""
        if self._first is None or self._last is None or tally.first is None or len(self._addresses) > MOST:
            return False
        if not self._first - _APART <= tally.first <= self._last + _APART:
            return False
        by_name = self._named.get((one.protocol, one.port), Hosts())
        return (one.destination, one.protocol, one.port) not in self._addresses and not address_in(one.destination, by_name)
