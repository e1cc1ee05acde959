"""`airlock explain` as an engineer on call uses it: one question, many, lines of a log, and what is wrong with a command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from pulumi_airlock.tokens import ACCESS
from typer.testing import CliRunner, Result

DOCUMENT = {
    "principals": [
        {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
        {"name": "people", "group": "finance", "sources": ["10.60.0.0/24"]},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["edge"]}},
    "destinations": [
        {"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
        {"name": "archive", "zone": "center", "cidrs": ["10.20.9.0/28"], "ports": ["9000/tcp"]},
    ],
    "routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "FIN-1"}],
}
POLICY = "fortios:firewall/policy:Policy"
ADDRESS = "fortios:firewall/address:Address"


def resource(kind: str, urn_name: str, /, **inputs: object) -> dict[str, object]:
    urn = f"urn:pulumi:s::p::{kind}::{urn_name}"
    provider = "urn:pulumi:s::p::pulumi:providers:fortios::edge::1"
    return {"urn": urn, "type": kind, "custom": True, "id": urn_name, "provider": provider, "inputs": inputs, "outputs": inputs}


@pytest.fixture
def stack(tmp_path: Path) -> str:
    """A FortiGate with one policy, from people's office to the ledger: hand-written, no route asks for it."""
    path = tmp_path / "state.json"
    names = {"srcintfs": [{"name": "any"}], "dstintfs": [{"name": "any"}], "services": [{"name": "ALL"}], "schedule": "always"}
    policy = resource(
        POLICY,
        "edge",
        policyid=7,
        name="office",
        action="accept",
        status="enable",
        srcaddrs=[{"name": "office"}],
        dstaddrs=[{"name": "ledger"}],
        **names,
    )
    resources = [
        resource(ADDRESS, "office", name="office", type="ipmask", subnet="10.60.0.0 255.255.255.0"),
        resource(ADDRESS, "ledger", name="ledger", type="ipmask", subnet="10.20.4.10 255.255.255.255"),
        policy,
        {"urn": "urn:pulumi:s::p::airlock:index:Access::access", "type": ACCESS, "outputs": {"document": DOCUMENT}},
    ]
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    return str(path)


def run(*arguments: str, lines: str | None = None) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments], input=lines)


LINE = (
    'date=2026-11-21 time=10:20:01 tz="+0100" devname="edge-1" logid="0000000013" type="traffic" subtype="forward" '
    'srcip={} srcport=51234 dstip=10.20.4.10 dstport=1521 proto=6 action="{}" policyid={} policyname="{}"'
)


def run_json(capfd: pytest.CaptureFixture[str], *arguments: str, lines: str | None = None) -> Any:
    """What `--json` prints, on the real standard output."""
    capfd.readouterr()
    assert run(*arguments, "--json", lines=lines).exit_code == 0
    return json.loads(capfd.readouterr().out)


def test_one_question_is_answered_with_what_would_turn_it(stack: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = run("people", "archive", "--from", stack)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("No: people cannot reach archive on ")
    assert lines[1] == "Refused by: edge (permission)"
    assert "  - name: people-archive" in lines
    assert lines[lines.index("Or by hand, at every gate that refuses:") + 1].startswith(
        "  - edge: add to policies of edge a rule"
    )
    document = run_json(capfd, "people", "archive", "--from", stack)
    assert (document["outcome"], document["opposite"]["outcome"]) == ("deny", "allow")
    assert document["refused_by"] == [{"gate": "edge", "kind": "permission"}]
    assert [(one["gate"], one["step"], one["action"]) for one in document["opposite"]["changes"]] == [("edge", "add", "allow")]


def test_excess_is_told_with_the_rule_to_take_away(stack: str) -> None:
    done = run("people", "ledger-db", "--from", stack)
    assert done.output.startswith("Yes: people can reach ledger-db on ")
    assert 'This is excess: take policy 7 "office" (edge) away from edge' in done.output
    assert '  - edge: take policy 7 "office" (edge) away from policies of edge' in done.output


def test_wildcards_are_counted(stack: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = run("people", "*", "--from", stack)
    assert done.exit_code == 0, done.output
    assert "1 caller × 2 destinations and ports" in done.output
    assert "1 allowed (1 of them declared by no route: excess), 1 refused." in done.output
    document = run_json(capfd, "*", "10.20.0.0/16:1521", "--from", stack)
    assert document["callers"][0] == "people"
    assert document["destinations"] == [
        "ledger-db:1521/tcp",
        "archive:1521/tcp",
        "elsewhere in 10.20.0.0/16:1521/tcp",
    ]
    assert sum(document["counts"].values()) == len(document["pairs"])


def test_a_line_of_a_log_is_mapped_back_to_who_can_have_made_it(stack: str) -> None:
    done = run("--from-log", LINE.format("10.60.0.9", "accept", "7", "office"), "--from", stack)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[:4] == [
        '10.60.0.9:51234 → 10.20.4.10:1521/tcp at 2026-11-21 09:20:01 UTC was allowed at edge-1 by policy 7 "office" '
        "(fortigate: accept)",
        'Stack:      says the same by policy 7 "office" (edge).',
        "Made by:    10.60.0.9 is somebody outside the environments.",
        "            that can be people and anything outside Airflow: no route declares it",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            ("10.60.0.9", "deny", "0", "x"),
            'allows this by policy 7 "office" (edge), and the device refused it: drift, or not applied',
        ),
        (
            ("10.61.0.9", "accept", "7", "office"),
            "and the device let it through: drift, or not applied yet. The line names policy 7",
        ),
        (("10.61.0.9", "accept", "9", "temp"), 'The stack has no policy 9 "temp": made by hand, or by another tool.'),
        (("10.61.0.9", "deny", "0", "x"), "says the same by default (edge)."),
    ],
)
def test_a_device_that_differs_from_the_stack_is_told(stack: str, line: tuple[str, ...], said: str) -> None:
    assert said in run("--from-log", LINE.format(*line), "--from", stack).output


def test_lines_of_standard_input_are_numbered_and_those_that_cannot_be_read_told(
    stack: str, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "\n".join(["what?", "", LINE.format("10.60.0.9", "accept", "7", "office"), LINE.format("10.60.0", "accept", "7", "x")])
    done = run("--from-log", "-", "--from", stack, lines=text)
    assert done.exit_code == 0, done.output
    assert (
        "line 1: no log of a FortiGate, of AWS flow logs, Google Cloud's network, ZPA's LSS, ZIA's NSS, Hubble or Envoy"
        in done.output
    )
    assert "line 3: 10.60.0.9:51234" in done.output
    assert "line 4: srcip is no address: '10.60.0'" in done.output
    documents = run_json(capfd, "--from-log", "-", "--from", stack, lines=text)
    assert [one["line"] for one in documents] == [1, 3, 4]
    assert (documents[1]["connection"]["rule"], documents[1]["agreement"]) == ("office", "agrees")
    assert documents[1]["suspects"][0]["callers"] == ["people", "anything outside Airflow"]


def test_nothing_that_can_be_explained_is_a_failure(stack: str) -> None:
    assert run("--from-log", "what?", "--from", stack).exit_code == 1
    assert run("--from-log", "-", "--from", stack, lines="").exit_code == 1


def test_a_flow_log_of_a_custom_format_needs_its_fields(stack: str) -> None:
    record = "10.60.0.9 10.20.4.10 1521 6 REJECT"
    assert "--log-format" in run("--from-log", record, "--from", stack).output
    fields = "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${action}"
    done = run("--from-log", record, "--log-format", fields, "--from", stack)
    assert done.exit_code == 0, done.output
    assert "The line tells no time: it is judged as of now." in done.output
    wrong = run("--from-log", record, "--log-format", "some words", "--from", stack)
    assert isinstance(wrong.exception, InputError)
    assert "--log-format" in str(wrong.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say WHO and WHERE"),
        (["people"], "say WHO and WHERE"),
        (["people", "ledger-db", "--from-log", "x"], "leave 'people' out"),
        (["--from-log", "x", "--at", "2026-11-21T10:00"], "leave --at out"),
        (["--from-log", "x", "--source", "10.0.0.1"], "leave --source out"),
        (["people", "ledger-db", "--log-format", "x"], "only with --from-log"),
        (["people", "ledger-db", "--source", "office"], "is no address"),
        (["people", "*", "--source", "10.60.0.9"], "without wildcards"),
        (["people", "ledger-db", "--at", "noon"], "is no instant"),
        (["nobody", "ledger-db"], "nobody"),
        (["nobody-*", "ledger-db"], 'no principal matches "nobody-*"'),
        (["people", "ledgre-db"], 'did you mean "ledger-db"'),
    ],
)
def test_a_wrong_question_says_what_would_be_right(stack: str, arguments: list[str], said: str) -> None:
    done = run(*arguments, "--from", stack)
    assert isinstance(done.exception, InputError), done.output
    assert said in str(done.exception)


def test_an_address_is_whoever_can_have_it(stack: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = run("10.60.0.9", "archive", "--from", stack)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "Address:    10.60.0.9 is somebody outside the environments."
    assert "The same holds for anything outside Airflow." in done.output
    more = next(line for line in lines if line.startswith("More:"))
    assert more.startswith("More:       airlock explain people archive --source 10.60.0.9 --at ")
    document = run_json(capfd, "10.60.0.9", "archive", "--from", stack)
    assert document["suspects"][0]["callers"] == ["people", "anything outside Airflow"]
