"""Runs each of the things to compare as a process of its own, and times it from start to end."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GOAL = 3.5
"""Seconds for the preview of 500 resources with both policy packs, on two cores."""

ROOT = Path(__file__).parent.parent
PROGRAM = Path(__file__).parent / "programs" / "bank"
STACK = "bench"
ALONE = "the program alone (SDK's runtime)"
PACKS = ("least-privilege", "access-proof")


@dataclass(frozen=True)
class Measured:
    """One thing that was timed."""

    name: str
    resources: int
    seconds: tuple[float, ...]
    """Wall clock, of every run."""
    cpu: tuple[float, ...]
    """Processor time of the process and its packs, of every run: what a busy machine does not change much."""

    @property
    def fastest(self) -> float:
        """The run that was disturbed least."""
        return min(self.seconds)


def measure_all(runs: int, progress: Callable[[str], None]) -> list[Measured]:
    """Times everything, round by round, so that a busy moment of the machine does not hit one of them alone."""
    commands = _commands()
    resources = int(_run(commands[ALONE]).strip())
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            progress(name)
            started, used = time.perf_counter(), _processor_seconds()
            _run(command)
            taken[name].append((time.perf_counter() - started, _processor_seconds() - used))
    return [Measured(name, resources, *map(tuple, zip(*found, strict=True))) for name, found in taken.items()]


def peak_megabytes() -> float:
    """The most memory that this process had; not as the system counts it of a child, which begins with its parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    told = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return int(told or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _processor_seconds() -> float:
    """Processor time of all processes that we have started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _commands() -> dict[str, Sequence[str]]:
    preview = [sys.executable, "-m", "pulumi_airlock.cli", "preview", "--stack", STACK]
    packs = [word for pack in PACKS for word in ("--policy-pack", str(ROOT / "policy-packs" / pack))]
    return {
        ALONE: [sys.executable, "-m", "bench.alone", str(PROGRAM), STACK],
        "airlock preview": [*preview, "--no-policy-packs"],
        "airlock preview, both packs": [*preview, *packs],
    }


def _run(command: Sequence[str]) -> str:
    cwd = ROOT if "bench.alone" in command else PROGRAM
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nexited with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
