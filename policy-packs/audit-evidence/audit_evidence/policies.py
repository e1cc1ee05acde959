"""The pack's policy: every SOC 2 criterion that is asked for has evidence in the stack."""

from typing import Any

from pulumi_airlock.errors import AirlockError
from pulumi_airlock.report.evidence import counted
from pulumi_airlock.soc2.criteria import CRITERIA, OURS
from pulumi_airlock.soc2.model import Evidence, Result
from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from .evidence import FOLDER, evidence_on, write
from .shown import REQUEST

MOST = 5
"""Controls that a finding names."""

PROPERTIES: dict[str, dict[str, Any]] = {
    "criteria": {
        "type": "array",
        "items": {"type": "string", "enum": [one.reference for one in CRITERIA]},
        "default": list(OURS),
        "description": "The criteria that must have evidence.",
    },
    "packs": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Folders of the packs to ask, from this pack's folder. Default: all packs beside it.",
    },
    "packConfig": {
        "type": "object",
        "description": "Their configuration: a folder's name → what its --policy-pack-config file holds.",
    },
    "output": {"type": "string", "description": "A folder, from this pack's, to write evidence.json and evidence.html to."},
    "commit": {"type": "string", "description": "The git commit that the program is of: no engine tells it."},
    "at": {
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$",
        "description": "Instant of the proof (ISO 8601, else UTC): what has expired by then. Default: now.",
    },
}


def soc2_evidence(args: StackValidationArgs, report: ReportViolation) -> None:
    """Each criterion has controls behind it, and all of them hold."""
    request = REQUEST.get()
    if request is None:
        args.not_applicable("this build of pulumi-policy does not let a pack see what the engine shows: run `airlock evidence`")
    config = args.get_config() or {}
    try:
        evidence = evidence_on(request, config)
        if config.get("output"):
            write(evidence, FOLDER / config["output"])
    except AirlockError as error:
        report(f"There is no evidence:\n{error}", None)
        return
    _report(evidence, config.get("criteria", OURS), report)


def _report(evidence: Evidence, wanted: list[str] | tuple[str, ...], report: ReportViolation) -> None:
    for one in evidence.criteria:
        if one.reference not in wanted or one.result == Result.HOLDS.value:
            continue
        controls = [evidence.control(id_) for id_ in one.controls]
        told = counted([each.result for each in controls])
        at_fault = [each.id for each in controls if each.result.value == one.result]
        more = f", and {len(at_fault) - MOST} more" if len(at_fault) > MOST else ""
        names = f": {', '.join(at_fault[:MOST])}{more}" if at_fault else ""
        report(f"{one.reference} {one.title}: {one.result}{f' ({told})' if told else ''}{names}", None)


ALL = (
    StackValidationPolicy(
        name="soc2-evidence",
        description="Every SOC 2 criterion that is asked for has evidence in the stack.",
        validate=soc2_evidence,
        # Advisory: what is wrong is for the policies behind a criterion to refuse; this one adds them up.
        enforcement_level=EnforcementLevel.ADVISORY,
        config_schema=PolicyConfigSchema(PROPERTIES),
        display_name="SOC 2 evidence",
        severity=Severity.MEDIUM,
        framework=PolicyComplianceFramework("SOC 2", "2017", "CC8.1", "Changes are authorised, tested and approved"),
        tags=["soc2:CC8.1", "evidence"],
        remediation_steps=(
            "No evidence: nothing in the stack is of a kind that a policy of this criterion judges. Run the pack that does, or "
            "leave the criterion out. Violated: the named controls say what to do. Undecided: look at the stack after the update."
        ),
    ),
)
"""Every policy of the pack."""
