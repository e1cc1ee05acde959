"""What a stack is judged on: the access that it declares, its gates as they are read back, and the proof that both agree."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.sources import stack_from_policy
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof import Proof, prove
from pulumi_airlock.tokens import ACCESS
from pulumi_policy import StackValidationArgs


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stack, and what was found. Without a proof, `problems` says why there is none."""

    stack: Stack
    proof: Proof | None = None
    problems: tuple[tuple[str | None, str], ...] = ()
    """(URN or None for the stack itself, what is wrong) where nothing could be proven."""
    applicable: bool = True
    """False: the stack has no Airflow environment, and declares no access; there is nothing to prove."""


@dataclass(slots=True)
class _Latest:
    """The evidence of the last stack: the policies of the pack look at the same stack, one after the other."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    key: object = None
    evidence: Evidence | None = None
    fingerprint: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    """What policies that looked at this stack before were configured with."""

    def shared(self, fingerprint: int, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """A policy's configuration, and what it leaves out as others of the pack have it: a document is written once."""
        known = self.config if self.fingerprint == fingerprint else {}
        self.fingerprint = fingerprint
        self.config = known | {name: config[name] for name in ("access", "at") if config.get(name)}
        return self.config


_LATEST = _Latest()


def evidence_of(args: StackValidationArgs) -> Evidence:
    """The evidence on the stack that a policy is given, with its configuration (`access`, `at`) or that of one before it."""
    stack = stack_from_policy(args)
    fingerprint = _fingerprint(stack)
    with _LATEST.lock:
        config = _LATEST.shared(fingerprint, args.get_config() or {})
        key = (fingerprint, repr((config.get("access"), config.get("at"))))
        if _LATEST.evidence is None or _LATEST.key != key:
            _LATEST.evidence = _gathered(stack, config)
            _LATEST.key = key
        return _LATEST.evidence


def _fingerprint(stack: Stack) -> int:
    return hash(tuple(repr((one.urn, one.parent, one.properties, one.property_dependencies)) for one in stack.resources))


def _gathered(stack: Stack, config: Mapping[str, Any]) -> Evidence:
    declaration = next(iter(stack.of_type(ACCESS)), None)
    try:
        access = Access.model_validate(config["access"]) if config.get("access") else declared_access(stack)
    except ValueError as error:  # AccessError, or pydantic's own
        # A document in the configuration is not at fault of any resource.
        place = declaration.urn if declaration and not config.get("access") else None
        return Evidence(stack, problems=((place, f"The access document cannot be used:\n{error}"),))
    reading = read_all(stack, access)
    if access is None and declaration is not None:
        message = f"The document of {declaration.name} cannot be known before the update: declare access from plain values."
        return Evidence(stack, problems=((declaration.urn, message),))
    if access is None:
        undeclared = "is an Airflow environment, and the stack declares no access: everything that it can reach is excess."
        found = tuple((one.urn, f"{one.name} {undeclared}") for one in reading.environments)
        return Evidence(stack, problems=found, applicable=bool(found))
    return Evidence(
        stack, prove(access, reading.environments, reading.filters, at=_instant(config.get("at")), around=reading.around)
    )


def _instant(given: str | None) -> datetime:
    """The instant of the proof, which decides what has expired: the configured one, or now."""
    if not given:
        return datetime.now(UTC)
    instant = datetime.fromisoformat(given)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
