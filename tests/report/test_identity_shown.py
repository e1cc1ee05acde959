"""Identity findings beside the network's proof: shown by `airlock prove`, in JSON, in Markdown; and the verdict they bring."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.identity.findings import IdentityFinding, Kind, Severity
from pulumi_airlock.report.markdown import to_markdown
from pulumi_airlock.report.page import render_page
from pulumi_airlock.tokens import ACCESS
from report_cases import EVIL, small
from typer.testing import CliRunner

PROVIDER = "urn:pulumi:s::p::pulumi:providers:fortios::edge::id"
DOCUMENT: dict[str, Any] = {
    "identityProvider": {"kind": "okta", "issuer": "https://bank.okta.example", "audience": "airflow"},
    "principals": [
        {"name": "analysts", "group": "airflow-risk", "sources": ["10.60.0.0/24"], "role": "risk"},
        {"name": "auditors", "group": "airflow-audit", "sources": ["10.60.1.0/24"], "role": "risk"},
    ],
    "roles": [{"name": "risk", "base": "Viewer"}, {"name": "unused", "base": "Viewer"}],
    "zones": {"ui": {"cidrs": ["10.40.0.0/24"], "gates": ["edge"]}},
    "destinations": [
        {"name": "ui-risk", "zone": "ui", "cidrs": ["10.40.0.10/32"], "ports": ["443/tcp"]},
        {"name": "ui-finance", "zone": "ui", "cidrs": ["10.40.0.20/32"], "ports": ["443/tcp"]},
    ],
    "routes": [
        {"name": "risk-ui", "from": ["analysts", "auditors"], "to": ["ui-risk"], "reason": "T-1"},
        {"name": "audit-ui", "from": ["auditors"], "to": ["ui-finance"], "reason": "T-2"},
    ],
}


def resource(type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::{type_}::{name}", "type": type_, "custom": True, "inputs": inputs}


def on_device(type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    return {**resource(type_, name, name=name, **inputs), "provider": PROVIDER}


def policy(name: str, group: str, hosts: list[str]) -> dict[str, Any]:
    return on_device(
        "fortios:firewall/policy:Policy",
        name,
        action="accept",
        schedule="always",
        srcintfs=[{"name": "lan"}],
        dstintfs=[{"name": "cloud"}],
        srcaddrs=[{"name": f"from-{group}"}],
        dstaddrs=[{"name": host} for host in hosts],
        services=[{"name": "https"}],
        groups=[{"name": group}],
    )


def stack(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """People's web servers behind a FortiGate, proven; and the identity provider's groups."""
    address = "fortios:firewall/address:Address"
    gate = resource(
        "airlock:index:FortigateGate",
        "edge",
        gate="edge",
        timezone="UTC",
        tunnelInterfaces=["cloud"],
        peopleInterface="lan",
        sources={},
        userGroups={"airflow-risk": "airflow-risk", "airflow-audit": "airflow-audit"},
        interfaces={"ui": {"interfaces": ["cloud"], "cidrs": ["10.40.0.0/24"], "hosts": []}},
    )
    devices = [
        on_device(address, "ui-risk", type="ipmask", subnet="10.40.0.10 255.255.255.255"),
        on_device(address, "ui-finance", type="ipmask", subnet="10.40.0.20 255.255.255.255"),
        on_device(address, "from-airflow-risk", type="ipmask", subnet="10.60.0.0 255.255.255.0"),
        on_device(address, "from-airflow-audit", type="ipmask", subnet="10.60.1.0 255.255.255.0"),
        on_device("fortios:firewall/service/custom:Custom", "https", protocol="TCP/UDP/SCTP", tcpPortrange="443"),
        policy("risk", "airflow-risk", ["ui-risk"]),
        policy("audit", "airflow-audit", ["ui-risk", "ui-finance"]),
    ]
    for one in devices[-2:]:
        one["parent"] = gate["urn"]
    access = {**resource(ACCESS, "access", document=DOCUMENT), "custom": False}
    return [access, {**gate, "custom": False}, *devices, *more]


GROUPS = [resource("okta:group/group:Group", name, name=name) for name in ("airflow-risk", "airflow-audit")]
ORPHAN = resource("okta:group/group:Group", "left-over", name="airflow-old")


def prove(tmp_path: Path, resources: list[dict[str, Any]], *options: str) -> Any:
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    return CliRunner().invoke(app, ["prove", "--from", str(file), *options])


def test_peoples_routes_to_the_web_servers_take_part_in_the_matrix(tmp_path: Path, capfd: Any) -> None:
    result = prove(tmp_path, stack(*GROUPS), "--json")
    assert result.exit_code == 0, result.output
    cells = {(one["principal"], one["destination"]): one for one in json.loads(capfd.readouterr().out)["matrix"]}
    assert cells["analysts", "ui-risk"]["declared"] == cells["analysts", "ui-risk"]["allowed"] == "all"
    assert cells["auditors", "ui-finance"]["allowed"] == "all"
    assert cells["analysts", "ui-finance"]["allowed"] == "none"
    assert cells["analysts", "ui-finance"]["depth"] == 1


def test_a_role_that_a_route_does_not_lead_to_is_excess_in_the_network_too(tmp_path: Path) -> None:
    """The same mistake on the device: the policy of one group names the other's web server."""
    resources = stack(*GROUPS)
    next(one for one in resources if one["urn"].endswith("::risk"))["inputs"]["dstaddrs"].append({"name": "ui-finance"})
    result = prove(tmp_path, resources)
    assert result.exit_code == 3
    assert "analysts" in result.output
    assert "ui-finance" in result.output


def test_nothing_is_said_where_identity_agrees(tmp_path: Path) -> None:
    result = prove(tmp_path, stack(*GROUPS), "--verbose")
    assert result.exit_code == 0, result.output
    assert "✓ proven" in result.output
    assert "systems disagree" not in result.output
    # What the access file says against itself is no failure.
    assert 'role "unused" is declared, and no principal has it' in result.output


def test_an_orphan_fails_beside_a_proven_network(tmp_path: Path) -> None:
    result = prove(tmp_path, stack(*GROUPS, ORPHAN))
    assert result.exit_code == 3
    assert "✓ proven" in result.output
    assert "Identity: systems disagree with what is declared (1)" in result.output
    assert '✗ okta: group "airflow-old" (left-over) is declared by no principal' in result.output
    assert "fix: declare a principal with this group" in result.output
    assert result.output.rstrip().endswith("✗ identity: 1 error (3 groups, 2 FortiGate user groups)")
    assert ORPHAN["urn"] not in result.output
    assert ORPHAN["urn"] in prove(tmp_path, stack(*GROUPS, ORPHAN), "--verbose").output


def test_json_has_the_same(tmp_path: Path, capfd: Any) -> None:
    result = prove(tmp_path, stack(*GROUPS, ORPHAN), "--json")
    assert result.exit_code == 3
    said = json.loads(capfd.readouterr().out)
    assert said["ok"] is False
    assert said["excess"] == said["blocked"] == said["unproven"] == []
    assert said["identityFindings"]["ok"] is False
    first, *rest = said["identityFindings"]["findings"]
    assert {key: first[key] for key in ("severity", "kind", "system", "name", "urn")} == {
        "severity": "error",
        "kind": "orphan",
        "system": "okta",
        "name": "airflow-old",
        "urn": ORPHAN["urn"],
    }
    assert {one["severity"] for one in rest} == {"warning"}


def test_markdown_has_the_same(tmp_path: Path) -> None:
    file = tmp_path / "proof.md"
    prove(tmp_path, stack(*GROUPS, ORPHAN), "--markdown", str(file))
    text = file.read_text()
    assert "- ❌ identity: 1 error\n" in text
    assert "## Identity: systems disagree with what is declared (1)" in text
    assert "fix: declare a principal with this group" in text
    prove(tmp_path, stack(), "--markdown", str(file))
    assert "dentity:" not in file.read_text()


def test_the_page_has_the_same(tmp_path: Path) -> None:
    file = tmp_path / "proof.html"
    prove(tmp_path, stack(*GROUPS, ORPHAN), "--html", str(file))
    page = file.read_text()
    assert "<title>✗" in page
    assert "<p>identity: 1 error</p>" in page
    assert f'<td title="{ORPHAN["urn"]}">group &#34;airflow-old&#34; (left-over) is declared by no principal' in page
    prove(tmp_path, stack(*GROUPS), "--html", str(file))
    page = file.read_text()
    assert "<title>✓" in page
    assert "<p>identity:" not in page
    assert "Identity across systems" in page


def test_what_a_stack_says_is_no_element_of_the_page() -> None:
    case = small()
    finding = IdentityFinding(Severity.ERROR, Kind.ORPHAN, "okta", EVIL, f'urn::"{EVIL}', f"group {EVIL}", f"fix {EVIL}")
    proof = case.proof()
    seen = case.evidence(proof)
    page = render_page(proof, seen, case.access, title="t", generated_from="--stack t", at=proof.at, differences=[finding])
    assert "<img" not in page
    assert page.count("</script>") == case.page().count("</script>")


def test_what_a_stack_says_is_no_markdown() -> None:
    finding = IdentityFinding(Severity.ERROR, Kind.ORPHAN, "okta", EVIL, f"urn::{EVIL}", f"group {EVIL} [x](y) @team", "fix | it")
    text = to_markdown(small().proof(), identity=[finding])
    assert "<img" not in text
    assert "[x](y)" not in text
    assert "@team" not in text


@pytest.mark.parametrize("number", [3, 60])
def test_many_findings_are_counted(tmp_path: Path, number: int) -> None:
    orphans = [resource("okta:group/group:Group", f"old-{at}", name=f"old-{at}") for at in range(number)]
    output = prove(tmp_path, stack(*GROUPS, *orphans)).output
    assert f"declared ({number})" in output
    assert ("… and 40 more" in output) == (number == 60)
