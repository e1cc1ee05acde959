"""hoop: connections and who may use them, as the configuration of its Terraform provider. No SDK in here.

hoop knows callers by groups of whoever signed in; for machines that is a service account, whose subject its identity provider
vouches for. Every task of an environment has the credentials of one such account. Sources: hoophq/terraform-provider-hoop 0.0.20,
`docs/resources`; hoophq/hoop, `gateway/api/openapi` (service accounts) and `gateway/models/connections.go` (who sees what).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ...access import Principal, Route
from ...access.errors import quoted
from ...proof.sets import Hosts, Services
from ..tcp_proxy.plan import Target
from . import terraform
from .plan import Account, Plan, Way, at

FILE, ACCOUNTS = "hoop.tf.json", "hoop-service-accounts.json"
CONNECTION, PLUGIN = "hoop_connection", "hoop_plugin_connection"
_PLUGIN = "access_control"
_AGENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OWN_GROUPS = ("admin", "auditor")
"""hoop's own groups, which see every connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hoop:
    """A hoop gateway that the user runs. Its plugin `access_control` has to be on: without it everybody sees everything."""

    agent: str
    """The id of the agent that leads to the targets."""
    subjects: Mapping[str, str]
    """Environment → what its identity provider calls the tasks' client (`sub` of its tokens)."""
    group: str = "airflow-{environment}"
    """How the group of an environment's service account is called."""

    @property
    def kind(self) -> str:
        """What it is called."""
        return "hoop"

    def wrong(self) -> Iterator[tuple[str, str]]:
        """What is wrong with what was given."""
        if not _AGENT.fullmatch(self.agent):
            yield "agent", f"{quoted(self.agent)} is no agent: write its id, a UUID"
        if not self.subjects:
            yield "subjects", "none: write the subject of each environment's tasks"
        groups = [self._group(one) for one in self.subjects]
        if len(set(groups)) < len(groups):
            yield "group", f"{quoted(self.group)} is one group for several environments: write {{environment}} into it"
        if set(groups) & set(_OWN_GROUPS):
            yield "group", f"{quoted(self.group)}: members of {' and '.join(_OWN_GROUPS)} see every connection"

    def environments(self) -> frozenset[str]:
        """The environments whose tasks it knows."""
        return frozenset(self.subjects)

    def account(self, environment: str, principal: Principal) -> Account:
        """One group for all tasks of an environment."""
        return Account(self._group(environment), environment)

    def unsayable(self, route: Route, session: timedelta) -> Iterator[tuple[str, str]]:
        """It ends no session of a service account."""
        if route.session is not None:
            yield (
                "session",
                f"{route.session}: hoop ends only sessions that people approve; leave it out, or take another proxy",
            )

    def documents(self, plan: Plan) -> Mapping[str, str]:
        """A connection for each target, the groups that may use it, and the service accounts in them."""
        connections: dict[str, Any] = {}
        allowed: dict[str, Any] = {}
        for one in plan.targets():
            name = terraform.identifier(one.destination, one.host, str(one.port))
            connections[name] = self._connection(name, one)
            groups = {each.name for grant in plan.grants if one in grant.targets for each in grant.accounts}
            connection = terraform.reference(CONNECTION, name)
            allowed[name] = {"plugin_name": _PLUGIN, "connection_id": connection, "config": sorted(groups)}
        made = {kind: found for kind, found in ((CONNECTION, connections), (PLUGIN, allowed)) if found}
        return {
            FILE: terraform.configuration("hoop", "hoophq/hoop", "~> 0.0.20", made),
            ACCOUNTS: json.dumps([self._service_account(one) for one in plan.accounts()], indent=2) + "\n",
        }

    def _group(self, environment: str) -> str:
        return self.group.replace("{environment}", environment)

    def _connection(self, name: str, target: Target) -> dict[str, Any]:
        off = dict.fromkeys(("access_mode_exec", "access_mode_runbooks", "access_schema"), "disabled")
        return {
            "name": name,
            "type": "application",
            "subtype": "tcp",
            "agent_id": self.agent,
            "secrets": {"envvar:HOST": target.host, "envvar:PORT": str(target.port)},
            "access_mode_connect": "enabled",
            **off,
        }

    def _service_account(self, account: Account) -> dict[str, Any]:
        """What `POST /api/serviceaccounts` takes."""
        subject = self.subjects[account.environment]
        return {"name": account.name, "subject": subject, "status": "active", "groups": [account.name]}


# Read back


def is_mine(document: Any) -> bool:
    """Whether a document is a configuration of hoop."""
    return any(True for _ in terraform.resources(document, CONNECTION))


def read(documents: Mapping[str, Any]) -> Iterator[Way]:
    """What groups may connect to."""
    allowed = [one for document in documents.values() for _, one in terraform.resources(document, PLUGIN)]
    for file, document in documents.items():
        for name, one in terraform.resources(document, CONNECTION):
            if one.get("access_mode_connect") == "disabled":
                continue
            hosts, services, unknown = _led(one)
            label = f'connection "{one.get("name", name)}"'
            mine = [each for each in allowed if _is_about(each, name)]
            for group in (str(each) for each in mine for each in terraform.listed(each, "config")):
                yield Way(group, hosts, services, label, file, unknown=unknown)
            if not mine:
                yield Way("", hosts, services, label, file, unknown="who may use it: no access_control of the stack says so")


def _is_about(plugin: Mapping[str, Any], connection: str) -> bool:
    return plugin.get("plugin_name") == _PLUGIN and terraform.referred(plugin.get("connection_id"), CONNECTION) == connection


def _led(connection: Mapping[str, Any]) -> tuple[Hosts, Services, str]:
    secrets = connection.get("secrets")
    found = secrets if isinstance(secrets, Mapping) else {}
    host = found.get("envvar:HOST")
    # `_aws:…` and the like: the agent looks it up.
    place = None if isinstance(host, str) and host.startswith("_") else at(host, found.get("envvar:PORT"))
    return (*place, "") if place else (Hosts.every(), Services.every(), f"where connection {connection.get('name', '')} leads")
