"""Teleport: applications, roles, bots and how these join, as `tctl create` takes them, and the bots' own files. No SDK in here.

A bot joins by what its platform says of it: Kubernetes by a service account's token, which tells principals apart; AWS and Google
by a role or service account, which all tasks of an environment share. Sources: Teleport, "Access Controls Reference" (options of
roles, "the shortest TTL wins"), "Join Methods and Tokens", "Machine & Workload Identity Configuration Reference" (tbot).
"""

import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from ...access import Principal, Route
from ...access.errors import quoted
from ...access.values import duration_text
from ...proof.filters import Who
from ...proof.sets import Hosts, Services
from ..naming import cut_name
from ..tcp_proxy.plan import Target
from .plan import Account, Grant, Plan, Way, at

FILE = "teleport.yaml"
LABEL, GATE = "airlock/target", "airlock/gate"
LONGEST = timedelta(hours=12)
"""What a bot's credentials may last unless its own role says otherwise (Teleport, TeleportBotV1, `max_session_ttl`)."""
PORTS = range(21000, 29000)
"""Where tbot listens, on the task's own loopback address."""


@dataclass(frozen=True, slots=True)
class Join:
    """How the bots of an environment's tasks join Teleport."""

    environment: str
    method: Literal["kubernetes", "iam", "gcp"]
    namespace: str | None = None
    """`kubernetes`: that of the tasks' service accounts."""
    jwks: str | None = None
    """`kubernetes`: the cluster's public keys, where Teleport runs outside of it."""
    role: str | None = None
    """`iam`: the ARN of the environment's role as its sessions have it (`arn:aws:sts::111122223333:assumed-role/finance/*`)."""
    project: str | None = None
    service_account: str | None = None
    """`gcp`: the environment's service account, and its project."""


_ROLE = re.compile(r"arn:aws[a-z-]*:sts::[0-9]{12}:assumed-role/[A-Za-z0-9_+=,.@-]+/\*")
_NEEDED = {"kubernetes": ("namespace",), "iam": ("role",), "gcp": ("project", "service_account")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Teleport:
    """A Teleport cluster that the user runs. Its Application Service has to serve applications with the label `airlock/gate`."""

    proxy: str
    """Where bots connect to, `teleport.corp.example:443`."""
    joins: Sequence[Join]

    @property
    def kind(self) -> str:
        """What it is called."""
        return "teleport"

    def wrong(self) -> Iterator[tuple[str, str]]:
        """What is wrong with what was given."""
        host, _, port = self.proxy.rpartition(":")
        if not host or not port.isdecimal():
            yield "proxy", f"{quoted(self.proxy)}: write host and port"
        if not self.joins:
            yield "joins", "none: nobody could join as the tasks of any environment"
        for number, one in enumerate(self.joins):
            if one.method not in _NEEDED:
                yield f"joins[{number}].method", f"{quoted(one.method)}: write one of {', '.join(_NEEDED)}"
            for field in _NEEDED.get(one.method, ()):
                if not getattr(one, field):
                    yield f"joins[{number}].{field}", f"missing: joining by {one.method} goes by it"
            if one.role and not _ROLE.fullmatch(one.role):
                yield f"joins[{number}].role", f"{quoted(one.role)}: write arn:aws:sts::<account>:assumed-role/<role>/*"
            if one.environment in [each.environment for each in self.joins[:number]]:
                yield f"joins[{number}].environment", f"{quoted(one.environment)} is given twice"

    def environments(self) -> frozenset[str]:
        """The environments whose tasks it knows."""
        return frozenset(one.environment for one in self.joins)

    def account(self, environment: str, principal: Principal) -> Account:
        """A principal's own service account in Kubernetes; elsewhere what all tasks of the environment have."""
        join = self._join(environment)
        if join.method == "kubernetes":
            mine = principal.service_account or principal.name
            return Account(f"{join.namespace}:{mine}", environment, f"{join.namespace}/{mine}", "attested")
        return Account(str(join.role or join.service_account), environment)

    def unsayable(self, route: Route, session: timedelta) -> Iterator[tuple[str, str]]:
        """Sessions that last longer than a bot's credentials."""
        length = route.session_length() or session
        if length > LONGEST:
            yield "session", f"{duration_text(length)}: a bot's credentials last {duration_text(LONGEST)} at most"

    def documents(self, plan: Plan) -> Mapping[str, str]:
        """What the cluster is told, and a file for each bot."""
        named = {one.authority: one for one in plan.targets()}
        documents = [
            *(_application(plan.gate, one) for one in named.values()),
            *map(_role, plan.grants),
            *(each for one in plan.accounts() for each in self._bot(plan, one)),
        ]
        ports = _ports(named)
        bots = {f"tbot-{_bot_name(one)}.yaml": _yaml([self._client(plan, one, ports)]) for one in plan.accounts()}
        return {FILE: _yaml(documents), **bots}

    def _join(self, environment: str) -> Join:
        return next(one for one in self.joins if one.environment == environment)

    def _bot(self, plan: Plan, account: Account) -> Iterator[dict[str, Any]]:
        name, join = _bot_name(account), self._join(account.environment)
        roles = [one.route for one in plan.grants_of(account)]
        yield _resource("bot", "v1", name, {"roles": roles})
        how: dict[str, Any]
        if join.method == "kubernetes":
            kind = {"type": "static_jwks", "static_jwks": {"jwks": join.jwks}} if join.jwks else {"type": "in_cluster"}
            how = {"kubernetes": {**kind, "allow": [{"service_account": account.name}]}}
        elif join.method == "iam":
            how = {"allow": [{"aws_account": account.name.split(":")[4], "aws_arn": account.name}]}
        else:
            how = {"gcp": {"allow": [{"project_ids": [join.project], "service_accounts": [account.name]}]}}
        yield _resource("token", "v2", name, {"roles": ["Bot"], "bot_name": name, "join_method": join.method, **how})

    def _client(self, plan: Plan, account: Account, ports: Mapping[str, int]) -> dict[str, Any]:
        grants = plan.grants_of(account)
        targets = {one.authority: one for grant in grants for one in grant.targets}
        return {
            "version": "v2",
            "proxy_server": self.proxy,
            "onboarding": {"join_method": self._join(account.environment).method, "token": _bot_name(account)},
            "storage": {"type": "memory"},
            "credential_ttl": _duration(min(one.session for one in grants)),
            "services": [
                {"type": "application-tunnel", "app_name": _name(one), "listen": f"tcp://127.0.0.1:{ports[one.authority]}"}
                for one in targets.values()
            ],
        }


def _ports(targets: Iterable[str]) -> dict[str, int]:
    """Target → local port. By its name, so that another target does not move it (unless both have one by chance)."""
    found: dict[str, int] = {}
    for one in sorted(targets):
        number = zlib.crc32(one.encode()) % len(PORTS)
        while PORTS[number] in found.values():
            number = (number + 1) % len(PORTS)
        found[one] = PORTS[number]
    return found


def _application(gate: str, target: Target) -> dict[str, Any]:
    address = f"[{target.host}]" if ":" in target.host else target.host
    labels = {LABEL: _name(target), GATE: gate}
    return _resource("app", "v3", _name(target), {"uri": f"tcp://{address}:{target.port}"}, labels=labels)


def _role(grant: Grant) -> dict[str, Any]:
    labels = {LABEL: [_name(one) for one in grant.targets]}
    options = {"max_session_ttl": _duration(grant.session), "disconnect_expired_cert": True}
    # Without `metadata.expires`: a bot that names a role which is gone may get none of its others.
    return _resource("role", "v7", grant.route, {"options": options, "allow": {"app_labels": labels}}, description=grant.reason)


def _resource(kind: str, version: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "version": version, "metadata": {"name": name, **metadata}, "spec": dict(spec)}


def _name(target: Target) -> str:
    """An application's name: a label of DNS, as it is part of a name below the proxy's."""
    return cut_name(63, target.destination, target.host.replace(".", "-").replace(":", "-"), str(target.port)).lower()


def _bot_name(account: Account) -> str:
    return cut_name(63, account.workload.replace("/", "-") if account.workload else f"airflow-{account.environment}")


def _duration(seconds: int) -> str:
    """As Go writes it."""
    return f"{seconds // 3600}h{seconds % 3600 // 60}m{seconds % 60}s"


def _yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    writer, text = YAML(typ="safe", pure=True), io.StringIO()
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    # Through JSON: what is the same object twice would become an alias.
    writer.dump_all([json.loads(json.dumps(one)) for one in documents], text)
    return text.getvalue()


# Read back

_SERVED = {"app": "app_labels", "db": "db_labels"}
"""Kind of resource → how a role selects it."""
_Resource = tuple[str, str, Mapping[str, Any], Mapping[str, Any]]
"""Kind, name, labels, spec."""


def is_mine(document: Any) -> bool:
    """Whether a document is among what `tctl` takes."""
    return any(kind in ("role", "bot", *_SERVED) for kind, *_ in _resources(document))


def read(documents: Mapping[str, Any]) -> Iterator[Way]:
    """What bots may reach, by their roles. A file of several documents is the list of them."""
    every = [one for document in documents.values() for one in _resources(document)]
    for file, document in documents.items():
        for kind, name, _, spec in _resources(document):
            callers = list(_callers(name, every)) if kind == "role" else []
            for hosts, services, unknown in _reached(name, spec, every) if callers else ():
                for account, who, unclear in callers:
                    yield Way(account, hosts, services, f'role "{name}"', file, who, unknown or unclear)


def _resources(document: Any) -> Iterator[_Resource]:
    for one in document if isinstance(document, list) else ():
        if isinstance(one, Mapping) and str(one.get("version", "")).startswith("v") and isinstance(one.get("spec"), Mapping):
            metadata = _map(one, "metadata")
            yield str(one.get("kind", "")), str(metadata.get("name", "")), _map(metadata, "labels"), one["spec"]


def _map(one: Any, name: str) -> Mapping[str, Any]:
    found = one.get(name) if isinstance(one, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> list[str]:
    """The values of a field that takes one, or several."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)] if value is not None else []


_Caller = tuple[str, Who | None, str]


def _callers(role: str, every: Sequence[_Resource]) -> Iterator[_Caller]:
    """(account, who that is, what is not known) of everybody who has a role."""
    for kind, name, _, spec in every:
        if kind in ("bot", "user") and role in _texts(spec.get("roles")):
            tokens = [each for other, _, _, each in every if other == "token" and each.get("bot_name") == name]
            for token in tokens if kind == "bot" else ():
                yield from _joined(token)
            if kind == "user" or not tokens:
                yield "", None, f"who {kind} {name} is"


def _joined(token: Mapping[str, Any]) -> Iterator[_Caller]:
    """Who may join by a token."""
    method = str(token.get("join_method"))
    rules = (token if method == "iam" else _map(token, method)).get("allow")
    if method not in _NEEDED or not isinstance(rules, list):
        yield "", None, f"who joins by {method}"
        return
    field = {"kubernetes": "service_account", "iam": "aws_arn", "gcp": "service_accounts"}[method]
    for rule in rules:
        found = _texts(rule.get(field) if isinstance(rule, Mapping) else None)
        for one in found:
            who = Who(workloads=frozenset({one.replace(":", "/", 1)})) if method == "kubernetes" else None
            yield one, who, ""
        if not found:
            yield "", None, f"who joins by {method} without {field}"


def _reached(name: str, role: Mapping[str, Any], every: Sequence[_Resource]) -> Iterator[tuple[Hosts, Services, str]]:
    """Where a role leads, and what is not known of that."""
    allow, deny = _map(role, "allow"), _map(role, "deny")
    unclear = f"what role {name} denies" if any(deny.get(one) for one in _SERVED.values()) else ""
    for served, field in _SERVED.items():
        if allow.get(f"{field}_expression"):
            yield Hosts.every(), Services.every(), f"{field}_expression of role {name}"
        if not (wanted := _map(allow, field)):
            continue
        mine = [one for one in every if one[0] == served and _selects(wanted, one[2])]
        for _, which, _, spec in mine:
            yield _led(f"{served} {which}", spec, unclear)
        # Exact labels of resources that are here: those are all that anybody knows of.
        if not mine or any(set(text) & set("*^{") for value in wanted.values() for text in _texts(value)):
            yield Hosts.every(), Services.every(), f"resources that are not in the stack, which role {name} selects"


def _selects(wanted: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a role's labels are a resource's: of every label one of the values, `*` for any."""
    return all(key == "*" or labels.get(key) in _texts(value) or "*" in _texts(value) for key, value in wanted.items())


def _led(which: str, spec: Mapping[str, Any], unclear: str) -> tuple[Hosts, Services, str]:
    uri = str(spec.get("uri", ""))
    try:
        parts = urlsplit(uri if "://" in uri else f"tcp://{uri}")
        found = at(parts.hostname, parts.port)
    except ValueError:
        found = None
    return (*found, unclear) if found else (Hosts.every(), Services.every(), f"where {which} is")
