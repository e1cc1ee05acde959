"""`airlock diff` as a pull request uses it: files, revisions of an access file, and two revisions of a stack in git."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from airlock_command import airlock
from pulumi_airlock.access import Access
from pulumi_airlock.proof.difference import Case, declared_difference, difference
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.report.comment import MOST, comment

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
ACCESS = "stacks/access/prod-mwaa.yaml"
Run = Callable[..., subprocess.CompletedProcess[str]]

HAND_WRITTEN = """
import pulumi_aws as aws
aws.ec2.SecurityGroupRule(
    "hand-written", type="egress", security_group_id=networks[0].security_group_id,
    protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"],
)
"""


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    return airlock("diff", *arguments, cwd=folder, env=env)


def _git(folder: Path, *arguments: str) -> None:
    named = ["-c", "user.name=test", "-c", "user.email=test@bank.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform's repository, the project in a folder of it: `main`, and `topic` with three changes to the access file."""
    top = tmp_path_factory.mktemp("repository")
    project = top / "platform"
    shutil.copytree(ROOT / "stacks", project / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", project)
    _git(top, "init", "-q", "-b", "main")
    _git(top, "add", "-A")
    _git(top, "commit", "-qm", "as it is")
    _git(top, "checkout", "-qb", "topic")
    file = project / ACCESS
    text = file.read_text()
    for old, new in (
        (
            'from: "22:00", to: "04:00", timezone: Europe/Zurich}\n    session: 1h',
            'from: "20:00", to: "04:00", timezone: Europe/Zurich}\n    session: 1h',
        ),
        ("  - {name: finance-mail,", "  # "),
        (
            "  - {name: risk-names,",
            "  - {name: risk-reporting, from: [var-engine, stress-testing], to: [reporting-db], reason: RISK-9}\n"
            "  - {name: risk-names,",
        ),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    _git(top, "commit", "-qam", "change")
    return project


def test_two_revisions_of_a_stack_are_told_as_access_with_its_causes(repository: Path):
    done = _run(repository, "main", "topic", "--stack", "prod-mwaa", "--at", "2026-11-21T09:00Z", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = {
        (one["kind"], *part["principals"], reach["destination"], reach["services"], reach["when"], *one["routes"])
        for one in found["findings"]
        for part in one["parts"]
        for reach in part["reaches"]
    }
    assert told == {
        (
            "added",
            "ledger-close",
            "finance-reporting",
            "ledger-db",
            "1521/tcp",
            "Mon–Fri 20:00–22:00 Europe/Zurich",
            "finance-ledger",
        ),
        ("added", "var-engine", "stress-testing", "reporting-db", "5432/tcp", "", "risk-reporting"),
        ("removed", "ledger-close", "finance-reporting", "mail-relay", "587/tcp", ""),
    }
    assert found["excess"] == 0
    for one in found["findings"]:
        assert {"rule", "route"} <= {change["what"] for change in one["changes"]}
        assert [row["gate"] for row in one["path"]][-1] == "fortigate"
        assert one["pathBefore"] != one["path"]
    assert not (repository / ".airlock").exists()


def test_a_revision_is_compared_with_the_working_tree_by_default(repository: Path):
    program = repository / "stacks" / "on_mwaa.py"
    before = program.read_text()
    program.write_text(before + HAND_WRITTEN)
    try:
        done = _run(repository, "topic", "--stack", "prod-mwaa", "--exit-code", "--markdown", "comment.md")
        text = (repository / "comment.md").read_text()
    finally:
        program.write_text(before)
        (repository / "comment.md").unlink(missing_ok=True)
    assert done.returncode == 3, done.stderr
    assert "topic → the working tree" in done.stdout
    assert "by + hand-written at aws_network added" in done.stdout
    # On the way through all gates, to where route tables lead; and around ZPA, to what else is in the VPC.
    assert "✗ 2 excess: 2 added, 1 now uncertain" in done.stdout
    assert "around zpa: ledger-close and finance-reporting can now reach elsewhere in airflow" in done.stdout
    assert text.startswith("<!-- airlock-diff:prod-mwaa -->\n### ❌ **2 excess**: 2 added, 1 now uncertain\n")
    assert "<code>hand-written</code>" in text


def test_the_same_revision_differs_in_nothing(repository: Path):
    done = _run(repository, "main", "main", "--stack", "prod-mwaa", "--exit-code")
    assert done.returncode == 0, done.stderr
    assert "✓ no access differs" in done.stdout


def test_an_access_file_is_compared_across_revisions_without_a_stack(repository: Path):
    done = _run(repository, f"main:platform/{ACCESS}", ACCESS, "--exit-code")
    assert done.returncode == 3, done.stderr
    assert "Only what is declared is compared" in done.stdout
    assert "var-engine and stress-testing are now allowed to reach reporting-db on 5432/tcp (route risk-reporting)" in done.stdout
    assert "are no longer allowed to reach mail-relay on 587/tcp (route finance-mail)" in done.stdout
    relative = _run(repository, f"main:{ACCESS}", f"topic:./{ACCESS}")
    assert relative.stdout.splitlines()[1:] == done.stdout.splitlines()[1:]


@pytest.fixture(scope="module")
def previews(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previews")
    done = airlock("preview", "--stack", "dev-mwaa", "--no-policy-packs", "--json", cwd=repository)
    assert done.returncode == 0, done.stderr
    (folder / "old.json").write_text(done.stdout)
    document = json.loads(done.stdout)
    policies = [step["newState"] for step in document["steps"] if step["newState"]["type"].endswith("firewall/policy:Policy")]
    first = next(one for one in policies if one["inputs"]["action"] == "accept")
    first["inputs"]["status"] = "disable"
    first.get("outputs", {}).pop("status", None)
    (folder / "new.json").write_text(json.dumps(document))
    return folder


def test_two_previews_are_compared_and_one_gate_alone(previews: Path):
    both = json.loads(_run(previews, "old.json", "new.json", "--json").stdout)
    assert {one["kind"] for one in both["findings"]} == {"removed"}
    assert {change["gate"] for one in both["findings"] for change in one["changes"]} == {"fortigate"}
    alone = json.loads(_run(previews, "old.json", "new.json", "--gate", "fortigate", "--json").stdout)
    assert {(one["kind"], one["standing"]) for one in alone["findings"]} == {("removed", "not looked at")}
    assert _run(previews, "old.json", "new.json", "--gate", "aws_network", "--exit-code").returncode == 0


def test_a_preview_and_an_access_file_are_compared_by_what_they_declare(repository: Path, previews: Path):
    done = _run(repository, str(previews / "old.json"), "stacks/access/dev-mwaa.yaml", "--exit-code")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ no declaration differs" in done.stdout


WRONG = {
    "no such revision": (["mian", "--stack", "prod-mwaa"], "did you mean main?"),
    "no such file in a revision": (
        ["main:stacks/access/prod-mwa.yaml", ACCESS],
        "did you mean main:platform/stacks/access/prod-mwaa.yaml?",
    ),
    "a folder in a revision": (["main:platform/stacks", ACCESS], "is a folder"),
    "a revision without a file": (["main", "topic"], "name a file in it"),
    "a revision that looks like an option": (["--stack", "prod-mwaa", "--", "--output=x"], "no revision '--output=x'"),
    "no such stack then": (["main", "--stack", "prod-mwa"], "did you mean 'prod-mwaa'?"),
    "a file with --stack": ([ACCESS, "--stack", "prod-mwaa"], "give git revisions"),
    "no second file": ([ACCESS], "NEW: is missing"),
    "no such file": ([ACCESS, "nowhere.yaml"], "nowhere.yaml: there is no such file"),
    "a gate of access files": ([ACCESS, ACCESS, "--gate", "fortigate"], "an access file has no gates"),
    "a file that is no stack": ([ACCESS, "Pulumi.yaml"], "Pulumi.yaml"),
    "both in one place": (["main", "--stack", "prod-mwaa", "--json", "--markdown", "-"], "give it a file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_question_is_answered_with_what_is_right(repository: Path, name: str):
    arguments, said = WRONG[name]
    done = _run(repository, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (repository / "x").exists()


def test_without_a_repository_files_are_asked_for(tmp_path: Path):
    done = _run(tmp_path, "main:access.yaml", "other.yaml")
    assert done.returncode == 1
    assert "is in no git repository" in done.stderr


def test_a_gate_that_neither_stack_has_is_told_with_the_nearest(previews: Path):
    done = _run(previews, "old.json", "new.json", "--gate", "fortgate")
    assert done.returncode == 1
    assert 'did you mean "fortigate"?' in done.stderr


# --- the comment

EVIL = [
    "a|b",
    "`x`",
    "@somebody",
    "<img src=x onerror=alert(1)>",
    "#12",
    "[a](http://x.example)",
    "www.x.example",
    "*b*",
    "-->",
    "</pre><b>",
]


def _case(*names: str) -> Case:
    access = Access.model_validate(
        {
            "principals": [{"name": "ledger", "dags": ["ledger_*"]}],
            "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}},
            "destinations": [{"name": "db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]}],
            "routes": [{"name": "books", "from": ["ledger"], "to": ["db"], "reason": "x"}],
        }
    )
    rules = tuple(
        Rule(
            Action.ALLOW,
            Match(hosts=Hosts.from_cidr(f"10.20.{number}.0/24"), services=Services.of("tcp", 5432, 5432)),
            Source(f"urn::{name}", name, name),
        )
        for number, name in enumerate(names)
    )
    wall = Filter("wall", "@policies of `wall`", Combine.ANY_ALLOW, Action.DENY, rules, "urn::wall")
    return Case(access, (Environment("blue", "urn::blue", Hosts.from_cidr("10.40.0.0/24")),), (wall,))


class _Seen(HTMLParser):
    """Tags, and the text outside of code and pre, where mentions and links are made."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.outside = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        self.open.remove(tag)

    def handle_data(self, data):
        if not {"code", "pre"} & set(self.open):
            self.outside += data


def test_nothing_in_a_comment_is_taken_for_markdown_or_html():
    text = comment(difference(_case(), _case(*EVIL), at=AT), ("@old|`x`", "new<b>"), stack="prod --> <b>@all")
    assert text.splitlines()[0] == "<!-- airlock-diff:prod-b-all -->"
    seen = _Seen()
    seen.feed(re.sub(r"<!--.*?-->", "", text, count=1).replace("<br>", " "))
    assert seen.tags <= {"code", "pre", "details", "summary"}
    for sign in ("@", "http", "www", "`", "<img", "#12"):
        assert sign not in seen.outside.replace("####", "").replace("###", ""), sign
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| who"):
            assert line.count("|") == 7, line
        if "<code>" in line:
            assert not re.search(r"<code>[^<]*[`@|*\[\]#][^<]*</code>", re.sub(r"&#\d+;", "", line)), line


def test_a_comment_is_never_too_long_and_folds_what_is_many():
    names = [f"rule-{number}-{'long' * 60}" for number in range(200)]
    text = comment(difference(_case(), _case(*names), at=AT), ("old", "new"))
    assert len(text) < MOST + 200
    assert "`airlock diff` prints all of it" in text
    open_at = [Match(hosts=Hosts.from_cidr("10.20.4.10/32"), services=Services.of("tcp", port, port)) for port in range(20)]
    wall = replace(
        _case().filters[0], rules=tuple(Rule(Action.ALLOW, match, Source(f"urn::{match.services}")) for match in open_at)
    )
    some = comment(difference(_case(), replace(_case(), filters=(wall,)), at=AT), ("old", "new"))
    assert "more rows</summary>" in some


def test_a_comment_says_in_one_line_that_nothing_differs():
    text = comment(difference(_case("a"), _case("a"), at=AT), ("old", "new"))
    assert text.splitlines()[:2] == ["<!-- airlock-diff -->", "### ✅ No access differs"]
    alone = comment(declared_difference(_case(), _case(), at=AT), ("old", "new"))
    assert "No declaration differs" in alone
