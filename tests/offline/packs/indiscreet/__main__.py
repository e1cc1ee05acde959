"""Tells what is in a structured secret of the configuration."""

import sys
from typing import Any

import pulumi
from pulumi_policy import PolicyPack, ResourceValidationArgs, ResourceValidationPolicy


def tell(args: ResourceValidationArgs, report: Any) -> None:
    if args.resource_type == "pulumi:pulumi:Stack":
        message = f"the password is {pulumi.Config('tiny').require_object('database')['password']}"
        print(message, file=sys.stderr)
        report(message)


PolicyPack(name="indiscreet", policies=[ResourceValidationPolicy(name="tell", description="Tells.", validate=tell)])
