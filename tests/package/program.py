"""Programs of the YAML runtime, as far as those of the tests go: references, outputs and their items, and `fn::readFile`."""

from pathlib import Path
from typing import Any

from engine_side import Made, Package
from ruamel.yaml import YAML


def run(package: Package, file: Path) -> dict[str, Made]:
    """Asks for every resource of a program, in its order; they are found by their names."""
    program = YAML(typ="safe").load(file.read_text())
    known: dict[str, Any] = {}
    for name, one in program.get("variables", {}).items():
        known[name] = _evaluated(one, known, file.parent)
    made: dict[str, Made] = {}
    for name, one in program["resources"].items():
        properties = _evaluated(one["properties"], known | made, file.parent)
        made[name] = package.construct(one["type"].removeprefix("airlock:"), name, **properties)
    return made


def types(file: Path) -> set[str]:
    """The components of a program."""
    program = YAML(typ="safe").load(file.read_text())
    return {one["type"].removeprefix("airlock:") for one in program["resources"].values()}


def _evaluated(value: Any, known: dict[str, Any], folder: Path) -> Any:
    if isinstance(value, dict):
        if "fn::readFile" in value:
            return (folder / value["fn::readFile"]).read_text()
        return {str(key): _evaluated(one, known, folder) for key, one in value.items()}
    if isinstance(value, list):
        return [_evaluated(one, known, folder) for one in value]
    if not isinstance(value, str) or not value.startswith("${"):
        return value if isinstance(value, str | bool | int | float) else str(value)
    name, _, output = value[2:-1].partition(".")
    output, _, key = output.removesuffix('"]').partition('["')
    return known[name].item(output, key) if key else known[name][output] if output else known[name]
