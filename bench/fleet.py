"""Measures `airlock fleet`: time and memory a stack, as stacks and jobs grow. Each stack has both policy packs and its proof.

python -m bench.fleet [--stacks N…] [--jobs N…] [--json] [--markdown PAGE]
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .measure import PACKS, PROGRAM, ROOT
from .pages import busy, machine, replace_table

BEGIN, END = "<!-- bench.fleet: begin -->", "<!-- bench.fleet: end -->"
EXAMPLE = ROOT / "examples" / "many-environments"
HEADINGS = ("stack", "stacks", "jobs", "seconds", "a stack", "CPU a stack", "MB in all", "MB a stack, at most")
_EVERY = 0.1
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Measured:
    """One run of the command."""

    resources: int
    """Of each stack."""
    stacks: int
    jobs: int
    seconds: float
    cpu: float
    """Processor seconds of all processes."""
    megabytes: float | None
    """The most that all processes had at once (proportional set size); None where the system does not tell."""
    a_stack: float
    """Megabytes of the stack that says it needed the most."""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    arguments.add_argument("--stacks", type=int, nargs="+", default=[1, 10, 100], help="how many stacks (default: 1 10 100)")
    arguments.add_argument("--jobs", type=int, nargs="+", default=[1, 2, 4], help="how many at once, for 10 stacks")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    arguments.add_argument("--markdown", type=Path, help="replace the table of this page")
    given = arguments.parse_args()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    with Console(stderr=True).status("measuring …") as status:
        measured = []
        for program, stack, stacks, jobs in _runs(given.stacks, given.jobs, cores):
            status.update(f"measuring {stacks} stacks of {program.name}, {jobs} at once …")
            measured.append(_measure(program, stack, stacks, jobs))
    if given.markdown is not None:
        replace_table(given.markdown, BEGIN, END, _markdown(measured, load))
    if given.json:
        print(json.dumps([asdict(one) for one in measured], indent=2))
    else:
        _show(measured)


def _runs(stacks: Sequence[int], jobs: Sequence[int], cores: int) -> Iterator[tuple[Path, str, int, int]]:
    """What is measured: the small stack as stacks and as jobs grow, and the one of 500 resources."""
    yield from ((EXAMPLE, "retail-ch", number, cores) for number in stacks)
    yield from ((EXAMPLE, "retail-ch", 10, number) for number in jobs if number != cores)
    yield PROGRAM, "bench", 4, cores


def _measure(program: Path, stack: str, stacks: int, jobs: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="airlock-bench-") as folder:
        project = Path(folder, "project")
        shutil.copytree(program, project, ignore=shutil.ignore_patterns("__pycache__", ".airlock", "logs"))
        for number in range(stacks):
            for path in (f"Pulumi.{stack}.yaml", f"fixtures/{stack}.yaml", f"access/{stack}.yaml"):
                if (project / path).is_file():
                    shutil.copy(project / path, project / path.replace(stack, f"measured-{number:03}"))
        packs = [word for pack in PACKS for word in ("--policy-pack", str(ROOT / "policy-packs" / pack))]
        command = [sys.executable, "-m", "pulumi_airlock.cli", "fleet", "measured-*", "--jobs", str(jobs), "--json", *packs]
        before, since = _processor_seconds(), time.perf_counter()
        process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with _Memory(process.pid) as memory:
            printed, _ = process.communicate()
        seconds, cpu = time.perf_counter() - since, _processor_seconds() - before
    found = json.loads(printed)["stacks"]
    if len(found) != stacks or any(one["status"] for one in found):
        why = next((one["error"] or one["findings"][:3] for one in found if one["status"]), "some are missing")
        raise SystemExit(f"{program.name}: not all stacks are well: {why}")
    return Measured(found[0]["resources"], stacks, jobs, seconds, cpu, memory.most, max(float(one["megabytes"]) for one in found))


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class _Memory:
    """Looks at the memory of a process and all that it started, again and again, while the context lasts."""

    def __init__(self, pid: int) -> None:
        self.most: float | None = None
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            found = sum(map(_megabytes, _family(self._pid)))
            if found:
                self.most = max(self.most or 0.0, found)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = {int(one) for task in tasks for one in (task / "children").read_text().split()}
    except OSError:
        return
    for child in children:
        yield from _family(child)


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except OSError:
        return 0.0


def _cells(one: Measured) -> tuple[str, ...]:
    memory = "–" if one.megabytes is None else f"{one.megabytes:,.0f}"
    each = (one.seconds / one.stacks, one.cpu / one.stacks)
    shown = (f"{one.resources} resources", str(one.stacks), str(one.jobs), f"{one.seconds:.1f}")
    return (*shown, *(f"{number:.2f}" for number in each), memory, f"{one.a_stack:,.0f}")


def _show(measured: Sequence[Measured]) -> None:
    table = Table(*HEADINGS)
    for one in measured:
        table.add_row(*_cells(one))
    Console().print(table)


def _markdown(measured: Sequence[Measured], load: float) -> str:
    lines = [HEADINGS, ("---", *("--:" for _ in HEADINGS[1:])), *map(_cells, measured)]
    said = f"Measured on {machine()}.{busy(load)}"
    return f"{said}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
