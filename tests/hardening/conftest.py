import sys
from pathlib import Path

HERE = Path(__file__).parent
PACK = HERE.parents[1] / "policy-packs" / "least-privilege"

for folder in (HERE, PACK):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
