"""The pack's policies, and what each calls a violation."""

from collections.abc import Iterable
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from .evidence import evidence_of
from .findings import Violation, failures, unjustified, unowned

PROPERTIES: dict[str, dict[str, Any]] = {
    "access": {
        "type": "object",
        "description": "The access document, for stacks that have no AccessDeclaration. It wins over a declared one.",
    },
    "at": {
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$",
        "description": "Instant of the proof (ISO 8601, else UTC): what has expired by then. Default: now.",
    },
}
NETWORK_ACLS: dict[str, dict[str, Any]] = {
    "networkAcls": {
        "type": "boolean",
        "default": False,
        "description": "Judge rules of network ACLs as well. They are stateless, so answers need wide rules.",
    }
}


def access_proof(args: StackValidationArgs, report: ReportViolation) -> None:
    """What all gates let through together is exactly what is declared, and every expectation holds."""
    evidence = evidence_of(args)
    if not evidence.applicable:
        args.not_applicable("the stack has no Airflow environment and declares no access")
    for urn, message in evidence.problems:
        report(message, urn)
    if evidence.proof:
        _report(failures(evidence.stack, evidence.proof), report)


def no_unjustified_rule(args: StackValidationArgs, report: ReportViolation) -> None:
    """No hand-written rule of any gate grants what no route declares, also where another gate stops it today."""
    evidence = evidence_of(args)
    if evidence.proof is None:
        args.not_applicable("the stack could not be proven" if evidence.applicable else "the stack declares no access")
    else:
        network_acls = bool((args.get_config() or {}).get("networkAcls"))
        _report(unjustified(evidence.stack, evidence.proof, network_acls), report)


def one_owner_per_check(args: StackValidationArgs, report: ReportViolation) -> None:
    """On every path exactly one gate checks who people are, and one which requests services send; and it can see them."""
    evidence = evidence_of(args)
    if evidence.proof is None:
        args.not_applicable("the stack could not be proven" if evidence.applicable else "the stack declares no access")
    else:
        _report(unowned(evidence.stack, evidence.proof), report)


def _report(violations: Iterable[Violation], report: ReportViolation) -> None:
    for violation in violations:
        report(violation.message, violation.urn)


ALL = (
    StackValidationPolicy(
        name="access-proof",
        description="What all gates let through together is exactly what is declared.",
        validate=access_proof,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(PROPERTIES),
        display_name="access proof",
        severity=Severity.CRITICAL,
        framework=PolicyComplianceFramework(
            "SOC 2", "2017", "CC6.6", "Measures against threats from outside the system boundaries"
        ),
        tags=["soc2:CC6.6", "soc2:CC6.1", "proof"],
        remediation_steps=(
            "Excess: remove the rule that the violation stands on, or declare a route for what it grants. Blocked: give the gate "
            "the rule or the route that it lacks. Unproven: make the value known at preview. `airlock explain` shows every gate."
        ),
    ),
    StackValidationPolicy(
        name="no-unjustified-rule",
        description="No hand-written rule grants at its gate what no route declares.",
        validate=no_unjustified_rule,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(PROPERTIES | NETWORK_ACLS),
        display_name="no unjustified rule",
        severity=Severity.HIGH,
        framework=PolicyComplianceFramework(
            "SOC 2", "2017", "CC6.6", "Measures against threats from outside the system boundaries"
        ),
        tags=["soc2:CC6.6", "proof"],
        remediation_steps="Remove the rule, or declare a route for what it grants and let Airlock compile it.",
    ),
    StackValidationPolicy(
        name="one-owner-per-check",
        description="Exactly one gate checks who people are on a path, and one which requests services send.",
        validate=one_owner_per_check,
        # Mandatory: while two gates check one thing the stack is right by accident, and nobody notices when that ends. Whoever
        # moves a check from one gate to another makes it advisory meanwhile.
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(PROPERTIES),
        display_name="one owner per check",
        severity=Severity.HIGH,
        framework=PolicyComplianceFramework(
            "SOC 2", "2017", "CC6.1", "Logical access security over protected information assets"
        ),
        tags=["soc2:CC6.1", "soc2:CC6.6", "proof"],
        remediation_steps=(
            "Two gates: leave groups to the gateway (or ZPA, or the FortiGate) and requests between services to the mesh; the "
            "other gate looks at addresses, accounts or ports alone. Nobody: give one of the named gates the check. Requests "
            "that the gate cannot see: allow the port alone there, and put methods and paths into the mesh's policy."
        ),
    ),
)
"""Every policy of the pack."""
