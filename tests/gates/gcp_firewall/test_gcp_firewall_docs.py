"""The snippet of the documentation runs as it stands there, with what it leaves open filled in; its numbers are the code's."""

import re
from pathlib import Path

from gcp_programs import declared, environment, network
from pulumi_airlock.gates.gcp_firewall import compile as made

PAGE = (Path(__file__).parents[3] / "docs" / "gates" / "gcp-firewall.md").read_text(encoding="utf-8")
RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"


def test_the_gate_as_documented(preview):
    def program() -> None:
        vpc = network()
        finance, markets = environment("finance", vpc, "10.1"), environment("markets", vpc, "10.2")
        code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
        exec(code, {"access": declared(), "finance": finance, "markets": markets, "vpc": vpc})  # noqa: S102

    rules = preview(program).of_type(RULE)
    assert {one.get("description").partition(":")[0] for one in rules} == {"finance", "markets"}


def test_the_limits_as_documented():
    assert f"{made.MAX_RANGES:,} ranges and {made.MAX_FQDNS} names in a rule" in PAGE
    assert f"{made.MAX_RULE_ATTRIBUTES:,} rule attributes" in PAGE
    assert f"{made.FIRST_PRIORITY:,}: the first of {made.ALLOWS + made.DENIES:,} priorities" in PAGE
