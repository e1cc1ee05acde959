"""The real Pulumi CLI on a copy of this project, or of an example: its backend is a folder, and its providers ask no cloud."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_airlock.offline.session import DEFAULT_REGION
from simulated_provider import Serving, SimulatedProvider

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))
CLOUD_STACKS = [stack for stack in STACKS if stack != "local"]
"""All but that of this machine, whose resources are dynamic: their provider is real."""
PACKS = ("least-privilege", "access-proof", "audit-evidence")

PACKAGES = ("aws", "azuread", "consul", "fortios", "gcp", "kubernetes", "okta", "random", "zia", "zpa")
"""Whose providers are simulated."""
_IGNORED = shutil.ignore_patterns("__pycache__", ".airlock", ".venv", "node_modules", "sdks")

MARKS = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]


@dataclass
class Cli:
    """Commands in a project's folder."""

    folder: Path
    environment: dict[str, str]
    provider: SimulatedProvider | None = None

    def run(self, *command: str, status: int | None = 0) -> str:
        """What a command prints; it must end as said (None: as it will)."""
        return self.ended(*command, status=status).stdout

    def ended(self, *command: str, status: int | None = 0) -> "subprocess.CompletedProcess[str]":
        """How a command ended."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=580, check=False
        )
        if status is not None:
            assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done

    def pulumi(self, *arguments: str, status: int | None = 0) -> str:
        """What `pulumi` prints."""
        return self.run("pulumi", *arguments, "--non-interactive", status=status)

    def airlock(self, *arguments: str, status: int | None = 0) -> str:
        """What `airlock` prints."""
        return self.run(sys.executable, "-m", "pulumi_airlock.cli", *arguments, status=status)

    def select(self, stack: str) -> None:
        """Makes a stack the current one."""
        self.pulumi("stack", "select", "--create", stack)

    def preview(self, *arguments: str) -> dict[str, Any]:
        """`pulumi preview --json` of the current stack."""
        document: dict[str, Any] = json.loads(self.pulumi("preview", "--json", "--show-sames", *arguments))
        return document


def variables(home: Path) -> dict[str, str]:
    """What the CLI is to know: nothing of a user's."""
    home.mkdir(parents=True, exist_ok=True)
    # As in an activated virtual environment: the packs' Python is the one that runs these tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {
        "PATH": path,
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_BACKEND_URL": f"file://{home}",
        "PULUMI_CONFIG_PASSPHRASE": "of tests",
        "PULUMI_HOME": str(home / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }


def have_plugins(home: Path) -> None:
    """Lets the CLI find the providers' plugins that SDKs name, in place of downloading them: they are never started."""
    for told in Path(pulumi.__file__).parents[1].glob("*/pulumi-plugin.json"):
        plugin = json.loads(told.read_text())
        if not plugin["resource"]:
            continue
        number = plugin.get("version") or version(told.parent.name)
        folder = home / "home" / "plugins" / f"resource-{plugin['name']}-v{number}"
        folder.mkdir(parents=True)
        program = folder / f"pulumi-resource-{plugin['name']}"
        program.write_text("#!/bin/false\n")
        program.chmod(0o755)


@contextmanager
def serving(cli: Cli, fixture: Path, region: str = DEFAULT_REGION) -> Iterator[Cli]:
    """Lets a CLI's commands find the simulated providers."""
    with Serving(fixture, region) as served:
        cli.provider = served.provider
        cli.environment["PULUMI_DEBUG_PROVIDERS"] = ",".join(f"{package}:{served.port}" for package in PACKAGES)
        yield cli


def copied(folder: Path, *parts: str, source: Path = ROOT) -> Path:
    """A copy of parts of the repository, with its Python for `.venv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        found = source / part
        if found.is_dir():
            shutil.copytree(found, folder / part, ignore=_IGNORED, dirs_exist_ok=True)
        else:
            shutil.copy(found, folder / part)
    own_python(folder / "Pulumi.yaml")
    return folder


def own_python(settings: Path) -> None:
    """Has a project run by the Python that runs the tests, where it names a virtual environment."""
    if settings.exists():
        text = settings.read_text()
        for name in ("virtualenv: ../.venv", "virtualenv: .venv"):
            text = text.replace(name, f"virtualenv: {sys.prefix}")
        settings.write_text(text)


def packs(folder: Path, names: Sequence[str] = PACKS) -> list[str]:
    """Options that name policy packs."""
    return [word for name in names for word in ("--policy-pack", str(folder / "policy-packs" / name))]


_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


def registrations(document: Mapping[str, Any]) -> dict[str, Any]:
    """URN → inputs of a preview, without what engines and providers add: default providers, the stack itself, names made up."""
    return inputs_of(step["newState"] for step in document["steps"] if step.get("newState"))


def inputs_of(states: Any) -> dict[str, Any]:
    """The same of states."""
    return {
        state["urn"]: _sorted(state.get("inputs", {}))
        for state in states
        if not state["type"].startswith("pulumi:providers:") and state["type"] != "pulumi:pulumi:Stack"
    }


def _unhashed(value: Any) -> Any:
    """An archive without hashes: the engine's are of a tar of its own making, ours of the contents."""
    return {key: _unhashed(item) for key, item in value.items() if key != "hash"} if isinstance(value, dict) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict) and value.get(_SIGNATURE) == _ARCHIVE:
        value = _unhashed(value)
    if isinstance(value, dict):
        defaults = {"__defaults", *value.get("__defaults", ())}
        return {key: _sorted(item) for key, item in sorted(value.items()) if key not in defaults}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
