"""`airlock reach` on a stack in a file: the table, its JSON twin, and what it says to a wrong question."""

import json
import re
from pathlib import Path

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from pulumi_airlock.tokens import ACCESS
from typer.testing import CliRunner

DOCUMENT = {
    "principals": [
        {"name": "close", "dags": ["close_*"], "environment": "finance"},
        {"name": "staff", "group": "staff", "sources": ["10.60.0.0/24"]},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["edge"]}},
    "destinations": [
        {"name": "ledger", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
        {"name": "lake", "zone": "center", "cidrs": ["10.20.5.0/28"], "ports": ["443/tcp"]},
    ],
    "routes": [
        {"name": "books", "from": ["close"], "to": ["ledger"], "reason": "T-1"},
        {"name": "reports", "from": ["close", "staff"], "to": ["lake"], "reason": "T-2"},
    ],
}


def resource(type_: str, name: str, inputs: dict[str, object] | None = None, **more: object) -> dict[str, object]:
    return {"urn": f"urn:pulumi:s::p::{type_}::{name}", "type": type_, "custom": True, "inputs": inputs or {}, **more}


def policy(name: str, cidr: str, ports: str) -> list[dict[str, object]]:
    provider = "urn:pulumi:s::p::pulumi:providers:fortios::edge::id"
    made = {"name": name, "type": "ipmask", "subnet": cidr}
    service = {"name": f"{name}-ports", "protocol": "TCP/UDP/SCTP", "tcpPortrange": ports}
    fields = {"dstaddrs": [{"name": name}], "services": [{"name": f"{name}-ports"}], "srcaddrs": [{"name": "all"}]}
    given = {"name": name, "action": "accept", "schedule": "always", **fields}
    both = {one: [{"name": "any"}] for one in ("srcintfs", "dstintfs")}
    return [
        resource("fortios:firewall/address:Address", name, made, provider=provider),
        resource("fortios:firewall/service/custom:Custom", name, service, provider=provider),
        resource("fortios:firewall/policy:Policy", name, {**given, **both}, provider=provider),
    ]


@pytest.fixture
def stack(tmp_path: Path) -> str:
    network = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    everything = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["10.20.0.0/16", "10.40.0.0/25"]}
    resources = [
        resource(ACCESS, "access", outputs={"document": DOCUMENT}),
        resource("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.40.0.0/24"}, id="vpc-1"),
        resource("aws:ec2/subnet:Subnet", "a", {"vpcId": "vpc-1", "cidrBlock": "10.40.0.0/25"}, id="subnet-1"),
        resource("aws:ec2/securityGroup:SecurityGroup", "tasks", {"vpcId": "vpc-1", "egress": [everything]}, id="sg-1"),
        resource(
            "aws:ec2/routeTable:RouteTable", "out", {"routes": [{"cidrBlock": "10.20.0.0/16", "gatewayId": "vgw-1"}]}, id="rtb-1"
        ),
        resource("aws:ec2/routeTableAssociation:RouteTableAssociation", "a", {"subnetId": "subnet-1", "routeTableId": "rtb-1"}),
        resource("aws:mwaa/environment:Environment", "finance", {"networkConfiguration": network}),
        *policy("ledger", "10.20.4.10/32", "1521"),
        *policy("lake", "10.20.5.0/28", "443 8443"),
    ]
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    return str(file)


def asked(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["reach", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def columns(line: str) -> list[str]:
    return [one.strip() for one in line.split("  ") if one.strip()]


def test_what_somebody_reaches_is_a_table_with_what_no_route_declares_marked(stack: str) -> None:
    lines = asked("close", "--from", stack).splitlines()
    assert lines[0].startswith("What close can reach, from ")
    assert [columns(line) for line in lines[1:5]] == [
        ["destination", "ports", "when", "by", "through"],
        ["✓", "ledger", "1521/tcp", "always", "route books", "finance → edge"],
        ["✓", "lake", "443/tcp", "always", "route reports", "finance → edge"],
        ["✗", "lake", "8443/tcp", "always", "excess: no route", "finance → edge"],
    ]
    rest = "\n".join(lines[5:])
    assert "close → lake, 8443/tcp: let through by tasks.egress[0]" in rest
    assert 'policy "lake" (lake)' in rest
    assert lines[-1].startswith("✗ 2 routes declare it; 1 line without a route")


def test_its_own_traffic_is_listed_as_a_need_of_the_environment(stack: str) -> None:
    assert "need of the environment itself" in asked("close", "--from", stack, "--to", "10.40.0.5")


def test_who_reaches_something_lists_callers_of_every_kind(stack: str) -> None:
    lines = [columns(line) for line in asked("--to", "lake:443", "--from", stack).splitlines()]
    assert lines[1] == ["who", "destination", "ports", "when", "by", "through"]
    assert ["✓", "close", "lake", "443/tcp", "always", "route reports", "finance → edge"] in lines
    assert ["✓", "staff", "lake", "443/tcp", "always", "route reports", "edge"] in lines
    assert ["✗", "any other DAG of finance", "lake", "443/tcp", "always", "excess: no route", "finance → edge"] in lines
    assert ["✗", "anything outside Airflow", "lake", "443/tcp", "always", "excess: no route", "edge"] in lines


def test_at_an_instant_there_is_no_when(stack: str) -> None:
    lines = asked("staff", "--from", stack, "--at", "2026-11-23T10:00+01:00").splitlines()
    assert lines[0].startswith("What staff can reach, at 2026-11-23 ")
    assert "when" not in columns(lines[1])


def test_nobody_is_an_answer_too(stack: str) -> None:
    assert asked("close", "--to", "ledger:22", "--from", stack).splitlines()[1:] == [
        "close can reach nothing of ledger:22: a gate on every way refuses it."
    ]
    assert "Nobody can reach 10.20.4.11" in asked("--to", "10.20.4.11:1521", "--from", stack)


def test_what_something_unknown_decides_is_told_once_by_what_is_not_known(stack: str, tmp_path: Path) -> None:
    document = json.loads(Path(stack).read_text(encoding="utf-8"))
    kept = [one for one in document["deployment"]["resources"] if not one["type"].startswith("fortios")]
    file = tmp_path / "no-edge.json"
    file.write_text(json.dumps({"deployment": {"resources": kept}}))
    lines = asked("close", "--from", str(file)).splitlines()
    table = [columns(line) for line in lines]
    assert ["?", "ledger", "1521/tcp", "always", "perhaps, route books", "finance → edge"] in table
    assert ["?", "ledger", "any but 1521/tcp", "always", "perhaps, excess: no route", "finance → edge"] in table
    assert [line for line in lines if "not known" in line] == [
        '  not known is what gate "edge" does (it is not in the stack): it decides 5 lines'
    ]
    assert lines[-1] == "? 2 routes declare it; 5 lines in doubt (airlock prove says more)"


def test_json_has_every_row_with_exact_hosts_and_times(stack: str, capfd: pytest.CaptureFixture[str]) -> None:
    asked("close", "--from", stack, "--json")
    answer = json.loads(capfd.readouterr().out)
    assert (answer["who"], answer["to"], answer["when"]) == ("close", None, None)
    excess = next(row for row in answer["rows"] if row["right"] == "excess")
    assert (excess["destination"], excess["hosts"], excess["ports"], excess["certain"]) == (
        "lake",
        ["10.20.5.0/28"],
        ["8443/tcp"],
        True,
    )
    assert excess["gates"] == ["finance", "edge"]
    assert [rule["label"] for rule in excess["rules"]] == ["", 'policy "lake"']
    declared = next(row for row in answer["rows"] if row["destination"] == "ledger")
    assert (declared["routes"], declared["when"], declared["callers"][0]["kind"]) == (["books"], "always", "tasks")
    assert len(declared["next"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say WHO, or --to"),
        (["clos"], 'did you mean "close"'),
        (["--to", "leger"], 'did you mean "ledger"'),
        (["close", "--at", "noon"], "is no instant"),
    ],
)
def test_a_wrong_question_says_what_would_be_right(stack: str, arguments: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(*arguments, "--from", stack)


def test_the_documented_program_runs(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("preview.json").write_text(
        Path(stack).read_text(encoding="utf-8").replace('"reason": "T-1"', '"reason": "T-1", "expires": "2020-01-01"')
    )
    exec(compile(program, "questions.md", "exec"), {})  # noqa: S102
    assert "route books expired on 2020-01-01" in " ".join(capfd.readouterr().out.split())


ANSWER = """\
What close can reach, from 2026-11-21 10:00 UTC on
   destination                                ports     when    by                              through
✓  ledger                                     1521/tcp  always  route books                     finance → edge
✓  lake                                       443/tcp   always  route reports                   finance → edge
✗  lake                                       8443/tcp  always  excess: no route                finance → edge
·  hosts outside of every zone: 10.40.0.0/25  any       always  need of the environment itself  finance
  close → lake, 8443/tcp: let through by tasks.egress[0] and policy "lake" (lake)
    for example close (finance/close_x.any_task, from 10.40.0.10) → 10.20.5.8:8443/tcp at Sat 2026-11-21 10:00 UTC
✗ 2 routes declare it; 1 line without a route (airlock prove says more)
"""


def test_the_whole_answer_is_a_table_with_what_no_route_declares_and_a_witness(stack: str) -> None:
    said = asked("close", "--from", stack)
    today = re.compile(r"(\w{3} )?\d{4}-\d\d-\d\d \d\d:\d\d UTC")
    assert [today.sub("", line).split() for line in said.splitlines()] == [
        today.sub("", line).split() for line in ANSWER.splitlines()
    ]
