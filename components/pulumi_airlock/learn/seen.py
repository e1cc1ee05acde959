"""What logs show, counted by DuckDB: one row for each different connection of a minute, however many lines show it.

A file of one format goes through that format's SQL; the lines that this leaves over, and files of several formats, go through the
parsers. What is kept is on disk, in a folder that goes away with the table; memory holds a part of it.
"""

import csv
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InputError, Problem
from ..logs import Connection, Reader, Unreadable, envoy, flow, fortigate, gcp, hubble, lss, proxy
from ..logs.columns import FIELDS, Columns
from ..logs.files import STDIN, lines_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[float], None]
"""Told now and then how much of a file is done, from 0 to 1."""
MEMORY = "1GB"
"""What DuckDB may take before it goes to disk."""
_SNIFFED = 500
"""Lines at a file's begin that tell its format."""
_WAITING = 200_000
_LONGEST = 1 << 20
_SHOWN = 20
_GZIP = b"\x1f\x8b"
_GLOB = frozenset("*?[")
"""What DuckDB takes for a pattern in a file's name."""
_COLUMNS = {one.format: one for one in (gcp.COLUMNS, hubble.COLUMNS, lss.COLUMNS, envoy.COLUMNS, proxy.COLUMNS)}
_TYPES = {"port": "INTEGER", "minute": "BIGINT", "last": "BIGINT", "allowed": "BOOLEAN"}
_TABLE = ", ".join(["format VARCHAR", *(f"{one} {_TYPES.get(one, 'VARCHAR')}" for one in FIELDS), "connections BIGINT"])
_INSERTED = ", ".join(FIELDS)


class Unread(NamedTuple):
    """A line that cannot be read."""

    file: str
    number: int
    """From 1; 0 where it is not known yet."""
    why: str
    line: str


@dataclass
class Told:
    """What there is to say about the reading of logs."""

    lines: int = 0
    answers: int = 0
    """Lines of what servers answered."""
    understood: int = 0
    """Lines of something else than connections."""
    untimed: int = 0
    unreadable: int = 0
    examples: list[Unread] = field(default_factory=list)
    """The first lines that cannot be read."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Which time the lines of a format are of."""

    format: str
    lines: int
    first: datetime
    last: datetime
    days: int
    """Days (UTC) of which there is a line."""


def duckdb() -> Any:
    """The module. InputError, which names the extra, where it is not installed."""
    try:
        import duckdb as found
    except ImportError:
        message = "needs DuckDB, which is not installed: pip install 'pulumi-airlock[learn]'"
        raise InputError([Problem("", "", message)]) from None
    return found


class Seen:
    """A table of connections: `read` each log, then ask `sql`."""

    def __init__(self, folder: Path, log_format: str = "") -> None:
        """`log_format`: the custom format of flow logs without a head. ValueError where it is none."""
        self._folder = folder
        self._duckdb = duckdb()
        self._format = log_format
        Reader(log_format)
        self.sql: DuckDBPyConnection = self._duckdb.connect(str(folder / "seen.duckdb"))
        self.sql.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        self.sql.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 0")
        self.sql.execute(f"CREATE TABLE seen ({_TABLE})")
        self.told = Told()

    def read(self, name: str, progress: Progress | None = None) -> None:
        """Every line of one log: a file, or `-`. InputError where it breaks off in the middle."""
        path = self._on_disk(name)
        shown = "standard input" if name == STDIN else name
        columns, fields = self._sniff(str(path))
        if columns is None or not self._count(columns, fields, shown, path, progress):
            self._parse(shown, str(path), progress)

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of `format`, `FIELDS` and how many."""
        file = self._folder / "rows.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(["" if value is None else value for value in row] for row in rows)
        columns = ", ".join(f"'{one}': 'VARCHAR'" for one in ("format", *FIELDS, "connections"))
        how = "header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = 'no null'"
        read = f"read_csv('{file}', columns = {{{columns}}}, {how})"
        # `nullif` keeps DuckDB from casting while it reads, which fails instead of giving NULL.
        cast = ", ".join(f"TRY_CAST(nullif({one}, '') AS {_TYPES[one]})" if one in _TYPES else one for one in FIELDS)
        if file.stat().st_size:
            self.sql.execute(f"INSERT INTO seen SELECT format, {cast}, CAST(connections AS BIGINT) FROM {read}")  # noqa: S608

    def covered(self) -> list[Covered]:
        """Of which time there are lines, by format."""
        rows = self.sql.execute(
            "SELECT format, sum(connections), min(last), max(last), count(DISTINCT last // 1440) FROM seen "
            "WHERE last IS NOT NULL GROUP BY format ORDER BY format"
        ).fetchall()
        return [Covered(name, int(lines), at(first), at(last), days) for name, lines, first, last, days in rows]

    # --- by SQL

    def _on_disk(self, name: str) -> Path:
        if name != STDIN:
            return Path(name)
        path = self._folder / "stdin"
        with path.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        return path

    def _sniff(self, name: str) -> tuple[Columns | None, tuple[str, ...]]:
        """How all of a file can be read by SQL, and the fields of a flow log; None where it has several formats, or others."""
        reader, formats, lines = Reader(self._format), set(), list(islice(lines_of(name), _SNIFFED))
        for number, line in enumerate(lines, 1):
            formats |= {one.format for one in reader.line(number, line) if isinstance(one, Connection)}
        if len(formats) != 1 or set(name) & _GLOB:
            return None, ()
        (only,) = formats
        if only == fortigate.FORMAT:
            return fortigate.columns_of(lines), ()
        return (flow.columns_of(reader.fields or flow.DEFAULT) if only == flow.VPC else _COLUMNS.get(only)), reader.fields

    def _count(self, columns: Columns, fields: tuple[str, ...], name: str, path: Path, progress: Progress | None) -> bool:
        """Counts a file's lines; False where DuckDB cannot read it as text of short lines, or its fields change on the way."""
        query = f"CREATE OR REPLACE TABLE batch AS {columns.count(f'(FROM {_lines(path)} WHERE line <> {chr(39) * 2})')}"
        try:
            _watched(self.sql, query, progress)
        except self._duckdb.Error:
            return False
        self.sql.begin()
        told = self._odd(name, fields)
        if told is None:
            self.sql.rollback()
            return False
        plain = f"SELECT '{columns.format}', {_INSERTED}, connections FROM batch WHERE odd IS NULL AND NOT answer"  # noqa: S608
        self.sql.execute(f"INSERT INTO seen {plain}")
        counted = self.sql.execute("SELECT sum(connections), sum(connections) FILTER (answer) FROM batch").fetchone() or (0, 0)
        self.sql.execute("DROP TABLE batch")
        self.sql.commit()
        told.lines, told.answers = int(counted[0] or 0), told.answers + int(counted[1] or 0)
        told.examples = list(_numbered(str(path), told.examples))
        self._tell(told)
        return True

    def _odd(self, name: str, fields: tuple[str, ...]) -> Told | None:
        """Parses the lines that are left; None where one of them is the head of other fields."""
        reader, told, rows = Reader(self._format), Told(), Counter[tuple[Any, ...]]()
        reader.fields = fields
        with self.sql.cursor() as odd:  # the other one is needed for what they become
            odd.execute("SELECT odd, connections FROM batch WHERE odd IS NOT NULL")
            while found := odd.fetchmany(10_000):
                for line, count in found:
                    _note(reader.line(0, line), rows, told, name, count)
                    if reader.fields != fields:
                        return None
                self._flush(rows, _WAITING)
        self._flush(rows)
        return told

    # --- by the parsers

    def _parse(self, name: str, path: str, progress: Progress | None) -> None:
        reader, told, rows = Reader(self._format), Told(), Counter[tuple[Any, ...]]()
        size, done = max(1, Path(path).stat().st_size), 0
        for number, line in enumerate(lines_of(path), 1):
            _note(reader.line(number, line), rows, told, name, 1)
            told.lines, done = number, done + len(line)
            if number % 8192 == 0:
                self._flush(rows, _WAITING)
                if progress is not None:
                    progress(min(1.0, done / size))  # of a compressed file: as if it were not
        self._flush(rows)
        self._tell(told)

    def _flush(self, rows: Counter[tuple[Any, ...]], most: int = 0) -> None:
        """Puts rows into the table, where there are more than so many."""
        if len(rows) > most:
            self.add((*row, count) for row, count in rows.items())
            rows.clear()

    def _tell(self, told: Told) -> None:
        here = self.told
        here.lines, here.answers, here.untimed = here.lines + told.lines, here.answers + told.answers, here.untimed + told.untimed
        here.understood, here.unreadable = here.understood + told.understood, here.unreadable + told.unreadable
        here.examples = [*here.examples, *told.examples][:_SHOWN]


@contextmanager
def opened(log_format: str = "") -> Iterator[Seen]:
    """An empty table, and what it takes on disk for as long as it is needed. InputError where `log_format` is none."""
    with tempfile.TemporaryDirectory(prefix="airlock-") as folder:
        try:
            found = Seen(Path(folder), log_format)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError([Problem("", "--log-format", str(error))]) from None
        try:
            yield found
        finally:
            found.sql.close()


def at(minute: int) -> datetime:
    """A minute since 1970 as an instant."""
    return datetime.fromtimestamp(minute * 60, UTC)


def _note(found: Iterable[Connection | Unreadable], rows: Counter[tuple[Any, ...]], told: Told, name: str, count: int) -> None:
    for one in found:
        if isinstance(one, Unreadable):
            if one.understood:
                told.understood += count
                continue
            told.unreadable += count
            if len(told.examples) < _SHOWN:
                told.examples.append(Unread(name, one.number, one.why, one.line))
        elif one.is_answer:
            told.answers += count
        elif one.time is None:
            told.untimed += count
        else:
            minute = int(one.time.timestamp()) // 60
            last = max(minute, int(one.until.timestamp()) // 60) if one.until else minute
            told_by = {"minute": minute, "last": last}
            rows[(one.format, *(told_by[each] if each in told_by else getattr(one, each) for each in FIELDS))] += count


def _numbered(path: str, examples: list[Unread]) -> Iterator[Unread]:
    """Examples with the numbers of their lines, which SQL does not count."""
    wanted = {one.line: one for one in examples}
    for number, line in enumerate(lines_of(path) if wanted else (), 1):
        found = wanted.pop(line.strip(), None)
        if found is not None:
            yield found._replace(number=number)
        if not wanted:
            return


def _watched(sql: "DuckDBPyConnection", query: str, progress: Progress | None) -> None:
    """Runs a query, and tells how far it is."""
    if progress is None:
        sql.execute(query)
        return
    failed: list[BaseException] = []

    def work() -> None:
        try:
            sql.execute(query)
        except BaseException as error:  # told to whoever waits
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            progress(max(0.0, sql.query_progress()) / 100)
    except BaseException:
        sql.interrupt()
        thread.join()
        raise
    if failed:
        raise failed[0]


def _lines(path: Path) -> str:
    """A file's lines as a table of one column."""
    with path.open("rb") as file:
        compression = "gzip" if file.read(2) == _GZIP else "none"
    return (
        f"read_csv({literal(str(path))}, columns = {{line: 'VARCHAR'}}, header = false, auto_detect = false, delim = '\\x01', "
        f"quote = '', escape = '', compression = '{compression}', max_line_size = {_LONGEST})"
    )


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
