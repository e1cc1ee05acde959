"""IAM policy documents: their statements, however they are written down."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_airlock.gates.stack import listed

from .reading import UNKNOWN


def statements(document: Any) -> Iterator[tuple[int, Any]]:
    """Each statement of a document (JSON text, or a mapping) with its position; `UNKNOWN` at -1 where the document is unknown."""
    if document is UNKNOWN:
        yield -1, UNKNOWN
        return
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return  # not a policy document at all: AWS refuses it
    if not isinstance(document, Mapping):
        return
    for position, statement in enumerate(listed(document.get("Statement"))):
        if statement is UNKNOWN or isinstance(statement, Mapping):
            yield position, statement


def principals(statement: Mapping[str, Any], kind: str = "") -> list[Any]:
    """The principals of a statement: of one kind (`Service`, `AWS`), or all of them."""
    found = statement.get("Principal")
    if isinstance(found, Mapping):
        return [one for key, value in found.items() if not kind or key == kind for one in listed(value)]
    return [] if kind else listed(found)


def condition_keys(statement: Mapping[str, Any]) -> set[str]:
    """The condition keys of a statement, in lower case: IAM does not tell case apart there."""
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping):
        return set()
    return {str(key).lower() for tests in condition.values() if isinstance(tests, Mapping) for key in tests}
