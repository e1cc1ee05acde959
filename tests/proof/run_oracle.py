"""Holds the proof against its oracles on as many random cases as asked for, for a change of the engine: brute force and z3, and
packets that gateways send on one by one.

    python tests/proof/run_oracle.py [CASES]      10,000 without a number: five minutes on two cores

The cases are the same every time, and those of `make test` are the first of them. Exit status 1 when any fails; what fails is
printed, made as small as hypothesis can in a minute.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
SHARE = 270
"""Cases for each of AIRLOCK_ORACLE_EXAMPLES: the multiples of all tests in these files."""
FILES = ("test_oracle_z3.py", "test_oracle.py", "test_relays_onward_oracle.py", "test_checks_oracle.py")


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    environment = {**os.environ, "AIRLOCK_ORACLE_EXAMPLES": str(-(-wanted // SHARE))}
    tests = [(file, name) for file in FILES for name in re.findall(r"^def (test_\w+)", (HERE / file).read_text(), re.MULTILINE)]
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        agreed = sum(pool.map(lambda test: run(*test, environment), tests))
    well = agreed >= wanted
    print(f"{agreed:,} random cases agree{'' if well else ': not all'} ({time.perf_counter() - started:.0f} s)")
    return 0 if well else 1


def run(file: str, name: str, environment: dict[str, str]) -> int:
    """How many cases of a test agree; none where one does not, and then it is shown."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--hypothesis-show-statistics", f"{HERE / file}::{name}"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    agreed = sum(map(int, re.findall(r"(\d+) passing,", done.stdout))) if done.returncode == 0 else 0
    if not agreed:
        print(done.stdout, done.stderr, sep="\n")
    print(f"{agreed:6,}  {name} ({time.perf_counter() - started:.0f} s)", flush=True)
    return agreed


if __name__ == "__main__":
    sys.exit(main())
