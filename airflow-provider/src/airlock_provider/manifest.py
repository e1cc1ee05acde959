"""Reads the manifest: who may reach what from this environment, by which proxy, with which credential.

`pulumi_airlock.access.manifest` writes it. What cannot be read whole is not used at all: a part that is misunderstood would be a
rule that is not kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from . import forks

VERSION = "airlock.manifest/v1"


class ManifestError(ValueError):
    """The manifest cannot be used; the message says which file, and why."""


@dataclass(frozen=True)
class Principal:
    """Tasks, by globs on DAG and task ids."""

    name: str
    dags: tuple[str, ...]
    tasks: tuple[str, ...]
    service_account: str

    def covers(self, dag_id: str, task_id: str) -> bool:
        """Whether a task is among these."""
        return any(fnmatchcase(dag_id, one) for one in self.dags) and any(fnmatchcase(task_id, one) for one in self.tasks)


@dataclass(frozen=True)
class Window:
    """When a route holds: spans of minutes of the week on a wall clock, from Monday 00:00, or the runs of a DAG."""

    timezone: str = "UTC"
    spans: tuple[tuple[int, int], ...] = ()
    dagrun: str | None = None


@dataclass(frozen=True)
class Credential:
    """What the destination authenticates: never the secret itself."""

    kind: str
    ref: str


@dataclass(frozen=True)
class Route:
    """These principals may reach these destinations."""

    name: str
    principals: tuple[str, ...]
    destinations: tuple[str, ...]
    session: int | None
    """Seconds."""
    expires: date | None
    window: Window | None
    credential: Credential | None
    requires: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Destination:
    """What can be reached."""

    name: str
    connections: tuple[str, ...]
    protocol: str | None
    zone: str
    data_class: str | None
    targets: tuple[str, ...]
    """`host:port`; a suffix (`*.corp.example:443`), a network or a range of ports stay what they are."""


@dataclass(frozen=True)
class ProxyRule:
    """What the proxy calls the rules of a target."""

    allow: str
    deny: str
    server_name: str = ""
    """The TLS server name that stands for the target, where the proxy takes no CONNECT."""


@dataclass(frozen=True)
class Proxy:
    """A TCP proxy that tells tasks apart."""

    gate: str
    address: str
    server_name: str
    zones: tuple[str, ...]
    rules: Mapping[str, ProxyRule]

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)

    def denials(self, destination: Destination) -> list[str]:
        """What it calls the rules that refuse a destination's targets to whom they do not know."""
        found = (rule.deny for target, rule in self.rules.items() if any(covers(one, target) for one in destination.targets))
        return sorted(set(found))


@dataclass(frozen=True)
class Identity:
    """Where a task's token comes from."""

    issuer: str
    audience: str
    source: str
    assurance: str
    key: str = ""
    region: str = ""
    path: str = ""
    endpoint: str = ""


@dataclass(frozen=True)
class Settings:
    """What a connection says besides address and secret."""

    type: str | None = None
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    login: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A manifest, read."""

    environment: str
    principals: tuple[Principal, ...]
    destinations: Mapping[str, Destination]
    routes: tuple[Route, ...]
    zones: Mapping[str, tuple[str, ...]]
    """Zone → its gates, in order."""
    proxies: tuple[Proxy, ...]
    identity: Identity
    connections: Mapping[str, Settings]
    digest: str
    """SHA-256 of the file as it is."""
    by_connection: Mapping[str, Destination] = field(init=False, repr=False, compare=False)
    """Connection → the destination that it leads to."""

    def __post_init__(self) -> None:
        named = {each: one for one in self.destinations.values() for each in one.connections}
        object.__setattr__(self, "by_connection", named)

    def principals_of(self, dag_id: str, task_id: str) -> tuple[Principal, ...]:
        """Every principal that a task is, in order."""
        return tuple(one for one in self.principals if one.covers(dag_id, task_id))

    def proxy_of(self, zone: str) -> Proxy | None:
        """The proxy before a zone; None: its destinations are reached without one."""
        return next((one for one in self.proxies if zone in one.zones), None)


def covers(pattern: str, target: str) -> bool:
    """Whether a destination's target (`*.corp.example:443`, `10.20.4.0/24:9093-9095`) has a single one in it."""
    wanted, _, ports = pattern.lower().rpartition(":")
    host, _, port = target.lower().rpartition(":")
    first, _, last = ports.partition("-")
    if not int(first) <= int(port) <= int(last or first):
        return False
    if wanted.startswith("*."):
        return host.endswith(wanted[1:])
    if "/" in wanted:
        try:
            return ip_address(host.strip("[]")) in ip_network(wanted.strip("[]"))
        except ValueError:
            return False
    return host == wanted


def parse(text: str) -> Manifest:
    """A manifest of its text. ManifestError when it is none, or of a version that this provider does not know."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ManifestError(f"is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        found = document.get("version") if isinstance(document, dict) else type(document).__name__
        raise ManifestError(f"is {found!r}, and this provider reads {VERSION}: deploy the two of the same release")
    try:
        return _read(document, sha256(text.encode()).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestError(f"is not whole: {type(error).__name__}: {error}") from None


_loaded: dict[Path, tuple[tuple[int, int, int], Manifest]] = {}
_lock = forks.lock()


def load(path: Path, digest: str = "") -> Manifest:
    """The manifest of a file; read again when the file has changed. ManifestError when it cannot be used.

    `digest`: the SHA-256 that it must have; empty: any.
    """
    try:
        stat = os.stat(path)
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = _loaded.get(path)
        if known is None or known[0] != stamp:
            with _lock:
                known = _loaded[path] = (stamp, parse(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ManifestError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None
    found = known[1]
    if digest and found.digest != digest.lower():
        raise ManifestError(f"{path}: its SHA-256 is {found.digest}, and [airlock] digest says {digest}: deploy both together")
    return found


def _read(document: Mapping[str, Any], digest: str) -> Manifest:
    destinations = [_destination(one) for one in document["destinations"]]
    identity = document["identity"]
    made = Manifest(
        environment=str(document["environment"]),
        principals=tuple(
            Principal(one["name"], _texts(one["dags"]), _texts(one["tasks"]), one["serviceAccount"])
            for one in document["principals"]
        ),
        destinations={one.name: one for one in destinations},
        routes=tuple(_route(one) for one in document["routes"]),
        zones={name: _texts(one["gates"]) for name, one in document["zones"].items()},
        proxies=tuple(_proxy(one) for one in document["proxies"]),
        identity=Identity(**{name: str(value) for name, value in identity.items()}),
        connections={name: Settings(**one) for name, one in document.get("connections", {}).items()},
        digest=digest,
    )
    _refuse_unknown(made)
    return made


def _destination(one: Mapping[str, Any]) -> Destination:
    ids, targets = _texts(one["connections"]), _texts(one["targets"])
    return Destination(one["name"], ids, one["protocol"], one["zone"], one["class"], targets)


def _route(one: Mapping[str, Any]) -> Route:
    credential = one["credential"]
    return Route(
        name=one["name"],
        principals=_texts(one["principals"]),
        destinations=_texts(one["destinations"]),
        session=int(one["session"]) if one["session"] is not None else None,
        expires=date.fromisoformat(one["expires"]) if one["expires"] is not None else None,
        window=_window(one["window"]) if one["window"] is not None else None,
        credential=Credential(credential["kind"], credential["ref"]) if credential is not None else None,
        requires=_texts(one["requires"]),
        reason=one["reason"],
    )


def _window(one: Mapping[str, Any]) -> Window:
    if "dagrun" in one:
        return Window(dagrun=str(one["dagrun"]))
    return Window(one["timezone"], tuple((int(first), int(last)) for first, last in one["spans"]))


def _proxy(one: Mapping[str, Any]) -> Proxy:
    rules = {target: ProxyRule(rule["allow"], rule["deny"], rule.get("serverName", "")) for target, rule in one["rules"].items()}
    return Proxy(one["gate"], one["address"], one["serverName"], _texts(one["zones"]), rules)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{value!r} is no list of texts")
    return tuple(value)


def _refuse_unknown(manifest: Manifest) -> None:
    principals = {one.name for one in manifest.principals}
    for route in manifest.routes:
        for name in route.principals:
            if name not in principals:
                raise ValueError(f"route {route.name}: no principal {name}")
        for name in route.destinations:
            if name not in manifest.destinations:
                raise ValueError(f"route {route.name}: no destination {name}")
    seen: dict[str, str] = {}
    for destination in manifest.destinations.values():
        for one in destination.connections:
            if seen.setdefault(one, destination.name) != destination.name:
                raise ValueError(f"connection {one} is of {seen[one]} and of {destination.name}")
