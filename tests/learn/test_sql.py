"""The queries that count logs where they live: SQL of their dialects, and the same answer as counting here."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Airlock, Bank
from pulumi_airlock.errors import InputError
from pulumi_airlock.learn import opened, query, read_aggregated

from bench.lines import fortigate, vpc_flow

duckdb = pytest.importorskip("duckdb", reason="needs the extra `learn`")
sqlglot = pytest.importorskip("sqlglot", reason="an oracle of SQL dialects")

SINCE = "2026-10-28"
"""Two days after the traffic begins."""
TODAY = date(2026, 11, 26)
LINES = 20_000


def seen_here(log: Path) -> list[tuple[object, ...]]:
    with opened() as seen:
        seen.read(str(log))
        return rows_of(seen)


def rows_of(seen: object) -> list[tuple[object, ...]]:
    columns = "format, source, destination, name, port, protocol, minute, last, allowed"
    return seen.sql.execute(f"SELECT {columns}, sum(connections) FROM seen GROUP BY ALL ORDER BY ALL").fetchall()  # noqa: S608


def answered(sql: str, dialect: str, table: str, folder: Path) -> list[tuple[object, ...]]:
    """What the query says when DuckDB runs it, read back as `--aggregated`."""
    parsed = sqlglot.parse_one(sql, dialect=dialect)
    answer = folder / "answer.csv"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS logs; CREATE SCHEMA logs.here; USE logs.here")
        connection.execute(table)
        connection.execute(f"COPY ({parsed.sql(dialect='duckdb')}) TO '{answer}' (HEADER)")
    with opened() as seen:
        read_aggregated(seen, answer)
        return rows_of(seen)


@pytest.fixture(scope="module")
def contacts(bank: Bank) -> list[object]:
    since = datetime.fromisoformat(SINCE).replace(tzinfo=UTC)
    return [one for one in bank.made.contacts if one.time >= since][:LINES]


def test_athena_counts_vpc_flow_logs_as_they_are_counted_here(bank: Bank, contacts: list, tmp_path: Path) -> None:
    log, every = tmp_path / "flow.log", tmp_path / "every.log"
    log.write_text("".join(f"{vpc_flow(one)}\n" for one in contacts))
    every.write_text(
        "".join(f"{vpc_flow(one)}\n" for one in [*bank.made.contacts[: bank.made.contacts.index(contacts[0])], *contacts])
    )
    names = "version account_id interface_id srcaddr dstaddr srcport dstport protocol packets bytes start_ end_ action log_status"
    columns = ", ".join(f"'{one}': 'VARCHAR'" for one in names.split())
    table = f"""CREATE TABLE vpc AS SELECT * EXCLUDE (srcport, dstport, protocol, start_, end_),
        CAST(srcport AS INTEGER) AS srcport, CAST(end_ AS BIGINT) AS "end",
        CAST(dstport AS INTEGER) AS dstport, CAST(protocol AS BIGINT) AS protocol, CAST(start_ AS BIGINT) AS start,
        CAST(to_timestamp(CAST(start_ AS BIGINT)) AS DATE) AS "date"
        FROM read_csv('{every}', delim = ' ', header = false, columns = {{{columns}}})"""  # noqa: S608
    sql = query("athena", "", "here.vpc", SINCE, TODAY)
    assert """WHERE "date" >= DATE '2026-10-28'""" in sql
    assert answered(sql, "athena", table, tmp_path) == seen_here(log)


@pytest.mark.parametrize("dialect", ["athena", "bigquery"])
def test_fortigate_logs_in_a_table_are_counted_as_they_are_here(dialect: str, contacts: list, tmp_path: Path) -> None:
    log = tmp_path / "fortigate.log"
    log.write_text("".join(f"{fortigate(one)}\n" for one in contacts))
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "".join(
            f"{one.source},{one.address},{one.source_port},{one.port},{6 if one.protocol == 'tcp' else 17},"
            f"{'deny' if one.refused else 'close'},{'' if one.hidden else one.host},"
            f"{int(one.time.timestamp()) + one.lasts}369913239,{one.lasts},traffic,{one.time:%Y-%m-%d}\n"
            for one in contacts
        )
    )
    names = "srcip dstip srcport dstport proto action hostname eventtime duration type date"
    columns = ", ".join(f"'{one}': '{'DATE' if one == 'date' else 'VARCHAR'}'" for one in names.split())
    table = f"CREATE TABLE forti AS FROM read_csv('{rows}', header = false, columns = {{{columns}}})"
    assert answered(query(dialect, "fortigate", "here.forti", SINCE, TODAY), dialect, table, tmp_path) == seen_here(log)


def test_bigquery_counts_flow_logs_as_they_are_counted_here(contacts: list, tmp_path: Path) -> None:
    log = tmp_path / "gcp.json"
    with log.open("w") as file:
        for one in contacts:
            end = {"src_ip": one.source, "dest_ip": one.address, "src_port": one.source_port, "dest_port": one.port}
            end["protocol"] = 6 if one.protocol == "tcp" else 17
            moment = f"{one.time:%Y-%m-%dT%H:%M:%S.%f}000Z"
            last = f"{one.time + timedelta(seconds=one.lasts):%Y-%m-%dT%H:%M:%S.%f}000Z"
            payload = {"connection": end, "reporter": "SRC", "start_time": moment, "end_time": last}
            file.write(json.dumps({"timestamp": moment, "jsonPayload": payload}) + "\n")
    # A sink's table has numbers as FLOAT64, and start_time as text.
    numbers = "src_port DOUBLE, dest_port DOUBLE, protocol DOUBLE"
    shape = f"STRUCT(connection STRUCT(src_ip VARCHAR, dest_ip VARCHAR, {numbers}), start_time VARCHAR, end_time VARCHAR)"
    table = f"""CREATE TABLE flows AS FROM read_json('{log}', format = 'newline_delimited',
        columns = {{'timestamp': 'TIMESTAMPTZ', 'jsonPayload': '{shape}'}})"""
    assert answered(query("bigquery", "", "here.flows", SINCE, TODAY), "bigquery", table, tmp_path) == seen_here(log)


def test_an_answer_that_is_none_says_what_is_wrong(tmp_path: Path) -> None:
    answer = tmp_path / "answer.csv"
    answer.write_text("source,destination\n10.0.0.1,10.0.0.2\n")
    with opened() as seen, pytest.raises(InputError, match="has no column format, name, port, protocol, started"):
        read_aggregated(seen, answer)
    answer.write_text("format,source,destination,name,port,protocol,started,ended,allowed,connections\n")
    answer.write_text(answer.read_text() + "vpc-flow,10.0.0.1,10.0.0.2,,443,tcp,yesterday,1,true,7\n")
    with opened() as seen, pytest.raises(InputError, match=r'answer\.csv:2: started: "yesterday" is no number'):
        read_aggregated(seen, answer)


def test_the_command_prints_the_query(airlock: Airlock) -> None:
    done = airlock("learn", "--sql", "bigquery", "--table", "p.d.compute_googleapis_com_vpc_flows", "--since", "2026-11-01")
    assert done.returncode == 0, done.stderr
    assert "FROM `p`.`d`.`compute_googleapis_com_vpc_flows`\nWHERE timestamp >= TIMESTAMP('2026-11-01')" in done.stdout
    done = airlock("learn", "--sql", "athena", "--table", "vpc", "--partition", "day", "--since", "2026-11-01")
    assert """WHERE "day" >= '2026/11/01'""" in done.stdout
