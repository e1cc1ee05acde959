"""Task runs from dumps of Airflow's metadata, and from a server that answers as its REST API does (a real one: tests/real)."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.learn.runs import TaskRun, address_in_name, placed, read_runs, worker_of

SINCE, UNTIL = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
HOST = "ip-10-40-0-11.eu-central-1.compute.internal"
CSV = f"""task_id,dag_id,run_id,map_index,start_date,end_date,state,try_number,hostname
load,finance_daily,scheduled__1,-1,2026-11-20 02:00:00.123456+00:00,2026-11-20 02:05:00+00,success,1,{HOST}
load,finance_daily,scheduled__2,-1,2026-11-22 02:00:00+00:00,2026-11-22 02:05:00+00:00,success,1,{HOST}
wait,finance_daily,scheduled__1,-1,,,scheduled,0,
sensor,finance_daily,scheduled__1,-1,2026-11-20 03:00:00,,running,1,10.40.0.12
"""
FOUND = [
    TaskRun(
        "", "finance_daily", "load", datetime(2026, 11, 20, 2, 0, 0, 123456, UTC), datetime(2026, 11, 20, 2, 5, tzinfo=UTC), HOST
    ),
    TaskRun("", "finance_daily", "sensor", datetime(2026, 11, 20, 3, tzinfo=UTC), None, "10.40.0.12"),
]


def test_an_export_of_the_table_has_what_ran_in_the_time_of_the_logs(tmp_path: Path) -> None:
    file = tmp_path / "task_instance.csv"
    file.write_text(CSV)
    assert read_runs(str(file), since=SINCE, until=UNTIL) == FOUND
    named = read_runs(f"finance={file}", since=SINCE, until=UNTIL)
    assert [one.environment for one in named] == ["finance", "finance"]
    head, *rows = [line.split(",") for line in CSV.splitlines()]
    file.write_text("\n".join(json.dumps(dict(zip(head, row, strict=True))) for row in rows))
    assert read_runs(str(file), since=SINCE, until=UNTIL) == FOUND
    file.write_text(json.dumps([dict(zip(head, row, strict=True)) for row in rows]))
    assert read_runs(str(file), since=SINCE, until=UNTIL) == FOUND


def test_everything_wrong_with_a_dump_is_told_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "task_instance.csv"
    file.write_text("dag_id,task_id,start_date,hostname\na,b,yesterday,h\na,b,2026-11-20,h\na,b,tomorrow,h\n")
    with pytest.raises(InputError) as wrong:
        read_runs(str(file), since=SINCE, until=UNTIL)
    assert str(wrong.value).splitlines() == [
        f'{file}:2: start_date is no instant: "yesterday"',
        f'{file}:4: start_date is no instant: "tomorrow"',
    ]
    file.write_text("dag,task\na,b\n")
    with pytest.raises(InputError, match="has no dag_id, task_id, start_date, hostname"):
        read_runs(str(file), since=SINCE, until=UNTIL)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_runs(str(tmp_path / "none.csv"), since=SINCE, until=UNTIL)


@pytest.fixture
def api() -> Iterator[str]:
    """Airflow 2.11's API: v1 alone, two runs a page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if self.headers["Authorization"] != "Bearer of-the-test":
                self.send_error(401)
            elif url.path != "/api/v1/dags/~/dagRuns/~/taskInstances":
                self.send_error(404)
            else:
                offset = int(parse_qs(url.query)["offset"][0])
                row = {
                    "dag_id": "d",
                    "task_id": "t",
                    "start_date": "2026-11-20T01:00:00+00:00",
                    "end_date": None,
                    "hostname": "h",
                }
                rows = [{**row, "task_id": f"t{number}"} for number in range(offset, min(offset + 2, 5))]
                body = json.dumps({"task_instances": rows, "total_entries": 5}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_page_of_an_older_airflow_is_asked_for(api: str) -> None:
    found = read_runs(f"risk={api}/", since=SINCE, until=UNTIL, token="of-the-test")
    assert [(one.environment, one.task_id) for one in found] == [("risk", f"t{number}") for number in range(5)]
    with pytest.raises(InputError, match="answers 401: give a token"):
        read_runs(api, since=SINCE, until=UNTIL)


def test_workers_are_found_by_their_names_or_as_told() -> None:
    assert [address_in_name(one) for one in (HOST, "10.40.0.7", "2001:DB8::7", "airflow-worker-0", "ip-10-40-0-300.x")] == [
        "10.40.0.11",
        "10.40.0.7",
        "2001:db8::7",
        "",
        "",
    ]
    runs = [one._replace(hostname=name) for one in FOUND[:1] for name in (HOST, "airflow-worker-0", "elsewhere")]
    found, lost = placed(runs, [worker_of("airflow-worker-*=10.2.0.0/24")])
    assert [place for _, place in found] == ["10.40.0.11", "10.2.0.0/24"]
    assert lost == ["elsewhere"]
