"""Lets this folder's tests import the helpers beside them, and of gates next to it: tests are imported without a package."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for _folder in (HERE, *(HERE.parent / name for name in ("network_policy", "istio"))):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
