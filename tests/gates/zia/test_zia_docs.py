"""The snippets of the documentation run as they stand there, with what they leave open filled in."""

import re
from pathlib import Path

import pulumi
import pytest
from pulumi_airlock.access.model import Access
from zia_helpers import LOCATION, run_program

PAGE = Path(__file__).parents[3] / "docs" / "gates" / "zia.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "dags": ["*"], "environment": "finance"}],
        "zones": {"internet": {"cidrs": ["198.51.100.0/24"], "gates": ["zia"]}},
        "destinations": [{"name": "rates", "zone": "internet", "hosts": ["rates.ecb.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["ledger"], "to": ["rates"], "reason": "R"}],
    }
)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet):
    given = {"access": ACCESS, "vpc_id": "vpc-1", "token": pulumi.Output.secret("Authorization:Splunk t")}
    stack, _ = run_program(lambda: exec(snippet, given))  # noqa: S102
    assert stack.of_type(LOCATION)


def test_both_ways_are_shown():
    assert len(SNIPPETS) == 2
