"""The package under the real Pulumi CLI: its schema, SDKs, and the example programs, each previewed, updated and proven.

Runs where `pulumi` is on PATH, with its hosts of the languages; without a cloud or provider plugins.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import real_cli
from real_cli import ROOT, Cli, copied, have_plugins, own_python, serving, variables

FIXTURE = """\
functions:
  - {token: "aws:index/getCallerIdentity:getCallerIdentity", result: {accountId: "123456789012"}}
"""
SCHEMA = str(ROOT / "components" / "schema.json")
SDKS: dict[str, Callable[[str], str]] = {
    "nodejs": lambda name: f"{name[0].lower()}{name[1:]}.ts",
    "python": lambda name: re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: f"_{found[0]}", name).lower() + ".py",
}
"""Language → a component's file in its SDK."""

pytestmark = real_cli.MARKS


def _needs(*programs: str) -> None:
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The repository as far as the package needs it. The library is the one that runs these tests: nothing is to be installed."""
    _needs("pulumi-language-python")
    folder = tmp_path / "repository"
    copied(folder, "examples/yaml", "examples/typescript")
    package = folder / "components"
    package.mkdir()
    for file in ("__main__.py", "schema.json", "PulumiPlugin.yaml"):
        shutil.copy(ROOT / "components" / file, package / file)
    own_python(package / "PulumiPlugin.yaml")
    return folder


@pytest.fixture
def cli(repository: Path, tmp_path: Path) -> Iterator[Cli]:
    fixture = tmp_path / "fixtures.yaml"
    fixture.write_text(FIXTURE)
    have_plugins(tmp_path / "cli")
    with serving(Cli(repository, variables(tmp_path / "cli")), fixture) as found:
        yield found


def _in(cli: Cli, folder: str) -> Cli:
    return Cli(cli.folder / folder, cli.environment, cli.provider)


def _is_proven_updated_and_left(cli: Cli, gates: list[str]) -> None:
    """What the READMEs say, then an update, a second one, and the end."""
    cli.select("dev")
    (cli.folder / "preview.json").write_text(json.dumps(cli.preview()))
    proof = json.loads(cli.airlock("prove", "--from", "preview.json", "--json"))
    assert proof["ok"]
    assert proof["gates"] == gates
    cli.pulumi("up", "--yes", "--skip-preview")
    cli.pulumi("stack", "export", "--file", "state.json")
    assert json.loads(cli.airlock("prove", "--from", "state.json", "--json"))["ok"]
    cli.pulumi("preview", "--expect-no-changes")
    cli.pulumi("destroy", "--yes", "--skip-preview")


def test_the_yaml_example(cli: Cli):
    _needs("pulumi-language-yaml")
    _is_proven_updated_and_left(_in(cli, "examples/yaml"), ["aws_network", "fortigate"])


def test_the_typescript_example(cli: Cli):
    _needs("pulumi-language-nodejs", "npm")
    project = _in(cli, "examples/typescript")
    # `pulumi install` does both, and installs what the package needs into its environment, which is that of the tests.
    project.pulumi("package", "gen-sdk", SCHEMA, "--language", "nodejs", "--local", "--out", "sdk")
    project.run("npm", "install", "--no-audit", "--no-fund", "file:sdk/nodejs")
    project.run("npx", "tsc")
    _is_proven_updated_and_left(project, ["aws_network", "fortigate", "tcp-proxy"])


@pytest.mark.parametrize("language", SDKS)
def test_an_sdk_is_made(language: str, cli: Cli, tmp_path: Path):
    _needs(f"pulumi-language-{language}")
    cli.pulumi("package", "gen-sdk", SCHEMA, "--language", language, "--out", str(tmp_path / "sdk"))
    made = {one.name for one in (tmp_path / "sdk" / language).rglob("*") if one.stat().st_size > 500}
    components = {token.rpartition(":")[2] for token in json.loads(Path(SCHEMA).read_text())["resources"]}
    assert {SDKS[language](name) for name in components} <= made


def test_what_cannot_be_used_is_refused_at_its_property(cli: Cli):
    _needs("pulumi-language-yaml")
    project = _in(cli, "examples/yaml")
    settings = project.folder / "Pulumi.yaml"
    text = settings.read_text()
    for right, wrong in (("cidr: 10.40.0.0/20", "cidr: 10.40.0.0/29"), ("eu-central-1b", "eu-west-1b")):
        assert right in text
        text = text.replace(right, wrong)
    settings.write_text(text)
    project.select("dev")
    done = project.ended("pulumi", "preview", "--non-interactive", status=None)
    assert done.returncode not in (0, 2), done.stdout
    shown = _shown("what the Pulumi CLI prints")
    assert len(shown) == 3
    for line in shown:
        assert line in done.stdout


def _shown(marked: str) -> list[str]:
    """The lines of a block of docs/languages.md, by what is said above it."""
    page = (ROOT / "docs" / "languages.md").read_text()
    block = page[page.index(marked) :].split("```")[1]
    return [line.strip() for line in block.splitlines()[1:] if line.strip()]
