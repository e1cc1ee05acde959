"""What an update would do, or did: the result of a session's run, for whoever shows it, proves it or applies it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..gates.sources import resource_from_wire
from ..gates.stack import Stack
from . import paths
from .call_budget import plan_calls
from .operations import Operation
from .packs import Diagnostic, Level, NotApplicable, PackInfo, Remediation
from .program import LogMessage
from .state import ResourceState
from .steps import Op, Step
from .wire import has_unknown, masked

UNCHANGED = (Op.SAME, Op.READ)


@dataclass(frozen=True)
class Plan:
    """What a run decided for each resource, and what the policy packs say of that."""

    project: str
    stack_name: str
    preview: bool
    """Whether values that only an update gives are still unknown."""
    steps: Sequence[Step]
    """What happens to each resource: what is registered, in that order, then what goes."""
    operations: Sequence[Operation] = ()
    """What is done, one after the other: a replacement is a creation and a deletion."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """The stack's outputs, as on the wire."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Old URN → new URN, of resources that were found under an alias."""
    diagnostics: Sequence[Diagnostic] = ()
    remediations: Sequence[Remediation] = ()
    not_applicable: Sequence[NotApplicable] = ()
    packs: Sequence[PackInfo] = ()
    logs: Sequence[LogMessage] = ()
    encrypted: Sequence[str] = ()
    """Configuration keys whose values are unknown because they are encrypted."""

    @cached_property
    def counts(self) -> Mapping[Op, int]:
        """How many resources each operation touches."""
        return Counter(step.op for step in self.steps)

    @property
    def changes(self) -> bool:
        """Whether anything would be done."""
        return any(step.op not in UNCHANGED for step in self.steps)

    @property
    def settled(self) -> bool:
        """Whether an update would give nothing that is not known yet: nothing changes, and no value is unknown."""
        return not self.changes and not any(has_unknown(step.outputs) for step in self.steps)

    @property
    def violated(self) -> bool:
        """Whether a mandatory policy is violated, or a remediation could not fix what it should."""
        return any(one.level in (Level.MANDATORY, Level.REMEDIATE) for one in self.diagnostics)

    @property
    def failed(self) -> bool:
        """Whether the program logged an error, which fails an update even though the program went on."""
        return any(one.severity == "error" for one in self.logs)

    def stack(self) -> Stack:
        """The resources as they will be, for readers and proofs."""
        kept = [step.registration for step in self.steps if step.registration is not None]
        outputs = {step.urn: {**step.outputs, **({"id": step.id} if step.id else {})} for step in self.steps if step.registration}
        resources = (
            resource_from_wire(
                urn=asked.urn,
                type_=asked.type,
                inputs=asked.inputs,
                outputs=outputs[asked.urn],
                custom=asked.custom,
                parent=asked.parent,
                provider=asked.provider,
                dependencies=asked.dependencies,
                property_dependencies=asked.property_dependencies,
                place=asked.place,
            )
            for asked in kept
        )
        return Stack(resources, name=self.stack_name, project=self.project)

    def document(self) -> dict[str, Any]:
        """The plan as JSON, in the shape of `pulumi preview --json --show-replacement-steps`. Secrets are masked."""
        return {
            "project": self.project,
            "stack": self.stack_name,
            "simulated": True,
            "steps": [_operation(one) for one in self.operations],
            "outputs": masked(self.outputs),
            "changeSummary": {op.value: count for op, count in self.counts.items()},
            "diagnostics": [{"severity": one.severity, "message": one.message, "urn": one.urn} for one in self.logs],
            "policyPacks": [{"name": pack.name, "version": pack.version, "policies": len(pack.policies)} for pack in self.packs],
            "policyViolations": [_violation(one) for one in self.diagnostics],
            "policyRemediations": [
                {"pack": one.pack, "policy": one.policy, "urn": one.urn, "message": one.message, "applied": one.applied}
                for one in self.remediations
            ],
            "policyNotApplicable": [
                {"pack": one.pack, "policy": one.policy, "urn": one.urn, "reason": one.message} for one in self.not_applicable
            ],
            "encryptedConfig": list(self.encrypted),
            "apiCalls": [one.document() for one in plan_calls(self)],
        }


def _operation(one: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"op": one.op.value, "urn": one.urn}
    if one.old is not None:
        found["oldState"] = _state(one.old)
    if one.step is None:
        return found
    found["newState"] = _state(one.step.state())
    if one.step.reasons:
        found["replaceReasons"] = list(one.step.reasons)
    if one.step.changes:
        found["detailedDiff"] = {
            paths.show(change.path): {"kind": f"{change.kind}-replace" if change.replaces else change.kind, "inputDiff": True}
            for change in one.step.changes
        }
    return found


def _state(state: ResourceState) -> dict[str, Any]:
    document = state.to_json()
    for key in ("inputs", "outputs", "replacementTrigger"):
        if key in document:
            document[key] = masked(document[key])
    return document


def _violation(one: Diagnostic) -> dict[str, Any]:
    return {
        "pack": one.pack,
        "policy": one.policy,
        "urn": one.urn,
        "level": one.level.value,
        "severity": one.severity,
        "framework": one.framework,
        "message": one.message,
        "description": one.description,
        "remediationSteps": one.remediation_steps,
        "url": one.url,
    }
