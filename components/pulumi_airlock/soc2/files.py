"""Evidence as a file: the canonical plan and its digest, the JSON, sign-offs, and whether what is read back is whole."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..errors import InputError, Problem
from ..gates.documents import GONE, parse_document
from ..offline.wire import masked
from ..unreadable import why
from .model import Evidence, SignOff

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

JSON, HTML, SIGNATURE = "evidence.json", "evidence.html", "evidence.json.sig"
_STATE = (
    "urn",
    "type",
    "custom",
    "parent",
    "provider",
    "inputs",
    "outputs",
    "dependencies",
    "propertyDependencies",
    "protect",
    "id",
)


def canonical(document: Any) -> bytes:
    """JSON whose bytes depend on what it says alone: sorted keys, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(content: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def canonical_plan(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a preview or a state says of its resources: each operation with the resource as it will be, sorted by URN.

    `document` is that of `pulumi preview --json`, `pulumi stack export` or `airlock preview --json`. When resources were made
    and what their secrets are is no part of it: the same plan has the same digest, from whichever file it is read.
    """
    return sorted(_entries(document), key=lambda one: (str(one["urn"]), str(one["op"])))


def _entries(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    deployment = document.get("deployment")
    if isinstance(deployment, Mapping):
        for state in deployment.get("resources") or ():
            yield {"op": "same", "urn": state["urn"], "state": _state(state)}
        return
    for step in document.get("steps") or ():
        gone = step.get("op") in GONE
        yield {
            "op": step.get("op", ""),
            "urn": step.get("urn", ""),
            "state": None if gone else _state(step.get("newState") or {}),
        }


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: masked(state[key]) for key in _STATE if state.get(key)}


def to_json(evidence: Evidence) -> bytes:
    """The file's content: what is canonical, indented for people."""
    document = evidence.model_dump(mode="json", by_alias=True)
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def content_digest(evidence: Evidence) -> str:
    """The digest of what a sign-off is about: the evidence without its sign-offs."""
    return sha256(canonical(evidence.model_dump(mode="json", by_alias=True, exclude={"sign_offs"})))


def signed_off(evidence: Evidence, name: str, statement: str, at: datetime) -> Evidence:
    """The evidence with one more sign-off."""
    one = SignOff(name=name, statement=statement, at=at, digest=content_digest(evidence))
    return evidence.model_copy(update={"sign_offs": (*evidence.sign_offs, one)})


def read(path: Path) -> Evidence:
    """The evidence in a file. InputError with all that is wrong: no evidence, or it says more than its controls do."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), "", why(error))]) from error
    parse_document(content, str(path))  # it says more of what is no JSON
    try:
        evidence = Evidence.model_validate_json(content, by_name=False)
    except ValidationError as error:
        raise InputError(Problem(str(path), ".".join(map(str, one["loc"])), _wrong(one)) for one in error.errors()) from error
    digest = content_digest(evidence)
    strayed = [one for one in evidence.sign_offs if one.digest != digest]
    if strayed:
        message = "signed off something else: the evidence was changed afterwards"
        raise InputError(Problem(str(path), f"signOffs: {one.name}", message) for one in strayed)
    return evidence


_WRONG = {"missing": "is missing", "extra_forbidden": "is nothing that evidence has", "model_type": "is no evidence"}


def _wrong(one: "ErrorDetails") -> str:
    said = _WRONG.get(one["type"]) or f"{one['msg'][:1].lower()}{one['msg'][1:]}"
    return f"{said}: the file is not as `airlock evidence` wrote it"


def schema() -> dict[str, Any]:
    """JSON Schema of the file (2020-12)."""
    document = Evidence.model_json_schema(mode="serialization", by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Evidence of a preview, by SOC 2 criteria",
        **document,
    }
