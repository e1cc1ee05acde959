"""Whatever a log holds, reading it fails at no line, keeps little, and says what it could not read."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.errors import InputError
from pulumi_airlock.logs import Connection
from pulumi_airlock.report.verify import show_verification, to_json
from pulumi_airlock.verify import Verifier, check_files, lines_of
from pulumi_airlock.verify import verifying as verifying_module
from rich.console import Console
from verify_cases import AT, FLOW_HEAD, expected, firewall, flow, lss, verify, web

LINES = [lss(), firewall(), web(), flow(), FLOW_HEAD]


@given(st.lists(st.binary(max_size=200)), st.data())
def test_no_bytes_make_it_fail(tmp_path_factory: pytest.TempPathFactory, junk: list[bytes], data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(LINES)).encode()
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    damaged = line[:first] + data.draw(st.binary(max_size=12)) + line[last:]
    file = tmp_path_factory.mktemp("logs") / "log"
    file.write_bytes(b"\n".join([*junk, damaged, line]))
    if file.read_bytes()[:2] == b"\x1f\x8b":
        return  # taken for gzip, and said to be damaged: the next test
    verifier = Verifier(expected(), at=AT)
    verifier.read("log", lines_of(str(file)))
    found = verifier.result()
    # Every line is a connection, one that was not judged, or one that cannot be read; none gets lost.
    assert found.lines == file.read_bytes().count(b"\n") + (not file.read_bytes().endswith(b"\n"))
    assert found.unreadable_count <= found.lines * 50


def test_unreadable_lines_are_told_with_file_and_number_and_the_rest_counted() -> None:
    found = verify(*["what is this?"] * 50, name="odd.log")
    assert found.unreadable_count == 50
    assert [str(line) for line, _ in found.unreadable[:2]] == ["odd.log:2", "odd.log:3"]
    assert len(found.unreadable) == 20


def test_what_is_compressed_is_read_as_it_is(tmp_path: Path) -> None:
    plain, packed = tmp_path / "log", tmp_path / "log.gz"
    text = "\n".join([lss(), firewall()]).encode()
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    assert list(lines_of(str(plain))) == list(lines_of(str(packed)))
    packed.write_bytes(gzip.compress(text)[:-20])
    with pytest.raises(InputError, match="breaks off"):
        list(lines_of(str(packed)))


def test_files_that_cannot_be_read_are_told_all_at_once(tmp_path: Path) -> None:
    parquet, archive = tmp_path / "flow.parquet", tmp_path / "log.zip"
    parquet.write_bytes(b"PAR1 and more")
    archive.write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(InputError) as error:
        check_files([str(tmp_path), str(parquet), str(archive), str(tmp_path / "none"), "-", "-"])
    said = str(error.value)
    for what in ("is a folder", "is Parquet", "is a ZIP archive", "No such file", "name it once"):
        assert what in said


def test_the_memory_that_it_takes_does_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """200,000 lines, 40,000 of them of connections that no other line has, 20 of those are findings each its own."""
    monkeypatch.setattr(verifying_module, "MOST", 1000)

    def lines(number: int) -> Iterator[str]:
        yield FLOW_HEAD
        fine = [flow(), flow(port=10001), flow(), lss()]
        for count in range(number // 5):
            yield from fine
            yield flow(destination=f"172.16.{count // 250 % 200}.{count % 250 + 1}", port=1 + count % 30000)

    def peak(number: int) -> int:
        verifier = Verifier(expected(), at=AT + timedelta(hours=1))
        tracemalloc.start()
        verifier.read("log", lines(number))
        found = verifier.result()
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.lines == number + 1
        assert len(found.findings) + found.more_findings == number // 5
        return highest

    small, large = peak(50_000), peak(200_000)  # what is kept is full after some 10,000 distinct ones
    assert large < 1.3 * small


def test_what_does_not_fit_is_decided_on_the_way_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [firewall(), flow(destination="8.8.8.8", port=53), lss(), web(), flow(), firewall(rulelabel="Marketing")] * 3
    whole = verify(*lines)
    monkeypatch.setattr(verifying_module, "MOST", 2)
    parts = verify(*lines)
    assert parts.findings == whole.findings
    assert parts.rows == whole.rows
    assert parts.decided > whole.decided


def test_what_a_log_writes_is_shown_without_misleading_or_failing() -> None:
    odd = "\ud800\u202eevil\x1b[31m"
    lines = [
        firewall(cdfqdn=odd, rulelabel=odd),
        lss(Username=odd, ClientPrivateIP=""),
        json.dumps({"sourcetype": f"zscalernss-{odd}", "event": {}}),
        firewall(csip=odd),
    ]
    found = verify(*lines)
    assert found.findings
    out = io.StringIO()
    show_verification(found, Console(file=out, width=200))
    shown = out.getvalue() + json.dumps(to_json(found), ensure_ascii=False)
    shown.encode()
    assert "\u202e" not in shown
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_at_the_ends_of_the_calendar_are_damaged(time: str) -> None:
    found = verify(firewall(datetime=time), lss(TimestampConnectionStart=time))
    assert found.unreadable_count == 2
    assert "no instant of a log" in found.unreadable[0][1]


def test_reasons_are_told_apart_as_long_as_they_are_few() -> None:
    found = verify(*(json.dumps({"sourcetype": f"zscalernss-{number}", "event": {}}) for number in range(500)))
    assert len(found.skipped) <= verifying_module.REASONS + 1
    assert sum(found.skipped.values()) == 500


CONNECTIONS = st.builds(
    Connection,
    format=st.sampled_from(
        ["zpa-lss", "zia-firewall", "zia-web", "vpc-flow", "tgw-flow", "gcp-firewall", "gcp-flow", "fortigate", "envoy"]
    ),
    source=st.sampled_from(["", "10.40.0.9", "10.40.0.140", "10.60.0.1", "2001:db8::1", "192.0.2.1"]),
    source_port=st.sampled_from([None, 0, 443, 50000]),
    destination=st.sampled_from(["", "10.40.0.20", "10.20.4.10", "10.30.1.1", "203.0.113.20", "198.51.100.7", "2001:db8::2"]),
    name=st.sampled_from(["", "api.rates.example", "warehouse.corp.example", "evil.example"]),
    port=st.sampled_from([0, 22, 443, 5432, 10002, 65535]),
    protocol=st.sampled_from(["tcp", "udp", "icmp", "gre", "89", "300", "what"]),
    time=st.sampled_from([None, AT, AT + timedelta(hours=13)]),
    allowed=st.sampled_from([None, True, False]),
    action=st.just("x"),
    rule=st.sampled_from(["", "finance-rates", "airlock-ui", "airlock-deny-all", "Marketing"]),
    user=st.sampled_from(["", "cc-finance", "cc-risk", "ann@bank.example"]),
    location=st.sampled_from(["", "finance-worker", "finance-scheduler", "Paris"]),
    way=st.sampled_from(["", "7", "8"]),
    service=st.sampled_from(["", "S3"]),
    server=st.sampled_from(["", "203.0.113.80"]),
    answers=st.sampled_from([None, True, False]),
)


@given(st.lists(CONNECTIONS, max_size=8), st.booleans())
def test_whatever_a_line_says_is_judged_or_counted(connections: list[Connection], proxies: bool) -> None:
    verifier = Verifier(expected(proxies=proxies), at=AT)
    for one in connections:
        if one.destination or one.name:  # no parser gives one without both
            verifier._connection(one, "log", 1, "line")
    found = verifier.result()
    counted = sum(found.skipped.values())
    shown = sum(row.seen.count + row.entered.count for row in found.rows)
    blamed = sum(one.seen.count for one in found.findings)
    assert sum(found.formats.values()) <= counted + shown + blamed
    show_verification(found, Console(file=io.StringIO()))
    json.dumps(to_json(found))
