"""One policy for each thing that a policy can do."""

from typing import Any

from policies import (
    answer_later,
    encrypt,
    fix_what_cannot_be_fixed,
    leak,
    linked,
    only_buckets,
    open_port,
    same_stack,
    small,
    tagged,
    whole_stack,
)
from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)

SIZES: dict[str, dict[str, Any]] = {
    "largest": {"type": "integer", "default": 10, "minimum": 1},
    "unit": {"type": "string", "enum": ["GB", "TB"], "default": "GB"},
}

PolicyPack(
    name="house",
    enforcement_level=EnforcementLevel.ADVISORY,
    initial_config={"same-stack": EnforcementLevel.MANDATORY},
    policies=[
        ResourceValidationPolicy(
            name="no-open-port",
            description="No port is open to the world.",
            validate=open_port,
            enforcement_level=EnforcementLevel.MANDATORY,
            severity=Severity.CRITICAL,
            framework=PolicyComplianceFramework(name="SOC 2", version="2017", reference="CC6.6"),
            remediation_steps="Name the sources.",
            url="https://example.com/open-port",
        ),
        ResourceValidationPolicy(
            name="small",
            description="Nothing is too large.",
            validate=small,
            config_schema=PolicyConfigSchema(properties=SIZES),
        ),
        ResourceValidationPolicy(
            name="tagged", description="Everything has tags.", validate=tagged, enforcement_level=EnforcementLevel.DISABLED
        ),
        ResourceValidationPolicy(
            name="encrypted",
            description="Every bucket is encrypted.",
            validate=lambda args, report: None if args.props.get("encrypted", True) else report("it is in plain text"),
            remediate=encrypt,
            enforcement_level=EnforcementLevel.REMEDIATE,
        ),
        ResourceValidationPolicy(
            name="unfixable",
            description="Nothing is broken.",
            validate=lambda args, report: report("it is broken") if args.props.get("broken") else None,
            remediate=fix_what_cannot_be_fixed,
            enforcement_level=EnforcementLevel.REMEDIATE,
        ),
        ResourceValidationPolicy(name="only-buckets", description="Buckets alone.", validate=only_buckets),
        ResourceValidationPolicy(name="leak", description="No password is short.", validate=leak),
        ResourceValidationPolicy(name="answer-later", description="Awaited.", validate=answer_later),
        ResourceValidationPolicy(name="same-stack", description="It runs in the stack it names.", validate=same_stack),
        StackValidationPolicy(
            name="linked", description="A rule belongs to a group.", validate=linked, enforcement_level=EnforcementLevel.MANDATORY
        ),
        StackValidationPolicy(name="whole-stack", description="There is a bucket.", validate=whole_stack),
    ],
)
