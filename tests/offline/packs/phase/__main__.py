"""Refuses what is more than a preview."""

from typing import Any

import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationArgs, ResourceValidationPolicy


def preview_only(args: ResourceValidationArgs, report: Any) -> None:
    if not pulumi.runtime.is_dry_run():
        report(f"{args.name} is really updated")


PolicyPack(
    name="phase",
    policies=[ResourceValidationPolicy(name="preview-only", description="Nothing is updated.", validate=preview_only)],
    enforcement_level=EnforcementLevel.MANDATORY,
)
