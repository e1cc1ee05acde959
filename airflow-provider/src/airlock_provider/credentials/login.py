"""What is asked of a source of credentials, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..audit import TaskRun
from ..settings import Settings
from ..tokens import Token

UNSAID = 300.0
"""Seconds that a credential is kept whose source does not say how long it holds: it may be rotated at any time."""


class CredentialError(Exception):
    """No credential is to be had; the message says of whom, and why, and never what it is."""


@dataclass(frozen=True)
class Asked:
    """A credential that a task asks for."""

    kind: str
    ref: str
    run: TaskRun
    host: str
    port: int
    """The destination itself, not the forwarder: RDS signs them into its tokens."""
    user: str
    """Whom the manifest's settings name; empty: nobody."""
    protocol: str
    region: str
    seconds: int
    """How long the task may use it."""
    settings: Settings
    token: Callable[[], Token]
    """The task's own token, for sources that take it."""


@dataclass(frozen=True)
class Login:
    """A user and a secret. It is never printed."""

    user: str
    secret: str = field(repr=False)
    expires: float
    """Seconds since 1970: when another has to be asked for."""
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    release: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    """Gives it back before its time, where the source can."""


def soon(seconds: float) -> float:
    """The instant in so many seconds."""
    return time.time() + seconds
