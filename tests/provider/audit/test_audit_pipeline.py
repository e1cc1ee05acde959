"""`emit` holds nobody up, whatever its sinks do; what is lost is counted and said."""

import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from airlock_provider import audit
from airlock_provider.audit import pipeline
from airlock_provider.audit.ocsf import EVENT_LOG, Event
from airlock_provider.audit.sinks import KINDS, UnacceptableError
from audit_cases import FULL


class Fake:
    """A sink that is up or down; `gate` holds its thread."""

    def __init__(self) -> None:
        self.batch = 10
        self.written: list[Event] = []
        self.down = False
        self.attempts = 0
        self.gate = threading.Event()
        self.gate.set()
        self.attempted = threading.Event()

    def write(self, events: Sequence[Event]) -> None:
        self.attempts += 1
        self.attempted.set()
        self.gate.wait(30)
        if any(event.get("message") == "poison" for event in events):
            raise UnacceptableError("cannot be indexed")
        if self.down:
            raise OSError("down")
        self.written.extend(events)

    def close(self) -> None:
        pass


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    made = Fake()
    monkeypatch.setitem(KINDS, "fake", lambda settings: made)  # type: ignore[arg-type]
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    monkeypatch.setattr(pipeline, "_BACKOFF", (0.01, 0.02))
    audit.configure([{"kind": "fake"}])
    yield made
    made.gate.set()
    audit.configure([])


def events(count: int) -> list[Event]:
    return [{**audit.task_started(FULL), "message": str(number)} for number in range(count)]


def test_events_reach_the_sink_in_their_order(fake: Fake) -> None:
    for event in events(100):
        audit.emit(event)

    assert audit.flush(30)
    assert [event["message"] for event in fake.written] == [str(number) for number in range(100)]
    assert audit.lost() == 0


def test_a_sink_that_hangs_holds_nobody_up_and_what_does_not_fit_is_counted(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    fake.gate.clear()
    audit.emit(events(1)[0])
    fake.attempted.wait(30)  # its thread hangs in the first event
    with caplog.at_level(logging.WARNING, "airlock.audit"):
        for event in events(pipeline.CAPACITY + 5):
            audit.emit(event)

    assert audit.lost() == 5
    assert not audit.flush(0.05)
    assert [record.getMessage() for record in caplog.records].count(
        f"audit events are lost: sink fake takes none, and {pipeline.CAPACITY} wait for it"
    ) == 1


def test_a_sink_that_is_back_gets_what_waited_and_is_told_what_was_lost(fake: Fake) -> None:
    fake.gate.clear()
    audit.emit(events(1)[0])
    fake.attempted.wait(30)
    for event in events(pipeline.CAPACITY + 7):
        audit.emit(event)
    fake.down = True
    fake.gate.set()
    fake.down = False

    assert audit.flush(30)
    told = [event for event in fake.written if event["class_uid"] == EVENT_LOG]
    assert sum(event["count"] for event in told) == 7
    assert len(fake.written) - len(told) == pipeline.CAPACITY + 1


def test_a_sink_that_is_down_is_tried_again_and_loses_nothing_meanwhile(fake: Fake) -> None:
    fake.down = True
    for event in events(25):
        audit.emit(event)
    assert not audit.flush(0.1)
    fake.down = False

    assert audit.flush(30)
    assert [event["message"] for event in fake.written] == [str(number) for number in range(25)]
    assert audit.lost() == 0


def test_one_event_that_is_refused_takes_no_other_with_it(fake: Fake) -> None:
    fake.gate.clear()
    audit.emit(events(1)[0])
    fake.attempted.wait(30)
    for event in [*events(3), {**events(1)[0], "message": "poison"}, *events(3)]:
        audit.emit(event)
    fake.gate.set()

    assert audit.flush(30)
    assert [event["message"] for event in fake.written if event["class_uid"] != EVENT_LOG] == ["0", "0", "1", "2", "0", "1", "2"]
    assert audit.lost() == 1


def test_one_sink_that_is_down_takes_nothing_from_the_other(fake: Fake, tmp_path: Path) -> None:
    fake.down = True
    audit.configure([{"kind": "fake"}, {"kind": "file", "path": str(tmp_path / "a.jsonl")}])
    for event in events(5):
        audit.emit(event)
    audit.flush(0.2)

    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["0", "1", "2", "3", "4"]


def test_a_forked_task_writes_its_own_events_and_none_of_its_parents(fake: Fake, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    audit.configure([{"kind": "file", "path": str(path)}])
    audit.emit({**events(1)[0], "message": "parent"})
    assert audit.flush(30)

    child = os.fork()
    if child == 0:
        audit.emit({**events(1)[0], "message": "child"})
        os._exit(0 if audit.flush(30) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["parent", "child"]


def test_settings_come_from_airflows_configuration_and_wrong_ones_leave_the_events_in_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    monkeypatch.setenv("AIRFLOW__AIRLOCK__AUDIT_SINKS", json.dumps([{"kind": "file", "path": str(path), "mapping": "ecs"}]))
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    audit.emit(events(1)[0])
    assert audit.flush(30)
    assert json.loads(path.read_text())["trace"]["id"] == FULL.correlation

    monkeypatch.setenv("AIRFLOW__AIRLOCK__AUDIT_SINKS", '[{"kind": "fil"}]')
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    audit.emit(events(1)[0])
    assert audit.flush(30)
    assert json.loads(capsys.readouterr().out)["metadata"]["correlation_uid"] == FULL.correlation
    assert "kind is 'fil'" in caplog.text
