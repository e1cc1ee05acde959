"""One measurement in a process of its own: prints what it took as JSON.

python -m bench.proofs.once NAME SIZE ENGINE
"""

import gc
import json
import resource
import sys
import time

from .questions import SERIES, agrees, question


def main(name: str, size: int, engine: str) -> None:
    series = next(one for one in SERIES if one.name == name)
    given = series.build(size)
    asked = question(name, engine, given)
    gc.collect()
    before = _peak()
    started = time.perf_counter()
    answer = asked()
    seconds = time.perf_counter() - started
    if not agrees(answer):
        raise SystemExit(f"{engine} answers {name} {size} wrongly")
    found = {"seconds": seconds, "megabytes": _peak(), "input_megabytes": before, "rules": given.rules}
    print(json.dumps(found))


def _peak() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
