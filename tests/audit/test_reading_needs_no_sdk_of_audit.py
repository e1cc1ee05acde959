"""Reading and the dictionary run in policy packs and notebooks, where no SDK need be installed."""

import subprocess
import sys

PROGRAM = """
import sys
for name in ("pulumi", "pulumi_aws", "pulumiverse_fortios", "zscaler_pulumi_zpa", "zscaler_pulumi_zia"):
    sys.modules[name] = None  # importing it fails
from pulumi_airlock.audit import declared_siems, sinks
from pulumi_airlock.audit.fields import normalise
from pulumi_airlock.gates.stack import Stack
assert not sinks(Stack([])) and not declared_siems(Stack([]))
assert normalise("vpc", {"dstport": "443"}) == {"dst_endpoint.port": "443"}
"""


def test_reading_works_without_any_sdk() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
