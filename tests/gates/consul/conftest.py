"""Lets this folder's tests import the helpers of the gate beside it: tests are imported without a package."""

import sys
from pathlib import Path

HELPERS = Path(__file__).parent.parent / "network_policy"
if str(HELPERS) not in sys.path:
    sys.path.insert(0, str(HELPERS))
