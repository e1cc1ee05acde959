"""The examples do what their READMEs say, and refuse what they say they refuse."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from doc_blocks import ROOT, blocks
from doc_reader import Reader
from test_commands import not_here

Copied = Callable[[str], Reader]
WITH_COMMANDS = ["platform-repository", "packs-on-foreign-program"]


def _commands(name: str) -> list[str]:
    shell = [one for one in blocks(f"examples/{name}/README.md") if one.is_shell]
    return [command for one in shell for command in one.commands if not not_here(command)]


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_the_commands_of_the_readme(name: str, copied: Copied) -> None:
    reader = copied(name)
    for command in _commands(name):
        done = reader.run(command)
        assert done.status == 0, f"{command}\n{done.text}"
        if command.startswith(("airlock preview", "airlock prove")):
            assert "✓ proven" in done.text or "airlock-access-proof 0.1.0: 3 policies, nothing found" in done.text, done.text


def test_the_packs_refuse_what_the_foreign_program_must_not_have(copied: Copied) -> None:
    reader = copied("packs-on-foreign-program")
    _change(reader.folder / "__main__.py", "cidr_blocks=[WAREHOUSE]", 'cidr_blocks=["10.20.4.0/24"]')
    (command,) = _commands("packs-on-foreign-program")
    command = re.sub(r" --policy-pack \S*least-privilege.*", "", command)
    stopped = reader.run(command)
    assert stopped.status == 2
    assert "no-unjustified-rule on tasks" in stopped.text
    assert "access-proof on" not in stopped.text, "the firewall still stops it"

    _change(reader.folder / "__main__.py", 'dstaddrs=[{"name": warehouse.name}]', 'dstaddrs=[{"name": "all"}]')
    reader.forget()
    excess = reader.run(command)
    assert excess.status == 2
    assert re.search(r"access-proof on .*\n.*ledger can reach elsewhere in datacenter", excess.text), excess.text


def test_the_bank_s_own_pack_stands_beside_airlock_s(copied: Copied) -> None:
    reader = copied("platform-repository")
    _change(reader.folder / "Pulumi.dev.yaml", "workers: 10", "workers: 20")
    done = reader.run("airlock preview --stack dev")
    assert done.status == 2
    assert "risk-environment: maxWorkers is 20, and dev may have 10" in done.text


def test_a_misspelt_gate_is_refused(copied: Copied) -> None:
    reader = copied("platform-repository")
    _change(reader.folder / "access" / "dev.yaml", "gates: [bank-network, bank-firewall]", "gates: [bank-network, firewall]")
    done = reader.run("airlock prove --stack dev")
    assert done.status == 1
    assert "zone 'datacenter' does not list 'bank-firewall' among its gates" in done.text


def test_every_example_is_on_the_page() -> None:
    page = (ROOT / "docs" / "composing.md").read_text(encoding="utf-8")
    assert [one.name for one in (ROOT / "examples").iterdir() if one.is_dir() and f"examples/{one.name}" not in page] == []


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new))
