"""The fixture's Airflow: configured as told, and people get what FAB gives them."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

DAGS = """
from airflow.sdk import DAG

with DAG("ledger_close", schedule=None, access_control={"finance": {"can_read"}}):
    pass
with DAG("var_daily", schedule=None):
    pass
"""
ROLES = [{"name": "finance", "resource": "Website", "action": "can_read"}]


def ask(url: str, token: str = "", data: dict[str, str] | None = None) -> tuple[int, dict]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(data).encode() if data else None, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def test_dags_roles_and_people_are_there(airflow_server) -> None:
    airflow = airflow_server(dags={"bank.py": DAGS}, roles=ROLES)
    person = {"username": "ann", "password": "of-the-test-alone"}
    made = ["--email", "ann@bank.example", "--firstname", "A", "--lastname", "B", "--role", "finance"]
    airflow.run("-m", "airflow", "users", "create", "--username", person["username"], "--password", person["password"], *made)
    assert ask(f"{airflow.url}/api/v2/dags")[0] == 401
    status, token = ask(f"{airflow.url}/auth/token", data=person)
    assert status == 201, token
    status, seen = ask(f"{airflow.url}/api/v2/dags?{urlencode({'limit': 10})}", token["access_token"])
    assert (status, [one["dag_id"] for one in seen["dags"]]) == (200, ["ledger_close"])
    assert ask(f"{airflow.url}/api/v2/variables", token["access_token"])[0] == 403


def test_the_same_configuration_is_the_same_server(airflow_server) -> None:
    assert airflow_server(dags={"bank.py": DAGS}, roles=ROLES).port == airflow_server(dags={"bank.py": DAGS}, roles=ROLES).port


def test_a_configuration_that_airflow_does_not_take_says_why(airflow_server) -> None:
    with pytest.raises(RuntimeError, match="invalid syntax"):
        airflow_server(webserver_config="this is no Python\n")
