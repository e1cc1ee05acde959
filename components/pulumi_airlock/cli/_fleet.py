"""Runs the previews of many stacks, a few at a time, each in a process of its own; none outlives this one."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

from ..report.fleet import Outcome
from ._fleet_stack import Request

GRACE = 2.0
"""Seconds that a process has to end before it is killed."""
LAST_LINES = 3
"""Lines of a process's output that are told when it ends without saying what it came to."""


class StoppedError(Exception):
    """Somebody stopped the run: Ctrl-C, or a CI system that ends a job."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number
        super().__init__(signal.Signals(number).name)


class Fleet:
    """The previews of one run. `started` and `ended` are told of each stack's."""

    def __init__(self, jobs: int, logs: Path, started: Callable[[str], None], ended: Callable[[Outcome], None]) -> None:
        self._free = asyncio.Semaphore(jobs)
        self._logs, self._started, self._ended = logs, started, ended
        self._stopped = 0

    def run(self, requests: Sequence[Request]) -> list[Outcome]:
        """What each came to, in the order of the requests. StoppedError when somebody stops it: then no process is left."""
        try:
            return asyncio.run(self._all(requests))
        except asyncio.CancelledError:
            raise StoppedError(self._stopped) from None

    async def _all(self, requests: Sequence[Request]) -> list[Outcome]:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  # asyncio.run made it

        def stop(number: int) -> None:
            self._stopped = number
            task.cancel()

        with ExitStack() as restored:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop, number)
                restored.callback(loop.remove_signal_handler, number)
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(self._one(request)) for request in requests]
        return [one.result() for one in running]

    async def _one(self, request: Request) -> Outcome:
        async with self._free:
            self._started(request.stack)
            since = time.perf_counter()
            log = self._logs / f"{request.stack}.txt"
            with log.open("wb") as file:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "pulumi_airlock.cli._fleet_stack"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=file,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,  # a Ctrl-C is ours to pass on
                )
                try:
                    await process.communicate(json.dumps(asdict(request)).encode())
                finally:
                    await _end(process)
            outcome = _read(Path(request.result)) or _broken(request, process.returncode or 0, log, time.perf_counter() - since)
        self._ended(outcome)
        return outcome


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a process that still runs. Its packs notice, and end as well."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
            return


def _read(result: Path) -> Outcome | None:
    try:
        found = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Outcome(**{**found, "findings": tuple(found["findings"])})


def _broken(request: Request, status: int, log: Path, seconds: float) -> Outcome:
    """A process that ended without a word: killed for its memory, or a fault of ours."""
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return Outcome(request.stack, 1, "\n".join([f"its process ended with {how}", *said]), seconds=seconds)
