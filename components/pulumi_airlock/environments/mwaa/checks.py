"""Checks that several arguments share: CIDRs that nest and do not overlap, zones, tags, values that may be outputs."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from ...errors import Problems
from .limits import MAX_TAGS

Network = ipaddress.IPv4Network

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def network(value: str, path: str, problems: Problems, smallest: int = 28, largest: int = 16) -> Network | None:
    """An IPv4 network of a VPC or a subnet; None, with a problem noted, when it is none that AWS takes.

    AWS takes /16 to /28 for both (VPC User Guide, "VPC CIDR blocks", "Subnet sizing").
    """
    try:
        found = ipaddress.IPv4Network(value)
    except ValueError as error:
        problems.add(path, f"{value!r} is no IPv4 network: {error}")
        return None
    if not largest <= found.prefixlen <= smallest:
        problems.add(path, f"{value} is a /{found.prefixlen}; AWS takes /{largest} to /{smallest}")
        return None
    return found


def subnets(
    path: str,
    values: Sequence[str],
    inside: Network | None,
    problems: Problems,
    beside: Mapping[str, Sequence[str]] | None = None,
) -> list[Network]:
    """Networks of subnets: valid, within the VPC, overlapping neither each other nor those of `beside` (what → CIDRs)."""
    taken: list[tuple[str, Network]] = [
        (what, ipaddress.IPv4Network(cidr)) for what, cidrs in (beside or {}).items() for cidr in cidrs if _is_network(cidr)
    ]
    found = []
    for position, value in enumerate(values):
        at = f"{path}[{position}]"
        one = network(value, at, problems)
        if one is None:
            continue
        if inside is not None and not one.subnet_of(inside):
            problems.add(at, f"{value} is not within the VPC's {inside}")
        for what, other in taken:
            if one.overlaps(other):
                problems.add(at, f"{value} overlaps {other} ({what})")
        taken.append((at, one))
        found.append(one)
    return found


def _is_network(value: str) -> bool:
    try:
        ipaddress.IPv4Network(value)
    except ValueError:
        return False
    return True


def two_zones(path: str, zones: Sequence[str], region: str | None, problems: Problems) -> None:
    """Exactly two availability zones, different, of the region."""
    if len(zones) != 2 or zones[0] == zones[1]:
        problems.add(path, f"{list(zones)}: MWAA runs in exactly two different zones")
    for position, zone in enumerate(zones):
        if region and not re.fullmatch(re.escape(region) + "[a-z]", zone):
            problems.add(f"{path}[{position}]", f"{zone!r} is no zone of {region}; write {region}a")


def resolved_region(region: str | None, problems: Problems, opts: pulumi.ResourceOptions | None) -> str:
    """The region: as given, or as the AWS provider is configured. It must be known: ARNs and service names are made of it."""
    configured = aws.config.region
    if region is None and configured is None:
        problems.add("region", "not given, and the stack has no aws:region: give one of them")
        return ""
    found: str = region or configured
    if not _REGION.fullmatch(found):
        problems.add("region", f"{found!r} is no AWS region")
        return ""
    explicit_provider = opts is not None and (opts.provider is not None or bool(opts.providers))
    if region and configured and region != configured and not explicit_provider:
        problems.add(
            "region", f"{region} is not the provider's region, {configured}: give a provider for {region}, or leave region out"
        )
    return found


def checked_tags(owner: str, tags: Mapping[str, str] | None, problems: Problems) -> dict[str, str]:
    """Tags for every resource, the owner among them."""
    if not owner.strip():
        problems.add("owner", "empty: name the team that answers for this (an address, a group)")
    given = dict(tags or {})
    for key, value in given.items():
        if key.lower().startswith("aws:"):
            problems.add(f'tags["{key}"]', "the prefix aws: is AWS's own")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            problems.add(f'tags["{key}"]', "a tag has a key of 1 to 128 characters and a value of up to 256")
    if any(key.lower() == "owner" for key in given):
        problems.add("tags", "the owner is an argument of its own: give owner=, and no such tag")
    # One for the owner, one for the name.
    if len(given) > MAX_TAGS - 2:
        problems.add("tags", f"{len(given)} tags: AWS takes {MAX_TAGS} a resource, and two of them are the owner and the name")
    return {**given, "owner": owner}


def check_account(path: str, account_id: str | None, problems: Problems) -> None:
    """Notes an AWS account that is none."""
    if account_id is not None and not (len(account_id) == 12 and account_id.isdecimal()):
        problems.add(path, f"{account_id!r} is no AWS account; write its 12 digits, as text")


def current_account(account_id: str | None, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The account as given, or that of the provider's credentials."""
    if account_id is not None:
        return pulumi.Output.from_input(account_id)
    found: pulumi.Output[str] = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=parent)).account_id
    return found


def known(value: Any) -> str | None:
    """A value that is plain text at this moment; None for an output, which only the deployment knows."""
    return value if isinstance(value, str) else None


def one_of(path: str, value: str, allowed: Iterable[str], problems: Problems) -> None:
    """Notes a value that is none of the allowed ones."""
    choices = list(allowed)
    if value not in choices:
        problems.add(path, f"{value!r} is none of {', '.join(choices)}")
