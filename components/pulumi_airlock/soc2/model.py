"""What an auditor gets of one preview: criteria, the controls behind each, what was evaluated, who signed it off.

The models are the format: their JSON Schema is `airlock evidence --schema`, and a file that says more than its controls do (a
criterion that holds with nothing behind it, say) is no valid evidence.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

FORMAT: Literal["airlock.evidence/v1"] = "airlock.evidence/v1"
_SHA256 = r"^[0-9a-f]{64}$"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Result(StrEnum):
    """How a control turned out."""

    HOLDS = "holds"
    """It looked at something, and nothing was wrong."""
    VIOLATED = "violated"
    UNDECIDED = "undecided"
    """What decides is not known before the update, or nobody says what was looked at."""
    NOT_APPLICABLE = "not applicable"
    """There was nothing to look at, or it was told not to look."""


NOTHING: Literal["no evidence"] = "no evidence"
"""How a criterion stands that no control speaks for."""


class Kind(StrEnum):
    """What a control is."""

    POLICY = "policy"
    PROOF = "proof"
    EXPECTATIONS = "expectations"
    ROUTES = "routes"
    EXCEPTIONS = "exceptions"
    IDENTITY = "identity"
    CHANGE = "change"


class Finding(_Model):
    """One thing that is wrong, or not known."""

    message: str
    resource: str = ""
    """The resource's URN; empty where it is about no single one."""


class Control(_Model):
    """One thing that is checked, and how it turned out."""

    id: str
    """`<pack>/<policy>` for a policy; else a name of Airlock's."""
    kind: Kind
    criteria: tuple[str, ...] = Field(min_length=1)
    """The criteria that it serves."""
    description: str
    """What it demands."""
    level: str = ""
    """A policy's enforcement level: `mandatory`, `advisory`, `remediate` or `disabled`."""
    severity: str = ""
    result: Result
    reason: str = ""
    """Why it does not apply, or is undecided."""
    resources: tuple[str, ...] = ()
    """URNs of what it looked at."""
    whole_stack: bool = False
    """Whether it looked at all of the stack; then `resources` is empty."""
    findings: tuple[Finding, ...] = ()


class CriterionEvidence(_Model):
    """A criterion, and what speaks for it."""

    reference: str
    title: str
    result: Literal["holds", "violated", "undecided", "no evidence"]
    controls: tuple[str, ...] = ()
    """Ids of the controls that serve it, those that do not apply included."""


class Pack(_Model):
    """A policy pack that was run."""

    name: str
    version: str
    policies: int
    configuration: str = ""
    """SHA-256 of its `--policy-pack-config` file; empty: as the pack is."""


class Evaluated(_Model):
    """What was looked at, by what, and when."""

    project: str
    stack: str
    source: str
    """Where the preview came from."""
    simulated: bool
    """Whether provider outputs are Airlock's own: a preview of its offline engine."""
    preview: str = Field(pattern=_SHA256)
    """SHA-256 of the canonical plan (`files.canonical_plan`)."""
    resources: int
    at: AwareDatetime
    """When it was evaluated."""
    as_of: AwareDatetime
    """The instant that decides what has expired: `at`, unless another one was asked for."""
    airlock: str
    """Airlock's version."""
    packs: tuple[Pack, ...] = ()
    commit: str = ""
    """The git commit of the project; empty where it is in none."""
    changed: bool = False
    """Whether files that git knows differed from the commit."""


class ExpectationEvidence(_Model):
    """An allow or deny test of the access file, run with the proof."""

    expectation: str
    passed: bool
    message: str = ""


class ProofEvidence(_Model):
    """The proof that what all gates let through together is what was declared."""

    proven: bool
    at: AwareDatetime
    routes: int
    rules: int
    gates: tuple[str, ...]
    depth: int | None
    """How many gates refuse, each by itself, what is not declared: the least. None: everything is declared."""
    expectations: tuple[ExpectationEvidence, ...]
    assumptions: tuple[str, ...]
    """What it takes for granted, since nothing in the stack shows it."""


class ExceptionEvidence(_Model):
    """Why a route leads above its principals' clearance."""

    reason: str
    approved_by: str
    expires: date


class RouteEvidence(_Model):
    """One declared access."""

    name: str
    principals: tuple[str, ...]
    destinations: tuple[str, ...]
    reason: str
    owners: tuple[str, ...]
    """Who answers for the principals; empty where nobody is named."""
    session: str = ""
    """The longest connection; empty where nothing is said."""
    expires: date | None = None
    """Its last day; None: it has no end."""
    exception: ExceptionEvidence | None = None


class IdentityEvidence(_Model):
    """Whether every system says of people and tasks what is declared."""

    sound: bool
    compared: str
    """What was compared, counted."""


class SignOff(_Model):
    """Somebody has looked at the evidence."""

    name: str = Field(min_length=1)
    statement: str = Field(min_length=1)
    at: AwareDatetime
    digest: str = Field(pattern=_SHA256)
    """SHA-256 of what was signed off: this evidence without its sign-offs."""


class Evidence(_Model):
    """The evidence of one preview."""

    format: Literal["airlock.evidence/v1"] = FORMAT
    evaluated: Evaluated
    criteria: tuple[CriterionEvidence, ...]
    controls: tuple[Control, ...]
    proof: ProofEvidence | None = None
    routes: tuple[RouteEvidence, ...] = ()
    identity: IdentityEvidence | None = None
    sign_offs: tuple[SignOff, ...] = ()

    def control(self, id_: str) -> Control:
        """The control of that id."""
        return next(one for one in self.controls if one.id == id_)

    @model_validator(mode="after")
    def _says_no_more_than_its_controls(self) -> Self:
        known = {one.id: one for one in self.controls}
        if len(known) != len(self.controls):
            raise ValueError("two controls have one id")
        references = [one.reference for one in self.criteria]
        if len(set(references)) != len(references):
            raise ValueError("two criteria have one reference")
        left_out = {one for control in self.controls for one in control.criteria} - set(references)
        if left_out:
            raise ValueError(f"controls serve criteria that are left out: {', '.join(sorted(left_out))}")
        for one in self.criteria:
            mine = tuple(each.id for each in self.controls if one.reference in each.criteria)
            if mine != one.controls:
                raise ValueError(
                    f"{one.reference}: its controls are {', '.join(mine) or 'none'}, not {', '.join(one.controls) or 'none'}"
                )
            if standing(known[id_].result for id_ in mine) != one.result:
                raise ValueError(f"{one.reference}: its controls do not say that it is {one.result!r}")
        return self


Standing = Literal["holds", "violated", "undecided", "no evidence"]
_WORST: tuple[tuple[Result, Standing], ...] = (
    (Result.VIOLATED, "violated"),
    (Result.UNDECIDED, "undecided"),
    (Result.HOLDS, "holds"),
)


def standing(results: Iterable[Result]) -> Standing:
    """How a criterion stands: as the worst of its controls; what does not apply speaks neither for nor against it."""
    found = set(results)
    return next((stands for result, stands in _WORST if result in found), NOTHING)


def is_past(day: date | None, at: datetime) -> bool:
    """Whether a last day, in UTC, is over."""
    return day is not None and day < at.astimezone(UTC).date()
