"""DuckDB reads what the parsers read: of the same lines, the same connections, or none where it leaves a line to them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pulumi_airlock.logs import Connection, Reader, envoy, flow, fortigate, gcp, hubble, lss, proxy
from pulumi_airlock.logs.columns import FIELDS, Columns

duckdb = pytest.importorskip("duckdb", reason="needs the extra `learn`")

START = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
V5 = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start", "action", "tcp-flags"]
V5 += ["pkt-srcaddr", "pkt-dstaddr", "log-status"]

Lines = st.SearchStrategy[str]


def mostly(usual: st.SearchStrategy[Any], *odd: Any) -> st.SearchStrategy[Any]:
    """What devices write, and now and then something else."""
    return st.one_of(usual, usual, usual, usual, usual, st.sampled_from(odd))


octets = st.integers(0, 255)
v4 = st.builds("10.{}.{}.{}".format, octets, octets, octets)
addresses = mostly(v4, "2001:db8::7", "10.1.2.300", "10.01.2.3", "-", "", "somewhere")
numbers = st.integers(0, 65535)
ports = mostly(numbers.map(str), "-", "", "70000", "123456", "x")
seconds = st.integers(START, START + 10**7)
hosts = st.sampled_from(["warehouse.corp.example", "API.Example", "db-1"])
names = mostly(hosts, "10.0.0.7", "x.example.", "1.2.3", "ü.example", "", "a:b")
words = st.one_of(st.just("finance = ledger"), st.text("abc=\"\\ 'é.-", max_size=8))


def stamp(moment: int, shape: str) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(shape)


iso = mostly(
    seconds.map(lambda one: stamp(one, "%Y-%m-%dT%H:%M:%S.123456789Z")),
    "",
    "x",
    "2026-11-20T10:00:00+01:00",
    "2026-11-20T10:00:00Z",
)
clocks = mostly(
    seconds.map(lambda one: stamp(one, "%a %b %d %H:%M:%S %Y")), "", "Fri Nov  6 01:02:03 2026", "2026-11-20T10:00:00Z", "x"
)
sockets = mostly(st.builds("{}:{}".format, v4, numbers), "10.0.0.1", "[2001:db8::1]:443", "", "-", "x:1", "10.0.0.1:99999")
values = mostly(numbers, "-", "", "70000", None, "x")
labels = st.lists(
    st.sampled_from(
        [
            "k8s:dag_id=d",
            "k8s:task_id=t",
            "k8s:app=x",
            "k8s:dag_id=other",
            "k8s:io.cilium.k8s.policy.serviceaccount=etl",
            'k8s:x="\\"',
        ]
    ),
    max_size=4,
)
texts = mostly(st.sampled_from(["finance_daily", "load", "spiffe://corp/ns/airflow/sa/etl"]), None, "-", "", "ü")


@st.composite
def fortigate_lines(draw: st.DrawFn) -> str:
    at = draw(seconds)
    fields = [
        ("eventtime", draw(mostly(st.just(f"{at}369913239"), f"{at}", '"1"', "12"))),
        ("type", draw(mostly(st.just('"traffic"'), "traffic", '"event"'))),
        ("srcip", draw(addresses)),
        ("srcport", draw(ports)),
        ("dstip", draw(addresses)),
        ("dstport", draw(ports)),
        ("proto", draw(mostly(st.sampled_from(["6", "17", "1"]), "132", "", "x"))),
        ("action", draw(mostly(st.sampled_from(['"accept"', '"deny"', '"close"']), "close", '""'))),
        ("policyname", draw(mostly(st.just('"finance = ledger"'), '" srcip=1.2.3.4 "', '"a" hostname=x'))),
        ("hostname", draw(names.map('"{}"'.format))),
        ("dstname", draw(names)),
        ("user", f'"{draw(words)}"'),
        ("note", draw(mostly(st.just("1"), "a b", '"'))),
        ("duration", draw(mostly(st.integers(0, 200_000).map(str), '"61"', "x", "-1", "", "9" * 9))),
    ]
    left_out = draw(mostly(st.just(set()), {4}, {0}, {9, 10}, {11}, {1}))
    kept = [one for number, one in enumerate(fields) if number not in left_out]
    if draw(st.booleans()):
        kept = draw(st.permutations(kept))
    gap = draw(mostly(st.just(" "), "  ", "\t"))
    head = draw(
        mostly(
            st.sampled_from(["date=1", "<189>date=1", "<189>Nov 21 10:20:01 edge date=1"]), "vd=root", "é", 'say="srcip=9.9.9.9"'
        )
    )
    return head + gap + gap.join(f"{key}={value}" for key, value in kept)


@st.composite
def flow_lines(draw: st.DrawFn) -> str:
    at, version, interface = draw(seconds), draw(mostly(st.just("2"), "3", "9")), draw(mostly(st.just("eni-1"), "-", "x"))
    ends = [draw(addresses), draw(addresses), draw(ports), draw(ports), draw(mostly(st.sampled_from(["6", "17", "1"]), "x", "-"))]
    action, status = draw(st.sampled_from(["ACCEPT", "REJECT", "-"])), draw(mostly(st.just("OK"), "NODATA"))
    end = draw(mostly(st.integers(at, at + 600).map(str), "-", "x"))
    return " ".join([version, "123456789012", interface, *ends, "6 20", str(at), end, action, status])


@st.composite
def custom_flow_lines(draw: st.DrawFn) -> str:
    ends = [draw(addresses), draw(addresses), draw(ports), draw(ports), draw(mostly(st.sampled_from(["6", "17"]), "x"))]
    flags, action = draw(st.sampled_from(["2", "3", "18", "19", "0", "-"])), draw(st.sampled_from(["ACCEPT", "REJECT"]))
    return " ".join(
        [*ends, str(draw(seconds)), action, flags, draw(addresses), draw(addresses), draw(mostly(st.just("OK"), "NODATA"))]
    )


def record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of these fields, now and then without one or two."""

    def without(found: dict[str, Any], left_out: set[str]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key not in left_out}

    return st.builds(without, st.fixed_dictionaries(fields), mostly(st.just(set()), *({one} for one in fields)))


def line(**fields: st.SearchStrategy[Any]) -> Lines:
    """The same as a line of JSON."""
    return record(**fields).map(lambda one: json.dumps(one, ensure_ascii=False))


ends = record(source_port=values, destination_port=values)
gcp_lines = line(
    timestamp=iso,
    jsonPayload=st.builds(
        lambda one, other: one | other,
        record(
            connection=record(
                src_ip=addresses,
                dest_ip=addresses,
                src_port=values,
                dest_port=values,
                protocol=mostly(st.sampled_from([6, 17, "6"]), 1, ""),
            ),
            reporter=st.sampled_from(["SRC", "DEST"]),
            start_time=iso,
            end_time=iso,
        ),
        mostly(st.just({}), {"disposition": "ALLOWED"}),
    ),
)
hubble_lines = line(
    flow=record(
        time=iso,
        verdict=mostly(st.sampled_from(["FORWARDED", "DROPPED"]), "ERROR", "TRACED", "AUDIT"),
        is_reply=st.sampled_from([None, True, False, False]),
        IP=record(source=addresses, destination=addresses),
        l4=mostly(
            st.one_of(ends.map(lambda one: {"TCP": one}), ends.map(lambda one: {"UDP": one})), {"SCTP": {}}, {"ICMPv4": {}}, {}
        ),
        source=record(labels=labels),
        destination_names=st.lists(names, max_size=2),
    ),
    node_name=hosts,
)
lss_lines = line(
    LogTimestamp=clocks,
    TimestampConnectionStart=mostly(st.sampled_from(["", "2026-11-20T10:00:00.123Z"]), "x", "0"),
    ConnectionStatus=mostly(st.sampled_from(["open", "active", "close"]), "x", ""),
    Host=names,
    InternalReason=mostly(st.just(""), "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY", "-"),
    IPProtocol=mostly(st.sampled_from([6, 17, "6"]), 0, ""),
    ServicePort=values,
    ServerPort=values,
    ClientPrivateIP=addresses,
    ClientPublicIP=addresses,
    ServerIP=addresses,
    Username=texts,
)
envoy_lines = line(
    start_time=iso,
    authority=mostly(st.one_of(hosts, hosts.map("{}:8443".format), st.just(None)), "10.0.0.7:80", "-", "[::1]:80", "a:b"),
    requested_server_name=mostly(st.one_of(hosts, st.just(None)), "-", "10.0.0.8"),
    upstream_host=sockets,
    downstream_local_address=sockets,
    downstream_direct_remote_address=mostly(st.just(None), "10.0.0.3:0", "10.0.0.3:4000"),
    downstream_remote_address=sockets,
    protocol=st.sampled_from(["-", "HTTP/1.1", None]),
    duration=mostly(st.integers(0, 200_000), None, "-", "1500", "x", -3),
    method=mostly(st.just(None), "GET", "-"),
    response_flags=mostly(st.sampled_from(["-", "", None]), "UF", "UAEX"),
    response_code=mostly(st.sampled_from([0, 200, "200"]), 403, None),
    response_code_details=mostly(st.just("via_upstream"), "-", "rbac_access_denied_matched_policy[none]"),
    principal=texts,
)
proxy_lines = line(
    gate=st.just("proxy"),
    event=mostly(st.just("open"), "close", "refused"),
    connection=st.just(7),
    client=sockets,
    upstream=sockets,
    time=iso,
    target=mostly(hosts.map("{}:5432".format), "10.0.0.7:80", "x.example.:1", "nowhere", "[::1]:80", "a:99999"),
    dag_id=texts,
    task_id=texts,
    environment=texts,
    sub=texts,
)


def by_duckdb(columns: Columns, lines: list[str]) -> Iterator[tuple[str, tuple[Any, ...] | None]]:
    """Each line, with what DuckDB says of it: a connection's fields, `("answer",)`, or None where the parser has to be asked."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE lines (line VARCHAR)")
        connection.executemany("INSERT INTO lines VALUES (?)", [[text] for text in lines])
        rows = connection.execute(columns.read("lines")).fetchall()
    assert len(rows) == len(lines)
    for text, (odd, answer, *fields) in zip(lines, rows, strict=True):
        yield text, None if odd is not None else ("answer",) if answer else tuple(fields)


def by_parser(text: str, fields: tuple[str, ...]) -> tuple[Any, ...] | None:
    reader = Reader()
    reader.fields = fields
    (one,) = list(reader.line(1, text)) or [None]
    if not isinstance(one, Connection):
        return None
    if one.is_answer:
        return ("answer",)
    minute, last = (int(each.timestamp()) // 60 if each else None for each in (one.time, one.until))
    told = one._asdict() | {"minute": minute, "last": minute if last is None else last}
    return tuple(told[name] for name in FIELDS)


FORMATS: dict[str, tuple[Columns | Callable[[list[str]], Columns], Lines, tuple[str, ...]]] = {
    "fortigate": (fortigate.columns_of, fortigate_lines(), ()),
    "flow log": (flow.columns_of(flow.DEFAULT), flow_lines(), ()),
    "flow log of one's own format": (flow.columns_of(V5), custom_flow_lines(), tuple(V5)),
    "Google Cloud": (gcp.COLUMNS, gcp_lines, ()),
    "hubble": (hubble.COLUMNS, hubble_lines, ()),
    "zpa": (lss.COLUMNS, lss_lines, ()),
    "envoy": (envoy.COLUMNS, envoy_lines, ()),
    "airlock's proxy": (proxy.COLUMNS, proxy_lines, ()),
}


@pytest.mark.parametrize("name", FORMATS)
def test_of_plain_lines_both_read_the_same(name: str) -> None:
    columns, lines, fields = FORMATS[name]
    plain = 0

    @settings(max_examples=12, deadline=None, phases=[Phase.generate])  # a line that differs is told: nothing to make smaller
    @given(st.lists(lines, min_size=30, max_size=50))
    def check(found: list[str]) -> None:
        nonlocal plain
        of = columns if isinstance(columns, Columns) else columns(found[:20])
        for text, said in by_duckdb(of, found):
            if said is not None:
                plain += 1
                assert said == by_parser(text, fields), text

    check()
    assert plain > 40
