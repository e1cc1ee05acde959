"""The offline engine and the Pulumi CLI register the same resources: URNs and inputs, for every stack.

Runs where `pulumi` is on PATH, without cloud or provider plugins: the engine attaches to providers that accept what they
are given.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from echo_provider import Serving

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))

PACKAGES = ("aws", "azuread", "consul", "fortios", "gcp", "kubernetes", "okta", "random", "zia", "zpa")
"""Providers of the stacks, each a server of its own."""

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]


def _registrations(document: dict[str, Any]) -> dict[str, Any]:
    """URN → inputs, without what an engine adds of its own: default providers, and the resource's alias bookkeeping."""
    states = [step["newState"] for step in document["steps"] if step.get("newState")]
    return {
        state["urn"]: _sorted(state.get("inputs", {}))
        for state in states
        if not state["type"].startswith("pulumi:providers:") and state["type"] != "pulumi:pulumi:Stack"
    }


_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


def _unhashed(value: Any) -> Any:
    """An archive without hashes: the engine's are of a tar of its own making, ours of the contents."""
    return {key: _unhashed(item) for key, item in value.items() if key != "hash"} if isinstance(value, dict) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict) and value.get(_SIGNATURE) == _ARCHIVE:
        value = _unhashed(value)
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items()) if key != "__defaults"}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("stack", STACKS)
def test_the_cli_previews_the_same_resources(stack: str, tmp_path: Path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "stacks", project / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    settings = (ROOT / "Pulumi.yaml").read_text().replace("virtualenv: .venv", f"virtualenv: {sys.prefix}")
    (project / "Pulumi.yaml").write_text(settings)
    fixture = project / "stacks" / "fixtures" / f"{stack}.yaml"
    backend = {"PULUMI_BACKEND_URL": f"file://{tmp_path}", "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_HOME": str(tmp_path / "home")}
    env = os.environ | backend | {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    with ExitStack() as running:
        served = {package: running.enter_context(Serving(fixture)) for package in PACKAGES}
        env["PULUMI_DEBUG_PROVIDERS"] = ",".join(f"{package}:{one.port}" for package, one in served.items())
        _run(["pulumi", "stack", "init", stack], project, env)
        real = _run(["pulumi", "preview", "--stack", stack, "--json"], project, env)
    airlock = [sys.executable, "-m", "pulumi_airlock.cli", "preview", "--stack", stack, "--no-policy-packs", "--json"]
    offline = _run(airlock, project, os.environ | {})
    ours, theirs = _registrations(json.loads(offline)), _registrations(json.loads(real))
    assert sorted(ours) == sorted(theirs)
    assert ours == theirs


def _run(command: list[str], project: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout
