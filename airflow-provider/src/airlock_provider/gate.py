"""The trust gate: before a task does anything, the conditions of the routes that it is about to use are met, or it fails.

Which routes: those of the connections that the operator names in its fields (`conn_id`, `postgres_conn_id`, …); where it names
none that the manifest knows, all that its principals have now. What a task asks for later is checked when it asks.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from . import broker, context, decide, manifest, settings, trust
from .audit import PERMISSION, ROUTING, Refusal
from .backend import AirlockBackend
from .decide import GATE

_MARK = "_airlock_gate"


def put_before(task: Any) -> None:
    """Lets the gate run before a task, mapped ones too; what its author wants run before it follows."""
    partial = getattr(task, "partial_kwargs", None)
    if isinstance(partial, dict):  # a mapped operator: its tasks are made of these arguments
        partial["pre_execute"] = _gated(partial.get("pre_execute"))
    else:
        task._pre_execute_hook = _gated(getattr(task, "_pre_execute_hook", None))


def _gated(following: Callable[..., None] | None) -> Callable[..., None]:
    if getattr(following, _MARK, False):
        return following  # type: ignore[return-value]  # the mark is on a function

    def airlock_gate(context: Mapping[str, Any]) -> None:
        check(context)
        if following is not None:
            following(context)

    setattr(airlock_gate, _MARK, True)
    return airlock_gate


def check(airflows: Mapping[str, Any]) -> None:
    """Checks the conditions for the task of Airflow's context. Raises a refusal that names the one that is not met."""
    options = settings.current()
    if not options.in_use:
        return
    if not _is_ours(options.backend):
        text = f"tasks ask {options.backend or 'no secrets backend'} for connections, and not Airlock's"
        raise broker.stop("may not run", None, Refusal(PERMISSION, text, GATE, "backend"))
    try:
        known = manifest.load(options.manifest, options.digest)
    except manifest.ManifestError as error:
        raise broker.stop("may not run", None, Refusal(PERMISSION, f"manifest {error}", GATE, "manifest")) from None
    asker = context.begin(airflows)
    now = datetime.now(UTC)
    task = broker.task_of(asker, known)
    named = connections_of(airflows.get("task"), known)
    for granted in decide.required(known, task.run, now, named or None, context.limits(asker, now), context.running):
        if not granted.route.requires:
            continue
        connection = next((one for one in named if one in granted.destination.connections), granted.destination.connections[0])
        try:
            unmet = trust.unmet(broker.situation_of(task, granted, known, options, connection))
        except ValueError as error:
            unmet = Refusal(ROUTING, str(error), GATE, granted.route.name)
        if unmet is not None:
            raise broker.refused(task.run, "may not run", granted.destination, unmet, granted)


def _is_ours(path: str) -> bool:
    """Whether a class is Airlock's backend, or made of it."""
    module, _, name = path.rpartition(".")
    try:
        return issubclass(getattr(importlib.import_module(module), name), AirlockBackend)
    except (ImportError, AttributeError, TypeError, ValueError):
        return False


def connections_of(task: Any, known: manifest.Manifest) -> list[str]:
    """The manifest's connections that an operator names in fields of its own that end in `conn_id`."""
    fields = getattr(task, "__dict__", {})
    values = [value for name, value in fields.items() if name.endswith("conn_id") and isinstance(value, str)]
    return [one for one in values if one in known.by_connection]
