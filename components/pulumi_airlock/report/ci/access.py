"""What `check` found in access files, as checks: one a file."""

from collections.abc import Sequence

from ...access import Reading, Severity
from .model import Check, Level, Place, Report, Result, Rule

_LEVELS = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING, Severity.NOTICE: Level.NOTE}


def report_of_access(readings: Sequence[Reading], *, strict: bool = False) -> Report:
    """What is wrong with access files; with `strict`, warnings are errors."""
    rules: dict[str, Rule] = {}
    checks = []
    for reading in readings:
        results = []
        for one in reading.findings:
            rule = Rule(f"access/{one.code}", f"Access files: {one.code.replace('-', ' ')}.", tags=("access",))
            rules[rule.id] = rule
            level = Level.ERROR if strict and one.severity is Severity.WARNING else _LEVELS[one.severity]
            place = Place(reading.document.path, one.line or 0, one.column or 0, one.end or 0)
            message = f"{one.path}: {one.message}" if one.path else one.message
            results.append(Result(rule.id, level, message, place, subject=one.message))
        checks.append(Check("access files", reading.document.path, tuple(results)))
    return Report("access", tuple(checks), rules)
