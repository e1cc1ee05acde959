"""Findings and answers as plain data, for JSON."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ..access.names import Target
from ..proof.findings import Row


def plain(value: Any) -> Any:
    """Lists, dictionaries, texts and numbers alone. A row of a path is what its gate does, by which rule, and why."""
    if isinstance(value, Row):
        return {
            "gate": value.gate,
            "filter": value.filter.name,
            "kind": value.filter.kind.value,
            "outcome": value.outcome.value,
            "rule": plain(value.source),
            "trace": [str(one) for one in value.trace],
            "why": value.why,
        }
    if isinstance(value, Enum):
        return value.name.lower().replace("_", " ") if isinstance(value, int) else value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Target):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: plain(one) for key, one in value._asdict().items()}
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if not one.name.startswith("_")}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
