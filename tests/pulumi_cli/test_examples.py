"""The examples in Python under the Pulumi CLI, as their READMEs say, and what the packs refuse there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import real_cli
from real_cli import Cli, copied, packs, serving, variables

pytestmark = real_cli.MARKS


@contextmanager
def _example(folder: Path, name: str, stack: str) -> Iterator[Cli]:
    repository = copied(folder / "repository", f"examples/{name}", "policy-packs")
    project = repository / "examples" / name
    real_cli.own_python(project / "Pulumi.yaml")
    with serving(Cli(project, variables(folder / "cli")), project / "fixtures" / f"{stack}.yaml") as cli:
        cli.select(stack)
        yield cli


def test_the_packs_prove_a_foreign_program_and_stop_it(tmp_path: Path):
    given = [
        *packs(Path("../.."), ["access-proof"]),
        *("--policy-pack-config", "policies/access-proof.json"),
        *packs(Path("../.."), ["least-privilege"]),
        *("--policy-pack-config", "policies/least-privilege.json"),
    ]
    with _example(tmp_path, "packs-on-foreign-program", "dev") as cli:
        cli.pulumi("preview", *given)
        program = cli.folder / "__main__.py"
        text = program.read_text()
        assert "cidr_blocks=[WAREHOUSE]" in text
        program.write_text(text.replace("cidr_blocks=[WAREHOUSE]", 'cidr_blocks=["10.20.4.0/24"]'))
        stopped = cli.ended("pulumi", "preview", "--non-interactive", *given, status=None)
    assert stopped.returncode not in (0, 2), stopped.stdout
    assert "[mandatory]" in stopped.stdout
    assert "no-unjustified-rule" in stopped.stdout


def test_a_platform_of_its_own_is_previewed_policed_and_proven(tmp_path: Path):
    with _example(tmp_path, "platform-repository", "prod") as cli:
        own = ["--policy-pack", "policy-packs/bank"]
        document = cli.preview(*own, *packs(Path("../.."), ["least-privilege", "access-proof"]))
        (cli.folder / "preview.json").write_text(json.dumps(document))
        assert json.loads(cli.airlock("prove", "--from", "preview.json", "--json"))["ok"]
