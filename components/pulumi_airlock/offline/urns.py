"""URNs as the Pulumi engine makes them, and what aliases turn into (pulumi `pkg/resource/deploy/step_generator.go`)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

STACK_TYPE = "pulumi:pulumi:Stack"


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource: its type is qualified by its parent's, unless that is the stack."""
    above = qualified_type(parent) if parent else ""
    qualified = f"{above}${type_}" if above and above != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def qualified_type(urn: str) -> str:
    """The type with those of its parents: `a:b:C$d:e:F`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """The resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """The resource's name; it may hold `::`."""
    return urn.split("::", 3)[3]


def aliases(
    stack: str, project: str, urn: str, parent: str, given: Iterable[Mapping[str, Any] | str], parent_aliases: Iterable[str]
) -> list[str]:
    """The URNs that a resource may have had: its own aliases, and those that it inherits from its parent's.

    An alias is a URN, or its parts that differ (`name`, `type`, `stack`, `project`, `parentUrn`, `noParent`).
    """
    type_, name = type_of(urn), name_of(urn)
    own = [one if isinstance(one, str) else _collapse(stack, project, type_, name, parent, one) for one in given]
    found = list(own)
    for above in parent_aliases:
        found.append(_inherited(stack, project, type_, name, name_of(parent), above))
        found += [_inherited(stack, project, type_of(one), name_of(one), name_of(parent), above) for one in own]
    return [one for one in dict.fromkeys(found) if one != urn]


def _collapse(stack: str, project: str, type_: str, name: str, parent: str, alias: Mapping[str, Any]) -> str:
    above = "" if alias.get("noParent") else alias.get("parentUrn") or parent
    return make(
        alias.get("stack") or stack, alias.get("project") or project, above, alias.get("type") or type_, alias.get("name") or name
    )


def _inherited(stack: str, project: str, type_: str, name: str, parent_name: str, parent_alias: str) -> str:
    # A child is named after its parent by convention, so it follows when the parent is renamed.
    if name.startswith(parent_name):
        name = name_of(parent_alias) + name.removeprefix(parent_name)
    return make(stack, project, parent_alias, type_, name)


def default_provider_name(version: str, download_url: str) -> str:
    """The name of the default provider that a request for a package at this version gets (`ProviderRequest.DefaultName`)."""
    name = "default"
    if version:
        core, _, build = version.partition("+")
        numbers, _, pre = core.partition("-")
        name += "_" + "_".join(numbers.split("."))
        name += "".join(f"_{part}" for extra in (pre, build) if extra for part in extra.split("."))
    url = download_url.removesuffix("/")
    if url:
        name += "_" + "/".join(_segment(part) for part in url.split("/") if part)
    return name


def _segment(part: str) -> str:
    first = part[0] if re.match(r"[A-Za-z0-9_.-]", part) else "_"
    return first + re.sub(r"[^A-Za-z0-9_.-]", "_", part[1:])
