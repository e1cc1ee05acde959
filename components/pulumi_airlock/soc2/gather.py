"""Makes the evidence of what was found: every policy and every other control under the criteria that it serves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..access import Access
from ..gates.kinds import is_of
from ..gates.stack import Stack
from ..identity.findings import IdentityFinding, sound
from ..identity.read import read_identity
from ..offline.packs import Diagnostic, Level, NotApplicable, PackInfo, PolicyInfo
from ..proof import Proof
from .controls import change_control, identity_control, proof_controls, route_controls, routes_of
from .criteria import CRITERIA, TYPE_TAG, UNDECIDED, criteria_of
from .model import (
    Control,
    CriterionEvidence,
    Evaluated,
    Evidence,
    ExpectationEvidence,
    Finding,
    IdentityEvidence,
    Kind,
    ProofEvidence,
    Result,
    standing,
)

_Said = TypeVar("_Said", Diagnostic, NotApplicable)

SKIPPED = "can't run policy"
"""How the SDK's note begins that a policy met an unknown value and looked no further (pulumi-policy, `AnalyzeStack`)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What policy packs said of a stack."""

    packs: Sequence[PackInfo] = ()
    diagnostics: Sequence[Diagnostic] = ()
    not_applicable: Sequence[NotApplicable] = ()


def gather(
    evaluated: Evaluated,
    stack: Stack,
    judged: Judged,
    *,
    access: Access | None = None,
    proof: Proof | None = None,
    identity: Sequence[IdentityFinding] = (),
    compared: str = "",
) -> Evidence:
    """The evidence on a stack. `compared` says what of identity was; empty: nothing was, and then identity is no control."""
    controls = list(policy_controls(stack, judged))
    if proof is not None:
        controls += proof_controls(proof)
    if access is not None:
        controls += route_controls(stack, access, evaluated)
    if compared:
        controls.append(identity_control(identity, _told_by(stack)))
    controls.append(change_control(evaluated))
    return Evidence(
        evaluated=evaluated,
        criteria=tuple(_under_criteria(controls)),
        controls=tuple(controls),
        proof=None if proof is None else _proof(proof),
        routes=() if access is None else tuple(routes_of(access)),
        identity=IdentityEvidence(sound=sound(identity), compared=compared) if compared else None,
    )


def _under_criteria(controls: Sequence[Control]) -> Iterator[CriterionEvidence]:
    for one in CRITERIA:
        mine = [control for control in controls if one.reference in control.criteria]
        yield CriterionEvidence(
            reference=one.reference,
            title=one.title,
            result=standing(control.result for control in mine),
            controls=tuple(control.id for control in mine),
        )


def policy_controls(stack: Stack, judged: Judged) -> Iterator[Control]:
    """Every policy that serves a criterion, with what it looked at and what it said. Others are no evidence of SOC 2."""
    said = _by_policy(judged.diagnostics)
    excused = _by_policy(judged.not_applicable)
    for pack in judged.packs:
        for policy in pack.policies.values():
            criteria = criteria_of(policy.tags, policy.framework)
            if criteria:
                key = (pack.name, policy.name)
                yield _policy_control(pack, policy, criteria, stack, said.get(key, []), excused.get(key, []))


def _by_policy(said: Iterable[_Said]) -> Mapping[tuple[str, str], list[_Said]]:
    found: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    for one in said:
        found[one.pack, one.policy].append(one)
    return found


def _policy_control(
    pack: PackInfo,
    policy: PolicyInfo,
    criteria: tuple[str, ...],
    stack: Stack,
    said: Sequence[Diagnostic],
    excused: Sequence[NotApplicable],
) -> Control:
    kinds = tuple(tag.removeprefix(TYPE_TAG) for tag in policy.tags if tag.startswith(TYPE_TAG))
    undecided = [_undecided(one) for one in excused if one.message.startswith(UNDECIDED)]
    undecided += [Finding(message=one.message, resource=one.urn) for one in said if one.message.startswith(SKIPPED)]
    wrong = [Finding(message=one.message, resource=one.urn) for one in said if not one.message.startswith(SKIPPED)]
    other = {one.urn: one.message for one in excused if not one.message.startswith(UNDECIDED)}
    resources = [one.urn for one in stack.resources if one.urn not in other and any(is_of(one.type, kind) for kind in kinds)]
    whole = not kinds and policy.kind == "stack"
    result, reason = _result(policy, wrong, undecided, other.get(""), kinds, whole or bool(resources))
    looked = result is not Result.NOT_APPLICABLE
    return Control(
        id=f"{pack.name}/{policy.name}",
        kind=Kind.POLICY,
        criteria=criteria,
        description=policy.description,
        level=policy.level.value,
        severity=policy.severity,
        result=result,
        reason=reason,
        resources=tuple(resources) if looked else (),
        whole_stack=whole and looked,
        findings=(*wrong, *undecided),
    )


def _undecided(one: NotApplicable) -> Finding:
    return Finding(message=one.message.removeprefix(UNDECIDED), resource=one.urn)


def _result(
    policy: PolicyInfo,
    wrong: Sequence[Finding],
    undecided: Sequence[Finding],
    not_at_all: str | None,
    kinds: Sequence[str],
    looked: bool,
) -> tuple[Result, str]:
    """How a policy turned out, and why where its findings do not tell. Silence is evidence only where something was seen."""
    if policy.level is Level.DISABLED:
        return Result.NOT_APPLICABLE, "the packs' configuration disables it"
    if wrong:
        return Result.VIOLATED, ""
    if undecided:
        return Result.UNDECIDED, "a value that decides is not known before the update"
    if not_at_all is not None:
        return Result.NOT_APPLICABLE, not_at_all or "it says that it does not apply"
    if looked:
        return Result.HOLDS, ""
    if kinds:
        return Result.NOT_APPLICABLE, f"the stack has none of {', '.join(kinds)}"
    return Result.UNDECIDED, "it reports nothing, and does not say which resources it judges"


def _proof(proof: Proof) -> ProofEvidence:
    return ProofEvidence(
        proven=proof.ok,
        at=proof.at,
        routes=proof.routes,
        rules=proof.rules,
        gates=proof.gates,
        depth=proof.matrix.depth,
        expectations=tuple(
            ExpectationEvidence(expectation=one.expectation, passed=one.passed, message="" if one.passed else one.message)
            for one in proof.expectations
        ),
        assumptions=tuple(one.message for one in proof.assumptions),
    )


def _told_by(stack: Stack) -> Iterator[str]:
    """The resources that say something of identity."""
    reading = read_identity(stack)
    for said in (reading.told, reading.groups, reading.assignments, reading.sign_ins, reading.task_roles):
        for one in said:
            yield one.resource.urn
