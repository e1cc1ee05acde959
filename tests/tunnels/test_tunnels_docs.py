"""The page's program for Google Cloud runs as it stands there."""

import re
from pathlib import Path
from types import SimpleNamespace

PAGE = Path(__file__).parents[2] / "docs" / "tunnels.md"


def test_the_program_for_google_cloud_runs(registered):
    section = PAGE.read_text(encoding="utf-8").partition("\n## To Google Cloud\n")[2]
    code = re.search(r"```python\n(.*?)```", section, re.S)[1]
    program = code.partition("\nFortigateGate(")[0]  # which has a page, and tests, of its own
    finance = SimpleNamespace(network=SimpleNamespace(source_cidrs=("10.70.0.0/26",)))
    found = registered(lambda: exec(program, {"composer": finance}))  # noqa: S102  # the page's own program

    told = [one.inputs["advertisedIpRanges"] for one in found if one.type == "gcp:compute/routerPeer:RouterPeer"]
    assert [[each["range"] for each in one] for one in told] == [["10.70.0.0/26"]] * 2
    assert any(one.type == "fortios:router/bgp/neighbor:Neighbor" for one in found)
