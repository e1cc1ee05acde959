"""Who checks what, as people see it: in the terminal, in JSON, in Markdown, on the page; and the exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.tokens import ACCESS
from typer.testing import CliRunner

DOCUMENT: dict[str, Any] = {
    "principals": [{"name": "analysts", "group": "airflow-risk", "sources": ["10.60.0.0/24"]}],
    "zones": {"ui": {"cidrs": ["10.40.0.0/24"], "gates": ["edge", "inner"]}},
    "destinations": [{"name": "ui", "zone": "ui", "cidrs": ["10.40.0.10/32"], "ports": ["443/tcp"]}],
    "routes": [{"name": "risk-ui", "from": ["analysts"], "to": ["ui"], "reason": "T-1"}],
}
TWICE = "2 gates check who a person is on the way of people to ui"


def resource(type_: str, name: str, custom: bool = True, /, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::{type_}::{name}", "type": type_, "custom": custom, "inputs": inputs}


def fortigate(name: str, *, by_group: bool) -> list[dict[str, Any]]:
    """A FortiGate with a policy for analysts, by their group or by their address alone."""
    zone = {"interfaces": ["cloud"], "cidrs": ["10.40.0.0/24"], "hosts": []}
    gate = resource(
        "airlock:index:FortigateGate",
        name,
        False,
        gate=name,
        timezone="UTC",
        tunnelInterfaces=["cloud"],
        peopleInterface="lan",
        sources={},
        userGroups={"airflow-risk": "airflow-risk"},
        interfaces={"ui": zone},
    )
    address = "fortios:firewall/address:Address"
    devices = [
        resource(address, f"{name}-ui", name="ui", type="ipmask", subnet="10.40.0.10 255.255.255.255"),
        resource(address, f"{name}-offices", name="offices", type="ipmask", subnet="10.60.0.0 255.255.255.0"),
        resource(
            "fortios:firewall/service/custom:Custom",
            f"{name}-https",
            name="https",
            protocol="TCP/UDP/SCTP",
            tcpPortrange="443",
        ),
        resource(
            "fortios:firewall/policy:Policy",
            f"{name}-risk",
            name="risk",
            action="accept",
            schedule="always",
            srcintfs=[{"name": "lan"}],
            dstintfs=[{"name": "cloud"}],
            srcaddrs=[{"name": "offices"}],
            dstaddrs=[{"name": "ui"}],
            services=[{"name": "https"}],
            **({"groups": [{"name": "airflow-risk"}]} if by_group else {}),
        ),
    ]
    provider = f"urn:pulumi:s::p::pulumi:providers:fortios::{name}::id"
    return [gate, *({**one, "provider": provider, "parent": gate["urn"]} for one in devices)]


def prove(tmp_path: Path, *options: str, inner_by_group: bool = True) -> Any:
    found = [
        resource(ACCESS, "access", False, document=DOCUMENT),
        *fortigate("edge", by_group=True),
        *fortigate("inner", by_group=inner_by_group),
    ]
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": found}}))
    return CliRunner().invoke(app, ["prove", "--from", str(file), *options])


def test_two_owners_are_shown_among_the_failures_and_fail(tmp_path: Path) -> None:
    result = prove(tmp_path)
    assert result.exit_code == 3, result.output
    assert "Checks that have not exactly one owner (1)" in result.output
    assert TWICE in result.output
    assert "✓ proven" in result.output  # nothing is let through that is not declared
    assert "✗ 1 check has not exactly one owner" in result.output


def test_with_verbose_the_resources_are_named(tmp_path: Path) -> None:
    output = prove(tmp_path, "--verbose").output
    for gate in ("edge", "inner"):
        assert f"{gate}: urn:pulumi:s::p::fortios:firewall/policy:Policy::{gate}-risk" in output


def test_one_owner_is_listed_and_all_is_well(tmp_path: Path) -> None:
    result = prove(tmp_path, inner_by_group=False)
    assert result.exit_code == 0, result.output
    assert "edge checks who a person is on the way of people to ui" in result.output
    assert "exactly one owner" not in result.output


@pytest.mark.parametrize(("inner_by_group", "fault"), [(True, "more than one gate checks it"), (False, None)])
def test_the_plain_data(tmp_path: Path, capfd: Any, inner_by_group: bool, fault: str | None) -> None:
    prove(tmp_path, "--json", inner_by_group=inner_by_group)
    document = json.loads(capfd.readouterr().out)
    (found,) = document["checks"]
    assert document["ok"] is (fault is None)
    assert (found["check"], found["callers"], found["zone"], found["fault"]) == ("who a person is", "people", "ui", fault)
    assert [one["gate"] for one in found["owners"]] == (["edge", "inner"] if fault else ["edge"])


def test_the_documents(tmp_path: Path) -> None:
    prove(tmp_path, "--markdown", str(tmp_path / "proof.md"), "--html", str(tmp_path / "proof.html"))
    markdown, page = (tmp_path / "proof.md").read_text(), (tmp_path / "proof.html").read_text()
    assert "## Checks that have not exactly one owner (1)" in markdown
    assert TWICE in markdown
    assert 'id="overlaps-title"' in page
    assert TWICE in page
    prove(tmp_path, "--html", str(tmp_path / "well.html"), inner_by_group=False)
    well = (tmp_path / "well.html").read_text()
    assert 'id="overlaps-title"' not in well
    assert 'id="owners-title"' in well
