"""How many calls an update spends of Zscaler's APIs, and how long that takes: counted from plans, and from the CLI's previews."""

import json

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.offline.call_budget import Call, call_budget, duration, preview_calls
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.report.plan import show_notes
from rich.console import Console
from typer.testing import CliRunner


def urn(name, kind="zia:index:FwNetworkService"):
    return f"urn:pulumi:dev::bank::{kind}::{name}"


def of(op, count, kind="zia:index:FwNetworkService"):
    return [(op, urn(f"{op}-{number}", kind)) for number in range(count)]


def test_each_operation_costs_its_calls():
    (spent,) = call_budget([*of("create", 3), *of("update", 2), *of("delete", 1), *of("same", 9)])
    assert spent.calls == {Call.READ: 5, Call.WRITE: 5, Call.DELETE: 1}
    assert not spent.over


@pytest.mark.parametrize(("deletions", "seconds"), [(1, 0), (2, 60), (4, 180), (5, 3600), (8, 3600), (9, 7200)])
def test_deletions_take_their_time_at_one_a_minute_and_four_an_hour(deletions, seconds):
    (spent,) = call_budget(of("delete", deletions))
    assert spent.seconds == seconds
    assert bool(spent.over) == (deletions > 4)
    assert len(spent.replaced) == (deletions if deletions > 4 else 0)


@pytest.mark.parametrize(("writes", "seconds"), [(1, 0), (60, 59), (400, 399), (401, 3600)])
def test_writes_take_their_time(writes, seconds):
    (spent,) = call_budget(of("update", writes))
    assert spent.seconds == seconds


def test_a_replacement_is_a_write_and_a_deletion_however_a_preview_tells_it():
    whole = call_budget([("replace", urn("a"))])
    parts = call_budget([("create-replacement", urn("a")), ("replace", urn("a")), ("delete-replaced", urn("a"))])
    assert whole[0].calls == parts[0].calls == {Call.READ: 1, Call.WRITE: 1, Call.DELETE: 1}


def test_an_activation_is_deleted_for_nothing():
    kind = "zia:index:Activation"
    (spent,) = call_budget([("create-replacement", urn("a", kind)), ("delete-replaced", urn("a", kind))])
    assert spent.calls == {Call.READ: 1, Call.WRITE: 1}


def test_zpa_counts_writes_and_deletions_together():
    kind = "zpa:index/segmentGroup:SegmentGroup"
    (spent,) = call_budget([*of("create", 15, kind), *of("delete", 6, kind)])
    assert (spent.api.name, spent.seconds, spent.over) == ("ZPA", 20, ())


def test_other_resources_cost_nothing():
    assert call_budget(of("create", 500, "aws:ec2/vpc:Vpc")) == ()
    assert preview_calls({"deployment": {}}) == ()


def test_one_is_told_as_one():
    (spent,) = call_budget([("delete", urn("a")), ("update", urn("b"))])
    assert spent.text == "ZIA's API: 1 read, 1 write, 1 deletion"


def test_durations_are_told_in_words():
    assert [duration(one) for one in (0, 45, 61, 3600, 7261)] == ["0 s", "45 s", "1 min 1 s", "1 h", "2 h 1 min"]


def _plan(operations):
    from pulumi_airlock.offline.operations import Operation
    from pulumi_airlock.offline.steps import Op

    return Plan("bank", "dev", True, [], operations=[Operation(Op(op), at) for op, at in operations])


def test_a_preview_says_so_and_warns():
    console = Console(width=400, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    show_notes(console, _plan(of("delete", 5)))
    text = console.export_text()
    assert "ZIA's API: 5 deletions: 1 h at least, at its rate limits" in text
    assert "warning: 5 deletions are over 4 an hour; replaced or deleted: delete-0, delete-1" in text
    assert _plan(of("delete", 5)).document()["apiCalls"] == [
        {
            "api": "ZIA",
            "reads": 0,
            "writes": 0,
            "deletions": 5,
            "seconds": 3600,
            "overLimit": ["5 deletions are over 4 an hour"],
            "deleted": [urn(f"delete-{number}") for number in range(5)],
        }
    ]


def test_the_clis_own_preview_is_counted_too(tmp_path):
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": [{"op": op, "urn": at} for op, at in [*of("replace", 5), *of("update", 2)]]}))
    done = CliRunner().invoke(app, ["calls", "--from", str(file)])
    assert done.exit_code == 0, done.output
    assert "ZIA's API: 7 reads, 7 writes, 5 deletions: 1 h at least" in done.output
    assert "warning: 5 deletions are over 4 an hour" in done.output
    file.write_text("{}")
    assert "no preview" in str(CliRunner().invoke(app, ["calls", "--from", str(file)]).exception)


GATE = """
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa.egress import ProxyEgress
from pulumi_airlock.gates.zia import ZiaGate

places = [{{"name": name, "zone": "internet", "hosts": [f"{{name}}.example"], "ports": {ports}}} for name in {names}]
routes = [{{"name": name, "from": ["etl"], "to": [name], "reason": "R"}} for name in {names}]
access = Access.model_validate({{
    "principals": [{{"name": "etl", "dags": ["*"], "environment": "finance"}}],
    "zones": {{"internet": {{"gates": ["zia"]}}}},
    "destinations": places,
    "routes": routes,
}})
way = ProxyEgress(host="{host}", cidrs=("203.0.113.0/26",), scheduler=10101, worker={worker}, webserver=10103)
ZiaGate("zia", access=access, environments={{"finance": way}})
"""


def _gate(names=("one", "two"), ports=("443/tcp",), host="proxy.example", worker=10102):
    return GATE.format(names=list(names), ports=list(ports), host=host, worker=worker)


def test_what_changes_in_a_gate_is_updated_in_place(update, preview):
    update(_gate())
    changed = preview(_gate(ports=("8443/tcp",), host="other.example", worker=11002)).document()["apiCalls"]
    assert [(one["api"], one["writes"], one["deletions"]) for one in changed] == [
        ("ZIA", 4, 0)
    ]  # two services, a location, activation
    more = preview(_gate(names=("one", "two", "three"))).document()["apiCalls"]
    assert [one["deletions"] for one in more] == [0]


def test_a_destination_that_goes_costs_an_hours_deletions_and_no_more(update, preview):
    update(_gate())
    (spent,) = preview(_gate(names=("one",))).document()["apiCalls"]
    assert (spent["deletions"], spent["overLimit"]) == (4, [])


def test_two_that_go_are_over_the_limit_and_told(update, preview):
    update(_gate(names=("one", "two", "three")))
    (spent,) = preview(_gate(names=("one",))).document()["apiCalls"]
    assert spent["overLimit"] == ["8 deletions are over 4 an hour"]
    names = {one.rpartition("::")[2] for one in spent["deleted"]}
    assert names == {f"zia-{which}-{what}" for which in ("two", "three") for what in ("firewall", "url", "ports", "urls")}
