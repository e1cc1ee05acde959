"""What of an AWS network nothing uses: security groups, prefix lists, network ACLs, route tables.

There are no undefined names here: AWS knows its resources by ids that it hands out, and an id that the stack does not have is one
of somewhere else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...tokens import AWS_NETWORK_GATE
from ..references import Fault, Reference, depended_on, texts
from ..stack import Resource, Stack
from .links import DEFAULT_SECURITY_GROUP, PREFIX_LIST, PREFIX_LIST_ENTRY, SECURITY_GROUP
from .read_acls import ACL, ACL_RULE
from .read_routes import PROPAGATION, ROUTE, TABLE
from .read_security_groups import RULE, SINGLE_RULE

_ROOT = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Something that has an effect only where it is attached."""

    what: str
    types: tuple[str, ...]
    parts: tuple[str, ...]
    """Types of its own rules and entries: they attach it to nothing."""
    message: str


_GROUP_RULES = (*RULE, *SINGLE_RULE["egress"], *SINGLE_RULE["ingress"])
_KINDS = (
    _Kind(
        "security group",
        tuple(one for one in SECURITY_GROUP if one not in DEFAULT_SECURITY_GROUP),
        (*_GROUP_RULES, *SECURITY_GROUP),
        "is attached to nothing in the stack, so that its rules apply to nobody",
    ),
    _Kind("prefix list", PREFIX_LIST, PREFIX_LIST_ENTRY, "is named by no rule and no route of the stack"),
    _Kind("network ACL", ACL, ACL_RULE, "has no subnet in the stack, so that its rules apply to nothing"),
    _Kind("route table", TABLE, (*ROUTE, *PROPAGATION), "has no subnet in the stack, so that its routes lead nobody anywhere"),
)


def references(stack: Stack) -> Iterator[Reference]:
    """Everything that is attached to nothing. What an output of the stack hands on counts as used."""
    users = _Users(stack)
    for kind in _KINDS:
        for one in stack.of_type(*kind.types):
            if not users.attached(one, lambda user, kind=kind: user.type in kind.parts):  # type: ignore[misc]
                message = f'{kind.what} "{one.name}" {kind.message}; attach it, or take it out'
                yield Reference(Fault.UNUSED, _gate_of(stack, one), kind.what, one.name, one.urn, "", message)


def _gate_of(stack: Stack, resource: Resource) -> str:
    """The gate that a resource is part of; else the only gate of the stack, or what its provider is called."""
    mine = [one.name for one in resource.ancestors() if one.type == AWS_NETWORK_GATE]
    gates = [one.name for one in stack.of_type(AWS_NETWORK_GATE)]
    return mine[0] if mine else gates[0] if len(gates) == 1 else "aws"


class _Users:
    """Who in a stack uses what."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def attached(self, resource: Resource, is_part: Callable[[Resource], bool]) -> bool:
        """Whether something other than its own parts was computed from a resource, or has its id."""
        found = list(self._by_urn.get(resource.urn, ()))
        for prop in ("id", "arn"):
            value = resource.get(prop)
            found += self._by_text.get(value, ()) if isinstance(value, str) else ()
        return any(user is not resource and not is_part(user) for user in found)

    @cached_property
    def _by_urn(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self._stack.resources:
            if one.custom:
                for urn in depended_on(one):
                    found.setdefault(urn, []).append(one)
        return found

    @cached_property
    def _by_text(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self._stack.resources:
            # A component only repeats what its children have; the stack hands its outputs on.
            if one.custom or one.type == _ROOT:
                for text in set(texts(dict(one.properties))):
                    found.setdefault(text, []).append(one)
        return found
