"""The model of an access file: who may reach what, when, with which credential. The same names in YAML and in Python."""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    """Immutable, strict about unknown keys; camelCase in files, snake_case in Python."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Trust(StrEnum):
    """How sensitive a zone is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class IdentityProvider(_Model):
    """The OIDC provider that people sign in with, and whose groups principals name."""

    kind: Literal["okta", "entra", "oidc"]
    issuer: str
    audience: str


class Environment(_Model):
    """An Airflow environment of the stack, and the DAGs that it runs.

    `dags` is an assumption the proof states: it names the DAG ids that are deployed to this environment. Without it, any DAG may run there.
    """

    name: str
    dags: tuple[str, ...] = ("*",)


class Principal(_Model):
    """Who: workloads, by globs on DAG and task ids, or people, by a group of the identity provider. Exactly one of `dags` and `group`."""

    name: str
    dags: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("*",)
    environment: str | None = None
    """The Airflow environment whose tasks these are; None: every environment of the stack."""
    group: str | None = None
    sources: tuple[str, ...] = ()
    """CIDRs that people connect from (offices, VPN pools); empty: from anywhere outside the environments."""
    role: str | None = None
    """The Airflow role whose DAG-level permissions cover them."""
    owner: str | None = None


class Zone(_Model):
    """Where destinations live, and the gates on the way there, in order, by the names of their components."""

    cidrs: tuple[str, ...] = ()
    gates: tuple[str, ...]
    trust: Trust = Trust.MEDIUM


class Destination(_Model):
    """What can be reached: by name, by address or both (then the names resolve to these addresses), on ports (`5432/tcp`, `8000-8010/tcp`)."""

    name: str
    zone: str
    hosts: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()
    ports: tuple[str, ...]
    protocol: str | None = None
    """Application protocol (postgres, https, sftp, …); HTTP destinations (`http`, `https`) may have routes with `http`."""
    data_class: str | None = Field(default=None, alias="class")


class HttpAccess(_Model):
    """HTTP requests a route allows: any of the methods on any of the paths (globs)."""

    methods: tuple[str, ...] = ("*",)
    paths: tuple[str, ...] = ("*",)


class Window(_Model):
    """When a route holds: every week on these days between two times of a time zone, or while a DAG runs.

    `to` at or before `from` ends on the next day. Exactly one of `dagrun` and the weekly fields.
    """

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    timezone: str = "UTC"
    dagrun: str | None = None


class Credential(_Model):
    """What the destination authenticates, and how often it is renewed (`30d`)."""

    kind: Literal["rds-iam", "secrets-manager", "vault", "gcp-iam", "static"]
    ref: str
    rotate: str | None = None


class Route(_Model):
    """These principals may reach these destinations, in this window, with this credential."""

    name: str
    from_: tuple[str, ...] = Field(alias="from")
    to: tuple[str, ...]
    http: tuple[HttpAccess, ...] = ()
    window: Window | None = None
    session: str | None = None
    """Longest connection (`1h`): at most the window."""
    credential: Credential | None = None
    requires: tuple[str, ...] = ()
    """Trust conditions that are checked before a task runs (`tunnel-up`, `token-fresh`, `policy-current`)."""
    reason: str
    expires: date | None = None
    """The last day on which the route holds, in UTC."""


class Expectation(_Model):
    """A test of the access as a whole: `from` is a principal's name, or `dag.task` globs (`environment/dag.task` to name the environment too)."""

    from_: str = Field(alias="from")
    to: str
    """A destination's name, or `destination:port`."""
    allow: bool
    at: str | None = None
    """An instant (ISO 8601 with offset) at which it must hold; without it: `allow` at some time, or denied at all times."""


class Access(_Model):
    """A whole access file."""

    api_version: Literal["airlock/v1"] = "airlock/v1"
    identity_provider: IdentityProvider | None = None
    environments: tuple[Environment, ...] = ()
    principals: tuple[Principal, ...]
    zones: dict[str, Zone]
    destinations: tuple[Destination, ...]
    routes: tuple[Route, ...]
    expect: tuple[Expectation, ...] = ()
