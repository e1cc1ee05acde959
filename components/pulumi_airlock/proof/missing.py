"""Gates that zones name and the stack does not have: what they let through is not known, and no proof can pass over that."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..access.errors import nearest
from ..access.model import Access
from .filters import EVERYTHING, Action, Combine, Filter, Rule, Source
from .wording import listed, quoted


@dataclass(frozen=True, slots=True)
class MissingGate:
    """A gate that stands before a destination, by the access file, and of which the stack shows nothing."""

    gate: str
    zones: tuple[str, ...]
    destinations: tuple[str, ...]
    hint: str
    """The nearest name that exists, as the end of a message."""

    @property
    def unknown(self) -> str:
        """What is not known, in words."""
        return f"what gate {quoted(self.gate)} does (it is not in the stack)"

    @property
    def message(self) -> str:
        """The finding."""
        zones = f"zone{'s' if len(self.zones) > 1 else ''} {listed(self.zones)}"
        return f"no gate {quoted(self.gate)} in the stack, on the way to {zones}: what passes there is not known{self.hint}"

    def stand_in(self) -> Filter:
        """A filter in its place that may let everything through, or nothing."""
        rule = Rule(Action.ALLOW, EVERYTHING, Source("", "", f"gate {quoted(self.gate)}"), (self.unknown,))
        return Filter(self.gate, "not in the stack", Combine.ANY_ALLOW, Action.DENY, (rule,), "")


def missing_gates(access: Access, filters: Sequence[Filter]) -> list[MissingGate]:
    """The gates of zones with destinations that no filter of the stack belongs to, in the file's order."""
    present = {one.gate for one in filters}
    used = {one.zone for one in access.destinations}
    zones: dict[str, list[str]] = {}
    for name, zone in access.zones.items():
        for gate in zone.gates if name in used else ():
            if gate not in present:
                zones.setdefault(gate, []).append(name)
    return [
        MissingGate(
            gate,
            tuple(names),
            tuple(one.name for one in access.destinations if one.zone in names),
            nearest(gate, present) if present else "; the stack has no gate at all",
        )
        for gate, names in zones.items()
    ]
