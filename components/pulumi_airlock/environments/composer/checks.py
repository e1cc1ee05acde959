"""Checks that several arguments share: project and region, labels, networks that do not overlap, values that may be outputs."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from .limits import LABEL_KEY, LABEL_VALUE, MAX_LABELS, PROJECT, REGION

Network = ipaddress.IPv4Network


def known(value: Any) -> str | None:
    """A value that is plain text at this moment; None for an output, which only the deployment knows."""
    return value if isinstance(value, str) else None


def one_of(path: str, value: str, allowed: Iterable[str], problems: Problems) -> None:
    """Notes a value that is none of the allowed ones."""
    choices = list(allowed)
    if value not in choices:
        problems.add(path, f"{value!r} is none of {', '.join(choices)}")


def network(path: str, value: str, problems: Problems, prefixes: tuple[int, int] = (8, 29)) -> Network | None:
    """An IPv4 network with a prefix within bounds; None, with a problem noted, where it is none."""
    try:
        found = ipaddress.IPv4Network(value)
    except ValueError as error:
        problems.add(path, f"{value!r} is no IPv4 network: {error}")
        return None
    largest, smallest = prefixes
    if not largest <= found.prefixlen <= smallest:
        allowed = f"/{largest}" if largest == smallest else f"/{largest} to /{smallest}"
        problems.add(path, f"{value} is a /{found.prefixlen}; write {allowed}")
        return None
    return found


def disjoint(networks: Sequence[tuple[str, Network | None]], problems: Problems) -> None:
    """Notes networks that overlap one before them."""
    for position, (path, one) in enumerate(networks):
        for other_path, other in networks[:position]:
            if one is not None and other is not None and one.overlaps(other):
                problems.add(path, f"{one} overlaps {other} ({other_path})")


def resolved(argument: str, given: str | None, problems: Problems) -> str:
    """The project or the region: as given, or as the provider is configured. Names and members are made of them, as text."""
    configured = getattr(gcp.config, argument)
    found = given or configured
    if not found:
        problems.add(argument, f"not given, and the stack has no gcp:{argument}: give one of them")
        return ""
    pattern, example = (PROJECT, "bank-airflow-prod") if argument == "project" else (REGION, "europe-west1")
    if not pattern.fullmatch(found):
        problems.add(argument, f"{found!r} is none; write it as {example}")
        return ""
    return str(found)


def checked_number(project_number: str | None, problems: Problems) -> None:
    """Notes a project number that is none."""
    if project_number is not None and not re.fullmatch(r"[1-9]\d{5,19}", project_number):
        problems.add("project_number", f"{project_number!r} is no project number; write its digits, as text")


def label_of(owner: str) -> str:
    """An owner as the value of a label, which takes lower-case letters, digits and hyphens (`finance@bank.example` does not)."""
    text = re.sub(r"[^a-z0-9]+", "-", owner.lower()).strip("-")
    return text[:63].rstrip("-") if text[:1].isalpha() else f"o-{text}"[:63].rstrip("-") if text else ""


def checked_labels(owner: str, labels: Mapping[str, str] | None, problems: Problems) -> dict[str, str]:
    """Labels for the environment and its key, the owner among them."""
    value = label_of(owner)
    if not value:
        problems.add("owner", "empty: name the team that answers for this (an address, a group)")
    given = dict(labels or {})
    for key, text in given.items():
        if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(text):
            problems.add(f'labels["{key}"]', f"{key}={text!r}: write lower-case letters, digits and -, beginning with a letter")
    if "owner" in given:
        problems.add("labels", "the owner is an argument of its own: give owner=, and no such label")
    if len(given) >= MAX_LABELS:
        problems.add("labels", f"{len(given)} labels: Google takes {MAX_LABELS}, and one of them is the owner")
    return {**given, "owner": value}


def wrong_in_each(noted: Sequence[Problems], problems: Problems) -> None:
    """Notes what is wrong by every one of several checks of the same inputs, in the words of the first."""
    first, *others = (one.error().problems for one in noted)
    for one in first:
        if all(any(other.path == one.path for other in found) for found in others):
            problems.add(one.path, one.message, one.place)


def number_of(project: str, given: str | None, parent: pulumi.Resource) -> pulumi.Output[str]:
    """A project's number, which service agents are called by: as given, or asked of Google."""
    if given is not None:
        return pulumi.Output.from_input(given)
    options = pulumi.InvokeOptions(parent=parent)
    found: pulumi.Output[str] = gcp.organizations.get_project_output(project_id=project, opts=options).number
    return found
