"""From `emit` to the sinks, without ever holding up a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .ocsf import Event


def configure(sinks: Sequence[Mapping[str, Any]]) -> None:
    """Sets the sinks of this process, anew. ValueError with everything that is wrong with them, all at once."""
    raise NotImplementedError


def emit(event: Event) -> None:
    """Hands an event to every sink. Never raises, never waits."""


def flush(timeout: float = 2.0) -> bool:
    """Waits until the sinks have written what was emitted; False: some of it is still under way after `timeout` seconds."""
    return True


def lost() -> int:
    """How many events did not reach a sink in this process."""
    return 0
