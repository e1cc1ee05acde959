"""Each sink writes what its receiver can read; wrong settings are told all at once, before anything is written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from airlock_provider import audit
from airlock_provider.audit.sinks import Sink, UnacceptableError, sinks_of
from airlock_provider.audit.sinks.files import FileSink
from audit_cases import FULL, REFUSALS, SESSION, every_event
from certificates import Authority
from moto import mock_aws
from receivers import http_receiver, server_context, syslog_receiver

EVENTS = [event for _, event in every_event()]
SRC = Path(audit.__file__).parents[2]


def sink(**settings: object) -> Sink:
    return sinks_of([settings])[0][1]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("audit-authority"))


def test_file_takes_whole_lines_from_many_processes(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.jsonl"
    program = (
        f"import sys; sys.path.insert(0, {str(SRC)!r})\n"
        "from airlock_provider import audit\n"
        f"audit.configure([{{'kind': 'file', 'path': {str(path)!r}}}])\n"
        "run = audit.TaskRun('e', 'd', 't' * 500, sys.argv[1])\n"
        "for _ in range(300): audit.emit(audit.task_started(run))\n"
        "assert audit.flush(30) and not audit.lost()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(number)]) for number in range(3)]

    assert [one.wait(60) for one in running] == [0, 0, 0]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    by_run = [line["unmapped"]["airflow"]["run_id"] for line in lines]
    assert {run: by_run.count(run) for run in "012"} == {"0": 300, "1": 300, "2": 300}
    assert path.stat().st_mode & 0o007 == 0


def test_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    one = sink(kind="file", path=str(path))
    one.write(EVENTS[:2])
    path.rename(tmp_path / "audit.jsonl.1")
    one.write(EVENTS[2:3])
    one.close()

    assert [json.loads(line) for line in path.read_text().splitlines()] == EVENTS[2:3]


def test_file_on_a_disk_that_was_full_loses_one_line_and_not_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    one = FileSink(str(path))
    real, calls = os.write, iter([100, 0])

    def full(descriptor: int, data: bytes) -> int:
        room = next(calls)
        if not room:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:room])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        one.write(EVENTS[:1])
    monkeypatch.undo()
    one.write(EVENTS[:1])
    one.close()

    damaged, whole = path.read_text().splitlines()
    assert (len(damaged), json.loads(whole)) == (100, EVENTS[0])


def test_standard_output_has_one_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    sink(kind="stdout").write(EVENTS)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == EVENTS


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_cloudwatch_gets_events_in_the_order_of_their_time_and_in_calls_of_its_size() -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="audit")
    large = [{**EVENTS[0], "time": EVENTS[0]["time"] - number, "message": "x" * 200_000} for number in range(12)]
    one = sink(kind="cloudwatch", log_group="audit", log_stream="s", region="eu-central-1")
    one.write(large)
    one.write(EVENTS[:1])

    found = logs.get_log_events(logGroupName="audit", logStreamName="s", startFromHead=True)["events"]
    assert sorted(json.loads(line["message"])["time"] for line in found) == sorted(event["time"] for event in [*large, EVENTS[0]])
    assert all(line["timestamp"] == json.loads(line["message"])["time"] for line in found)


@pytest.mark.usefixtures("aws")
def test_cloudwatch_without_its_group_is_tried_again_later() -> None:
    with pytest.raises(OSError, match="ResourceNotFoundException"):
        sink(kind="cloudwatch", log_group="nowhere", region="eu-central-1").write(EVENTS[:1])


def test_cloud_logging_gets_entries_with_the_machines_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_receiver() as received:
        received.answer = lambda path, _: (
            200,
            {"access_token": "secret-token", "expires_in": 3599} if "computeMetadata" in path else {},
        )
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{received.port}")
        one = sink(kind="cloud-logging", project="bank", log="airlock/audit", url=f"http://127.0.0.1:{received.port}")
        one.write([audit.session_refused(FULL, SESSION, REFUSALS[0])])
        one.write(EVENTS[:2])

    token, first, second = received.requests
    assert token[1]["Metadata-Flavor"] == "Google"
    assert (first[0], first[1]["Authorization"]) == ("/v2/entries:write", "Bearer secret-token")
    body = json.loads(first[2])
    assert body["logName"] == "projects/bank/logs/airlock%2Faudit"
    (entry,) = body["entries"]
    assert (entry["severity"], entry["labels"]["correlation"]) == ("ERROR", FULL.correlation)
    assert entry["insertId"] == entry["jsonPayload"]["metadata"]["uid"]
    assert len(json.loads(second[2])["entries"]) == 2


def test_splunk_gets_events_over_tls_and_the_token_is_read_again_after_a_refusal(authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("splunk", hosts=["127.0.0.1"])
    token = tmp_path / "token"
    token.write_text("old\n")
    with http_receiver(server_context(pair.certificate, pair.key)) as received:
        url = f"https://127.0.0.1:{received.port}"
        one = sink(kind="splunk-hec", url=url, token_file=str(token), index="airflow", ca=str(authority.own.certificate))
        received.answer = lambda *_: (403, {"text": "Invalid token", "code": 4})
        with pytest.raises(OSError, match="Invalid token"):
            one.write(EVENTS[:1])
        one.close()
        token.write_text("new\n")
        received.answer = lambda *_: (200, {"text": "Success", "code": 0})
        one.write(EVENTS[:3])

    path, headers, body = received.requests[-1]
    assert (path, headers["Authorization"]) == ("/services/collector/event", "Splunk new")
    decoder, text, found = json.JSONDecoder(), body.decode(), []
    while text:
        one_event, end = decoder.raw_decode(text)
        found.append(one_event)
        text = text[end:].lstrip()
    assert [one["event"] for one in found] == EVENTS[:3]
    assert {(one["index"], one["sourcetype"]) for one in found} == {("airflow", "airlock:ocsf")}


def test_splunk_that_refuses_a_body_is_told_apart_from_one_that_is_down(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    with http_receiver() as received:
        one = sink(kind="splunk-hec", url=f"http://127.0.0.1:{received.port}", token_file=str(token))
        received.answer = lambda *_: (400, {"text": "Invalid data format", "code": 6})
        with pytest.raises(UnacceptableError, match="Invalid data format"):
            one.write(EVENTS[:1])
    with pytest.raises(OSError, match="refused"):
        one.write(EVENTS[:1])


def test_no_redirection_carries_the_token_elsewhere(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    with http_receiver() as received:
        received.answer = lambda *_: (307, {})
        with pytest.raises(OSError, match="HTTP 307"):
            sink(kind="splunk-hec", url=f"http://127.0.0.1:{received.port}", token_file=str(token)).write(EVENTS[:1])
    assert len(received.requests) == 1


RFC5424 = re.compile(rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S{1,255}) airlock (\d+) audit - (\{.*\})", re.S)


def test_syslog_gets_framed_messages_over_tls_and_a_broken_connection_is_made_anew(authority: Authority) -> None:
    pair = authority.issue("syslog", hosts=["127.0.0.1"])
    context = server_context(pair.certificate, pair.key)
    with syslog_receiver(context) as received:
        one = sink(kind="syslog-tls", host="127.0.0.1", port=received.port, ca=str(authority.own.certificate))
        one.write([*EVENTS[:3], {**EVENTS[0], "message": "Zürich →\nsecond line"}])
        one.write([audit.session_refused(FULL, SESSION, REFUSALS[0])])
        one.close()
        _wait_for(lambda: len(received.messages) == 5)

    matches = [RFC5424.fullmatch(message) for message in received.messages]
    assert all(matches)
    assert [json.loads(found[5]) for found in matches[:3] if found] == EVENTS[:3]
    assert json.loads(matches[3][5])["message"] == "Zürich →\nsecond line"  # type: ignore[index]
    assert [int(found[1]) for found in matches if found][-1] == 13 * 8 + 3  # log audit, error: a refusal by a rule
    assert received.connections == 1


def test_syslog_trusts_no_other_authority(authority: Authority, tmp_path: Path) -> None:
    pair = Authority(tmp_path / "other").issue("syslog", hosts=["127.0.0.1"])
    with syslog_receiver(server_context(pair.certificate, pair.key)) as received:
        one = sink(kind="syslog-tls", host="127.0.0.1", port=received.port, ca=str(authority.own.certificate))
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            one.write(EVENTS[:1])
    assert not received.messages


def test_everything_wrong_with_the_settings_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="audit_sinks") as raised:
        sinks_of(
            [
                {"kind": "syslog", "host": "x"},
                {"kind": "file"},
                {"kind": "file", "path": str(tmp_path)},
                {"kind": "splunk-hec", "url": "http://splunk.example", "token": "t"},
                {"kind": "splunk-hec", "url": "https://u:p@splunk.example", "token_env": "NO_SUCH_VARIABLE"},
                {"kind": "syslog-tls", "host": "h", "port": 99999, "ca": "/no/such/file"},
                {"kind": "stdout", "mapping": "cef", "path": "x"},
                {"kind": "cloud-logging"},
            ]
        )
    told = str(raised.value).splitlines()

    expected = [
        "audit_sinks[0]: kind is 'syslog'; it is one of stdout, file",
        "audit_sinks[1] (file): path is missing",
        "is a folder",
        "sends events in plain text",
        "takes one of token_env, token_file and token_secret_arn; given: none",
        "'token' is no setting of this kind",
        "holds a password",
        "'NO_SUCH_VARIABLE' is not set",
        "port is no number from 1 to 65,535: 99999",
        "there is no file '/no/such/file'",
        "mapping is 'cef'; it is one of ocsf, ecs",
        "'path' is no setting of this kind",
        "audit_sinks[7] (cloud-logging): project is missing",
    ]
    assert [part for part in expected if not any(part in line for line in told)] == []
    assert "u:p" not in str(raised.value)


def _wait_for(done: object) -> None:
    import time

    for _ in range(500):
        with suppress(Exception):
            if done():  # type: ignore[operator]
                return
        time.sleep(0.02)
