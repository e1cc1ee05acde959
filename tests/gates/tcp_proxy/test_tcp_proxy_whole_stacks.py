"""Whole previews behind the proxy, with every reader: proven, and a way around the proxy is found."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from airlock_command import airlock

PROGRAMS = Path(__file__).parent


def proof(folder: Path, name: str, *changes: tuple[str, str]) -> dict[str, Any]:
    """What `airlock prove --json` says of a program, with some texts in the place of others."""
    shutil.copytree(PROGRAMS / name, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    for before, after in changes:
        assert before in program
        program = program.replace(before, after)
    (folder / "__main__.py").write_text(program)
    done = airlock("prove", "--stack", "test", "--json", cwd=folder)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("name", "worth"), [("mwaa", "asserted"), ("cluster", "attested"), ("composer", "asserted")])
def test_the_whole_stack_is_proven(tmp_path: Path, name: str, worth: str) -> None:
    found = proof(tmp_path, name)
    assert found["ok"] is True
    assert worth in json.dumps(found["assumptions"])


def test_a_network_that_leads_around_the_proxy_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, "mwaa", (', proxies={"datacenter": proxy.entry}', ""))
    assert found["ok"] is False
    said = " ".join(one["message"] for one in found["excess"])
    assert "around tcp-proxy" in said


def test_a_policy_that_lets_pods_past_the_proxy_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, "cluster", ('gates=["tcp-proxy"]', 'gates=["cilium", "tcp-proxy"]'))
    assert found["ok"] is False
    assert "around tcp-proxy" in " ".join(one["message"] for one in found["excess"])


FLOWS, WORKLOADS, CALLERS = "    flows=proxy.flows,\n", "    workloads=proxy.workloads,\n", ", callers=tuple(tasks)"
BY_DAG = (
    ('"projected",', '"kms",'),
    ("            namespace=finance.network.namespace,\n", ""),
    ('            assurance="attested",\n', ""),
    ('    attested=["confidential"],\n', ""),
)
"""The same tasks, told apart by DAG in place of accounts."""


@pytest.mark.parametrize("left_out", [(FLOWS, WORKLOADS), (CALLERS,)], ids=["flows", "callers"])
@pytest.mark.parametrize(("how", "who"), [((), "airflow/etl"), (BY_DAG, "tasks of finance")], ids=["accounts", "dags"])
def test_pods_that_do_not_get_to_the_proxy_are_blocked(
    tmp_path: Path, left_out: tuple[str, ...], how: tuple[tuple[str, str], ...], who: str
) -> None:
    """Zones name the proxy alone: nothing else would say that Cilium lets nobody there."""
    found = proof(tmp_path, "cluster", *how, *((one, "") for one in left_out))
    assert found["ok"] is False
    said = f"{who} cannot reach tcp-proxy.airlock.svc.cluster.local (8443/tcp), which tcp-proxy needs itself (tasks to the proxy)"
    (mine, *_) = [one for one in found["blocked"] if said in one["message"]]
    assert "refused by cilium (egress of pods)" in mine["message"]
    assert mine["gate"] == "cilium"


def test_tasks_that_are_told_apart_by_their_dags_get_to_the_proxy(tmp_path: Path) -> None:
    assert proof(tmp_path, "cluster", *BY_DAG)["ok"] is True


@pytest.mark.parametrize(
    ("name", "zone", "proxies", "gate"),
    [
        ("mwaa", "aws_network", ', proxies={"datacenter": proxy.entry}', "aws_network"),
        ("composer", "gcp_firewall", '    proxies={"databases": proxy.entry},\n', "gcp_firewall"),
    ],
)
def test_a_network_that_does_not_lead_to_the_proxy_blocks_the_routes(
    tmp_path: Path, name: str, zone: str, proxies: str, gate: str
) -> None:
    """Also where zones do not name it: an environment's own network stands on every way out of it."""
    found = proof(tmp_path, name, (f'gates=["{zone}", "tcp-proxy"]', 'gates=["tcp-proxy"]'), (proxies, ""))
    assert {one["gate"] for one in found["blocked"]} == {gate}
    assert {route for one in found["blocked"] for route in one["routes"]} == {"ledger", "etl"}


OUTSIDE = (
    ("TaskIssuer, TcpProxy\n", "InternalBalancer, TaskIssuer, TcpProxy\n"),
    (
        CALLERS,
        ', balancer=InternalBalancer("proxy.airlock.internal", "10.70.0.9", callers=("10.1.0.0/24",), sources=("10.60.0.0/16",))',
    ),
)


def test_whoever_comes_by_the_balancer_has_to_get_to_the_pods(tmp_path: Path) -> None:
    said = "which tcp-proxy needs itself (tasks outside of the cluster): refused by cilium (ingress of pods)"
    found = proof(tmp_path / "all", "cluster", *OUTSIDE)
    assert not any(said in one["message"] for one in found["blocked"])
    some = ("flows=proxy.flows", "flows=[one for one in proxy.flows if not one.cidrs]")
    found = proof(tmp_path / "some", "cluster", *OUTSIDE, some)
    assert [one["gate"] for one in found["blocked"] if said in one["message"]] == ["cilium"]
