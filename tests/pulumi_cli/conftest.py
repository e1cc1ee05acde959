"""Lets tests import what is beside them (they have no package), and previews each stack but once."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from real_cli import PACKS, Cli, copied, packs, serving, variables

REGION = "eu-central-1"


@contextmanager
def stack_of(folder: Path, stack: str) -> Iterator[Cli]:
    """A copy of this project, with one stack selected."""
    project = copied(folder / "project", "Pulumi.yaml", "stacks", "policy-packs")
    local = project / "stacks" / "Pulumi.local.yaml"
    for tool in (".venv-airflow/bin/python", ".venv-parts/bin/envoy"):  # a preview asks whether they are there, and runs neither
        local.write_text(local.read_text().replace(tool, sys.executable))
    cli = Cli(project, variables(folder / "cli"))
    with serving(cli, project / "stacks" / "fixtures" / f"{stack}.yaml", REGION):
        cli.select(stack)
        yield cli


@dataclass(frozen=True)
class Previewed:
    """One stack's preview by both engines, with the policy packs."""

    cli: Cli
    stack: str
    real: dict[str, Any]
    offline: dict[str, Any]
    events: list[dict[str, Any]]
    """What the real engine told meanwhile."""

    @property
    def file(self) -> Path:
        """The real engine's, as its users write it to a file."""
        return self.cli.folder / "preview.json"


@pytest.fixture(scope="session")
def previewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Previewed]]:
    """Previews a stack by both engines; its providers go on as long as the tests."""
    known: dict[str, Previewed] = {}
    with ExitStack() as running:

        def preview(stack: str) -> Previewed:
            if stack not in known:
                cli = running.enter_context(stack_of(tmp_path_factory.mktemp(stack), stack))
                log = cli.folder / "events.json"
                cli.environment["PULUMI_DEBUG_COMMANDS"] = "true"
                real = cli.preview("--event-log", str(log), *packs(cli.folder))
                (cli.folder / "preview.json").write_text(json.dumps(real))
                offline = json.loads(cli.airlock("preview", "--stack", stack, "--json", *packs(cli.folder)))
                events = [json.loads(line) for line in log.read_text().splitlines()]
                known[stack] = Previewed(cli, stack, real, offline, events)
            return known[stack]

        yield preview


__all__ = ["PACKS"]
