"""Reads identity back from a stack, whoever wrote it: groups, who is assigned to what, what AWS roles trust and allow, and names.

Facts only; `proof` judges them. Links between resources follow property dependencies, so that a preview can be read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..gates.stack import UNKNOWN, Resource, Stack
from ..tokens import IDENTITY
from .read_aws import SignIn, TaskRole, sign_ins, task_roles
from .read_elsewhere import Machines, Named, device_groups, machine_groups, scim_groups
from .read_provider import Assignment, Group, assignments, group_ids, groups


@dataclass(frozen=True)
class Told:
    """What an `Identity` component says of itself."""

    resource: Resource

    def mapping(self, key: str) -> Mapping[str, Any]:
        """One of its tables; empty where it is not known."""
        found = self.resource.get(key, default={})
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def web_servers(self) -> dict[str, str]:
        """Destination → environment."""
        return {one: to for one, to in self.mapping("webServers").items() if isinstance(to, str)}

    @property
    def provider(self) -> str:
        """`okta`, `entra` or `oidc`."""
        return str(self.resource.get("provider", default=""))

    def listed(self, key: str) -> frozenset[str]:
        """One of its lists."""
        return frozenset(str(one) for one in self.resource.get_list(key) if one is not UNKNOWN)


@dataclass(frozen=True, slots=True)
class IdentityReading:
    """What a stack's resources say about identity."""

    told: tuple[Told, ...]
    groups: tuple[Group, ...]
    """The identity provider's groups."""
    assignments: tuple[Assignment, ...]
    """Which groups get tokens of which clients."""
    sign_ins: tuple[SignIn, ...]
    """AWS roles that sign in to Airflow."""
    task_roles: tuple[TaskRole, ...]
    """AWS roles that an environment's tasks may assume."""
    device_groups: tuple[Named, ...]
    """FortiGate user groups, and the groups of the identity provider that they stand for."""
    scim_groups: tuple[Named, ...]
    """SCIM groups that ZPA's rules name."""
    machines: tuple[Machines, ...]
    """Groups of machines that stand for workloads at ZPA."""

    @property
    def empty(self) -> bool:
        """Whether the stack says nothing of identity that could be compared."""
        return not (self.told or self.groups or self.assignments or self.sign_ins)


def read_identity(stack: Stack) -> IdentityReading:
    """Everything that a stack says about identity. Never raises on strange resources."""
    told = tuple(Told(one) for one in stack.of_type(IDENTITY))
    known = tuple(groups(stack))
    environments = dict(_environments(told))
    existing = dict(_existing(told))
    return IdentityReading(
        told,
        known,
        tuple(assignments(stack, known, existing)),
        tuple(sign_ins(stack, environments)),
        tuple(task_roles(stack, frozenset(name for one in told for name in _role_names(one)))),
        tuple(device_groups(stack, {**existing, **group_ids(known)})),
        tuple(scim_groups(stack)),
        tuple(machine_groups(stack)),
    )


def _environments(told: tuple[Told, ...]) -> Iterator[tuple[str, str]]:
    """MWAA's name → the environment's."""
    for one in told:
        for environment, mwaa_name in one.mapping("environments").items():
            yield str(mwaa_name), str(environment)


def _existing(told: tuple[Told, ...]) -> Iterator[tuple[str, str]]:
    """Id → name of groups that somebody else makes."""
    for one in told:
        for group, entry in one.mapping("groups").items():
            if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
                yield entry["id"], str(group)


def _role_names(told: Told) -> Iterator[str]:
    """AWS roles that the component made for tasks."""
    for entry in told.mapping("workloads").values():
        if isinstance(entry, Mapping) and isinstance(entry.get("awsRole"), str):
            yield entry["awsRole"]
