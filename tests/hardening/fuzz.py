"""`make fuzz`: every property test of the repository with cases that nobody has seen, file after file, until the time is over.

A file runs with a seed that is printed. The first failure ends the run: hypothesis prints the case, and `make fuzz SEED=… ONLY=…`
tries the same cases again.
"""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MORE = "5"
"""How many times as many cases as usual the tests of this folder try."""
LONGEST = 20 * 60
"""Seconds that one file may take: one that does not come to an end is a finding."""
_COUNTED = re.compile(r"(\d+) passing, (\d+) failing, and \d+ invalid test cases")


def files() -> list[Path]:
    """Those with property tests; this folder's, which try the most, first."""
    found = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "@given(" in path.read_text(encoding="utf-8")]
    own = [path for path in found if path.parent == ROOT / "tests" / "hardening"]
    others = [path for path in found if path not in own]
    random.shuffle(others)
    return [*own, *others]


def tried(path: Path, seed: int) -> bool:
    """Runs a file's property tests, and says what came of it."""
    name, since = path.relative_to(ROOT), time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-m",
        "hypothesis",
        "--hypothesis-show-statistics",
        f"--hypothesis-seed={seed}",
    ]
    environment = os.environ | {"HYPOTHESIS_PROFILE": "other", "AIRLOCK_FUZZ": MORE}
    done = subprocess.run(
        [*command, str(path)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    counts = [sum(map(int, found)) for found in _COUNTED.findall(done.stdout)]
    print(f"{name}: {len(counts)} tests, {sum(counts):,} cases, {time.monotonic() - since:.0f} s, seed {seed}", flush=True)
    if done.returncode not in (0, 5):  # 5: nothing but other tests in there
        print(done.stdout + done.stderr)
        print(f"failed; the same cases again: make fuzz SEED={seed} ONLY={name}")
        return False
    return True


def main() -> int:
    minutes, seed, only = float(os.environ["MINUTES"]), os.environ.get("SEED"), os.environ.get("ONLY")
    if seed or only:
        if not (seed and only):
            print("SEED and ONLY go together: both are in the line of the run that failed")
            return 1
        return 0 if tried(ROOT / only, int(seed)) else 1
    end, rounds = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        rounds += 1
        for path in files():
            if time.monotonic() >= end:
                break
            if not tried(path, random.randrange(2**32)):  # noqa: S311  # no secret
                return 1
    print(f"nothing found in {minutes:g} minutes: {rounds} rounds begun")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
