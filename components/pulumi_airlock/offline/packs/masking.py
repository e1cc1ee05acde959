"""Keeps secret values out of what policies say about a resource.

A pack is given the values of secrets, since a policy may have to look at them; its messages go to logs.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import struct_pb2

from ...gates.sources import UNKNOWN_SENTINELS
from ..wire import MASK, from_struct, is_secret

SHORTEST = 3
"""Shorter values are not masked, as in the Pulumi CLI's log filter: masking them would garble everything and hide nothing."""


def secrets_in(properties: struct_pb2.Struct) -> Iterator[str]:
    """Every text and number that a resource's properties mark secret."""
    yield from _within(from_struct(properties), secret=False)


def _within(value: Any, secret: bool) -> Iterator[str]:
    if is_secret(value):
        yield from _within(value.get("value"), secret=True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _within(item, secret)
    elif isinstance(value, list):
        for item in value:
            yield from _within(item, secret)
    elif secret and isinstance(value, str | int | float) and not isinstance(value, bool) and value not in UNKNOWN_SENTINELS:
        yield str(value)


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, also where they are quoted or escaped."""
    # Longest first: a secret may be part of another.
    for form in sorted(forms(secrets), key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def forms(secrets: Iterable[str]) -> set[str]:
    """How secrets may stand in a text: as they are, in JSON, in a Python literal."""
    found = {
        form
        for one in secrets
        for form in (one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1], repr(one)[1:-1])
    }
    return {form for form in found if len(form) >= SHORTEST}
