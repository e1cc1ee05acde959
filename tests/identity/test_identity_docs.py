"""The page's snippet runs as it stands there, with what it leaves open filled in."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from identity_helpers import access, execution_role, of_type, run
from pulumi_airlock.identity.findings import Kind, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")


def only_finance(document: dict[str, Any]) -> None:
    document["principals"] = [one for one in document["principals"] if one["name"] in ("ledger-close", "controllers")]
    document["destinations"][1]["name"] = "airflow-ui"
    document["destinations"].pop()
    document["routes"] = [
        document["routes"][0],
        {"name": "ui", "from": ["controllers"], "to": ["airflow-ui"], "reason": "T-2"},
    ]


def test_the_component_as_documented() -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]

    def program() -> None:
        known = {"access": access(change=only_finance), "finance": SimpleNamespace(execution_role_arn=execution_role("finance"))}
        exec(code.replace('owner="', 'account_id="123456789012", region="eu-central-1", owner="'), known)  # noqa: S102

    stack = run(program)
    roles = {one.get("name") for one in of_type(stack, "iam/role:Role").values()}
    assert roles == {"airflow-ledger-close", "airflow-finance-finance"}


def test_every_kind_of_finding_has_a_row_that_says_whether_it_fails() -> None:
    rows = dict(re.findall(r"^\| ([a-z, ]+) \| (yes|no) \|", PAGE, re.MULTILINE))
    documented = {name.strip(): fails for names, fails in rows.items() for name in re.split(r", (?=narrower)", names)}
    documented["wider than declared"] = documented.pop("wider")
    assert set(documented) == {one.value for one in Kind}
    assert {one.value for one in Severity} == {"error", "warning"}
