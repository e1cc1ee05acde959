"""Another pack beside the house's, which also remediates, and prints while it works."""

from typing import Any

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def label(args: Any) -> Any:
    if args.props.get("encrypted"):
        args.props["label"] = "encrypted by then"
        return args.props
    return None


def talk(args: Any, report: Any) -> None:
    print("looking at", args.name)
    if args.props.get("cidr"):
        report("it has a CIDR")


PolicyPack(
    name="second",
    policies=[
        ResourceValidationPolicy(
            name="labelled", description="Labels.", remediate=label, enforcement_level=EnforcementLevel.REMEDIATE
        ),
        ResourceValidationPolicy(name="talk", description="Talks.", validate=talk),
    ],
)
