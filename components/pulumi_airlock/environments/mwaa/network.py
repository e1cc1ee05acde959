"""What the gates need to know of an environment's network: the one thing an environment hands to them."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True)
class EnvironmentNetwork:
    """Where an environment's tasks run. CIDRs are plain text, since gates compute with them at preview; ids are outputs."""

    environment: str
    """The name that principals use: the environment's component name."""
    vpc_id: pulumi.Output[str]
    """The VPC that they are in."""
    vpc_cidr: str
    """Its network."""
    subnet_ids: tuple[pulumi.Output[str], ...]
    """Their subnets."""
    subnet_cidrs: tuple[str, ...]
    """The source addresses of its tasks, one CIDR for each of `subnet_ids`, in the same order."""
    security_group_id: pulumi.Output[str]
    """The tasks' security group. Its rules are resources of their own, so that a gate can add to them."""
    route_table_ids: tuple[pulumi.Output[str], ...]
    """The subnets' route tables, without duplicates; routes are resources of their own, so that a gate can add to them."""
