"""Measures `airlock learn`: how fast logs of each kind are read and joined, and how much of a known access file is found again.

python -m bench.learn [--lines N]… [--formats NAME]… [--days N] [--markdown FILE] [--json]
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

from pulumi_airlock.access import Access, load
from pulumi_airlock.learn import Learnt, TaskRun, Worker, learn, opened, worker_of
from rich.console import Console

from .lines import LINES, records
from .measure import ROOT, peak_megabytes
from .traffic import Traffic, everything, traffic

BANK = ROOT / "stacks" / "access" / "prod-mwaa.yaml"
SPEED, FOUND = "bench.learn speed", "bench.learn found"


@dataclass(frozen=True)
class Timed:
    """One log that was read."""

    format: str
    lines: int
    megabytes: float
    seconds: float
    """To read and count it, on the wall clock."""
    processor: float
    """The same in seconds of a processor: what a busy machine does not change much."""
    joining: float
    """To join it with the task runs, and weigh them."""
    memory: float
    """Most megabytes that the process had."""


@dataclass(frozen=True)
class Accuracy:
    """How much of the truth was found, of pairs of a task and a destination, and of a principal and a destination."""

    format: str
    case: str
    task_recall: float
    task_precision: float
    route_recall: float
    route_precision: float


CASES: dict[str, dict[str, float | bool]] = {
    "as it is": {},
    "no noise": {"noise": 0},
    "three times the noise": {"noise": 3},
    "one task after the other": {"parallel": False},
    "3 days": {"days": 3},
    "behind NAT": {"nat": True},
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.learn", description=__doc__)
    arguments.add_argument("--lines", type=int, nargs="*", default=[1_000_000, 5_000_000], help="of each log")
    arguments.add_argument("--formats", nargs="*", default=list(LINES), choices=list(LINES), help="which logs")
    arguments.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES), help="which traffic")
    arguments.add_argument("--markdown", type=Path, help="a page to put the tables into, at its marks")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = arguments.parse_args()
    timed, found = list[Timed](), list[Accuracy]()
    console = Console(stderr=True)
    for lines in given.lines:
        for name in given.formats:
            timed.append(_alone(name, lines))
            console.print(timed[-1])
    for case in given.cases:
        for name in given.formats:
            found.append(_accuracy(name, case))
            console.print(found[-1])
    if given.markdown:
        text = given.markdown.read_text(encoding="utf-8")
        text = _between(text, SPEED, _speeds(timed)) if timed else text
        text = _between(text, FOUND, _accuracies(found)) if found else text
        given.markdown.write_text(text, encoding="utf-8")
    if given.json:
        print(json.dumps({"speed": [asdict(one) for one in timed], "found": [asdict(one) for one in found]}, indent=2))


# --- speed


def _alone(name: str, lines: int) -> Timed:
    """In a process of its own, whose memory is that of this log alone."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        _write(log, name, everything(traffic(load(BANK)), lines))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_time, (name, lines, log))


def _write(log: Path, name: str, contacts: Iterable[object]) -> None:
    make = LINES[name]
    with log.open("w", encoding="utf-8") as file:
        file.writelines(f"{make(one)}\n" for one in contacts)  # type: ignore[arg-type]  # contacts, whatever they come from


def _time(name: str, lines: int, log: Path) -> Timed:
    access = load(BANK)
    runs = _runs(traffic(access))
    with opened() as seen:
        started, used = time.perf_counter(), time.process_time()
        seen.read(str(log))
        read, used = time.perf_counter(), time.process_time() - used
        learn(seen, runs, [], access)
        joined = time.perf_counter()
        if seen.told.lines != lines or seen.told.unreadable:
            sys.exit(f"{name}: {seen.told}")
    return Timed(name, lines, log.stat().st_size / 1e6, read - started, used, joined - read, peak_megabytes())


def _runs(made: Traffic) -> list[TaskRun]:
    return [TaskRun(one.environment, one.dag, one.task, one.start, one.end, one.hostname) for one in made.runs]


# --- what is found


def _accuracy(name: str, case: str) -> Accuracy:
    access = load(BANK)
    made = traffic(access, **CASES[case])  # type: ignore[arg-type]  # its keywords
    with tempfile.TemporaryDirectory() as folder, opened() as seen:
        log = Path(folder) / "log"
        lines = (part for one in made.contacts for part in records(one)) if name == "VPC flow log" else made.contacts
        _write(log, name, lines)
        seen.read(str(log))
        workers = _behind_nat(made) if CASES[case].get("nat") else []
        learnt = learn(seen, _runs(made), workers, access)
    truth = {(dag, task, to) for (dag, task), reach in made.reach.items() for to in reach}
    found = set(_told(made, learnt))
    routes = {(_principal(access, dag, task), to) for dag, task, to in truth}
    routed = {(_principal(access, dag, task), to) for dag, task, to in found}
    return Accuracy(name, case, *_shares(found, truth), *_shares(routed, routes))


def _behind_nat(made: Traffic) -> list[Worker]:
    """What `--worker` would say: each environment's workers are seen with one address."""
    found = {
        (one.hostname, f"{one.worker.rpartition('.')[0]}.{int(one.worker.rpartition('.')[2]) // 128 * 128 + 1}")
        for one in made.runs
    }
    return [worker_of(f"{hostname}={address}") for hostname, address in sorted(found)]


def _told(made: Traffic, learnt: Learnt) -> Iterator[tuple[str, str, str]]:
    """What would be proposed. A destination that the file does not have is right where the task did go to its addresses: then it
    is the one with the name."""
    reached: dict[tuple[str, str, str], str] = {}
    for contact in made.contacts:
        if contact.run and not contact.refused:
            reached[contact.run.dag, contact.run.task, contact.address] = contact.name
    for one in learnt.evidence:
        if one.task is not None and not one.others:
            names = (reached.get((one.task.dag, one.task.task, end.address)) for end in learnt.raw[one.target])
            yield one.task.dag, one.task.task, one.target.declared or next(filter(None, names), str(one.target))


def _principal(access: Access, dag: str, task: str) -> str:
    return next(one.name for one in access.principals if not one.is_people and one.covers(dag, task))


def _shares(found: Set[object], truth: Set[object]) -> tuple[float, float]:
    """Recall and precision."""
    right = len(found & truth)
    return right / len(truth), right / len(found) if found else 1.0


# --- tables


def _speeds(timed: Sequence[Timed]) -> str:
    head = (
        "| log | lines | MB | reading, s | of a processor, s | joining, s | most MB of memory |\n|---|--:|--:|--:|--:|--:|--:|\n"
    )
    return head + "".join(
        f"| {one.format} | {one.lines:,} | {one.megabytes:,.0f} | {one.seconds:.1f} | {one.processor:.1f} | "
        f"{one.joining:.1f} | {one.memory:,.0f} |\n"
        for one in timed
    )


def _accuracies(found: Sequence[Accuracy]) -> str:
    head = "| traffic | log | tasks: recall | precision | routes: recall | precision |\n|---|---|--:|--:|--:|--:|\n"
    return head + "".join(
        f"| {one.case} | {one.format} | {one.task_recall:.3f} | {one.task_precision:.3f} | {one.route_recall:.3f} | "
        f"{one.route_precision:.3f} |\n"
        for one in found
    )


def _between(text: str, mark: str, table: str) -> str:
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{table}{end}{after}"


if __name__ == "__main__":
    main()
