"""Task runs of Airflow: from a dump of its metadata, or from its REST API.

Facts: Airflow 2.11 and 3: table `task_instance` (and `task_instance_history`, with earlier tries) with `dag_id`, `task_id`,
`start_date`, `end_date`, `hostname`; REST API v2, "Get Task Instances" (`/dags/~/dagRuns/~/taskInstances`, at most 100 a page
unless `[api] maximum_page_limit` says otherwise), and v1 of 2.11, which has the same. A worker is called by its host: in AWS
`ip-10-0-0-1.…`, elsewhere whatever `[core] hostname_callable` says.
"""

import csv
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from ..access.errors import quoted
from ..access.values import IPNetwork, parse_cidr
from ..errors import InputError, Problem, Problems
from ..logs.connection import address_of
from ..unreadable import why

PAGE = 100
_MOST = 20
"""Problems of one file that are told."""
_NEEDED = ("dag_id", "task_id", "start_date", "hostname")
_OF_AWS = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(\.|$)", re.ASCII)
_PATHS = ("/api/v2", "/api/v1")


class TaskRun(NamedTuple):
    """One try of a task, and where it ran."""

    environment: str
    """As the access file calls it; empty where there is one."""
    dag_id: str
    task_id: str
    start: datetime
    end: datetime | None
    """None: it still ran."""
    hostname: str


@dataclass(frozen=True, slots=True)
class Worker:
    """Which addresses a worker has, where its name does not say: `airflow-worker-*=10.2.0.0/24`."""

    hostname: str
    """A glob."""
    network: IPNetwork


def worker_of(text: str) -> Worker:
    """What `--worker` says. ValueError where it is not `NAME=ADDRESS` or `NAME=CIDR`."""
    name, equals, address = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{quoted(text)}: write NAME=ADDRESS or NAME=CIDR, as in airflow-worker-0=10.2.0.7 or '*=10.2.0.0/24'")
    if "/" not in address:
        address = f"{address}/{128 if ':' in address else 32}"
    return Worker(name, parse_cidr(address))


def address_in_name(hostname: str) -> str:
    """The address that a host's name is, or has in it; empty where it has none."""
    found = _OF_AWS.match(hostname)
    try:
        return address_of(".".join(found.groups()[:4]) if found else hostname, "hostname")
    except ValueError:
        return ""


def read_runs(source: str, *, since: datetime, until: datetime, token: str = "") -> list[TaskRun]:
    """The task runs of a source, `[ENVIRONMENT=]FILE` or `[ENVIRONMENT=]URL`.

    A file is CSV with a head, or JSON: a list, one object a line, or an answer of the API. Of an API only runs between `since`
    and `until` are asked for; `token` authenticates. InputError, with every problem, where it cannot be read.
    """
    environment, place = _split(source)
    _require_no_password(place)
    problems, found = Problems(place), list[TaskRun]()
    for number, row in _rows(place, since, until, token):
        try:
            one = _run(environment, row)
        except ValueError as error:
            if len(problems) < _MOST:
                problems.add("", str(error), f"{place}:{number}" if number else place)
            if isinstance(error, _OtherColumnsError):
                break  # of every row
            continue
        if one is not None and one.start <= until and (one.end is None or one.end >= since):
            found.append(one)
    problems.raise_any()
    return found


class _OtherColumnsError(ValueError):
    """It is another table."""


def _rows(place: str, since: datetime, until: datetime, token: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        yield from _fetched(place, since, until, token) if _is_url(place) else _in_file(Path(place))
    except InputError:
        raise
    except ValueError as error:
        raise InputError([Problem(place, "", str(error))]) from None


def check_runs(sources: Iterable[str]) -> None:
    """InputError, with every one of them, where files are not there."""
    places = (_split(one)[1] for one in sources)
    gone = [one for one in places if not _is_url(one) and not Path(one).is_file()]
    if gone:
        raise InputError(
            [Problem(one, "", "is no file: give a dump of task_instance, or the URL of Airflow's API") for one in gone]
        )


def _split(source: str) -> tuple[str, str]:
    before, equals, after = source.partition("=")
    named = bool(equals) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", before) is not None and not Path(source).exists()
    return (before, after) if named else ("", source)


def _is_url(place: str) -> bool:
    return place.startswith(("https://", "http://"))


def _require_no_password(place: str) -> None:
    """InputError, which does not repeat it, where a URL has a user or a password in it."""
    scheme, separator, rest = place.partition("://")
    authority, slash, path = rest.partition("/")
    if _is_url(place) and "@" in authority:
        shown = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
        message = "has a user or a password in it: leave that out, and put a token into the variable of --token-env"
        raise InputError([Problem(shown, "", message)])


def _run(environment: str, row: Mapping[str, Any]) -> TaskRun | None:
    """A row of the table, or an object of the API; None where it has not started."""
    missing = [one for one in _NEEDED if one not in row]
    if missing:
        raise _OtherColumnsError(f"has no {', '.join(missing)}: give the columns of Airflow's table task_instance")
    start = _instant(row["start_date"], "start_date")
    if start is None:
        return None
    end = _instant(row.get("end_date"), "end_date")
    hostname = str(row["hostname"] or "")
    return TaskRun(environment, str(row["dag_id"]), str(row["task_id"]), start, end, hostname)


def _instant(value: Any, column: str) -> datetime | None:
    if value in (None, "", "NULL", "\\N"):
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{column} is no instant: {quoted(str(value))}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # Airflow keeps UTC; SQLite without saying so


def _in_file(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            begin = file.read(1)
            file.seek(0)
            if begin in ("{", "["):
                yield from _in_json(path, file.read())
            else:
                yield from enumerate(csv.DictReader(file), 2)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(str(path), "", why(error))]) from None
    except csv.Error as error:
        raise InputError([Problem(str(path), "", f"is no CSV: {error}")]) from None


def _in_json(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and lines[0][1].rstrip().endswith("}"):
        yield from ((number, _mapping(_parsed(line, f"{path}:{number}"))) for number, line in lines)
        return
    document = _parsed(text, str(path))
    rows = document.get("task_instances", [document]) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise InputError([Problem(str(path), "task_instances", "is no list of task runs")])
    yield from ((0, _mapping(row)) for row in rows)


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(place, "", f"is not JSON: {error}")]) from None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"a task run is no object: {quoted(value)}")
    return value


# --- the REST API


def _fetched(url: str, since: datetime, until: datetime, token: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every page, of the newest API that the server has."""
    base = url.rstrip("/")
    problem = ""
    for path in _PATHS:
        try:
            yield from _pages(f"{base}{path}/dags/~/dagRuns/~/taskInstances", since, until, token)
        except urllib.error.HTTPError as error:
            problem = _refused(error)
            if error.code != 404:
                break
        except (OSError, ValueError, http.client.HTTPException) as error:
            problem = f"cannot be asked: {getattr(error, 'reason', error)}"
            break
        else:
            return
    raise InputError([Problem(url, "", problem)])


def _refused(error: urllib.error.HTTPError) -> str:
    if error.code in (401, 403):
        return f"answers {error.code}: give a token of somebody who may read task instances in the variable of --token-env"
    if error.code == 404:
        return "answers 404: it has no REST API of Airflow; give its base URL, without /api"
    return f"answers {error.code} {error.reason}"


def _pages(url: str, since: datetime, until: datetime, token: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    offset, total = 0, 1
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    while offset < total:
        asked = {"limit": PAGE, "offset": offset, "start_date_lte": _written(until), "end_date_gte": _written(since)}
        request = urllib.request.Request(f"{url}?{urllib.parse.urlencode(asked)}", headers=headers)  # noqa: S310  # http and https alone
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            document = json.load(answer)
        rows = document.get("task_instances") if isinstance(document, dict) else None
        if not isinstance(rows, list):
            raise ValueError("an answer without task_instances")
        yield from ((0, _mapping(row)) for row in rows)
        if not rows:
            return
        offset, total = offset + len(rows), int(document.get("total_entries", 0))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def placed(runs: Iterable[TaskRun], workers: Sequence[Worker]) -> tuple[list[tuple[TaskRun, str]], list[str]]:
    """Runs with the address or network of their worker, and the names of workers of which neither is known."""
    known: dict[str, str] = {}
    found = []
    for run in runs:
        if run.hostname not in known:
            given = next((str(one.network) for one in workers if fnmatchcase(run.hostname, one.hostname)), "")
            known[run.hostname] = given or address_in_name(run.hostname)
        if known[run.hostname]:
            found.append((run, known[run.hostname]))
    return found, sorted(name for name, address in known.items() if not address)
