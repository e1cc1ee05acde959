"""What routes become at a TCP proxy, as plain data: targets, and who may open a tunnel to each, when, and for how long."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from ...proof.sets import Hosts
from ...proof.times import Times
from .certificates import TaskCertificates
from .issuers import TaskIssuer

PORT, ADMIN_PORT, HEALTH_PORT = 8443, 9901, 9902
Engine = Literal["envoy", "haproxy"]
Vouching = TaskIssuer | TaskCertificates
"""Whoever says which task is calling: by a token at Envoy, by a certificate at HAProxy."""
_LONGEST_LABEL = 63
"""Of a host's name (RFC 1035, section 2.3.4)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Tasks that a route names: by globs on their ids, or as a service account where that is all a token says."""

    principal: str
    dags: tuple[str, ...]
    tasks: tuple[str, ...]
    account: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A route, as far as it leads to one target."""

    route: str
    callers: Mapping[str, tuple[Caller, ...]]
    """Issuer's name → the callers that its tokens, or its certificates, can be of."""
    times: Times
    """When it holds: windows, and its last day."""
    session: int | None
    """Seconds that a tunnel may last; None: as long as the proxy lets any."""


@dataclass(frozen=True, slots=True)
class Target:
    """One `host:port` that tunnels lead to."""

    host: str
    """A name, or an address without brackets."""
    port: int
    destination: str
    grants: tuple[Grant, ...]
    data_class: str | None = None
    networks: tuple[str, ...] = ()
    """CIDRs that its name resolves to, where the access file says so."""

    @property
    def hosts(self) -> Hosts:
        """As a destination: by name, and by the addresses that it has."""
        try:
            return Hosts.from_cidr(str(ip_address(self.host)))
        except ValueError:
            return Hosts.from_names([self.host]) | Hosts.from_cidrs(self.networks)

    @property
    def authority(self) -> str:
        """As CONNECT names it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def key(self) -> str:
        """What its rules are called by: `ledger-db-1521`."""
        return f"{self.destination}-{self.port}"

    @property
    def deny(self) -> str:
        """The policy that refuses whoever has no route."""
        return f"deny-{self.key}"

    @property
    def allow(self) -> str:
        """How the policies that let through begin; the route's name follows after a slash."""
        return f"allow-{self.key}"


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """Everything that a proxy decides by."""

    gate: str
    """The gate's name, as zones write it."""
    issuers: tuple[TaskIssuer, ...]
    targets: tuple[Target, ...]
    session: int
    """Seconds that a tunnel may last where no route says less."""
    zones: tuple[str, ...] = ()
    """The zones whose destinations lie behind it."""
    manifests: Mapping[str, str] = field(default_factory=dict)
    """Environment → the digest of the manifest that its tasks decide by."""
    certificates: tuple[TaskCertificates, ...] = ()
    """Whose certificates it knows, where it asks for no token."""

    def labels(self) -> Mapping[str, str]:
        """Target → the label that stands for it in a TLS server name: `warehouse-corp-example-5432`."""
        plain = {one.authority: re.sub("[^a-z0-9]", "-", one.authority.lower()).strip("-") for one in self.targets}
        several = Counter(plain.values())
        return {
            target: label
            if several[label] == 1 and len(label) <= _LONGEST_LABEL
            else f"{label[:50]}{sha256(target.encode()).hexdigest()[:12]}"
            for target, label in plain.items()
        }

    def key_places(self) -> tuple[tuple[str, int], ...]:
        """(host, port) from which keys are fetched."""
        found = (urlsplit(one.keys_uri) for one in self.issuers if one.keys_uri is not None)
        return tuple(dict.fromkeys((str(one.hostname), one.port or (443 if one.scheme == "https" else 80)) for one in found))

    def issuer(self, name: str) -> TaskIssuer:
        """An issuer by name."""
        return next(one for one in self.issuers if one.name == name)
