"""Which routes Cloud Router takes from a device: an import policy that names prefixes, and what such a policy says. Pure: no SDK.

Policies are written in Google's policy language (Cloud Router, "BGP route policies", "Policy language reference"). Terms go by
their priority, and a route that none of them names is taken.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ...proof.sets import Hosts
from ..stack import UNKNOWN, Resource

ACCEPT: Final = "accept()"
DROP: Final = "drop()"
EVERY_ROUTE: Final = "destination.inAnyRange([prefix('0.0.0.0/0').orLonger(), prefix('::/0').orLonger()])"
MAX_PREFIXES: Final = 100
"""Elements of one match ("Cloud Router quotas and limits")."""

_ONE = re.compile(r"\s*destination\s*==\s*'([^']+)'\s*")
_EVERY = re.compile(
    r"\s*(true|destination\.inAnyRange\(\s*\[?\s*prefix\('0\.0\.0\.0/0'\)\.orLonger\(\)(\s*,\s*prefix\('::/0'\)\.orLonger\(\))?\s*\]?\s*\))\s*"
)


def import_terms(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    """The terms of a policy that takes these prefixes, as they are, and no others."""
    named = " || ".join(f"destination == '{cidr}'" for cidr in cidrs)
    return [
        {"priority": 1, "match": {"expression": named}, "actions": [{"expression": ACCEPT}]},
        {"priority": 2, "match": {"expression": EVERY_ROUTE}, "actions": [{"expression": DROP}]},
    ]


def taken(policy: Resource) -> Hosts | None:
    """The prefixes that an import policy takes; None where it may take others than can be told from here."""
    terms = [one for one in policy.get_list("terms") if one is not UNKNOWN]
    if len(terms) != len(policy.get_list("terms")) or not all(isinstance(one, dict) for one in terms):
        return None
    found = Hosts()
    for term in sorted(terms, key=lambda one: _priority(one)):
        expression, actions = _said(term)
        if _EVERY.fullmatch(expression) and actions == [DROP]:
            return found
        prefixes = _prefixes(expression)
        if prefixes is None or actions not in ([ACCEPT], [DROP]):
            return None
        if actions == [ACCEPT]:
            found |= Hosts.from_cidrs(prefixes)
    return None  # what no term names is taken


def _priority(term: dict[str, Any]) -> float:
    value = term.get("priority")
    return float(value) if isinstance(value, int | float) else float("inf")


def _said(term: dict[str, Any]) -> tuple[str, list[str]]:
    match, actions = term.get("match"), term.get("actions")
    expression = match.get("expression") if isinstance(match, dict) else None
    listed: Sequence[Any] = actions if isinstance(actions, list) else []
    spoken = [one.get("expression") for one in listed if isinstance(one, dict)]
    return (expression if isinstance(expression, str) else ""), ["".join(one.split()) for one in spoken if isinstance(one, str)]


def _prefixes(expression: str) -> list[str] | None:
    found = [_ONE.fullmatch(one) for one in expression.split("||")]
    return [one[1] for one in found if one] if all(found) else None
