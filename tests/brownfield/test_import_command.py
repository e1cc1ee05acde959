"""`airlock import` from end to end: what it writes is taken by the other commands, and what it is told wrong it says."""

import json
import re
from pathlib import Path

import pytest
from pulumi_airlock.access import load
from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from typer.testing import CliRunner

DOCS = Path(__file__).parents[2] / "docs" / "import.md"
AT = ["--at", "2026-11-21T09:00:00+00:00"]


def run(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def json_of(capfd, *arguments: str) -> tuple[int, dict]:
    """The exit status, and the JSON on the real standard output."""
    capfd.readouterr()
    found = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    return found.exit_code, json.loads(capfd.readouterr().out)


@pytest.fixture
def backup(tmp_path, monkeypatch) -> Path:
    """The example of the documentation."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")
    (text,) = re.findall(r'```text title="edge.conf"\n(.*?)```', DOCS.read_text(), re.DOTALL)
    Path("edge.conf").write_text(text)
    return Path("edge.conf")


def test_the_documented_example_is_what_comes_out(backup):
    run("import", "edge.conf", "--environment", "finance=10.40.0.0/26", "--out", "today.json", "--access", "access.yaml", *AT)
    (shown,) = re.findall(r'```yaml title="access.yaml"\n(.*?)```', DOCS.read_text(), re.DOTALL)
    assert Path("access.yaml").read_text() == shown
    assert "all well" in run("check", "access.yaml")
    assert "policy-7-nightly-close" in run("reach", "finance", "--from", "today.json")


def test_the_stack_that_is_written_declares_what_the_access_file_says(backup):
    run("import", str(backup), "--environment", "finance=10.40.0.0/26", "--out", "today.json", "--access", "access.yaml", *AT)
    document = json.loads(Path("today.json").read_text())
    (declared,) = [one for one in document["deployment"]["resources"] if one["type"] == "airlock:index:Access"]
    assert declared["inputs"]["document"] == load("access.yaml").model_dump(mode="json", by_alias=True, exclude_defaults=True)


def test_an_access_file_among_the_sources_is_what_is_proven(backup, capfd):
    told = ["--environment", "finance=10.40.0.0/26"]
    run("import", "edge.conf", *told, "--access", "access.yaml", *AT)
    lines = Path("access.yaml").read_text().splitlines()
    Path("access.yaml").write_text("\n".join(line for line in lines if "name: policy-3-legacy" not in line) + "\n")
    run("import", "edge.conf", "access.yaml", *told, "--out", "narrowed.json", *AT)
    status, proof = json_of(capfd, "prove", "--from", "narrowed.json", *AT)
    assert status == 3
    excess = [one for one in proof["excess"] if "finance" in one["principals"]]
    assert [one["rule"]["label"] for one in excess] == ['policy 3 "legacy"']


def test_json_has_every_mark(backup, capfd):
    status, said = json_of(capfd, "import", "edge.conf", "--environment", "finance=10.40.0.0/26", *AT)
    assert status == 0
    assert [(one["route"], one["why"], one["rules"]) for one in said["broad"]] == [
        ("policy-3-legacy", "any port", ['policy 3 "legacy" at edge'])
    ]
    assert said["undeclared"]
    assert not said["unknown"]
    assert said["notes"] == ["1 rule that can hold for no task is left out (--everybody keeps it)"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "no source has an Airflow environment: name it with --environment NAME=CIDR"),
        (["--environment", "finance"], "'finance' has no name or no network"),
        (["--environment", "finance=10.40.0.1/26"], "'10.40.0.1/26' is no network"),
        (["--environment", "f=10.40.0.0/26,a/b,c/d"], "has 2 service accounts"),
        (["access.yaml", "--access", "new.yaml"], "--access: an access file is among the sources, so that nothing is drafted"),
        (["access.yaml"], "--out: an access file is among the sources"),
        (["--zone", "center"], "'center' is no zone: write NAME=10.20.0.0/16,GATE"),
        (["--environment", "f=10.40.0.0/26", "--zone", "center=10.20.0.0/16,fw"], "zone center names fw, which no source has"),
        (["--interface", "to-awz"], '--interface: no FortiGate has an interface or zone "to-awz"; did you mean "to-aws"?'),
        (["--timezone", "Mars/Olympus"], 'no time zone "Mars/Olympus"'),
        (["--environment", "f=10.40.0.0/26", "--access", "no/such/folder.yaml"], "cannot be written"),
    ],
)
def test_options_that_are_wrong_are_told(arguments, problem, backup):
    Path("access.yaml").write_text("apiVersion: airlock/v1\nprincipals: []\nzones: {}\ndestinations: []\nroutes: []\n")
    with pytest.raises(InputError) as raised:
        CliRunner().invoke(app, ["import", "edge.conf", *arguments, *AT], catch_exceptions=False)
    assert problem in str(raised.value)
