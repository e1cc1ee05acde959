"""What audit events are about: a task run, where it goes, a session on the way, and why something was refused.

Nothing in here can hold a secret: a token is known by its `jti`, a credential by its reference.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

PERMISSION, ROUTING, TOKEN, TRUST, CREDENTIAL = "permission", "routing", "token", "trust", "credential"
"""Kinds of a refusal: a rule said no; nothing was reached; the identity was not accepted or not to be had; a trust condition was
not met; a credential was not to be had."""


@dataclass(frozen=True)
class TaskRun:
    """One try of one task instance: whom every event is of.

    `correlation` is the OpenLineage run id of the try (`airlock_provider.correlation`): the same in the provider's events, in the
    proxy's log and in lineage.
    """

    environment: str
    dag_id: str
    task_id: str
    run_id: str
    try_number: int = 1
    map_index: int = -1
    ti_id: str = ""
    correlation: str = ""
    assurance: str = "asserted"
    """`asserted`: code that shares the worker's role could claim it; `attested`: a pod of its own proves it."""
    agent_id: str = ""
    """The AI agent on whose behalf the task runs."""
    principal: str = ""
    """The manifest's principal that the task is; empty: none, or not known yet."""

    def __str__(self) -> str:
        mapped = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{mapped} {self.run_id} try {self.try_number}"


@dataclass(frozen=True)
class Destination:
    """Where a session goes: the manifest's destination, and the target that is asked for."""

    name: str
    host: str = ""
    port: int = 0
    zone: str = ""
    route: str = ""
    """The route that grants it; empty: none does."""

    @property
    def target(self) -> str:
        """`host:port`, as the proxy is asked for it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Session:
    """One connection from a task through the proxy. Instants are seconds since 1970."""

    destination: Destination
    opened: float
    gate: str = ""
    """The proxy's gate by its component's name."""
    proxy: str = ""
    """Its address, `host:port`."""
    deadline: float | None = None
    source_ip: str = ""
    source_port: int = 0
    """The end of the connection to the proxy, which the proxy and flow logs see, unless something translates it."""
    token_uid: str = ""
    """The token's `jti`."""
    issuer: str = ""
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Refusal:
    """Why something was refused, as the task's log says it too."""

    kind: str
    """`permission`, `routing`, `token`, `trust` or `credential`."""
    text: str
    """One sentence for a person."""
    gate: str = ""
    rule: str = ""
    """The policy, or the trust condition, that decided."""
    detail: str = ""
    """The deciding part's own words (Envoy's response code details, a system's error)."""
    status: int = 0
    """HTTP status of the proxy's answer; 0: none came."""
