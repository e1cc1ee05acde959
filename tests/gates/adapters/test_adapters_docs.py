"""The page's snippets run as they stand there, and are proven to be the page's routes."""

import re
from pathlib import Path
from typing import Any

from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.gates.adapters import read
from pulumi_airlock.gates.stack import Stack
from ruamel.yaml import YAML

PAGE = (Path(__file__).parents[3] / "docs" / "gates" / "bring-your-own.md").read_text(encoding="utf-8")


def test_the_page_composes_a_proxy() -> None:
    (file,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    given: dict[str, Any] = {"access": Access.model_validate(YAML(typ="safe", pure=True).load(file))}
    first, second = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (found,) = read(Stack(run(lambda: exec(first, given))))  # noqa: S102
    assert [(str(one.match.hosts), one.match.who.workloads) for one in found.rules] == [
        ("warehouse.corp.example", frozenset({"airflow/etl"}))
    ]
    exec(second, given)  # noqa: S102
    assert not [*given["boundary"].wrong(), *given["hoop"].wrong()]
