"""The words of an explanation: the answer in one sentence, what refuses, and what somebody can do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..filters import EVERYTHING, Kind
from ..findings import Outcome, Row, Witness
from ..wording import listed


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
    def refusing(self) -> list[Row]:
        """The filters that refuse, in the order in which a packet meets them."""
        return [row for row in self.rows if row.outcome is Outcome.DENY]

    @property
    def kind(self) -> Kind | None:
        """What refuses: permission, routing or token, by the first gate that does."""
        return self.refusing[0].filter.kind if self.refusing else None

    @property
    def tells_change(self) -> bool:
        """Whether the advice says when the answer changes."""
        return bool(self.change) and self.change in self.advice()

    def sentence(self) -> str:
        """Yes or no, who, where, when, and which route declares it."""
        word = {Outcome.ALLOW: "Yes", Outcome.DENY: "No", Outcome.UNKNOWN: "Not certain"}[self.outcome]
        verb = {Outcome.ALLOW: "can reach", Outcome.DENY: "cannot reach", Outcome.UNKNOWN: "may reach"}[self.outcome]
        if self.routes:
            declared = f"which is declared by {_routes(self.routes)}"
        elif self.other_times:
            declared = f"which is declared at other times by {_routes(self.other_times)}"
        else:
            declared = "which the environment or a gate needs itself" if self.own else "which is declared by no route"
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
            if not self.change:
                return f"Renew {_routes(self.other_times)} in the access file, or widen its window."
            return (
                f"Wait until {self.change}, when it opens; or widen the window of {_routes(self.other_times)} in the access file."
            )
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
        """One sentence for each filter that refuses what is declared."""
        return " ".join(f"{self._mend(row)}." for row in self.refusing) + (
            " The access file declares it already: the stack should have it, so apply the stack again or find what changed it."
        )

    def _mend(self, row: Row) -> str:
        where = f"{row.gate} ({row.filter.name})"
        if row.filter.kind is Kind.ROUTING:
            return f"Give {where} a route to {self.witness.host}: nothing leads there"
        if row.filter.kind is Kind.TOKEN:
            return f"{_NOT_ACCEPTED} at {where}"
        if row.rule is None:
            return f"Give {where} a rule for it: the compiled one was changed or taken away"
        if row.rule.match == EVERYTHING:
            return f"Give {where} a rule for it, before {row.source}: the compiled one was changed or taken away"
        return f"Let {where} allow it before {row.source} denies it"


_NOT_ACCEPTED = "Renew the caller's token, and compare its issuer, audience and claims with what is asked for"


def _routes(names: Sequence[str]) -> str:
    return f"route{'s' if len(names) > 1 else ''} {listed(names)}"
