"""IAM policy documents read back: what a statement allows, to whom, under which conditions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..gates.stack import UNKNOWN, listed, mapping
from .patterns import globs_of


def statements(document: Any) -> Iterator[Any]:
    """The Allow statements of a document (JSON text, or a mapping); `UNKNOWN` for what is not known. Denies are not looked at."""
    if document is UNKNOWN:
        yield UNKNOWN
        return
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return  # no policy at all: AWS refuses it
    if not isinstance(document, Mapping):
        return
    for statement in listed(document.get("Statement")):
        if statement is UNKNOWN:
            yield UNKNOWN
        elif isinstance(statement, Mapping) and statement.get("Effect", "Allow") == "Allow":
            yield statement


def allows(statement: Mapping[str, Any], action: str) -> bool:
    """Whether a statement speaks of an action; an action that is not known may be any."""
    wanted = action.lower()
    if "NotAction" in statement:
        return not any(one is not UNKNOWN and _like(wanted, str(one).lower()) for one in listed(statement["NotAction"]))
    return any(one is UNKNOWN or _like(wanted, str(one).lower()) for one in listed(statement.get("Action")))


def names_resource(statement: Mapping[str, Any], arn: str) -> bool:
    """Whether a statement speaks of a resource (an ARN without partition, region and account: `role/finance/Op`)."""
    if "NotResource" in statement:
        return not any(one is not UNKNOWN and _names(str(one), arn) for one in listed(statement["NotResource"]))
    return any(one is not UNKNOWN and _names(str(one), arn) for one in listed(statement.get("Resource")))


def _names(pattern: str, name: str) -> bool:
    """The last part of an ARN alone: region and account may be anything."""
    parts = pattern.split(":", 5)
    if len(parts) < 6:
        return _like(":".join(("arn", "aws", "airflow", "-", "-", name)), pattern)
    return parts[2] in ("airflow", "*") and _like(name, parts[5])


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a trust policy lets in."""

    kind: str
    """`AWS`, `Federated`, `Service`, or `*` for anybody."""
    name: str
    """An ARN, an account, a service; empty where it is not known."""


def principals(statement: Mapping[str, Any]) -> Iterator[Principal]:
    """Everybody that a statement names."""
    found = statement.get("Principal")
    if found is UNKNOWN:
        yield Principal("AWS", "")
    elif isinstance(found, Mapping):
        for kind, names in found.items():
            for name in listed(names):
                yield Principal(str(kind), "" if name is UNKNOWN else str(name)) if name != "*" else Principal("*", "*")
    elif found is not None or "NotPrincipal" in statement:
        yield Principal("*", "*")


def conditions(statement: Mapping[str, Any], key: str) -> Iterator[tuple[str, list[Any]]]:
    """(Operator, values) of each condition on a key; keys and operators know no case (IAM, "Condition operators")."""
    for operator, tests in mapping(statement.get("Condition")).items():
        for name, values in mapping(tests).items():
            if str(name).lower() == key.lower():
                yield str(operator).lower(), listed(values)


def required_globs(statement: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """Globs that the value of a key must match; None where the statement also holds without it, or with any value.

    Only `StringLike` and `StringEquals` demand that the key is there: with `ForAllValues:` or `IfExists` none is needed.
    """
    found: list[tuple[str, ...]] = []
    for operator, values in conditions(statement, key):
        known = [str(one) for one in values if one is not UNKNOWN]
        if len(known) < len(values):
            continue
        match operator.removeprefix("foranyvalue:"):
            case "stringlike":
                found.append(globs_of(known, literal=False))
            case "stringequals":
                found.append(globs_of(known, literal=True))
    # Several conditions on one key narrow each other; the first alone is never narrower than all of them.
    return found[0] if found else None


def required_values(statement: Mapping[str, Any], suffix: str) -> tuple[str, ...] | None:
    """Values that a key ending in `suffix` (`:aud`) must be one of; None where nothing demands one, or a pattern takes many."""
    for operator, tests in mapping(statement.get("Condition")).items():
        if str(operator).lower().removeprefix("foranyvalue:") not in ("stringequals", "stringlike"):
            continue
        for name, values in mapping(tests).items():
            found = tuple(str(one) for one in listed(values) if one is not UNKNOWN)
            like = str(operator).lower().endswith("stringlike")
            if str(name).lower().endswith(suffix) and not (like and any(set("*?") & set(one) for one in found)):
                return found
    return None


def texts(values: Iterable[Any]) -> tuple[str, ...]:
    """The known texts among some values."""
    return tuple(one for one in values if isinstance(one, str))
