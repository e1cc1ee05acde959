"""HashiCorp Boundary: targets and roles, as the configuration of its Terraform provider. No SDK in here.

Boundary signs users in by password, OIDC in a browser, or LDAP; a token of a workload is none of these. So it knows the tasks of
an environment by the one user whose password they share. Sources: Boundary, "Targets" and "Permissions" (grant
strings); hashicorp/terraform-provider-boundary 1.6, `docs/resources`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ...access import Principal, Route
from ...access.errors import quoted
from ...proof.sets import Hosts, Services
from . import terraform
from .plan import Account, Plan, Way, at

FILE = "boundary.tf.json"
TARGET, ROLE = "boundary_target", "boundary_role"
_CONNECT = "authorize-session"
_ANYBODY = ("u_anon", "u_auth")
"""Boundary's own users: whoever is not signed in, and whoever is."""
_USER, _PROJECT = re.compile(r"u_[A-Za-z0-9]+"), re.compile(r"p_[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """A Boundary that the user runs."""

    project: str
    """The id of the project that targets and roles belong to (`p_…`)."""
    users: Mapping[str, str]
    """Environment → the id of the Boundary user as which its tasks sign in (`u_…`)."""
    worker_filter: str | None = None
    """Which workers lead to the targets (`egress_worker_filter`); any without it."""

    @property
    def kind(self) -> str:
        """What it is called."""
        return "boundary"

    def wrong(self) -> Iterator[tuple[str, str]]:
        """What is wrong with what was given."""
        if not _PROJECT.fullmatch(self.project):
            yield "project", f"{quoted(self.project)} is no project: write its id, `p_…`"
        if not self.users:
            yield "users", "none: write the user of each environment's tasks"
        for environment, user in self.users.items():
            if not _USER.fullmatch(user) or user in _ANYBODY:
                yield f"users[{environment}]", f"{quoted(user)} is no single user: write its id, `u_…`"

    def environments(self) -> frozenset[str]:
        """The environments whose tasks it knows."""
        return frozenset(self.users)

    def account(self, environment: str, principal: Principal) -> Account:
        """One user for all tasks of an environment."""
        return Account(self.users[environment], environment)

    def unsayable(self, route: Route, session: timedelta) -> Iterator[tuple[str, str]]:
        """Nothing beside what no product says."""
        yield from ()

    def documents(self, plan: Plan) -> Mapping[str, str]:
        """A target for each of a route's own, as its sessions are as long as the route says; and a role."""
        targets: dict[str, Any] = {}
        roles: dict[str, Any] = {}
        for grant in plan.grants:
            mine = [terraform.identifier(grant.route, one.destination, one.host, str(one.port)) for one in grant.targets]
            for name, one in zip(mine, grant.targets, strict=True):
                targets[name] = {
                    "name": name,
                    "description": f"{one.destination}, route {grant.route}: {grant.reason}",
                    "type": "tcp",
                    "scope_id": self.project,
                    "address": one.host,
                    "default_port": one.port,
                    "session_max_seconds": grant.session,
                    "session_connection_limit": -1,
                    **({"egress_worker_filter": self.worker_filter} if self.worker_filter else {}),
                }
            roles[terraform.identifier(grant.route)] = {
                "name": grant.route,
                "description": grant.reason,
                "scope_id": self.project,
                "grant_strings": [f"ids={terraform.reference(TARGET, one)};actions={_CONNECT}" for one in mine],
                "principal_ids": sorted(one.name for one in grant.accounts),
            }
        made = {kind: found for kind, found in ((TARGET, targets), (ROLE, roles)) if found}
        return {FILE: terraform.configuration("boundary", "hashicorp/boundary", "~> 1.4", made)}


# Read back


def is_mine(document: Any) -> bool:
    """Whether a document is a configuration of Boundary."""
    return any(True for kind in (ROLE, TARGET) for _ in terraform.resources(document, kind))


def read(documents: Mapping[str, Any]) -> Iterator[Way]:
    """What users may open sessions to."""
    targets = {name: one for document in documents.values() for name, one in terraform.resources(document, TARGET)}
    for file, document in documents.items():
        for name, role in terraform.resources(document, ROLE):
            label = f'role "{role.get("name", name)}"'
            users = terraform.listed(role, "principal_ids")
            for grant in terraform.listed(role, "grant_strings"):
                for hosts, services, unknown in _granted(str(grant), targets):
                    for user in users:
                        yield Way("" if user in _ANYBODY else str(user), hosts, services, label, file, unknown=unknown)


_Led = tuple[Hosts, Services, str]


def _granted(text: str, targets: Mapping[str, Mapping[str, Any]]) -> Iterator[_Led]:
    """Where a grant leads, and what is not known of that."""
    said = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if not said:
        yield Hosts.every(), Services.every(), f"grant {text}"
        return
    if not {_CONNECT, "*"} & set(said.get("actions", "").split(",")) or said.get("type", "target") not in ("target", "*"):
        return
    for one in (said.get("ids") or said.get("id") or "").split(","):
        name = terraform.referred(one, TARGET)
        if one == "*":
            yield from map(_led, targets.values())
            yield Hosts.every(), Services.every(), "targets that are not in the stack"
        elif name is not None and name in targets:
            yield _led(targets[name])
        elif one:
            yield Hosts.every(), Services.every(), f"target {one}"


def _led(target: Mapping[str, Any]) -> _Led:
    found = at(target.get("address"), target.get("default_port"))
    return (*found, "") if found else (Hosts.every(), Services.every(), f"where target {target.get('name', '')} is")
