"""SARIF 2.1.0 (OASIS), as GitHub's code scanning takes it in.

What GitHub asks for beyond the standard (its page "SARIF support for code scanning"): every result has a place in a file of the
repository; an alert is recognized by `primaryLocationLineHash`; a run has at most 25,000 results and 25,000 rules, and of the
results the 5,000 most severe are kept; 10 of a rule's tags are shown.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from ..visible import visible
from .model import Level, Report, Result, Rule
from .places import Folder

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5_000
"""Results of a run that GitHub keeps; the others are left out here already, and it is said how many."""
TAGS = 10
SEVERITIES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""A severity as the score that GitHub makes the same word of: over 9.0, 7.0 to 8.9, 4.0 to 6.9, below."""
_ORDER = (Level.ERROR, Level.WARNING, Level.NOTE)


def to_sarif(report: Report, folder: Folder) -> str:
    """The report as SARIF; files are relative to the repository's root."""
    results = sorted(report.results, key=lambda one: _ORDER.index(one.level))
    kept, left_out = results[:MOST_RESULTS], len(results) - MOST_RESULTS
    rules = list(report.rules.values())
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "airlock",
                "version": version("pulumi-airlock"),
                "rules": [_rule(one) for one in rules],
            }
        },
        # One analysis a stack: without it the last one uploaded would take the place of all others.
        "automationDetails": {"id": f"airlock/{report.name}/"},
        "invocations": [{"executionSuccessful": not any(one.broken for one in report.checks), **_left_out(left_out)}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, numbers[one.rule], seen, folder) for one in kept],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _left_out(number: int) -> dict[str, Any]:
    if number <= 0:
        return {}
    text = f"{number} results of lesser severity are left out: a run holds {MOST_RESULTS}."
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _rule(one: Rule) -> dict[str, Any]:
    title = {"text": _text(one.title)}
    properties: dict[str, Any] = {"tags": list(dict.fromkeys(("security", *one.tags)))[:TAGS]}
    if one.severity in SEVERITIES:
        properties["security-severity"] = SEVERITIES[one.severity]
    return {
        "id": one.id,
        "name": _pascal(one.id),
        "shortDescription": title,
        "fullDescription": title,  # GitHub wants both, and help
        "help": {"text": _text(one.help or one.title)},
        **({"helpUri": one.url} if one.url else {}),
        "properties": properties,
    }


def _pascal(id_: str) -> str:
    words = "".join(char if char.isalnum() else " " for char in id_.rpartition("/")[2]).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _result(one: Result, rule: int, seen: Counter[str], folder: Folder) -> dict[str, Any]:
    region = dict(_region(one))
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": folder.uri(one.place.file)},
            # GitHub shows nothing without a line: a file as a whole is its first one.
            "region": region or {"startLine": 1},
        }
    }
    if one.urn:
        name = one.urn.rsplit("::", 1)[-1]
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": one.urn, "kind": "resource"}]
    mark = hashlib.sha256("\0".join((one.rule, one.urn, one.subject)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    seen[mark] += 1
    return {
        "ruleId": one.rule,
        "ruleIndex": rule,
        "level": one.level.value,
        "message": {"text": _text(one.message)},
        "locations": [location],
        "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
    }


def _region(one: Result) -> Iterator[tuple[str, int]]:
    place = one.place
    if place.line:
        yield "startLine", place.line
    if place.line and place.column:
        yield "startColumn", place.column
        yield "endColumn", max(place.end, place.column + 1)


def _text(text: str) -> str:
    return visible(text.strip()) or "-"
