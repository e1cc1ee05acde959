"""The manifest: what of an access document the tasks of one environment need to know, and the proxies on their way.

It is shipped into Airflow with the provider (airflow-provider/), which reads it with the standard library alone, and its digest
is known to the proxies: both sides decide by the same document, or say that they do not. It holds no secret. docs/provider.md
has the format; a change of it that a reader would misunderstand changes `VERSION`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from ..errors import Problems
from .draft import Draft
from .errors import AccessError, nearest, quoted
from .model import Access, Destination, Principal, Route
from .rules.places import shared_connection
from .values import ISSUER_PATTERN
from .window import Window

VERSION = "airlock.manifest/v1"
Source = Literal["sts", "kms", "projected", "oidc", "certificate"]
"""Who signs a task's token: AWS STS (`GetWebIdentityToken`), a key in a cloud's KMS, Kubernetes (projected), or another. Nobody
where its certificate tells it apart (a proxy of HAProxy)."""
Assurance = Literal["asserted", "attested"]
"""What a task's identity is worth: claimed by code that shares its role with other tasks, or vouched for by a pod of its own."""
Json = dict[str, Any]
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):([0-9]{1,5})")
_LOCAL_ISSUER = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class ProxyRule:
    """What a proxy's log and refusals call the rules of one target."""

    deny: str
    allow: str
    server_name: str | None = None
    """The TLS server name that stands for the target, at a proxy that is asked for it so; None: CONNECT names it."""

    def document(self) -> Json:
        """As it stands in the manifest."""
        return {"allow": self.allow, "deny": self.deny} | ({"serverName": self.server_name} if self.server_name else {})


@dataclass(frozen=True, slots=True)
class Proxy:
    """A TCP proxy that tells tasks apart, as its tasks reach it."""

    gate: str
    """Its component's name, as zones name it."""
    address: str
    """Where tasks connect to, `proxy.airlock.internal:8443`."""
    zones: tuple[str, ...]
    """The zones whose destinations lie behind it."""
    server_name: str | None = None
    """The name in its certificate; the host of `address` without it."""
    rules: Mapping[str, ProxyRule] = field(default_factory=dict)
    """Target → its rules."""

    def document(self) -> Json:
        """As it stands in the manifest."""
        host = self.address.rpartition(":")[0].strip("[]")
        rules = {target: one.document() for target, one in self.rules.items()}
        document = {"gate": self.gate, "address": self.address, "serverName": self.server_name or host}
        return {**document, "zones": list(self.zones), "rules": rules}


@dataclass(frozen=True, slots=True)
class TaskIdentity:
    """Where a task's token comes from, and what it says of its issuer and audience.

    `TaskIdentity("", "", "certificate", "asserted")`: tasks have no tokens, their certificates tell them apart.
    """

    issuer: str
    audience: str
    source: Source
    assurance: Assurance
    key: str | None = None
    """`kms`: the key's version at Google, or its ARN at AWS."""
    region: str | None = None
    """`sts`, `kms` at AWS: the region that is asked."""
    path: str | None = None
    """`projected`, `oidc`: the file that the token is in."""
    endpoint: str | None = None
    """`oidc`: the issuer's address that tokens are asked of."""

    def document(self) -> Json:
        """As it stands in the manifest."""
        where = {"key": self.key, "region": self.region, "path": self.path, "endpoint": self.endpoint}
        who = {"issuer": self.issuer, "audience": self.audience, "source": self.source, "assurance": self.assurance}
        return who | {name: value for name, value in where.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What a connection says besides its address and its secret. Nothing secret belongs here."""

    type: str | None = None
    """Airflow's connection type; by the destination's protocol without it."""
    host: str | None = None
    """The one host, of a destination that has several or a whole network."""
    port: int | None = None
    """The one port, of a destination that has several."""
    schema: str | None = None
    """The database."""
    login: str | None = None
    """The user, where the credential names none."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Airflow's `extra`: plain JSON."""

    def document(self) -> Json:
        """As it stands in the manifest."""
        plain = {"type": self.type, "host": self.host, "port": self.port, "schema": self.schema, "login": self.login}
        found = {name: value for name, value in plain.items() if value is not None}
        return found | ({"extra": dict(self.extra)} if self.extra else {})


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as plain data."""

    document: Json

    def text(self) -> str:
        """Canonical JSON: sorted keys, no spaces, ASCII."""
        return json.dumps(self.document, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal: what both sides compare."""
        return sha256(self.text().encode()).hexdigest()


def manifest(
    access: Access,
    environment: str,
    proxies: Sequence[Proxy],
    identity: TaskIdentity,
    connections: Mapping[str, ConnectionSettings] | None = None,
) -> Manifest:
    """The manifest of an environment's tasks.

    Destinations that none of its routes lead to are known by name and connections alone: they are refused by name, and their
    addresses are not given away. AccessError with every problem: an environment that is not declared, a connection of two
    destinations, a proxy of no zone, an issuer that is none.
    """
    settings = connections or {}
    _refuse(access, environment, proxies, identity, settings)
    principals = [one for one in access.principals if not one.is_people and one.environment in (None, environment)]
    routes = [one for one in (_route(route, {each.name for each in principals}) for route in access.routes) if one]
    reached = {name for route in routes for name in route["destinations"]}
    lived_in = {one.zone for one in access.destinations}
    document: Json = {
        "version": VERSION,
        "environment": environment,
        "principals": [_principal(one) for one in principals],
        "destinations": [_destination(one, one.name in reached) for one in access.destinations],
        "routes": routes,
        "zones": {name: {"gates": list(zone.gates)} for name, zone in access.zones.items() if name in lived_in},
        "proxies": [one.document() for one in proxies],
        "identity": identity.document(),
    }
    if settings:
        document["connections"] = {name: one.document() for name, one in settings.items()}
    return Manifest(document)


def targets(destination: Destination) -> tuple[str, ...]:
    """`host:port` of each TCP service, by the destination's names, or by its addresses where it has none.

    A suffix stays one (`*.corp.example:443`), a network too (`10.20.4.0/24:5432`), and a range of ports
    (`kafka.example:9093-9095`).
    """
    hosts = tuple(map(str.lower, destination.hosts)) or tuple(map(_host, destination.cidrs))
    tcp = [(first, last) for protocol, first, last in destination.services() if protocol == "tcp"]
    return tuple(f"{host}:{first}" if first == last else f"{host}:{first}-{last}" for host in hosts for first, last in tcp)


def _host(cidr: str) -> str:
    network = ip_network(cidr)
    text = str(network.network_address) if network.num_addresses == 1 else str(network)
    return f"[{text}]" if network.version == 6 else text


def _principal(one: Principal) -> Json:
    account = one.service_account or one.name
    return {"name": one.name, "dags": list(one.dags), "tasks": list(one.tasks), "serviceAccount": account}


def _destination(one: Destination, reached: bool) -> Json:
    return {
        "name": one.name,
        "connections": list(one.connection_ids()),
        "protocol": one.protocol,
        "zone": one.zone,
        "class": one.data_class,
        "targets": list(targets(one)) if reached else [],
    }


def _route(route: Route, here: set[str]) -> Json | None:
    principals = [name for name in route.from_ if name in here]
    if not principals:
        return None
    session, credential = route.session_length(), route.credential
    return {
        "name": route.name,
        "principals": principals,
        "destinations": list(route.to),
        "session": int(session.total_seconds()) if session else None,
        "expires": route.expires.isoformat() if route.expires else None,
        "window": _window(route.window) if route.window else None,
        "credential": {"kind": credential.kind, "ref": credential.ref} if credential else None,
        "requires": list(route.requires),
        "reason": route.reason,
    }


def _window(window: Window) -> Json:
    if window.dagrun is not None:
        return {"dagrun": window.dagrun}
    return {"timezone": window.timezone, "spans": [list(span) for span in window.spans()]}


def _refuse(
    access: Access,
    environment: str,
    proxies: Iterable[Proxy],
    identity: TaskIdentity,
    settings: Mapping[str, ConnectionSettings],
) -> None:
    problems = Problems("manifest", AccessError)
    declared = [one.name for one in access.environments]
    if declared and environment not in declared:
        problems.add("environment", f"no environment {quoted(environment)}{nearest(environment, declared)}")
    for finding in shared_connection(Draft.of(access), date.min):
        problems.add(finding.path, finding.message)
    for path, message in (*_wrong_proxies(access, proxies), *_wrong_identity(identity), *_wrong_settings(access, settings)):
        problems.add(path, message)
    problems.raise_any()


def _wrong_proxies(access: Access, proxies: Iterable[Proxy]) -> Iterator[tuple[str, str]]:
    behind: dict[str, str] = {}
    for index, proxy in enumerate(proxies):
        path = f"proxies[{index}]"
        found = _ADDRESS.fullmatch(proxy.address)
        if not found or not 0 < int(found[2]) < 65536:
            yield f"{path}.address", f"{quoted(proxy.address)} is no address: write host and port, as in proxy.corp.example:8443"
        for zone in proxy.zones:
            if zone not in access.zones:
                yield f"{path}.zones", f"no zone {quoted(zone)}{nearest(zone, access.zones)}"
                continue
            if proxy.gate not in access.zones[zone].gates:
                yield f"{path}.gate", f"{quoted(proxy.gate)} is none of the gates of zone {quoted(zone)}: add it there"
            other = behind.setdefault(zone, proxy.gate)
            if other != proxy.gate:
                yield (
                    f"{path}.zones",
                    f"zone {quoted(zone)} already lies behind {quoted(other)}: a task takes one proxy; choose one",
                )


def _wrong_identity(identity: TaskIdentity) -> Iterator[tuple[str, str]]:
    if identity.source == "certificate":
        if identity.issuer or identity.audience:
            yield "identity.issuer", "certificates have no issuer and no audience of tokens: leave both empty"
        return
    if not re.fullmatch(ISSUER_PATTERN, identity.issuer, re.ASCII) and not _LOCAL_ISSUER.fullmatch(identity.issuer):
        yield "identity.issuer", f"{quoted(identity.issuer)} is no issuer: write its https URL"
    if not identity.audience.strip():
        yield "identity.audience", "is empty: write what the proxy calls itself"
    needed = {"kms": ("key",), "projected": ("path",), "oidc": ("path", "endpoint"), "sts": ("region",)}[identity.source]
    if not any(getattr(identity, name) for name in needed):
        yield f"identity.{needed[0]}", f"a token of {identity.source} needs {' or '.join(needed)}"
    if identity.assurance == "attested" and identity.source in ("sts", "kms"):
        yield (
            "identity.assurance",
            f"what {identity.source} signs is claimed by whoever has the role: it is asserted, not attested",
        )


def _wrong_settings(access: Access, settings: Mapping[str, ConnectionSettings]) -> Iterator[tuple[str, str]]:
    known = {one: destination for destination in access.destinations for one in destination.connection_ids()}
    for name, one in settings.items():
        path = f'connections["{name}"]'
        if name not in known:
            yield path, f"no destination has this connection{nearest(name, known)}"
            continue
        ports = [(first, last) for protocol, first, last in known[name].services() if protocol == "tcp"]
        if one.port is not None and not any(first <= one.port <= last for first, last in ports):
            yield f"{path}.port", f"{one.port} is none of the ports of destination {quoted(known[name].name)}"
        if one.host is not None and not _within(one.host, known[name]):
            yield f"{path}.host", f"{quoted(one.host)} is no host of destination {quoted(known[name].name)}"


def _within(host: str, destination: Destination) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        suffixes = [one.removeprefix("*") for one in destination.hosts if one.startswith("*.")]
        return host.lower() in map(str.lower, destination.hosts) or host.lower().endswith(tuple(map(str.lower, suffixes)))
    return any(address in network for network in destination.networks())
