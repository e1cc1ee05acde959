"""The files of the pages are what their readers take: access files, fixtures, settings; and options that are named exist."""

import configparser
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from doc_blocks import ROOT, Block, blocks, of, pages
from pulumi_airlock.access.schema import json_schema
from pulumi_airlock.cli import COMMANDS, app
from pulumi_airlock.offline.fixtures import load_fixtures
from ruamel.yaml import YAML

INLINE = re.compile(r"`(?:\.venv/bin/)?airlock ([a-z]+)([^`]*)`")


@pytest.mark.parametrize("block", [one for one in of("yaml") if not one.title], ids=lambda one: one.place)
def test_yaml_is_what_its_reader_takes(block: Block, tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(block.text)
    found = YAML(typ="safe", pure=True).load(block.text)
    schema = json_schema()
    match found:
        case {"functions": _} | {"stackReferences": _}:
            assert load_fixtures(tmp_path / "file.yaml").functions
        case dict() if "apiVersion" in found:
            jsonschema.validate(_plain(found), schema)
        case dict() if found.keys() & schema["properties"].keys():
            jsonschema.validate(_plain(found), schema | {"required": []})
        case _:
            assert found is None or isinstance(found, (dict, list))


def _plain(found: Any) -> Any:
    """As JSON has it: dates are text."""
    return json.loads(json.dumps(found, default=str))


@pytest.mark.parametrize("block", [one for one in of("json", "toml", "ini") if not one.title], ids=lambda one: one.place)
def test_settings_can_be_read(block: Block) -> None:
    readers = {"json": json.loads, "toml": tomllib.loads, "ini": configparser.ConfigParser().read_string}
    readers[block.language](block.text)


@cache
def _options(command: str) -> set[str]:
    """The options of a subcommand."""
    assert command in COMMANDS, f"airlock has no command {command}"
    group: Any = typer.main.get_command(app)
    found = group.get_command(None, command)
    return {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("page", pages())
def test_options_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = INLINE.findall(text)
    for block in blocks(page):
        if block.is_shell:
            named += [command.split(maxsplit=2)[1:] for command in block.commands if command.startswith("airlock ")]
    for command, *rest in named:
        if not command.startswith("-"):
            options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.sub(r"'[^']*'|\"[^\"]*\"", "", " ".join(rest))))
            assert options <= _options(command), f"{page}: airlock {command} has no {', '.join(options - _options(command))}"
