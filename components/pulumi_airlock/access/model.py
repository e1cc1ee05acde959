"""The model of an access file: who may reach what, when, with which credential. The same names in YAML and in Python.

Every value is kept as it is written, and checked: `Access(...)` and the same document in YAML are equal. What a text means
(ports, durations, windows) is a method beside it. A value that is wrong raises `AccessError` with every problem of the object.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, Self, TypeVar

from pydantic import Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

from ..errors import Problem
from . import globs, values
from .base import Model
from .errors import AccessError, MisplacedError
from .fields import (
    Cidr,
    Component,
    ConnectionId,
    DagAction,
    Day,
    Duration,
    Glob,
    Host,
    Instant,
    Issuer,
    Method,
    Name,
    PathGlob,
    Port,
    PrincipalName,
    Text,
)
from .values import IPNetwork, Service
from .window import Window


class Trust(StrEnum):
    """How sensitive a zone is, and how far a role or a principal is trusted."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return list(Trust).index(self)


class IdentityProvider(Model):
    """The OIDC provider that people sign in with, and whose groups principals name."""

    kind: Literal["okta", "entra", "oidc"]
    issuer: Issuer
    audience: Text


class Environment(Model):
    """An Airflow environment of the stack, and the DAGs that it runs.

    `dags` is an assumption the proof states: it names the DAG ids that are deployed to this environment. Without it, any
    DAG may run there.
    """

    name: Component
    dags: tuple[Glob, ...] = Field(default=("*",), min_length=1)


class Role(Model):
    """A role of Airflow (Flask-AppBuilder): what its members may do with which DAGs, and how far they are trusted."""

    name: Text
    """As principals name it, and as Airflow shows it."""
    base: Literal["Admin", "Op", "User", "Viewer", "Public"] = "Public"
    """The built-in role that its members have as well: what they may do beyond single DAGs."""
    dags: dict[Glob, tuple[DagAction, ...]] = Field(default_factory=dict)
    """Globs on DAG ids → what members may do with these DAGs."""
    clearance: Trust | None = None
    """The most sensitive zones that its members may have routes into; None: a principal's own, else medium."""


class Principal(Model):
    """Who: workloads, by globs on DAG and task ids, or people, by a group of the identity provider.

    Exactly one of `dags` and `group`.
    """

    name: PrincipalName
    dags: tuple[Glob, ...] = ()
    """Globs on DAG ids."""
    tasks: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    """Globs on task ids; all tasks without it."""
    environment: Component | None = None
    """The Airflow environment whose tasks these are; None: every environment of the stack."""
    group: Text | None = None
    """The identity provider's group."""
    sources: tuple[Cidr, ...] = ()
    """CIDRs that people connect from (offices, VPN pools); empty: from anywhere outside the environments."""
    role: Text | None = None
    """The Airflow role whose DAG-level permissions cover them."""
    clearance: Trust | None = None
    """The most sensitive zones that they may have routes into; None: their role's."""
    service_account: Text | None = None
    """What workloads are called by systems that know service accounts; their own name without it."""
    owner: Text | None = None
    """Who answers for them: a team or an address."""

    @property
    def is_people(self) -> bool:
        """Whether these are people, not tasks."""
        return self.group is not None

    def networks(self) -> tuple[IPNetwork, ...]:
        """The networks that people connect from; empty: anywhere outside the environments."""
        return tuple(map(values.parse_cidr, self.sources))

    def covers(self, dag: str, task: str, environment: str | None = None) -> bool:
        """Whether a task of an environment is among these; None as environment: in some environment."""
        here = self.environment is None or environment is None or self.environment == environment
        return here and _any_match(self.dags, dag) and _any_match(self.tasks, task)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        found = []
        if not self.dags and self.group is None:
            found.append(("", "write dags for workloads or group for people: exactly one of them"))
        if self.dags and self.group is not None:
            found.append(("group", "a principal is workloads (dags) or people (group), not both: make two principals"))
        if self.dags and self.sources:
            found.append(
                ("sources", "workloads connect from their environment's subnets: leave sources out, or write group for people")
            )
        if self.group is not None and not self.dags:
            for field in ("tasks", "environment", "service_account"):
                if field in self.model_fields_set and getattr(self, field) not in (None, ("*",)):
                    key = to_camel(field)
                    found.append((key, f"people have no {key}: leave it out, or write dags for workloads"))
        if found:
            raise MisplacedError(*found)
        return self


class Zone(Model):
    """Where destinations live, and the gates on the way there, in order, by the names of their components."""

    cidrs: tuple[Cidr, ...] = ()
    """The zone's networks; without them its hosts may be anywhere."""
    gates: tuple[Component, ...]
    """The gates on the way, in order, by the names of their components."""
    trust: Trust = Trust.MEDIUM
    """How sensitive the zone is."""

    def networks(self) -> tuple[IPNetwork, ...]:
        """The zone's networks."""
        return tuple(map(values.parse_cidr, self.cidrs))


class Destination(Model):
    """What can be reached: by name, by address or both (then the names resolve to these addresses), on ports."""

    name: Name
    zone: str
    """The zone it lives in."""
    hosts: tuple[Host, ...] = ()
    """Its names, or suffixes (`*.corp.example`)."""
    cidrs: tuple[Cidr, ...] = ()
    """Its addresses."""
    ports: tuple[Port, ...] = Field(min_length=1)
    """Ports with their protocol (`443/tcp`, `8000-8010/tcp`), or a protocol without ports (`icmp`)."""
    protocol: Text | None = None
    """Application protocol (postgres, https, sftp, …); HTTP destinations (`http`, `https`) may have routes with `http`."""
    data_class: Text | None = Field(default=None, alias="class")
    """How its data is classified (public, internal, confidential, …)."""
    connections: tuple[ConnectionId, ...] | None = None
    """The ids of Airflow's connections to it; without them its name, and its name with `_` for `-`. Empty: it has none."""

    @property
    def is_http(self) -> bool:
        """Whether its routes may say which requests they allow."""
        return self.protocol is not None and self.protocol.lower() in ("http", "https")

    def connection_ids(self) -> tuple[str, ...]:
        """The ids of Airflow's connections to it."""
        return tuple(dict.fromkeys((self.name, self.name.replace("-", "_")) if self.connections is None else self.connections))

    def services(self) -> tuple[Service, ...]:
        """Its ports as (protocol, first port, last port); a protocol without ports has 0–65535."""
        return tuple(map(values.parse_port, self.ports))

    def networks(self) -> tuple[IPNetwork, ...]:
        """Its addresses."""
        return tuple(map(values.parse_cidr, self.cidrs))

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.hosts and not self.cidrs:
            raise MisplacedError(("", "write hosts, cidrs, or both: nothing says where it is"))
        return self


class HttpAccess(Model):
    """HTTP requests a route allows: any of the methods on any of the paths (globs)."""

    methods: tuple[Method, ...] = Field(default=("*",), min_length=1)
    paths: tuple[PathGlob, ...] = Field(default=("*",), min_length=1)
    except_: tuple[PathGlob, ...] = Field(default=(), alias="except")
    """Paths that are not allowed all the same (globs): `/execution/*` of an Airflow that people use."""


class Credential(Model):
    """What the destination authenticates, and how often it is renewed (`30d`)."""

    kind: Literal["rds-iam", "secrets-manager", "vault", "gcp-iam", "static"]
    ref: Text
    """Where it is kept: never the secret itself."""
    rotate: Duration | None = None
    """How often it is renewed."""

    def rotation(self) -> timedelta | None:
        """How often it is renewed; None where nothing is said."""
        return values.parse_duration(self.rotate) if self.rotate else None


class TrustException(Model):
    """Lets a route into a zone above its principals' clearance, for a while. Reports show it as long as it holds."""

    reason: Text
    """Why: a ticket."""
    approved_by: Text
    """Who answers for it."""
    expires: Day
    """The last day on which it holds, in UTC."""


class Route(Model):
    """These principals may reach these destinations, in this window, with this credential."""

    name: Name
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    """Principals, by name."""
    to: tuple[str, ...] = Field(min_length=1)
    """Destinations, by name."""
    http: tuple[HttpAccess, ...] = ()
    """The HTTP requests allowed; every request without it. For HTTP destinations alone."""
    window: Window | None = None
    """When it holds; always without it."""
    session: Duration | None = None
    """Longest connection (`1h`): at most the window."""
    credential: Credential | None = None
    """What the destination authenticates."""
    requires: tuple[Component, ...] = ()
    """Trust conditions that are checked before a task runs (`tunnel-up`, `token-fresh`, `policy-current`)."""
    reason: Text
    """Why: a ticket, a contract."""
    expires: Day | None = None
    """The last day on which the route holds, in UTC."""
    exception: TrustException | None = None
    """Why it may lead into a zone above its principals' clearance."""

    def session_length(self) -> timedelta | None:
        """The longest connection; None where nothing is said."""
        return values.parse_duration(self.session) if self.session else None

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today


class Expectation(Model):
    """A test of the access as a whole.

    `from` is a principal's name, or `dag.task` globs (`environment/dag.task` to name the environment too).
    """

    from_: str = Field(alias="from")
    """A principal's name, `dag.task` globs, `other` (any other DAG) or `outside`."""
    to: str
    """A destination's name, or `destination:port`."""
    allow: StrictBool
    """Whether it is let through."""
    at: Instant | None = None
    """An instant (ISO 8601 with offset) at which it must hold; without it: `allow` at some time, or denied at all times."""

    def instant(self) -> datetime | None:
        """The instant at which it must hold."""
        return values.parse_instant(self.at) if self.at else None


class Access(Model):
    """A whole access file."""

    api_version: Literal["airlock/v1"] = "airlock/v1"
    """The version of this format."""
    identity_provider: IdentityProvider | None = None
    """Who people sign in with."""
    environments: tuple[Environment, ...] = ()
    """The Airflow environments of the stack."""
    roles: tuple[Role, ...] = ()
    """The roles of Airflow; where any is declared, principals have one of these."""
    rotation: Duration | None = None
    """How often every credential and every gate's own API token is renewed at least (`30d`); a route's own may be more often."""
    principals: tuple[Principal, ...]
    """Who."""
    zones: dict[Component, Zone]
    """Where destinations live, by the zones' names."""
    destinations: tuple[Destination, ...]
    """What can be reached."""
    routes: tuple[Route, ...]
    """Who may reach what."""
    expect: tuple[Expectation, ...] = ()
    """Tests of the access as a whole, run with every proof."""

    def _sound(self) -> Self:
        from .draft import Draft
        from .references import reference_problems

        problems = [Problem("Access", join, message) for join, message in reference_problems(Draft.of(self))]
        if problems:
            raise AccessError(problems)
        return self

    def principal(self, name: str) -> Principal:
        """A principal by name; KeyError when there is none."""
        return _by_name(self.principals, name)

    def destination(self, name: str) -> Destination:
        """A destination by name; KeyError when there is none."""
        return _by_name(self.destinations, name)

    def role(self, name: str) -> Role:
        """A role by name; KeyError when there is none."""
        return _by_name(self.roles, name)

    def clearance(self, principal: Principal) -> Trust:
        """The most sensitive zones that a principal may have routes into: its own, else its role's, else medium."""
        role = next((one for one in self.roles if one.name == principal.role), None)
        return principal.clearance or (role.clearance if role else None) or Trust.MEDIUM

    def cadence(self, credential: Credential) -> timedelta | None:
        """How often a credential is renewed: as it says itself, else as often as all; None where nothing is said."""
        return credential.rotation() or (values.parse_duration(self.rotation) if self.rotation else None)


_Named = TypeVar("_Named", Principal, Destination, Role)


def _by_name(items: Iterable[_Named], name: str) -> _Named:
    for item in items:
        if item.name == name:
            return item
    raise KeyError(name)


def _any_match(patterns: Iterable[str], text: str) -> bool:
    return any(globs.matches(pattern, text) for pattern in patterns)
