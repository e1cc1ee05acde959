"""A drafted access as the text of an access file: what is excess, or not known, is marked in comments beside it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from .drafting import Draft

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|\d+(-\d+)?/[a-z]+|\d+(\.\d+){3}/\d+")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What readers of YAML may take for something else than text."""


def access_file(draft: Draft, sources: Sequence[str]) -> str:
    """The whole file. `sources`: what it was drafted from."""
    return "\n".join(_lines(draft, sources)) + "\n"


def _lines(draft: Draft, sources: Sequence[str]) -> Iterator[str]:
    access = draft.access
    yield f"# What Airflow can reach today by {', '.join(sources)}. Drafted by `airlock import`."
    yield "# Nobody has confirmed it: give each route its reason and narrower principals, or take it out, and its rule with it."
    yield "apiVersion: airlock/v1"
    yield ""
    yield "principals:"
    yield from (f"  - {_flow(_plain(one))}" for one in access.principals)
    yield ""
    yield "zones:"
    yield from (f"  {_flow(name)}: {_flow(_plain(zone))}" for name, zone in access.zones.items())
    for section in ("destinations", "routes"):
        listed = getattr(access, section)
        yield ""
        yield f"{section}:" if listed else f"{section}: []"
        for one in listed:
            yield from _marks(draft, one.name) if section == "routes" else ()
            yield f"  - {_flow(_plain(one))}"
    yield from _undeclared(draft)


def _marks(draft: Draft, route: str) -> Iterator[str]:
    why = draft.why[route]
    if why.broad:
        yield f"  # EXCESS: {why.broad}, let through by {'; '.join(why.rules) or 'no gate'}"
        yield f"  #   for example {why.witness}"


def _undeclared(draft: Draft) -> Iterator[str]:
    sections = (
        ("EXCESS that no route can declare: the proof shows it until its rule is gone or narrowed", draft.undeclared),
        ("UNKNOWN: what is not known decides, so that it is not declared", draft.unknown),
    )
    for title, found in sections:
        if found:
            yield ""
            yield f"# {title}"
        for one in found:
            yield f"#   {one.message}"
            if one.witness is not None:
                yield f"#     for example {one.witness}"


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
