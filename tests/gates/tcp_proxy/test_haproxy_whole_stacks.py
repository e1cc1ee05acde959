"""Whole previews behind HAProxy, with every reader: the programs of Envoy's, with the other engine in its place."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import airlock_command
import pytest
from test_tcp_proxy_gce import GIVEN

PROGRAMS = Path(__file__).parent
OF_PODS = 'TaskCertificates("finance", "finance", namespace=finance.network.namespace, assurance="attested")'
CERTIFICATES = {
    "mwaa": 'TaskCertificates("finance", "finance")',
    "composer": 'tcp_proxy.TaskCertificates("finance", "finance")',
    "cluster": OF_PODS,
    "sidecar": OF_PODS,
}
ASSURANCE = {"mwaa": "asserted", "composer": "asserted", "cluster": "attested", "sidecar": "attested"}


def other_engine(folder: Path, name: str) -> Path:
    """A program with HAProxy, and without what only Envoy does: issuers of tokens, windows, sessions."""
    shutil.copytree(PROGRAMS / name, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    issuers = re.compile(r"    issuers=\[.*?\n    \],\n", re.DOTALL)
    program, found = issuers.subn(f'    engine="haproxy",\n    issuers=[{CERTIFICATES[name]}],\n', program)
    assert found == 1
    program = program.replace("beside = InTaskPods(", 'beside = InTaskPods(engine="haproxy", ')
    program = re.sub(r'\s+window=Window\(.*?\),|\s*session="1h",', "", program).replace("TaskIssuer", "TaskCertificates")
    (folder / "__main__.py").write_text(program)
    return folder


def airlock(folder: Path, command: str, *more: str) -> Any:
    """What a command of `airlock` says, as JSON."""
    done = airlock_command.airlock(command, *more, "--stack", "test", "--json", cwd=folder)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_the_whole_stack_is_proven(tmp_path: Path, name: str) -> None:
    found = airlock(other_engine(tmp_path, name), "prove")
    assert found["ok"] is True, [one["message"] for kind in ("excess", "blocked", "unproven") for one in found[kind]]
    assumed = json.dumps(found["assumptions"])
    assert "takes the word of whoever signs its clients' certificates" in assumed
    assert ASSURANCE[name] in assumed


def test_a_line_of_its_log_is_explained(tmp_path: Path) -> None:
    folder = other_engine(tmp_path, "mwaa")
    line = {
        "time": "2026-11-26T19:05:37.666+00:00",
        "gate": "tcp-proxy",
        "engine": "haproxy",
        "client": "10.40.0.10:54646",
        "connection": "1795719937.2",
        "certificate": "/OU=finance/CN=ledger",
        "event": "refused",
        "target": "warehouse.corp.example:5432",
        "environment": "finance",
        "principal": "ledger",
        "policy": "deny-warehouse-5432",
        "reason": "permission",
        "response_flags": "PR",
        "duration_ms": 3,
        "upstream": "-:-",
        "upstream_local": "-:-",
    }
    (said,) = airlock(folder, "explain", "--from-log", json.dumps(line))
    assert "tcp-proxy" in json.dumps(said)
    assert said["connection"]["rule"] == "deny-warehouse-5432"


def test_on_machines_of_google_cloud_it_is_proven(tmp_path: Path) -> None:
    folder = other_engine(tmp_path, "composer")
    program = (folder / "__main__.py").read_text()
    old = program[program.index("tcp_proxy.OnKubernetes(") : program.index(",\n)\nassert proxy.entry")]
    (folder / "__main__.py").write_text(program.replace(old, GIVEN.replace("/envoy:distroless-v1.40.0", "/haproxy:2.6.22")))
    found = airlock(folder, "prove")
    assert found["ok"] is True, [one["message"] for kind in ("excess", "blocked", "unproven") for one in found[kind]]
