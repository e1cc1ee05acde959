"""Lets these tests import what they share: tests have no package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
