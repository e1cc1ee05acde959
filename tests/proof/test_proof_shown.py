"""A proof in the terminal, as JSON, and on the command line."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof import Cell, Matrix, Proof, Share, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.report.explanation import show_explanation
from pulumi_airlock.report.lines import UNLIMITED
from pulumi_airlock.report.matrix import show_matrix
from pulumi_airlock.report.proof import show, to_json
from pulumi_airlock.tokens import ACCESS
from rich.console import Console
from typer.testing import CliRunner

DOCUMENT = {
    "principals": [
        {"name": "ledger", "dags": ["*"], "environment": "finance"},
        {"name": "var", "dags": ["*"], "environment": "risk"},
    ],
    "zones": {"center": {"cidrs": ["0.0.0.0/0"], "gates": ["wall"]}},
    "destinations": [{"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]}],
    "routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "FIN-1"}],
}


def proof(sources: str) -> Proof:
    match = Match(Who(sources=Hosts.from_cidr(sources)), Hosts.from_cidr("10.20.4.10"), Services.of("tcp", 1521, 1521))
    rule = Rule(Action.ALLOW, match, Source("urn::policy", label='policy 1 "close"'))
    gate = Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, (rule,), "urn::wall")
    stack = [
        Environment("finance", "urn::f", Hosts.from_cidr("10.40.0.0/25")),
        Environment("risk", "urn::r", Hosts.from_cidr("10.40.0.128/25")),
    ]
    return prove(Access.model_validate(DOCUMENT), stack, [gate], at=datetime(2026, 11, 21, tzinfo=UTC))


def shown(one: Proof, **options: bool) -> str:
    out = io.StringIO()
    show(one, Console(file=out, width=200), **options)
    return out.getvalue()


def test_a_failure_comes_first_with_its_witness_and_every_gate() -> None:
    text = shown(proof("10.40.0.0/24"))
    assert text.index("Excess") < text.index("Taken for granted")
    assert '    ✓ wall  policies\n      allow by policy 1 "close"\n      resource policy\n' in text
    assert "witness: var (risk/" in text
    assert "✗ not proven: 1 excess" in text


def test_what_is_proven_is_told_in_a_line_and_what_it_rests_on_if_asked() -> None:
    well = proof("10.40.0.0/25")
    assert "✓ proven" in shown(well, brief=True)
    assert "Taken for granted" not in shown(well, brief=True)
    assert "environment finance runs any DAG, from 10.40.0.0/25" in shown(well, verbose=True)
    assert "2 environments run the DAGs" in shown(well)


def test_json_says_the_same() -> None:
    document = json.loads(json.dumps(to_json(proof("10.40.0.0/24"))))
    assert document["ok"] is False
    assert document["excess"][0]["path"][0] == {
        "gate": "wall",
        "filter": "policies",
        "kind": "permission",
        "outcome": "allow",
        "rule": {"urn": "urn::policy", "position": "", "label": 'policy 1 "close"', "through": []},
        "trace": [],
        "why": 'policy 1 "close" (policy) allows it',
    }
    assert {(one["principal"], one["depth"]) for one in document["matrix"]} == {("ledger", None), ("var", 0)}


def state(path: Path, *resources: dict[str, object]) -> Path:
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": list(resources)}}))
    return path


def test_the_command_fails_with_3_where_a_gate_is_not_in_the_stack(tmp_path: Path) -> None:
    expect = [{"from": "outside", "to": "ledger-db:1521", "allow": True}]
    declared = {
        "urn": "urn:pulumi:s::p::airlock:index:Access::access",
        "type": ACCESS,
        "outputs": {"document": DOCUMENT | {"expect": expect}},
    }
    result = CliRunner().invoke(app, ["prove", "--from", str(state(tmp_path / "s.json", declared))])
    assert result.exit_code == 3
    assert "Expectations that do not hold" in result.output
    assert 'no gate "wall" in the stack' in result.output


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    file = state(tmp_path / "s.json", {"urn": "urn:pulumi:s::p::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"})
    for arguments, message in (
        (["--from", str(file)], "declares no access"),
        ([], "either --stack"),
        (["--from", str(file), "--at", "noon"], "instant"),
    ):
        result = CliRunner().invoke(app, ["prove", *arguments])
        assert isinstance(result.exception, InputError)
        assert message in str(result.exception)


def test_findings_beyond_what_is_readable_are_counted() -> None:
    one = proof("10.40.0.0/24")
    many = replace(one, excess=one.excess * 30)
    assert "… and 10 more" in shown(many)


@pytest.mark.parametrize("option", ["--json", "--verbose", "--at=2026-11-23T23:00+01:00"])
def test_options_do_not_change_the_verdict(tmp_path: Path, option: str) -> None:
    document = {**DOCUMENT, "destinations": [], "routes": []}
    declared = {"urn": "urn:pulumi:s::p::airlock:index:Access::access", "type": ACCESS, "outputs": {"document": document}}
    assert CliRunner().invoke(app, ["prove", "--from", str(state(tmp_path / "s.json", declared)), option]).exit_code == 0


def wide_matrix(destinations: int) -> Matrix:
    names = tuple(f"destination-{number}" for number in range(destinations))
    yes, no = Cell(Share.ALL, Share.ALL, False, None), Cell(Share.NONE, Share.NONE, False, 2)
    cells = {(who, name): yes if who == "auditors" else no for who in ("auditors", "analysts", "operators") for name in names}
    return Matrix(("auditors", "analysts", "operators"), names, cells)


@pytest.mark.parametrize(("width", "blocks"), [(80, 2), (40, 3), (200, 1), (UNLIMITED, 1)])
def test_the_matrix_fits_whatever_the_width(width: int, blocks: int) -> None:
    out = io.StringIO()
    show_matrix(Console(file=out, width=width, highlight=False), wide_matrix(30))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("auditors ") for line in lines) == blocks
    assert sum("operators" in line for line in lines) == blocks, "principals with the same rights share a row"
    assert sum("destination-29" in line for line in lines) == 1


def test_an_explanation_says_first_whether_and_then_what_to_do() -> None:
    gate = Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, (), "urn:pulumi:s::p::t::deny-all")
    stack = [Environment("finance", "urn::f", Hosts.from_cidr("10.40.0.0/25"))]
    answer = explain(
        Access.model_validate(DOCUMENT), stack, [gate], "ledger", "ledger-db:1521", at=datetime(2026, 11, 21, tzinfo=UTC)
    )
    out = io.StringIO()
    show_explanation(answer, Console(file=out, width=80, highlight=False))
    lines = out.getvalue().splitlines()
    assert " ".join(lines).startswith("No: ledger cannot reach ledger-db:1521 on Sat 2026-11-21 00:00 UTC")
    assert "Refused by: wall (permission)" in lines
    assert any(line.startswith("What to do: Give wall (policies) a rule for it") for line in lines)
    assert lines[-3:] == ["  ✗ wall  policies", "    deny by default: no rule matches", "    resource deny-all"]
    assert out.getvalue().endswith("\n")
    assert max(map(len, lines)) <= 80
