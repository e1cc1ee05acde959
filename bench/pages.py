"""Tables of measurements, put into the pages that show them."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """What was measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} cores ({model or platform.machine()}), Python {platform.python_version()}"


def busy(load: float) -> str:
    """A sentence on others that kept the machine busy, where they did."""
    waited = "; they waited, as this ran in real time (`chrt -r 10`)" if _in_real_time() else ""
    return f" Others kept the machine busy: its load was {load:.1f} when this began{waited}." if load > 1 else ""


def _in_real_time() -> bool:
    """Whether Linux runs this before all that is not."""
    return hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR)


def replace_table(page: Path, begin: str, end: str, table: str) -> None:
    """Puts a table between two marks of a page. SystemExit where they are not there."""
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page}: no {begin} and {end} to put the table between")
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
