"""Reads the AWS network around every MWAA environment of a stack, whoever wrote its resources."""

from collections.abc import Iterator

from ...proof.filters import Filter
from ..stack import Stack
from .links import Links
from .placement import placements
from .read_acls import acl_filters
from .read_routes import route_filters
from .read_security_groups import SecurityGroupReader


def read(stack: Stack) -> Iterator[Filter]:
    """The filters that stand around each environment: its security groups, its subnets' network ACLs and route tables.

    All of them are in force on every path that leaves or enters the environment (`always`). Works at preview, where ids are
    unknown, and on a state file. What is not in the stack, or not known yet, becomes an unknown rule.
    """
    links = Links(stack)
    placed = tuple(placements(stack, links))
    groups = SecurityGroupReader(links, placed)
    for environment in placed:
        yield from groups.filters(environment)
        yield from acl_filters(links, environment)
        yield from route_filters(links, environment)
