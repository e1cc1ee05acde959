"""Entries of an access file as text: YAML in its flow style, one entry a line."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|\d+(-\d+)?/[a-z]+|\d+(\.\d+){3}/\d+")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What readers of YAML may take for something else than text."""


def written(entry: BaseModel | str) -> str:
    """A part of an access as a file has it, without what is as it is anyway; or a name."""
    return _flow(entry if isinstance(entry, str) else entry.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
