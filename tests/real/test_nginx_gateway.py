"""The compiled gateway before a real Airflow: roles by groups, forged headers, the execution API, and who said a 403.

nginx, Airflow and `webserver_config.py` are the real ones; oauth2-proxy is a stub that answers as it does.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from nginx_parts import SECRET, Running, SignIn, certificate, free_port, running, serving
from nginx_program import ACCESS, TODAY
from pulumi_airlock.gates.nginx import Upstream, airflow_side
from pulumi_airlock.gates.nginx.compile import compile_gateway
from pulumi_airlock.gates.nginx.config import REQUIRED_FIELDS, Place, nginx_conf
from pulumi_airlock.identity.airflow import roles_to_import
from pulumi_airlock.logs.answer import Speaker, read_answer, verdicts
from real_parts import NGINX, needed

FINANCE, PLATFORM = "airflow-finance", "airflow/platform team"
DAGS = """
from airflow.sdk import DAG

with DAG("finance_close", schedule=None, access_control={"finance": {"can_read"}}):
    pass
with DAG("risk_daily", schedule=None):
    pass
"""


@pytest.fixture(scope="module")
def airflow(airflow_server: Any) -> Any:
    side = airflow_side(ACCESS, "nginx", "airflow", today=TODAY)
    settings = {
        f"AIRFLOW__{section.upper()}__{option.upper()}": value
        for section, options in side.settings.items()
        for option, value in options.items()
    }
    return airflow_server(
        webserver_config=side.webserver_config,
        environment={**settings, side.variable: SECRET},
        dags={"bank.py": DAGS},
        roles=roles_to_import(ACCESS.roles),
    )


@pytest.fixture(scope="module")
def gateway(airflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    needed(NGINX, "nginx")
    folder = tmp_path_factory.mktemp("gateway")
    certificate(folder, "airflow.bank.example", "risk.bank.example")
    (folder / "secret.map").write_text(f'default "{SECRET}";\n')
    upstream = Upstream("127.0.0.1", airflow.port)
    plan = compile_gateway(ACCESS, "nginx", "airflow", {"airflow": upstream, "risk": upstream}, TODAY)
    with serving(SignIn) as sign_in:
        place = Place(str(folder), str(folder / "secret.map"), str(folder), (free_port(), free_port(), free_port()))
        with running(nginx_conf(plan, f"127.0.0.1:{sign_in}", place), folder, place.ports[0]) as found:
            yield found


def signed_in(gateway: Running, email: str, groups: str, headers: dict[str, str] | None = None) -> str:
    """The token that Airflow gives a browser that goes to its login page; empty where it gives none."""
    answer = gateway.ask("/api/v2/auth/login", groups, email=email, headers=headers)
    assert answer.status == 307, answer.body
    url = urlsplit(answer.headers["location"])
    answer = gateway.ask(url.path + (f"?{url.query}" if url.query else ""), groups, email=email, headers=headers)
    assert answer.status == 302
    return str(answer.cookies.get("_token", ""))


def asked(gateway: Running, path: str, email: str, groups: str, token: str, method: str = "GET") -> Any:
    return gateway.ask(path, groups, method, email=email, headers={"Authorization": f"Bearer {token}"})


ROLES = """
SELECT ab_role.name FROM ab_user
JOIN ab_user_role ON ab_user_role.user_id = ab_user.id JOIN ab_role ON ab_role.id = ab_user_role.role_id
WHERE ab_user.username = ?
"""


def roles_of(airflow: Any, email: str) -> set[str]:
    """As Airflow's database has them."""
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database:
        return {name for (name,) in database.execute(ROLES, (email,))}


def test_groups_become_roles(gateway: Running, airflow: Any) -> None:
    token = signed_in(gateway, "ann@bank.example", FINANCE)
    assert roles_of(airflow, "ann@bank.example") == {"finance", "Viewer"}
    assert asked(gateway, "/api/v2/dags", "ann@bank.example", FINANCE, token).status == 200
    refused = asked(gateway, "/api/v2/connections", "ann@bank.example", FINANCE, token)
    assert refused.status == 403
    operator = signed_in(gateway, "root@bank.example", PLATFORM)
    assert roles_of(airflow, "root@bank.example") == {"Admin"}
    assert asked(gateway, "/api/v2/connections", "root@bank.example", PLATFORM, operator).status == 200


def test_a_403_of_airflow_is_told_from_one_of_the_gateway(gateway: Running) -> None:
    token = signed_in(gateway, "ann@bank.example", FINANCE)
    asked(gateway, "/api/v2/variables", "ann@bank.example", FINANCE, token)
    line = gateway.last_line("/api/v2/variables")
    assert (line["status"], line["upstream_status"]) == ("403", "403")
    assert [one.speaker for one in verdicts(read_answer(json.dumps(line)))] == [Speaker.AIRFLOW]
    answer = gateway.ask("/api/v2/dagTags", "strangers", email="eve@bank.example")
    assert answer.status == 403
    line = gateway.last_line("/api/v2/dagTags")
    assert (line["status"], line["upstream_status"]) == ("403", "")
    assert [one.speaker for one in verdicts(read_answer(json.dumps(line)))] == [Speaker.GATEWAY]
    assert set(REQUIRED_FIELDS) <= line.keys()


def test_roles_follow_the_groups_at_every_sign_in(gateway: Running, airflow: Any) -> None:
    signed_in(gateway, "moved@bank.example", PLATFORM)
    assert roles_of(airflow, "moved@bank.example") == {"Admin"}
    assert signed_in(gateway, "moved@bank.example", FINANCE)
    assert roles_of(airflow, "moved@bank.example") == {"finance", "Viewer"}


def test_forged_headers_get_nothing_through_the_gateway(gateway: Running, airflow: Any) -> None:
    forged = {"X-Auth-Request-Email": "boss@bank.example", "X-Auth-Request-Groups": PLATFORM, "X_Auth_Request_Groups": PLATFORM}
    assert signed_in(gateway, "bob@bank.example", FINANCE, forged)
    assert roles_of(airflow, "boss@bank.example") == set()
    assert roles_of(airflow, "bob@bank.example") == {"finance", "Viewer"}


@pytest.mark.parametrize("secret", [None, "", "0" * 32, SECRET[:-1], SECRET + "0"])
def test_forged_headers_get_nothing_around_the_gateway(airflow: Any, secret: str | None) -> None:
    direct = Running(airflow.port, Path(), tls=False)
    headers = {"X-Auth-Request-Email": "boss@bank.example", "X-Auth-Request-Groups": PLATFORM}
    if secret is not None:
        headers["X-Airlock-Gateway"] = secret
    answer = direct.ask("/auth/login/", host=f"127.0.0.1:{airflow.port}", headers=headers)
    assert "_token" not in answer.cookies
    assert roles_of(airflow, "boss@bank.example") == set()


def test_with_the_secret_the_same_request_signs_in(airflow: Any) -> None:
    # So that the test above fails for the right reason.
    direct = Running(airflow.port, Path(), tls=False)
    headers = {"X-Auth-Request-Email": "way@bank.example", "X-Auth-Request-Groups": FINANCE, "X-Airlock-Gateway": SECRET}
    answer = direct.ask("/auth/login/", host=f"127.0.0.1:{airflow.port}", headers=headers)
    assert answer.cookies["_token"]


@pytest.mark.parametrize("path", ["/execution/health", "//execution/health", "/%65xecution/health", "/execution%2fhealth"])
def test_the_execution_api_is_hidden_and_was_there(gateway: Running, airflow: Any, path: str) -> None:
    direct = Running(airflow.port, Path(), tls=False)
    assert direct.ask("/execution/health", host=f"127.0.0.1:{airflow.port}").status == 200
    assert gateway.ask(path, PLATFORM).status == 404
    assert gateway.ask("/dags/../execution/health", PLATFORM).status == 400


def test_tokens_are_short(gateway: Running) -> None:
    import base64

    token = signed_in(gateway, "ann@bank.example", FINANCE)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] <= 1800
