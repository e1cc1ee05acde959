"""Types that readers, policies and simulations name exist; and reading identity needs no provider's SDK."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = (
    *(ROOT / "components" / "pulumi_airlock" / "identity").glob("*.py"),
    *(ROOT / "policy-packs" / "least-privilege" / "least_privilege").glob("identity*.py"),
    ROOT / "components" / "pulumi_airlock" / "offline" / "simulated_identity.py",
)


@pytest.mark.parametrize(
    ("prefix", "package"),
    [("okta", "pulumi_okta"), ("azuread", "pulumi_azuread"), ("aws", "pulumi_aws"), ("zpa", "zscaler_pulumi_zpa")],
)
def test_every_type_is_one_of_its_package(prefix: str, package: str) -> None:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    known = set(re.findall(r'"([a-z]+:[\w/]+:\w+)"', Path(spec.origin).read_text(encoding="utf-8")))
    named = {one for file in FILES for one in re.findall(rf'"({prefix}:[\w/]+:\w+)"', file.read_text(encoding="utf-8"))}
    named = {one for one in named if "/" in one}  # `aws:RequestTag:…` and the like are no types
    assert named
    assert not named - known


def test_reading_needs_no_sdk_of_a_provider() -> None:
    program = (
        "import sys; from pulumi_airlock.identity import plan_identity, prove_identity, read_identity, policy_wheel; "
        "print(sorted(one for one in sys.modules if one in ('pulumi', 'pulumi_okta', 'pulumi_azuread', 'pulumi_aws')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
