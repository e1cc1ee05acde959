from typing import Any

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def divide(args: Any, report: Any) -> None:
    if "die" in args.props:
        import os

        os._exit(7)
    raise ZeroDivisionError(f"no {args.props['password']} can be divided")


PolicyPack(
    name="policy-crash",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy(name="divide", description="Divides.", validate=divide)],
)
