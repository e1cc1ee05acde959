"""What the page's template shows of a proof: sentences, numbers and lists, the failures first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import groupby

from ...access.clearance import Exemption, exemptions
from ...access.model import Access
from ...identity.findings import IdentityFinding, Severity
from ...proof.checks import Owned
from ...proof.evidence import Evidence, Standing
from ...proof.findings import (
    Assumption,
    Blocked,
    Dead,
    Excess,
    ExpectationResult,
    Ground,
    Identity,
    InternalExcess,
    Outcome,
    Proof,
    Row,
    Unproven,
    Witness,
)
from ...proof.wording import MOST
from ..legend import verdict
from ..rows import SIGNS as OUTCOME_SIGNS
from ..rows import RowWords, row_words
from .data import SHOWN

LISTED = 1000
"""Lines of a list; of what is beyond only how many there are."""

_GROUNDS = {
    Ground.ENVIRONMENTS: "Which DAGs run in an environment, and from which addresses",
    Ground.NAMES: "Which addresses a host name has",
    Ground.PEOPLE: "Where people connect from",
    Ground.RELAYS: "By which hosts of a gate's own traffic goes on",
    Ground.IDENTITY: "Whose word is taken for who is calling, and what that is worth",
    Ground.ABSENT: "Environments that the stack does not have",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One gate on a path: what its filters do together."""

    gate: str
    outcome: Outcome
    reached: bool
    """Whether the traffic comes as far: no gate before it refuses."""
    rows: tuple[Row, ...]

    @property
    def does(self) -> str:
        """What the gate does, in words; behind one that refuses, what it would do."""
        words = {Outcome.ALLOW: ("lets through", "would let through"), Outcome.DENY: ("refuses", "would refuse")}
        return words.get(self.outcome, ("not known", "not known"))[not self.reached]


@dataclass(frozen=True, slots=True)
class Card:
    """A failure."""

    number: int
    standing: Standing
    message: str
    names: tuple[tuple[str, tuple[str, ...]], ...]
    """What the message only counts: all principals, all destinations, routes."""
    witness: Witness | None
    stops: tuple[Stop, ...]
    principals: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failures:
    """All failures of one kind."""

    key: str
    standing: Standing
    title: str
    explained: str
    cards: tuple[Card, ...]
    rest: tuple[str, ...]
    """Messages of those that are not shown as cards."""
    more: int
    """How many are not even listed."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.cards) + len(self.rest) + self.more


class View:
    """A proof, as the template asks for it."""

    def __init__(self, proof: Proof, evidence: Evidence, access: Access, differences: tuple[IdentityFinding, ...] = ()) -> None:
        self.proof, self.evidence, self.access = proof, evidence, access
        self.differences = differences
        """Where the systems disagree on who is who."""

    # --- verdict

    @property
    def verdict(self) -> str:
        """One sentence."""
        return verdict(self.proof)

    @property
    def disagreements(self) -> int:
        """How many of the differences fail."""
        return sum(one.severity is Severity.ERROR for one in self.differences)

    def numbers(self) -> Iterator[tuple[str, str]]:
        """What was looked at: a number, and what it counts."""
        proof = self.proof
        yield str(proof.routes), "route declared" if proof.routes == 1 else "routes declared"
        yield str(len(proof.gates)), "gate on the way" if len(proof.gates) == 1 else "gates on the way"
        yield str(proof.rules), "rule read from the stack" if proof.rules == 1 else "rules read from the stack"
        if proof.expectations:
            yield f"{len(proof.expectations) - len(proof.failed)} of {len(proof.expectations)}", "expectations hold"
        depth = proof.matrix.depth
        if depth:
            what = "gate at least refuses" if depth == 1 else "gates at least refuse"
            yield str(depth), f"{what} what no route declares"

    # --- failures

    def failures(self) -> Iterator[Failures]:
        """By kind, the worst first; only kinds that there are."""
        proof = self.proof
        kinds: tuple[tuple[str, Standing, str, str, Sequence[_Failure]], ...] = (
            ("excess", Standing.EXCESS, "Excess: let through, not declared", _EXCESS, proof.excess),
            ("blocked", Standing.BLOCKED, "Blocked: declared, not let through", _BLOCKED, proof.blocked),
            ("unproven", Standing.UNPROVEN, "Unproven: something unknown decides", _UNPROVEN, proof.unproven),
            ("expectations", Standing.EXCESS, "Expectations that do not hold", _EXPECTED, proof.failed),
        )
        for key, standing, title, explained, found in kinds:
            if found:
                cards = tuple(_card(one, number, standing) for number, one in enumerate(found[:SHOWN], 1))
                rest = tuple(_message(one) for one in found[SHOWN : SHOWN + LISTED])
                yield Failures(key, standing, title, explained, cards, rest, max(0, len(found) - SHOWN - LISTED))

    # --- lists

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """The exceptions that hold, by which routes lead above their principals' clearance."""
        return exemptions(self.access, self.proof.at.astimezone(UTC).date())

    @property
    def dead(self) -> tuple[Dead, ...]:
        """What never takes effect."""
        return self.proof.dead

    @property
    def internal(self) -> tuple[InternalExcess, ...]:
        """What one gate grants and another stops."""
        return self.proof.internal

    @property
    def overlaps(self) -> tuple[Owned, ...]:
        """The checks that have not exactly one owner."""
        return self.proof.overlaps

    @property
    def owned(self) -> tuple[Owned, ...]:
        """All other checks, each with its owner."""
        return tuple(one for one in self.proof.checks if one.fault is None)

    @property
    def identity(self) -> tuple[Identity, ...]:
        """Which gates tell each route's principals apart; first the routes where none does."""
        return tuple(sorted(self.proof.identity, key=lambda one: bool(one.gates)))

    @property
    def expectations(self) -> tuple[ExpectationResult, ...]:
        """Those of the access file."""
        return self.proof.expectations

    def assumptions(self) -> Iterator[tuple[str, list[Assumption]]]:
        """By what they are about."""
        ordered = sorted(self.proof.assumptions, key=lambda one: list(Ground).index(one.ground))
        for ground, found in groupby(ordered, key=lambda one: one.ground):
            yield _GROUNDS.get(ground, str(ground.value)), list(found)

    def listed(self, found: Sequence[object]) -> Sequence[object]:
        """As much of a list as is shown."""
        return found[:LISTED]

    # --- words

    def words(self, row: Row) -> RowWords:
        """A row in words."""
        return row_words(row)

    def outcome_sign(self, outcome: Outcome) -> str:
        """✓, ✗ or ?."""
        return OUTCOME_SIGNS[outcome]


_EXCESS = (
    "Nobody has declared this access, and no gate on the way stops it. Declare a route for it, or tighten the rule that is named."
)
_BLOCKED = "A route declares this access, and a gate refuses it. Let the gate through what is declared, or take the route away."
_UNPROVEN = "Whether this is let through depends on a value that is not known yet, or on a gate that the stack does not have."
_EXPECTED = "The access file says that this must be so, and it is not."

_Failure = Excess | Blocked | Unproven | ExpectationResult


def _message(one: _Failure) -> str:
    return f"{one.expectation}: {one.message}" if isinstance(one, ExpectationResult) else one.message


def _card(one: _Failure, number: int, standing: Standing) -> Card:
    if isinstance(one, ExpectationResult):
        return Card(number, standing, _message(one), (), one.witness, stops(one.path))
    lists = [("principals", one.principals), ("destinations", one.destinations)]
    if isinstance(one, Blocked):
        lists += [("routes", one.routes), ("flows", one.needs)]
    return Card(
        number,
        standing,
        one.message,
        tuple((name, found) for name, found in lists if len(found) > MOST),
        one.witness,
        stops(one.path),
        one.principals,
        one.destinations,
    )


def stops(path: Sequence[Row]) -> tuple[Stop, ...]:
    """A path by gates: neighbouring rows of one gate together."""
    found: list[Stop] = []
    reached = True
    for gate, group in groupby(path, key=lambda row: row.gate):
        rows = tuple(group)
        outcomes = {row.outcome for row in rows}
        worst = next(one for one in (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW) if one in outcomes)
        found.append(Stop(gate, worst, reached, rows))
        reached = reached and worst is not Outcome.DENY
    return tuple(found)
