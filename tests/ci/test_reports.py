"""SARIF and JUnit of the commands: read by those who define the formats, and by what their users look for in them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ci_cases import airlock, environment, needed_tool
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.errors import InputError, Problem
from pulumi_airlock.report.ci.junit import to_junit
from pulumi_airlock.report.ci.model import Check, Level, Place, Report, Result, Rule
from pulumi_airlock.report.ci.places import Folder
from pulumi_airlock.report.ci.sarif import MOST_RESULTS, to_sarif
from pulumi_airlock.report.ci.stack import report_of_failure

HERE = Folder(Path("/work"))


@pytest.fixture(scope="module")
def reports(repository: Path, packs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the stack with a rule too many, with the same rule a few lines further down, and of one that cannot be read."""
    out = tmp_path_factory.mktemp("reports")
    written = ["--sarif", f"{out}/{{}}.sarif", "--junit", f"{out}/{{}}.xml"]

    def preview(name: str, *arguments: str, status: int) -> None:
        done = airlock(repository, *arguments, *(one.format(name) for one in written))
        assert done.returncode == status, done.stdout + done.stderr

    preview("excess", "preview", "--stack", "retail-de", *packs, status=2)
    proven = ("prove", "--stack", "retail-de", "--at", "2026-11-21T09:00Z")
    preview("proof", *proven, status=3)
    moved = shutil.copytree(repository.parent, out / "moved") / "platform"
    program = moved / "__main__.py"
    program.write_text(program.read_text().replace("\nif pulumi.get_stack()", "\n# a line\n# and one\n\nif pulumi.get_stack()"))
    done = airlock(moved, *proven, *(one.format("moved") for one in written))
    assert done.returncode == 3, done.stdout + done.stderr
    access = repository / "access" / "retail-ch.yaml"
    before = access.read_text()
    access.write_text(before.replace("to: [warehouse]", "to: [warehose]"))
    try:
        preview("unreadable", "preview", "--stack", "retail-ch", "--no-policy-packs", status=1)
        preview("access", "check", "access/retail-ch.yaml", "access/retail-de.yaml", status=1)
    finally:
        access.write_text(before)
    return out


def _run(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_text())
    assert document["version"] == "2.1.0"
    return dict(document["runs"][0])


def _results(file: Path) -> dict[str, dict[str, Any]]:
    return {one["ruleId"]: one for one in _run(file)["results"]}


def _place(result: dict[str, Any]) -> tuple[str, int]:
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def _line(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_excess_and_violations_stand_at_the_line_that_makes_the_rule(reports: Path, repository: Path):
    found = _results(reports / "excess.sarif")
    line = _line(repository / "__main__.py", "aws.ec2.SecurityGroupRule(")
    assert _place(found["proof/excess"]) == ("platform/__main__.py", line)
    logical = found["proof/excess"]["locations"][0]["logicalLocations"][0]
    assert logical["fullyQualifiedName"].endswith("aws:ec2/securityGroupRule:SecurityGroupRule::hand-written")
    assert "witness: " in found["proof/excess"]["message"]["text"]
    # What the proof tells is not told again by the policy that fails for it.
    assert "airlock-access-proof/access-proof" not in found


def test_an_alert_is_the_same_one_when_its_line_moves(reports: Path):
    before, after = _results(reports / "proof.sarif"), _results(reports / "moved.sarif")
    assert _place(before["proof/excess"]) != _place(after["proof/excess"])
    assert [one["partialFingerprints"] for one in before.values()] == [one["partialFingerprints"] for one in after.values()]


def test_an_expectation_that_fails_stands_at_its_line(reports: Path, repository: Path):
    found = _results(reports / "proof.sarif")["proof/expectation"]
    assert _place(found) == ("platform/access/retail-de.yaml", _line(repository / "access/retail-de.yaml", "warehouse:22"))


def test_input_that_cannot_be_used_stands_at_its_line(reports: Path, repository: Path):
    line = _line(repository / "access" / "retail-ch.yaml", "to: [warehouse]")
    for name, rule in (("unreadable", "airlock/input"), ("access", "access/unknown-name")):
        found = _results(reports / f"{name}.sarif")[rule]
        assert _place(found) == ("platform/access/retail-ch.yaml", line)
        assert 'did you mean "warehouse"?' in found["message"]["text"]
    assert _run(reports / "unreadable.sarif")["invocations"][0]["executionSuccessful"] is False


def test_each_stack_is_an_analysis_of_its_own(reports: Path):
    assert _run(reports / "excess.sarif")["automationDetails"]["id"] == "airlock/retail-de/"
    assert _run(reports / "access.sarif")["automationDetails"]["id"] == "airlock/access/"


def test_the_validator_of_sarif_and_the_rules_of_code_scanning_find_no_fault(reports: Path, tmp_path: Path):
    validator = needed_tool("sarif/package/Sarif.Multitool")
    files = sorted(map(str, reports.glob("*.sarif")))
    command = [validator, "validate", *files, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning"]
    command += ["--output", f"{tmp_path}/faults"]
    env = environment(DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1")  # without it it asks for ICU's libraries
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(files)} files scanned" in done.stdout
    faults = [line for line in done.stdout.splitlines() if ": error " in line or ": warning " in line]
    # SARIF2005 asks for the tool's home page.
    assert not [one for one in faults if "SARIF2005" not in one], faults


def test_junit_has_a_case_for_every_policy_and_expectation(reports: Path):
    root = ET.parse(reports / "excess.xml").getroot()  # noqa: S314  # our own file
    cases = {(suite.get("name"), case.get("name")): case for suite in root for case in suite}
    assert sum(name == "retail-de: policies of airlock-least-privilege" for name, _ in cases) > 200
    assert {name for suite, name in cases if suite == "retail-de: expectations"} == {
        "nightly.load can reach warehouse:5432",
        "nightly.load cannot reach warehouse:22",
    }
    failed = {name for (_, name), case in cases.items() if case.find("failure") is not None}
    assert failed == {"nothing is let through that is not declared", "nightly.load cannot reach warehouse:22"}
    excess = cases["retail-de: proof", "nothing is let through that is not declared"]
    assert excess.get("file") == "platform/__main__.py"
    assert root.get("failures") == "2"
    broken = ET.parse(reports / "unreadable.xml").getroot()  # noqa: S314
    assert (broken.get("errors"), broken.get("failures")) == ("1", "0")


texts = st.text(max_size=40)
results = st.builds(
    Result,
    rule=st.sampled_from(["a/one", "b/two"]),
    level=st.sampled_from(Level),
    message=texts,
    place=st.builds(Place, file=texts, line=st.integers(0, 9), column=st.integers(0, 9), end=st.integers(0, 9)),
    urn=texts,
    subject=texts,
)
checks = st.builds(Check, suite=texts, name=texts, results=st.lists(results, max_size=3).map(tuple), skipped=texts)
RULES = {"a/one": Rule("a/one", "One."), "b/two": Rule("b/two", "Two.", severity="high")}


@given(st.lists(checks, max_size=4))
def test_whatever_is_said_both_formats_can_be_read_and_count_the_same(found: list[Check]):
    report = Report("stack", tuple(found), RULES)
    root = ET.fromstring(to_junit(report, HERE))  # noqa: S314
    assert int(root.get("tests", "")) == len(root.findall("*/testcase")) == len(found)
    assert int(root.get("failures", "")) == len(root.findall("*/testcase/failure")) == sum(one.failed for one in found)
    run = json.loads(to_sarif(report, HERE).encode())["runs"][0]
    assert len(run["results"]) == sum(len(one.results) for one in found)
    marks = [one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]]
    assert len(set(marks)) == len(marks)
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["message"]["text"]
        assert one["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1


def test_a_problem_of_something_that_only_looks_like_a_place_stands_at_the_settings():
    settings = Place("Pulumi.prod.yaml")
    report = report_of_failure("prod", InputError([Problem("warehouse:5432", "ports", "is taken")]), settings)
    assert [(one.place, one.message) for one in report.results] == [(settings, "warehouse:5432: ports: is taken")]


def test_of_too_many_results_the_errors_are_kept_and_the_others_counted():
    place = Place("/srv/a.py", 1)
    warnings = tuple(Result("a/one", Level.WARNING, str(one), place, subject=str(one)) for one in range(MOST_RESULTS))
    report = Report("stack", (Check("a", "b", (*warnings, Result("b/two", Level.ERROR, "bad", place))),), RULES)
    run = json.loads(to_sarif(report, HERE))["runs"][0]
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["ruleId"] == "b/two"
    assert "1 results" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
