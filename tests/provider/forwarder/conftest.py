"""Lets these tests import the provider, which is a distribution of its own, and what stands beside them."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parents[1] / "real", HERE.parents[2] / "airflow-provider" / "src"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
