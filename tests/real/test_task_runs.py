"""The task runs that `airlock learn` joins with logs, asked of a real Airflow: by its REST API, and from its metadata."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.learn.runs import read_runs
from test_airflow_starts import ask

DAGS = """
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

with DAG("finance_daily", schedule=None):
    PythonOperator(task_id="extract", python_callable=print) >> PythonOperator(task_id="load", python_callable=print)
"""
TABLE = (
    "SELECT task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, hostname FROM task_instance"
)
DUMP = f"""
import csv, os, sqlite3, sys
rows = sqlite3.connect(os.environ["AIRFLOW_HOME"] + "/airflow.db").execute({TABLE!r})
out = csv.writer(sys.stdout)
out.writerow([one[0] for one in rows.description])
out.writerows(rows)
"""


def test_runs_of_a_real_airflow_are_the_same_by_its_api_and_from_its_table(airflow_server, tmp_path: Path) -> None:
    airflow = airflow_server(dags={"runs.py": DAGS})
    person = ["--username", "joe", "--password", "of-the-test-alone", "--role", "Admin"]
    airflow.run("-m", "airflow", "users", "create", *person, "--email", "joe@bank.example", "--firstname", "J", "--lastname", "B")
    begun = datetime.now(UTC) - timedelta(minutes=1)
    airflow.run("-m", "airflow", "dags", "test", "finance_daily", "2026-11-20")
    until = datetime.now(UTC) + timedelta(minutes=1)

    _, token = ask(f"{airflow.url}/auth/token", data={"username": "joe", "password": "of-the-test-alone"})
    by_api = read_runs(f"finance={airflow.url}", since=begun, until=until, token=token["access_token"])
    assert {(one.environment, one.dag_id, one.task_id) for one in by_api} == {
        ("finance", "finance_daily", "extract"),
        ("finance", "finance_daily", "load"),
    }
    assert all(begun < one.start < until and one.end and one.hostname for one in by_api)

    dump = tmp_path / "task_instance.csv"
    dump.write_text(airflow.run("-c", DUMP))
    assert len(list(csv.DictReader(io.StringIO(dump.read_text())))) == 2
    assert sorted(read_runs(f"finance={dump}", since=begun, until=until)) == sorted(by_api)
    assert read_runs(str(dump), since=begun - timedelta(days=2), until=begun) == []

    with pytest.raises(InputError, match="answers 401: give a token"):
        read_runs(airflow.url, since=begun, until=until)
