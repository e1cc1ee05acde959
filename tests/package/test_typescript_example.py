"""examples/typescript names what the schema has. That it compiles and previews needs the Pulumi CLI: tests/pulumi_cli."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = (ROOT / "examples" / "typescript" / "index.ts").read_text()
SCHEMA = json.loads((ROOT / "components" / "schema.json").read_text())
MADE = dict(re.findall(r"const (\w+) = new airlock\.(\w+)\(", PROGRAM))


def test_its_components_are_the_packages():
    assert {f"airlock:index:{name}" for name in re.findall(r"new airlock\.(\w+)\(", PROGRAM)} <= SCHEMA["resources"].keys()


def test_their_outputs_are_there():
    used = re.findall(rf"(?<![\"/\w])({'|'.join(MADE)})\.(\w+)", PROGRAM)
    assert used
    assert [pair for pair in used if pair[1] not in SCHEMA["resources"][f"airlock:index:{MADE[pair[0]]}"]["properties"]] == []


def test_its_inputs_are_there():
    known = {key for one in SCHEMA["resources"].values() for key in one["inputProperties"]}
    known |= {key for one in SCHEMA["types"].values() for key in one["properties"]}
    names = {"finance", "datacenter", "warehouse"}  # of its own: an environment and two zones
    assert set(re.findall(r"(?:^|[{,])\s*(\w+):", PROGRAM, re.MULTILINE)) - names <= known
