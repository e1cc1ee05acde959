"""From `emit` to the sinks, without ever holding up a task.

Each sink has a bounded queue and a thread of its own, so that one that is down takes nothing from the others. What does not fit
into a queue is lost: counted, told in the log, and told to the sink itself once it is back. A process that was forked starts
anew: threads do not survive a fork, and connections must not be shared.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..settings import option
from .ocsf import EVENT_LOG, Event, events_lost
from .sinks import Made, Sink, UnacceptableError, sinks_of

_log = logging.getLogger("airlock.audit")

CAPACITY = 2_000
"""Events that wait for one sink; some 4 MB."""
_BACKOFF = (0.2, 30.0)
"""Seconds between attempts while a sink is down: the first, and the most."""
DEFAULT: Sequence[Mapping[str, Any]] = ({"kind": "stdout"},)
"""Without settings events go to the task's log, which Airflow keeps: an environment that nobody set up has its trail too."""


class _Worker:
    """One sink, its queue and its thread."""

    def __init__(self, kind: str, sink: Sink, mapping: Callable[[Event], Event], capacity: int = CAPACITY) -> None:
        self.kind, self._sink, self._mapping, self._capacity = kind, sink, mapping, capacity
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._busy = self._hurried = self._stopped = self._failing = False
        self.lost = self._untold = 0
        self._thread: threading.Thread | None = None

    def put(self, event: Event) -> None:
        """Queues an event, or counts it as lost."""
        with self._changed:
            if len(self._waiting) >= self._capacity or self._stopped:
                self._lose(1)
                return
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"airlock-audit-{self.kind}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, until: float) -> bool:
        """Waits, at most until then (monotonic seconds), for everything to be written."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            while self._waiting or self._busy:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            self._hurried = False
            return not (self._waiting or self._busy)

    def stop(self) -> None:
        """Takes nothing more; the thread ends when it has tried once to write what waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _lose(self, count: int) -> None:
        if not self.lost:
            _log.warning("audit events are lost: sink %s takes none, and %d wait for it", self.kind, len(self._waiting))
        self.lost += count
        self._untold += count

    def _run(self) -> None:
        pause = _BACKOFF[0]
        while True:
            batch = self._take()
            if not batch:
                self._sink.close()
                return
            if self._write(batch):
                pause = _BACKOFF[0]
                continue
            with self._changed:
                self._waiting.extendleft(reversed(batch))
                self._busy = False
                self._changed.notify_all()
                if self._stopped:
                    self._lose(len(self._waiting))
                    self._waiting.clear()
                    return
                # Somebody who flushes wants one more attempt now, and not many.
                self._hurried = False
                self._changed.wait_for(lambda: self._hurried or self._stopped, pause)
            pause = min(pause * 2, _BACKOFF[1])

    def _take(self) -> list[Event]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._sink.batch))]
            self._busy = bool(batch)
            if batch and self._untold:
                batch.append(events_lost(self._untold, self.kind))
            return batch

    def _write(self, batch: list[Event]) -> bool:
        """Whether the batch is done with: written, or refused for good."""
        told = self._untold if batch[-1].get("class_uid") == EVENT_LOG else 0
        refused = 0
        try:
            refused = self._written([self._mapping(one) for one in batch])
        except Exception as error:  # whatever a sink's library raises, the task must not feel it
            self._sink.close()
            if not self._failing:
                _log.warning("audit sink %s does not take events, and is tried again: %s", self.kind, error)
            self._failing = True
            if told:
                batch.pop()
            return False
        with self._changed:
            self._busy = self._failing = False
            self._untold -= told
            if refused:
                self._lose(refused)
            self._changed.notify_all()
        return True

    def _written(self, events: list[Event]) -> int:
        """Writes events; how many of them are refused for good."""
        try:
            self._sink.write(events)
        except UnacceptableError as error:
            if len(events) == 1:
                _log.warning("audit sink %s refuses an event: %s", self.kind, error)
                return 1
            # One of them spoils the batch: only that one may be lost.
            return sum(self._written([one]) for one in events)
        return 0


class _Pipeline:
    """The sinks of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers: list[_Worker] | None = None
        self.given: Sequence[Mapping[str, Any]] | None = None
        self.gone = 0

    def running(self) -> list[_Worker]:
        with self.lock:
            if self.workers is None:
                self.workers = [_Worker(*one) for one in self._made()]
            return self.workers

    def _made(self) -> list[Made]:
        try:
            return sinks_of(configured() if self.given is None else self.given)
        except ValueError as error:
            _log.error("audit events go to standard output, for their sinks are set wrong: %s", error)
            return sinks_of(DEFAULT)

    def replace(self, given: Sequence[Mapping[str, Any]]) -> None:
        made = [_Worker(*one) for one in sinks_of(given)]
        with self.lock:
            old, self.workers, self.given = self.workers or [], made, given
            self.gone += sum(one.lost for one in old)
        for one in old:
            one.stop()


_pipeline = _Pipeline()


def _forked() -> None:
    """In a child: the same settings, and nothing of the parent's threads, locks and connections."""
    global _pipeline
    given = _pipeline.given
    _pipeline = _Pipeline()
    _pipeline.given = given


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def configured() -> Sequence[Mapping[str, Any]]:
    """The sinks that Airflow's configuration sets: `[airlock] audit_sinks`, a JSON list. ValueError where it is none."""
    text = option("audit_sinks")
    if not text.strip():
        return DEFAULT
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"audit_sinks is no JSON: {error}") from None
    if not isinstance(found, list):
        raise ValueError('audit_sinks is no JSON list, as in [{"kind": "stdout"}]')
    return found


def configure(sinks: Sequence[Mapping[str, Any]]) -> None:
    """Sets the sinks of this process, anew. ValueError with everything that is wrong with them, all at once.

    Without it, the first event reads `[airlock] audit_sinks`; and where that is wrong, the log says so and events go to standard
    output.
    """
    _pipeline.replace(sinks)


def emit(event: Event) -> None:
    """Hands an event to every sink. Never raises, never waits for one."""
    try:
        for worker in _pipeline.running():
            worker.put(event)
    except Exception as error:  # no thread to be had: a task goes on all the same
        _pipeline.gone += 1
        with contextlib.suppress(Exception):
            _log.warning("an audit event is lost: %s", error)


def flush(timeout: float = 2.0) -> bool:
    """Waits until the sinks have written what was emitted; False: some of it is still under way after `timeout` seconds."""
    until = time.monotonic() + timeout
    written = [worker.flush(until) for worker in _pipeline.workers or ()]  # each gets its time, whatever the others say
    return all(written)


atexit.register(flush)


def lost() -> int:
    """How many events did not reach a sink in this process; one that two sinks did not take counts twice."""
    return _pipeline.gone + sum(worker.lost for worker in _pipeline.workers or ())
