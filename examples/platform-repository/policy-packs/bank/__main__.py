"""The bank's own rules: how many workers a stage may have. Airlock's packs stand beside it."""

import pulumi
from bank_rules import few_workers
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

PolicyPack(
    "bank",
    policies=[
        ResourceValidationPolicy(
            name="few-workers-outside-production",
            description="Outside production an environment has at most 10 workers.",
            validate=few_workers(pulumi.get_stack()),
        )
    ],
    enforcement_level=EnforcementLevel.MANDATORY,
)
