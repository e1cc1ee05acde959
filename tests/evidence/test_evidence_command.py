"""`airlock evidence` from end to end: a real program, the real packs, what an auditor gets, and what is refused."""

import json
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pulumi_airlock.soc2 import files

Run = Callable[..., "subprocess.CompletedProcess[str]"]
OPENSSL = shutil.which("openssl")


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / files.JSON).read_text())
    return found


def control(folder: Path, name: str) -> dict[str, Any]:
    (found,) = [one for one in document(folder)["controls"] if one["id"].rsplit("/", 1)[-1] == name]
    return found


def names(urns: list[str]) -> list[str]:
    return [urn.rsplit("::", 1)[-1] for urn in urns]


class _Page(HTMLParser):
    """The text of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value for key, value in attrs if key in ("src", "href") and value and not value.startswith(("#", "data:"))]
        self.loads += [tag] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(folder: Path) -> tuple[str, list[str]]:
    parser = _Page()
    parser.feed((folder / files.HTML).read_text())
    return " ".join(" ".join(parser.text).split()), parser.loads


@pytest.fixture
def copied(good: Path, tmp_path: Path) -> Path:
    """Evidence to tamper with."""
    return shutil.copytree(good, tmp_path / "evidence")


def test_it_follows_from_criterion_to_policy_to_resource(good: Path):
    rotation = control(good, "aws-kms-rotation")
    assert (rotation["criteria"], rotation["result"], names(rotation["resources"])) == (["CC6.1"], "holds", ["ledger"])
    (cc61,) = [one for one in document(good)["criteria"] if one["reference"] == "CC6.1"]
    assert rotation["id"] in cc61["controls"]


def test_what_decides_and_is_not_known_before_the_update_makes_its_criterion_undecided(good: Path):
    assert control(good, "aws-log-group-kms")["result"] == "undecided"
    assert [one["result"] for one in document(good)["criteria"] if one["reference"] == "CC6.1"] == ["undecided"]


def test_a_policy_that_had_nothing_of_its_kind_is_no_evidence(good: Path):
    assert control(good, "tcp-proxy-tokens")["result"] == "not applicable"  # an SSM parameter may hold a proxy's configuration
    assert "the stack has none of" in control(good, "mwaa-customer-key")["reason"]


def test_it_names_the_commit_packs_and_versions(good: Path, desk: Path):
    evaluated = document(good)["evaluated"]
    head = subprocess.run(["git", "-C", str(desk), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S607
    assert (evaluated["commit"], evaluated["changed"]) == (head.stdout.strip(), False)
    assert {(one["name"], one["version"]) for one in evaluated["packs"]} == {
        ("airlock-least-privilege", "0.1.0"),
        ("airlock-access-proof", "0.1.0"),
    }
    assert (evaluated["project"], evaluated["stack"], evaluated["simulated"]) == ("desk", "good", True)


def test_access_that_cannot_be_proven_is_no_evidence_of_control(unproven: Path):
    assert control(unproven, "proof")["result"] == "undecided"
    assert "aws_network" in control(unproven, "proof")["findings"][0]["message"]
    routes = {one["name"]: one for one in document(unproven)["routes"]}
    assert routes["ledger"]["owners"] == ["ledger@bank.example"]
    assert routes["clerks"]["exception"]["approvedBy"] == "ciso@bank.example"
    assert [one["message"] for one in control(unproven, "routes")["findings"]] == ["route clerks: nobody answers for clerks"]
    assert control(unproven, "exceptions")["result"] == "holds"


def test_no_secret_is_in_the_files(good: Path, unproven: Path):
    for folder in (good, unproven):
        assert all("hunter2" not in one.read_text() for one in folder.iterdir())


def test_the_page_says_what_the_file_says_and_loads_nothing(unproven: Path):
    text, loads = page(unproven)
    assert loads == []
    assert "desk / unproven" in text
    assert "holds aws:kms/key:Key ledger" in text
    assert "FIN-1234 <b>" in text
    assert "approved by ciso@bank.example, until 2030-01-31" in text
    assert "Nobody has signed this off yet." in text
    for one in document(unproven)["criteria"]:
        assert f"{one['reference']} {one['title']}" in text
        if not one["controls"]:
            assert f"{one['title']} {'–'} no evidence nothing of this preview speaks to it" in text
    assert files.sha256((unproven / files.JSON).read_bytes()) in text


def test_the_file_is_as_the_printed_schema_says(airlock: Run, good: Path, unproven: Path):
    schema = json.loads(airlock("evidence", "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for folder in (good, unproven):
        check.validate(document(folder))
    broken = {**document(good), "criteria": [{"reference": "CC6.1", "result": "fine"}]}
    assert list(check.iter_errors(broken))


def test_the_preview_in_a_file_is_the_same_evidence(airlock: Run, desk: Path, good: Path):
    preview = desk / "out-preview.json"
    preview.write_text(airlock("preview", "--stack", "good", "--no-policy-packs", "--json").stdout)
    done = airlock("evidence", "--from", preview, "--commit", "4f6c", "--at", "2026-11-26", "--json", packs=True)
    assert done.returncode == 0, done.stderr
    made, other = json.loads(done.stdout), document(good)
    assert made["evaluated"]["preview"] == other["evaluated"]["preview"]
    assert made["evaluated"]["commit"] == "4f6c"
    results = [{one["id"]: (one["result"], one["resources"]) for one in each["controls"]} for each in (made, other)]
    assert results[0] == results[1]


def test_a_state_with_encrypted_secrets_decides_what_the_preview_could_not(airlock: Run, desk: Path, tmp_path: Path):
    project = shutil.copytree(desk, tmp_path / "desk")
    assert airlock("up", "--stack", "good", "--yes", "--no-policy-packs", "--cwd", project).returncode == 0
    state = project / ".airlock" / "desk" / "good.json"
    assert "ciphertext" in state.read_text()
    done = airlock("evidence", "--from", state, "--cwd", project, "--output", tmp_path / "evidence", packs=True)
    assert done.returncode == 0, done.stderr
    assert control(tmp_path / "evidence", "aws-log-group-kms")["result"] == "holds"


def test_a_mandatory_violation_is_status_2_and_the_files_are_written(airlock: Run, desk: Path):
    done = airlock("evidence", "--stack", "bad", "--output", "out-bad", packs=True)
    assert done.returncode == 2
    assert "✗ CC6.1 violated" in done.stdout
    assert control(desk / "out-bad", "aws-kms-rotation")["result"] == "violated"


def test_somebody_signs_off_what_is_there_and_it_is_checked(airlock: Run, copied: Path):
    assert "nobody has signed it off" in airlock("evidence", "--verify", copied).stdout
    done = airlock("evidence", "--sign-off", copied, "--signed-by", "A. Auditor", "--statement", "Read, <and> agreed.")
    assert done.returncode == 0, done.stderr
    checked = airlock("evidence", "--verify", copied)
    assert checked.returncode == 0
    assert "signed off by A. Auditor" in checked.stdout
    assert "Read, <and> agreed." in page(copied)[0]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (files.JSON, '"stack": "good"', '"stack": "prod"', "is not the page of this evidence.json"),
        (files.HTML, "desk / good", "desk / prod", "it was changed by hand"),
    ],
)
def test_what_was_changed_afterwards_is_found(airlock: Run, copied: Path, file: str, old: str, new: str, said: str):
    text = (copied / file).read_text()
    assert old in text
    (copied / file).write_text(text.replace(old, new))
    done = airlock("evidence", "--verify", copied)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


@pytest.mark.skipif(OPENSSL is None, reason="openssl makes the keys, and checks the signature")
def test_a_signature_with_the_users_key_is_one_that_openssl_takes(airlock: Run, copied: Path, tmp_path: Path):
    def openssl(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([str(OPENSSL), *map(str, arguments)], capture_output=True, text=True, check=False)

    for name in ("mine", "other"):
        openssl("genpkey", "-algorithm", "ed25519", "-out", tmp_path / f"{name}.pem")
        openssl("pkey", "-in", tmp_path / f"{name}.pem", "-pubout", "-out", tmp_path / f"{name}.pub")
    who = ("--signed-by", "A. Auditor", "--statement", "Read.")
    assert airlock("evidence", "--sign-off", copied, *who, "--key", tmp_path / "mine.pem").returncode == 0
    verify = ("pkeyutl", "-verify", "-pubin", "-rawin", "-in", copied / files.JSON, "-sigfile", copied / files.SIGNATURE)
    assert openssl(*verify, "-inkey", tmp_path / "mine.pub").returncode == 0
    assert airlock("evidence", "--verify", copied, "--public-key", tmp_path / "mine.pub").returncode == 0
    wrong = airlock("evidence", "--verify", copied, "--public-key", tmp_path / "other.pub")
    assert (wrong.returncode, "is no signature of evidence.json" in wrong.stderr) == (1, True)
    # Signed off once more without the key: the old signature is of something else, and goes.
    assert airlock("evidence", "--sign-off", copied, *who).returncode == 0
    gone = airlock("evidence", "--verify", copied, "--public-key", tmp_path / "mine.pub")
    assert (gone.returncode, "the evidence is not signed" in gone.stderr) == (1, True)


WRONG = {
    "nothing to look at": ([], "give one of --stack NAME"),
    "two things to look at": (["--stack", "good", "--verify", "."], "give one of --stack NAME"),
    "nowhere to write": (["--stack", "good"], "--output: name the folder"),
    "a name without a statement": (["--stack", "good", "--signed-by", "A"], "--statement: write what is stated"),
    "a statement of nobody": (["--stack", "good", "--statement", "A"], "--signed-by: write who states it"),
    "a sign-off by nobody": (["--sign-off", "."], "--signed-by, --statement: who signs off"),
    "a private key to check with": (["--verify", ".", "--key", "mine.pem"], "checking takes --public-key"),
    "no evidence": (["--verify", "."], "evidence.json: cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_says_what_is_right(airlock: Run, name: str):
    arguments, said = WRONG[name]
    done = airlock("evidence", *arguments)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
