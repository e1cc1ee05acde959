"""JUnit's XML, as GitLab, Jenkins and most other CI systems show it. It has no schema of its own: the common ground is written.

A check is a test case; what fails the command is its failure, and warnings are its output.
"""

from collections.abc import Iterable
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..visible import visible
from .model import Check, Level, Place, Report, Result
from .places import Folder


def to_junit(report: Report, folder: Folder) -> str:
    """The report as XML; files are relative to the repository's root. Suites stand in the order of the checks."""
    root = Element("testsuites", {"name": f"airlock {report.name}", **_counts(report.checks)})
    for suite, found in groupby(report.checks, key=lambda one: one.suite):
        checks = tuple(found)
        within = SubElement(root, "testsuite", {"name": _text(f"{report.name}: {suite}"), **_counts(checks)})
        for check in checks:
            _add(within, check, report.name, folder)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _counts(checks: Iterable[Check]) -> dict[str, str]:
    listed = tuple(checks)
    counts = {
        "tests": len(listed),
        "failures": sum(one.failed and not one.broken for one in listed),
        "errors": sum(one.broken for one in listed),
        "skipped": sum(bool(one.skipped) for one in listed),
    }
    return {name: str(number) for name, number in counts.items()}


def _add(within: Element, check: Check, report: str, folder: Folder) -> None:
    said = {"name": _text(check.name), "classname": _text(f"{report}.{check.suite}")}
    failing = [one for one in check.results if one.level is Level.ERROR]
    if failing:
        said["file"] = _text(folder.relative(failing[0].place.file))
        said |= {"line": str(failing[0].place.line)} if failing[0].place.line else {}
    case = SubElement(within, "testcase", said)
    if check.skipped:
        SubElement(case, "skipped", {"message": _text(check.skipped)})
    if failing:
        kind = "error" if check.broken else "failure"
        told = SubElement(case, kind, {"message": _text(failing[0].message.split("\n")[0]), "type": failing[0].rule})
        told.text = "\n\n".join(_told(one, folder) for one in failing)
    others = [one for one in check.results if one.level is not Level.ERROR]
    if others:
        SubElement(case, "system-out").text = "\n\n".join(f"{one.level}: {_told(one, folder)}" for one in others)


def _told(one: Result, folder: Folder) -> str:
    return _text(f"{_where(one.place, folder)}: {one.message}" + (f"\n{one.urn}" if one.urn else ""))


def _where(place: Place, folder: Folder) -> str:
    return ":".join([folder.relative(place.file), *map(str, filter(None, (place.line, place.column)))])


def _text(text: str) -> str:
    """Text without what XML 1.0 has no way to write (its production `Char`): such characters are shown by their codes."""
    return visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
