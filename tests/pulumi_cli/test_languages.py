"""The example programs under the real Pulumi CLI: an SDK is generated, both are previewed, and what they make is proven.

Runs where `pulumi` is on PATH, with its hosts of the languages; without a cloud or provider plugins.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.report.proof import prove_stack

sys.path.insert(0, str(Path(__file__).parent))
from echo_provider import Serving

ROOT = Path(__file__).parents[2]
FIXTURE = """\
functions:
  - {token: "aws:index/getCallerIdentity:getCallerIdentity", result: {accountId: "123456789012"}}
"""

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]


def _needs(*programs: str) -> None:
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")


class Project:
    """A copy of an example, with the package beside it as in the repository."""

    def __init__(self, folder: Path, example: str, environment: dict[str, str]) -> None:
        self.folder, self._environment = folder / "examples" / example, environment
        shutil.copytree(ROOT / "examples" / example, self.folder, ignore=shutil.ignore_patterns("node_modules", "sdks"))
        package = folder / "components"
        package.mkdir()
        for file in ("__main__.py", "schema.json"):
            shutil.copy(ROOT / "components" / file, package / file)
        settings = (ROOT / "components" / "PulumiPlugin.yaml").read_text()
        # The library that runs these tests: nothing is to be installed.
        (package / "PulumiPlugin.yaml").write_text(settings.replace("../.venv", sys.prefix))

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def preview(self) -> str:
        self.run("pulumi", "stack", "init", "dev")
        return self.run("pulumi", "preview", "--stack", "dev", "--json")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    fixture = tmp_path / "fixtures.yaml"
    fixture.write_text(FIXTURE)
    with ExitStack() as running:
        served = {package: running.enter_context(Serving(fixture)) for package in ("aws", "fortios")}
        yield os.environ | {
            "PULUMI_BACKEND_URL": f"file://{tmp_path}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{one.port}" for package, one in served.items()),
        }


def _proven(preview: str, gates: tuple[str, ...]) -> None:
    proof = prove_stack(stack_of_document(json.loads(preview), "dev"), at=datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert proof.ok
    assert proof.gates == gates


def test_the_yaml_example_is_previewed_and_proven(tmp_path: Path, environment: dict[str, str]):
    _needs("pulumi-language-python", "pulumi-language-yaml")
    project = Project(tmp_path, "yaml", environment)
    _proven(project.preview(), ("aws_network", "fortigate"))


def test_the_typescript_example_is_compiled_previewed_and_proven(tmp_path: Path, environment: dict[str, str]):
    _needs("pulumi-language-python", "pulumi-language-nodejs", "npm")
    project = Project(tmp_path, "typescript", environment)
    schema = str(tmp_path / "components" / "schema.json")
    project.run("pulumi", "package", "gen-sdk", schema, "--language", "nodejs", "--local", "--out", "sdk")
    project.run("npm", "install", "--no-audit", "--no-fund", "file:sdk/nodejs")
    project.run("npx", "tsc")
    _proven(project.preview(), ("aws_network", "fortigate", "tcp-proxy"))
