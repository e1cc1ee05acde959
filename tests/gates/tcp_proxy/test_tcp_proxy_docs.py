"""The snippets of the page run as they stand there, with what they leave open filled in."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.gates.tcp_proxy import Settings, TcpProxy, compile_proxy, read
from pulumi_airlock.gates.tcp_proxy.log import tunnels
from ruamel.yaml import YAML
from tcp_proxy_program import AUTHORITY, PODS, SECRET

PAGE = (Path(__file__).parents[3] / "docs" / "gates" / "tcp-proxy.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(FILE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ACCESS = Access.model_validate(YAML(typ="safe", pure=True).load(FILE))
GIVEN: dict[str, Any] = {
    "access": ACCESS,
    "cluster_arn": "arn:aws:ecs:eu-central-1:111122223333:cluster/airlock",
    "vpc_id": "vpc-1",
    "subnets": ["subnet-1", "subnet-2"],
    "certificate_arn": f"{SECRET}certificate",
    "key_arn": f"{SECRET}key",
    "authority_pem": AUTHORITY,
    "airflow_security_group_id": "sg-1",
    "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/1",
}


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_page_composes_a_proxy(number: int) -> None:
    found = dict(GIVEN)
    stack = Stack(run(lambda: exec(PYTHON[number], found)))  # noqa: S102
    made = next(one for one in found.values() if isinstance(one, TcpProxy))
    assert [one.authority for one in made.plan.targets] == ["warehouse.corp.example:5432"]
    (filter_,) = read(stack)
    assert filter_.gate == "tcp-proxy"


def test_the_page_names_what_the_log_has() -> None:
    plan = compile_proxy(ACCESS, "tcp-proxy", [PODS], date(2026, 11, 26))
    line = tunnels(plan, Settings())[0]["typed_config"]["log_format"]["json_format"]
    section = PAGE.partition("## The log")[2].partition("## ")[0]
    for name in re.findall(r"`([a-z_]+)`", section):
        assert name in line or name in ("close", "refused")
