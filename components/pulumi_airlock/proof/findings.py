"""What a proof says: findings, each with a witness and the deciding rule at every gate on the path, and the proof as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from .checks import Owned
from .filters import Filter, HttpOperation, Kind, Rule, Source


class Outcome(Enum):
    """What a gate, or a whole path, does with a point; `UNKNOWN` where something that is not known decides."""

    ALLOW = "allow"
    DENY = "deny"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Witness:
    """One concrete point of the space: what an engineer can try out, or look for in a log."""

    principal: str
    """A declared principal (several with ` + ` where they overlap), `any other DAG of …`, or `anything outside Airflow`."""
    task: str
    """`environment/dag.task` for workloads, the group for people, empty outside."""
    source: str
    """Source address."""
    host: str
    """Destination address, or name."""
    protocol: str
    port: int
    time: datetime
    """In UTC."""
    operation: HttpOperation | None = None
    running: frozenset[str] = frozenset()
    """DAGs with a run under way, of those that windows mention."""
    timezone: str = ""
    """The IANA zone of the windows that count for this caller; empty where none is declared, or UTC."""

    @property
    def when(self) -> str:
        """The time in UTC, and beside it on the wall clock of the windows."""
        return f"{self.time:%a %Y-%m-%d %H:%M} UTC{self._on_the_wall()}"

    def _on_the_wall(self) -> str:
        if not self.timezone:
            return ""
        local = self.time.astimezone(ZoneInfo(self.timezone))
        day = "" if local.date() == self.time.date() else f"{local:%a} "
        return f" ({day}{local:%H:%M} {self.timezone})"

    def __str__(self) -> str:
        who = f"{self.principal} ({self.task}, from {self.source})" if self.task else f"{self.principal} (from {self.source})"
        request = f", {self.operation.method} {self.operation.path}" if self.operation else ""
        host = f"[{self.host}]" if self.host.count(":") > 1 else self.host
        return f"{who} → {host}:{self.port}/{self.protocol}{request} at {self.when}"


@dataclass(frozen=True, slots=True)
class Step:
    """One object on the way from a rule's field to what holds a point."""

    kind: str
    """What it is (`group`, `address`, `prefix list`); empty for a value that stands in the rule itself."""
    name: str
    value: str
    """What it stands for (`10.20.4.10/32`)."""
    urn: str
    """The resource that defines it, if one does."""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, f'"{self.name}"' if self.name else "", self.value]))


@dataclass(frozen=True, slots=True)
class Trace:
    """Which entry of one field of the deciding rule holds a point, down to the object."""

    field: str
    """The field, in the gate's own term (`dstaddr`)."""
    steps: tuple[Step, ...]
    """The entry, then the member of it, down to the object itself."""
    others: int = 0
    """How many other entries of the field hold the point as well."""

    def __str__(self) -> str:
        more = f" (and {self.others} other entr{'y' if self.others == 1 else 'ies'})" if self.others else ""
        return f"{self.field} {' → '.join(map(str, self.steps))}{more}"


@dataclass(frozen=True, slots=True)
class Row:
    """What one filter on the path does with a witness, and why."""

    filter: Filter
    outcome: Outcome
    rule: Rule | None
    """The rule that decides; None: the default."""
    why: str
    """In words: what decides, and `detail`."""
    detail: str = ""
    """What is to be said beside the deciding rule: what it overrules, what comes nearest to allowing it, what is not known."""
    trace: tuple[Trace, ...] = ()
    """Which entries of the deciding rule's fields hold the witness; empty for a default, and where the reader does not tell."""

    @property
    def gate(self) -> str:
        """The gate's name."""
        return self.filter.gate

    @property
    def source(self) -> Source:
        """Where the decision comes from: the rule's resource, or the one that the default belongs to."""
        return self.rule.source if self.rule else Source(self.filter.urn, "", "default")


@dataclass(frozen=True, slots=True)
class Excess:
    """Let through, and not declared: everything of one kind of caller (tasks, people, the outside) that one rule is to blame for.

    Without such a rule: everything that the same rules along the path let through.
    """

    message: str
    principals: tuple[str, ...]
    destinations: tuple[str, ...]
    """Names of destinations, or descriptions of where none is declared."""
    rule: Source | None
    """What lets it through and no route asks for; None where no gate on the path tells it from what is declared."""
    gate: str
    witness: Witness
    path: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """Declared, and not let through: everything that one rule, or one default, refuses for one cause.

    Or what a gate needs itself, and another one refuses: then `needs` says what for, and there are no routes.
    """

    message: str
    routes: tuple[str, ...]
    principals: tuple[str, ...]
    destinations: tuple[str, ...]
    gate: str
    rule: Source
    kind: Kind
    witness: Witness
    path: tuple[Row, ...]
    needs: tuple[str, ...] = ()
    """What a gate does not get to (`nginx: people to finance`)."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """Something unknown stands in the way of a proof: everything that the same unknown decides."""

    message: str
    unknown: tuple[str, ...]
    """What is not known: `<resource name>.<property>`, which addresses a name has, or a gate that is not in the stack."""
    declared: bool
    """True: declared, and perhaps blocked. False: not declared, and perhaps let through."""
    principals: tuple[str, ...]
    destinations: tuple[str, ...]
    witness: Witness | None
    """None where a gate is missing, and nobody is there to pass it."""
    path: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class InternalExcess:
    """A rule that grants at its gate what no route passing there declares, and that other gates on the path stop. No failure.

    Rules of filters that only route (`Kind.ROUTING`) grant nothing: a route table is no permission.
    """

    message: str
    gate: str
    rule: Source
    stopped_by: tuple[str, ...]
    destinations: tuple[str, ...]
    witness: Witness


class DeadKind(Enum):
    """Why something never takes effect."""

    SHADOWED = "shadowed"
    """Earlier rules, together, decide everything that it matches."""
    EMPTY = "empty"
    """It matches nothing that exists."""
    EXPIRED = "expired"
    NO_SOURCE = "no source"
    """Its principals run in no environment of the stack."""
    NO_PATH = "no path"
    """None of the zone's gates is in the stack, or no address family is common to both ends."""
    NEVER = "never"
    """Its window never opens."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A rule that never decides, or a route that never holds."""

    message: str
    kind: DeadKind
    route: str = ""
    """The route's name; empty for a rule."""
    gate: str = ""
    rule: Source | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which gates tell a route's principals apart from everybody who has no such route."""

    route: str
    destination: str
    gates: tuple[str, ...]
    """Gates that alone refuse everybody else."""
    partly: tuple[str, ...]
    """Gates that refuse some of the others."""


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """An expectation of the access file, and how it turned out."""

    expectation: str
    passed: bool
    message: str
    witness: Witness | None = None
    path: tuple[Row, ...] = ()


class Share(Enum):
    """How much of a pair of principal and destination."""

    NONE = "none"
    PART = "part"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Cell:
    """A declared principal and a destination: what is declared, what is let through, and how deep a refusal is."""

    declared: Share
    allowed: Share
    """Let through for certain: at no, some (a window), or all points of the pair."""
    possible: bool
    """Something unknown may let more through."""
    depth: int | None
    """How many gates refuse, each by itself: the fewest over what is not declared. None: nothing is undeclared, or exists."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Declared principals × destinations."""

    principals: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    cells: Mapping[tuple[str, str], Cell] = field(default_factory=dict)

    @property
    def depth(self) -> int | None:
        """The least depth over all pairs without a route; None when there is no such pair."""
        depths = [cell.depth for cell in self.cells.values() if cell.depth is not None and cell.declared is Share.NONE]
        return min(depths, default=None)


class Ground(Enum):
    """What an assumption is about."""

    ENVIRONMENTS = "environments"
    """Which DAGs run in an environment."""
    NAMES = "names"
    """Which addresses a host name has."""
    PEOPLE = "people"
    """Where people connect from."""
    RELAYS = "relays"
    """By which hosts of a gate's own traffic goes on."""
    IDENTITY = "identity"
    """Whose word a gate takes for who is calling."""
    ABSENT = "absent"
    """An environment that the stack does not have."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the proof takes for granted, since nothing in the stack shows it."""

    ground: Ground
    message: str


LATER = frozenset({"internal", "dead", "identity", "checks", "matrix"})
"""What fails no proof, and needs a look at every class of hosts: found when it is asked for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything that was found. Deterministic: the same input gives the same findings in the same order.

    `internal`, `dead`, `identity`, `checks` and `matrix` take longer than whether the proof holds: found at the first look at
    one.
    """

    at: datetime
    excess: tuple[Excess, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    unproven: tuple[Unproven, ...] = ()
    expectations: tuple[ExpectationResult, ...] = ()
    internal: tuple[InternalExcess, ...] = ()
    dead: tuple[Dead, ...] = ()
    identity: tuple[Identity, ...] = ()
    checks: tuple[Owned, ...] = ()
    """Who checks what on the paths of routes."""
    matrix: Matrix = field(default_factory=Matrix)
    assumptions: tuple[Assumption, ...] = ()
    routes: int = 0
    rules: int = 0
    gates: tuple[str, ...] = ()
    _rest: Callable[[str], Mapping[str, Any]] | None = field(default=None, repr=False, compare=False)
    """Finds what is found later: the field of a name, and those that come with it."""

    def __post_init__(self) -> None:
        for name in LATER if self._rest is not None else ():
            object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        # Only for fields without a value.
        if name not in LATER or self._rest is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        for each, value in self._rest(name).items():
            object.__setattr__(self, each, value)
        return object.__getattribute__(self, name)

    @property
    def ok(self) -> bool:
        """Whether what all gates let through is exactly what was declared, and every expectation holds."""
        return not (self.excess or self.blocked or self.unproven or self.failed)

    @property
    def failed(self) -> tuple[ExpectationResult, ...]:
        """The expectations that do not hold."""
        return tuple(one for one in self.expectations if not one.passed)

    @property
    def overlaps(self) -> tuple[Owned, ...]:
        """The checks that have not exactly one owner: of those that need one, nobody, or more than one."""
        return tuple(one for one in self.checks if one.fault is not None)

    @property
    def depth(self) -> Mapping[tuple[str, str], int]:
        """(principal, destination) → how many gates refuse independently, for the pairs that no route declares."""
        return {
            pair: cell.depth for pair, cell in self.matrix.cells.items() if cell.depth is not None and cell.declared is Share.NONE
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why somebody can, or cannot, reach something: every gate on the path, in order."""

    principal: str
    destination: str
    outcome: Outcome
    routes: tuple[str, ...]
    """The routes that declare it at this point; empty: it is not declared."""
    other_times: tuple[str, ...]
    """The routes that declare it at other times only."""
    witness: Witness
    rows: tuple[Row, ...]
    message: str
    """The verdict, in one sentence: who, where, when, and which route declares it."""
    kind: Kind | None
    """What refuses: permission, routing or token (of the first gate that does); None where nothing does."""
    advice: str
    """What to do about it."""
    notes: tuple[str, ...] = ()
    """What differs at other times, addresses or ports of the question; assumptions that the answer rests on."""
