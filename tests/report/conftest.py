"""Lets these tests import what stands beside them, and beside the proof's: tests are imported without a package."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "proof")]
