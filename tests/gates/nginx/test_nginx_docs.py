"""The snippets of the documentation run as they stand there, with what they leave open filled in."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
from in_process import run
from nginx_program import DOCUMENT
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import cluster_network
from pulumi_airlock.gates.nginx import read
from pulumi_airlock.gates.nginx.config import LOG_FIELDS
from pulumi_airlock.gates.stack import Stack
from ruamel.yaml import YAML

PAGE = (Path(__file__).parents[3] / "docs" / "gates" / "nginx.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(FILE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def access() -> Access:
    """What the page writes of the access file, with the principal that it names."""
    found = YAML(typ="safe", pure=True).load(FILE)
    people = {"name": "finance-analysts", "group": "airflow-finance", "role": "finance"}
    return Access.model_validate({**found, "roles": DOCUMENT["roles"], "principals": [people]})


def test_the_page_composes_a_gateway_and_airflows_side() -> None:
    network = cluster_network(
        access(),
        "finance",
        namespace="airflow",
        release="airflow",
        executor="KubernetesExecutor",
        database=Database(5432),
        pod_cidrs=(),
        gateway="nginx",
    )
    given: dict[str, Any] = {"access": access(), "airflow": SimpleNamespace(network=network)}
    given |= dict.fromkeys(("client_secret", "cookie_secret", "gateway_secret"), pulumi.Output.secret("0123456789abcdef" * 2))

    def program() -> None:
        for snippet in PYTHON:
            exec(snippet, given)  # noqa: S102

    stack = Stack(run(program))
    (found,) = read(stack)
    assert {group for rule in found.rules for group in rule.match.who.groups or ()} == {"airflow-finance"}
    assert given["gateway"].session == timedelta(hours=1)
    assert "airflow-finance" in given["side"].webserver_config
    assert given["side"].settings["api_auth"]["jwt_expiration_time"] == "1800"
    assert given["side"].settings["fab"]["session_lifetime_minutes"] == "60"
    assert len(PYTHON) == 2


def test_the_page_names_every_field_of_the_log() -> None:
    (line,) = [one for one in PAGE.splitlines() if one.startswith("Each line of the access log")]
    assert re.findall(r"`(\w+)`", line) == list(LOG_FIELDS)
