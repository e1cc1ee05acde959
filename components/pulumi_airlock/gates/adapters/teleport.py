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
from .plan import Account, Grant, Plan, Way

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
            for field in _NEEDED[one.method]:
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
    expires = None if grant.expires is None else f"{grant.expires + timedelta(days=1)}T00:00:00Z"
    metadata = {"description": grant.reason, **({"expires": expires} if expires else {})}
    return _resource("role", "v7", grant.route, {"options": options, "allow": {"app_labels": labels}}, **metadata)


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


def is_mine(document: Any) -> bool:
    """Whether a document is among what `tctl` takes."""
    return isinstance(document, list) and any(_kind(one) in ("role", "bot", *_SERVED) for one in document)


def read(documents: Mapping[str, Any]) -> Iterator[Way]:
    """What bots may reach, by their roles. A file of several documents is the list of them."""
    every = [(file, one) for file, found in documents.items() if isinstance(found, list) for one in found]
    resources = [one for _, one in every]
    for file, role in every:
        if _kind(role) != "role":
            continue
        label = f'role "{_named(role)}"'
        callers = list(_callers(_named(role), resources))
        for hosts, services, unknown in _reached(role, resources):
            for account, who, unclear in callers:
                yield Way(account, hosts, services, label, file, who, unknown or unclear)


def _kind(one: Any) -> str:
    version = str(one.get("version", "")) if isinstance(one, Mapping) else ""
    return str(one.get("kind", "")) if version.startswith("v") and isinstance(one.get("spec"), Mapping) else ""


def _named(one: Mapping[str, Any]) -> str:
    metadata = one.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


_Caller = tuple[str, Who | None, str]


def _callers(role: str, resources: Sequence[Any]) -> Iterator[_Caller]:
    """(account, who that is, what is not known) of everybody who has a role."""
    for one in resources:
        if role not in (one.get("spec", {}).get("roles") or ()) or _kind(one) not in ("bot", "user"):
            continue
        if _kind(one) == "user":
            yield "", None, f"who user {_named(one)} is"
            continue
        tokens = [each["spec"] for each in resources if _kind(each) == "token" and each["spec"].get("bot_name") == _named(one)]
        for spec in tokens:
            yield from _joined(spec)


def _joined(spec: Mapping[str, Any]) -> Iterator[_Caller]:
    """Who may join by a token."""
    method = spec.get("join_method")
    place = spec if method == "iam" else spec.get(str(method))
    rules = place.get("allow") if isinstance(place, Mapping) else None
    if method not in _NEEDED or not isinstance(rules, list):
        yield "", None, f"who joins by {method}"
        return
    for rule in rules:
        if method == "kubernetes":
            namespace, _, account = str(rule.get("service_account", "")).partition(":")
            yield f"{namespace}:{account}", Who(workloads=frozenset({f"{namespace}/{account}"})), ""
        elif method == "iam":
            yield (str(rule["aws_arn"]), None, "") if rule.get("aws_arn") else ("", None, "which role of the account joins")
        else:
            accounts = rule.get("service_accounts") or ()
            yield from ((str(one), None, "") for one in accounts)
            if not accounts:
                yield "", None, "which service account of the project joins"


def _reached(role: Mapping[str, Any], resources: Sequence[Any]) -> Iterator[tuple[Hosts, Services, str]]:
    """Where a role leads, and what is not known of that."""
    allow, deny = (role["spec"].get(one) or {} for one in ("allow", "deny"))
    unclear = f"what role {_named(role)} denies" if any(deny.get(one) for one in _SERVED.values()) else ""
    for kind, field in _SERVED.items():
        if allow.get(f"{field}_expression"):
            yield Hosts.every(), Services.every(), f"{field}_expression of role {_named(role)}"
        wanted = allow.get(field)
        if not isinstance(wanted, Mapping) or not wanted:
            continue
        mine = [one for one in resources if _kind(one) == kind and _selects(wanted, one.get("metadata", {}).get("labels") or {})]
        for one in mine:
            hosts, services, unknown = _led(one)
            yield hosts, services, unknown or unclear
        # Exact labels of resources that are here: those are all that anybody knows of.
        if not mine or any(set(text) & set("*^{") for value in wanted.values() for text in _texts(value)):
            yield Hosts.every(), Services.every(), f"resources that are not in the stack, which role {_named(role)} selects"


def _selects(wanted: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a role's labels are a resource's: of every label one of the values, `*` for any."""
    return all(key == "*" or labels.get(key) in _texts(value) or "*" in _texts(value) for key, value in wanted.items())


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _led(one: Mapping[str, Any]) -> tuple[Hosts, Services, str]:
    uri = str(one["spec"].get("uri", ""))
    parts = urlsplit(uri if "://" in uri else f"tcp://{uri}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        return Hosts.every(), Services.every(), f"where {_kind(one)} {_named(one)} is"
    return Target(host, port, "", ()).hosts, Services.of("tcp", port, port), ""
