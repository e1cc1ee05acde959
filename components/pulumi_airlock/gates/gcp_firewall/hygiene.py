"""What of Google's firewall nothing uses: firewall policies that are in force nowhere, address groups that no rule names.

There are no undefined names here: what the stack does not have may be somewhere else.
"""

from collections.abc import Iterator

from ...tokens import GCP_FIREWALL_GATE
from ..references import Fault, Reference, texts
from ..stack import Resource, Stack
from .kinds import ADDRESS_GROUP
from .links import follow, plain
from .written import GLOBAL, HIERARCHICAL, REGIONAL, Family


def references(stack: Stack) -> Iterator[Reference]:
    """Policies without an association, address groups without a rule. Where a link is not known, nothing is called unused."""
    for family in (HIERARCHICAL, GLOBAL, REGIONAL):
        for one in _unassociated(stack, family):
            message = f'{family.title} "{one.name}" is associated with nothing in the stack: associate it, or take it out'
            yield Reference(Fault.UNUSED, _gate_of(stack, one), family.title, one.name, one.urn, "", message)
    for one in stack.of_type(*ADDRESS_GROUP):
        if not any(_names(user, one) for user in _rules(stack)):
            message = f'address group "{one.name}" is named by no firewall rule of the stack: name it, or take it out'
            yield Reference(Fault.UNUSED, _gate_of(stack, one), "address group", one.name, one.urn, "", message)


def _unassociated(stack: Stack, family: Family) -> Iterator[Resource]:
    types = (*family.policies, *family.with_rules)
    linked = [follow(one, ("firewallPolicy",), types) for one in stack.of_type(*family.associations)]
    if any(one.unknown for one in linked):
        return
    used = {resource.urn for one in linked for resource in one.resources}
    yield from (one for one in stack.of_type(*types) if one.urn not in used)


def _rules(stack: Stack) -> Iterator[Resource]:
    for family in (HIERARCHICAL, GLOBAL, REGIONAL):
        yield from stack.of_type(*family.rules, *family.with_rules)


def _names(rule: Resource, group: Resource) -> bool:
    if group in rule.refers_to("match") or group in rule.refers_to("rules"):
        return True
    id_ = group.get("id")
    return isinstance(id_, str) and any(plain(text) == plain(id_) for text in texts(dict(rule.properties)))


def _gate_of(stack: Stack, resource: Resource) -> str:
    """The gate that a resource is part of; else the only gate of the stack, or what its provider is called."""
    mine = [one.name for one in resource.ancestors() if one.type == GCP_FIREWALL_GATE]
    gates = [one.name for one in stack.of_type(GCP_FIREWALL_GATE)]
    return mine[0] if mine else gates[0] if len(gates) == 1 else "gcp"
