"""Readers run in policy packs and notebooks, where neither Zscaler's nor AWS's SDK need be installed."""

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["zscaler_pulumi_zia"] = sys.modules["pulumi_aws"] = None  # importing them fails
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.zia import read, references
rule = Resource("urn:pulumi:a::b::zia:index:FirewallFilteringRule::one", "zia:index:FirewallFilteringRule", {"order": 1})
assert len(list(read(Stack([rule])))) == 2 and not list(references(Stack([rule])))
"""


def test_reading_works_without_them():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
