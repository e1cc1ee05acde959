"""Lets this folder's tests import the helpers beside them: tests are imported without a package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)
