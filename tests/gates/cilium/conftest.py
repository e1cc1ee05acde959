"""Lets this folder's tests import the helpers beside them: tests are imported without a package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
