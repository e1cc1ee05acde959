"""The words of an explanation: the answer in one sentence, what refuses, and what somebody can do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .filters import Kind
from .findings import Outcome, Row, Witness
from .wording import listed


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found out about one point."""

    principal: str
    destination: str
    outcome: Outcome
    rows: tuple[Row, ...]
    witness: Witness
    routes: tuple[str, ...]
    other_times: tuple[str, ...]
    own: bool
    """Whether it is traffic that the environment itself needs."""
    change: str
    """When the answer is a different one; empty: never."""
    unknown: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """What refuses: permission or routing, by the first gate that does."""
        refusing = [row.filter.kind for row in self.rows if row.outcome is Outcome.DENY]
        return refusing[0] if refusing else None

    def sentence(self) -> str:
        """Yes or no, who, where, when, and which route declares it."""
        word = {Outcome.ALLOW: "Yes", Outcome.DENY: "No", Outcome.UNKNOWN: "Not certain"}[self.outcome]
        verb = {Outcome.ALLOW: "can reach", Outcome.DENY: "cannot reach", Outcome.UNKNOWN: "may reach"}[self.outcome]
        if self.routes:
            declared = f"which is declared by {_routes(self.routes)}"
        elif self.other_times:
            declared = f"which is declared at other times by {_routes(self.other_times)}"
        else:
            declared = "which the environment needs itself" if self.own else "which is declared by no route"
        return f"{word}: {self.principal} {verb} {self.destination} on {self.witness.when}, {declared}."

    def advice(self) -> str:
        """What to do."""
        lacking = [row.gate for row in self.rows if row.outcome is Outcome.UNKNOWN and not row.filter.urn]
        if lacking:
            return f"Add {listed(lacking)} to the stack, or correct the name in the gates of the access file's zones."
        if self.outcome is Outcome.UNKNOWN:
            return f"Make known before the update what decides here ({listed(self.unknown)}), or look again after it."
        if self.outcome is Outcome.ALLOW:
            return self._allowed()
        if self.routes:
            return self._blocked()
        if self.other_times:
            wait = f"Wait until {self.change}, when it opens; or widen" if self.change else "Widen"
            return f"{wait} the window of {_routes(self.other_times)} in the access file."
        return "Nothing, if this is to stay closed. To open it, declare a route in the access file: the gates follow from it."

    def _allowed(self) -> str:
        if self.routes or self.own:
            return f"Nothing. It closes at {self.change}." if self.change and self.routes else "Nothing."
        to_blame = [row for row in self.rows if row.filter.kind is not Kind.ROUTING]
        if not to_blame:
            return "This is excess, and no gate stands on the path: put one into the zone's gates, or declare a route."
        last = to_blame[-1]
        return f"This is excess: take {last.source} away from {last.gate}, or declare a route for it in the access file."

    def _blocked(self) -> str:
        refusing = next(row for row in self.rows if row.outcome is Outcome.DENY)
        where = f"{refusing.gate} ({refusing.filter.name})"
        if refusing.filter.kind is Kind.ROUTING:
            return f"Give {where} a route to {self.witness.host}: the access file declares it, and nothing leads there."
        if refusing.rule is not None:
            return f"Let {where} allow it before {refusing.source} denies it: the access file declares it."
        return f"Give {where} a rule for it: the access file declares it, so that the compiled rule was changed or taken away."


def _routes(names: Sequence[str]) -> str:
    return f"route{'s' if len(names) > 1 else ''} {listed(names)}"
