"""Runs each of the things to compare as a process of its own, and times it from start to end."""

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
PACKS = ("least-privilege", "access-proof")


@dataclass(frozen=True)
class Measured:
    """One thing that was timed."""

    name: str
    resources: int
    seconds: tuple[float, ...]

    @property
    def fastest(self) -> float:
        """The run that was disturbed least."""
        return min(self.seconds)


def measure_all(runs: int, progress: Callable[[str], None]) -> list[Measured]:
    """Times everything, round by round, so that a busy moment of the machine does not hit one of them alone."""
    commands = _commands()
    resources = int(_run(commands["the program alone (the SDK's runtime)"]).strip())
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            progress(name)
            started = time.perf_counter()
            _run(command)
            seconds[name].append(time.perf_counter() - started)
    return [Measured(name, resources, tuple(taken)) for name, taken in seconds.items()]


def _commands() -> dict[str, Sequence[str]]:
    preview = [str(Path(sys.executable).parent / "airlock"), "preview", "--stack", STACK]
    packs = [word for pack in PACKS for word in ("--policy-pack", str(ROOT / "policy-packs" / pack))]
    return {
        "the program alone (the SDK's runtime)": [sys.executable, "-m", "bench.alone", str(PROGRAM), STACK],
        "airlock preview": preview,
        "airlock preview with both policy packs": [*preview, *packs],
    }


def _run(command: Sequence[str]) -> str:
    cwd = ROOT if "bench.alone" in command else PROGRAM
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nexited with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
