"""One provider for each module: what is made in it stays made, as in one update."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `engine_side`
from engine_side import Package

ACCOUNT = """\
functions:
  - {token: "aws:index/getCallerIdentity:getCallerIdentity", result: {accountId: "123456789012"}}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """In a folder of its own, as in that of the program."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "fixtures.yaml").write_text(ACCOUNT)
    (folder / "dags").mkdir()
    (folder / "dags" / "ledger.py").write_text("from airflow import DAG\n")
    with Package(folder) as running:
        yield running
