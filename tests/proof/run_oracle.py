"""Holds the proof against both oracles, brute force and z3, on as many random cases as asked for; for a change of the engine.

    python tests/proof/run_oracle.py [CASES]      10,000 without a number: a quarter of an hour on two cores

The cases are the same every time, and those of `make test` are the first of them. Exit status 1 when any fails; what fails is
printed, made as small as hypothesis can in a minute.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

SHARE = 127
"""Cases for each of AIRLOCK_ORACLE_EXAMPLES: the multiples of all tests in these files."""
TESTS = ("test_oracle_z3.py", "test_oracle.py")


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    here = Path(__file__).parent
    environment = {**os.environ, "AIRLOCK_ORACLE_EXAMPLES": str(-(-wanted // SHARE))}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--hypothesis-show-statistics"]
    started = time.perf_counter()
    done = subprocess.run([*command, *map(str, map(here.joinpath, TESTS))], env=environment, capture_output=True, text=True)
    passing = sum(map(int, re.findall(r"(\d+) passing,", done.stdout)))
    failing = sum(map(int, re.findall(r"(\d+) failing, and", done.stdout)))
    if done.returncode or passing < wanted:
        print(done.stdout, done.stderr, sep="\n")
    print(f"{passing:,} random cases agree, {failing:,} do not ({time.perf_counter() - started:.0f} s)")
    return int(bool(done.returncode) or passing < wanted)


if __name__ == "__main__":
    sys.exit(main())
