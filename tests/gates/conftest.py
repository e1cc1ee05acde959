"""Lets tests of several gates use the helpers of one: tests are imported without a package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "fortigate"))
