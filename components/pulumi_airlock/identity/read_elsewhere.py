"""Reads what other gates call people and machines: FortiGate user groups, ZPA's SCIM groups and its groups of machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..gates.fortigate.device import USER_GROUP, kind_of
from ..gates.stack import UNKNOWN, Resource, Stack
from ..tokens import FORTIGATE_GATE, ZPA_GATE

ZPA_RULES: Final = (
    "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2",
    "zpa:index/policyAccessRule:PolicyAccessRule",
    "zpa:index/policyAccessTimeOutRuleV2:PolicyAccessTimeOutRuleV2",
    "zpa:index/policyAccessForwardingRuleV2:PolicyAccessForwardingRuleV2",
)


@dataclass(frozen=True, slots=True)
class Named:
    """A name in one system, and the identity provider's group that it stands for."""

    name: str
    """As the system calls it (a user group's name, a SCIM group's id)."""
    group: str | None
    """The group; None where it is not known."""
    resource: Resource
    position: str = ""


def device_groups(stack: Stack, ids: Mapping[str, str]) -> Iterator[Named]:
    """FortiGate user groups: what resources match remotely, and what a gate's component says. `ids` of groups → their names."""
    for one in stack.resources:
        if kind_of(one) == USER_GROUP:
            name = one.get("name")
            for position, entry in enumerate(_entries(one.get("matches") or one.get("match"))):
                group = entry.get("groupName")
                yield Named(
                    name if isinstance(name, str) else one.name,
                    ids.get(group, group) if isinstance(group, str) else None,
                    one,
                    f"matches[{position}].groupName",
                )
    for one in stack.of_type(FORTIGATE_GATE):
        found = one.get("userGroups", default={})
        for name, group in found.items() if isinstance(found, Mapping) else ():
            yield Named(str(name), group if isinstance(group, str) else None, one, f"userGroups.{name}")


def scim_groups(stack: Stack) -> Iterator[Named]:
    """SCIM groups that access rules name by id, with the group that a gate's component says each one is."""
    known: dict[str, str] = {}
    for gate in stack.of_type(ZPA_GATE):
        for entry in _entries(gate.get("scimGroups")):
            id_, group = entry.get("id"), entry.get("group")
            if isinstance(group, str):
                yield Named(id_ if isinstance(id_, str) else group, group, gate, "scimGroups")
                if isinstance(id_, str):
                    known[id_] = group
    for rule in stack.of_type(*ZPA_RULES):
        for id_ in dict.fromkeys(_scim_ids(rule)):
            yield Named(id_, known.get(id_), rule, "conditions")


@dataclass(frozen=True, slots=True)
class Machines:
    """A Cloud Connector group or a machine group: all that ZPA can tell of workloads."""

    id: str
    environment: str | None
    """The Airflow environment whose machines are in it; None where no component says."""
    resource: Resource


def machine_groups(stack: Stack) -> Iterator[Machines]:
    """Groups of machines: those that a gate's component says an environment is, and those that rules name."""
    known: set[str] = set()
    for gate in stack.of_type(ZPA_GATE):
        for entry in _entries(gate.get("workloads")):
            id_, environment = entry.get("id"), entry.get("environment")
            if isinstance(id_, str) and isinstance(environment, str):
                known.add(id_)
                yield Machines(id_, environment, gate)
    for rule in stack.of_type(*ZPA_RULES):
        for id_ in dict.fromkeys(_operand_ids(rule, "EDGE_CONNECTOR_GROUP", "MACHINE_GRP")):
            if id_ not in known:
                yield Machines(id_, None, rule)


def _scim_ids(rule: Resource) -> Iterator[str]:
    return _operand_ids(rule, "SCIM_GROUP")


def _operand_ids(rule: Resource, *kinds: str) -> Iterator[str]:
    """The ids in a rule's operands: `values`, or `entryValues.rhs`, in V2 rules; `rhs`, `rhsLists` in older ones."""
    for condition in _entries(rule.get("conditions")):
        for operand in _entries(condition.get("operands")):
            if operand.get("objectType") not in kinds:
                continue
            found = [operand.get("rhs"), *(entry.get("rhs") for entry in _entries(operand.get("entryValues")))]
            for listed in (operand.get("rhsLists"), operand.get("values")):
                found += listed if isinstance(listed, list) else []
            yield from (one for one in found if isinstance(one, str) and one)


def _entries(value: Any) -> Iterator[Mapping[str, Any]]:
    if value is UNKNOWN or not isinstance(value, list | tuple):
        return
    yield from (one for one in value if isinstance(one, Mapping))
