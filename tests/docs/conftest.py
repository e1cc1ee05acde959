"""Lets this folder's tests import its modules: tests are imported without a package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
