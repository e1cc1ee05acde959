"""Makes anew what pages show, where no command beside it says how: `<!-- shown: name -->` names a function of this module."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from doc_blocks import ROOT, blocks
from doc_reader import Reader, repository
from pulumi_airlock.errors import AirlockError
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session

AT = "2026-11-21T09:00Z"
ACCESS = "stacks/access/prod-mwaa.yaml"


def a_pull_request(desk: Reader) -> str:
    """docs/diff.md: a branch with three changes to the access file."""

    def change(folder: Path) -> None:
        file = folder / ACCESS
        text = file.read_text()
        hours, session = '"{}", to: "04:00", timezone: Europe/Zurich}}', "\n    session: 1h"
        names = "  - {name: risk-names,"
        reporting = "  - {name: risk-reporting, from: [var-engine], to: [reporting-db], reason: RISK-9}\n"
        for old, new in (
            (hours.format("22:00") + session, hours.format("20:00") + session),
            ("  - {name: finance-mail,", "  # "),
            (names, reporting + names),
        ):
            assert old in text
            text = text.replace(old, new, 1)
        file.write_text(text)

    with tempfile.TemporaryDirectory() as folder:
        return Reader(repository(Path(folder), change)).run(f"airlock diff HEAD~1 HEAD --stack prod-mwaa --at {AT}").text


def declared_and_refused(desk: Reader) -> str:
    """docs/explain.md: the FortiGate's policy of a declared route is gone."""
    document = json.loads((desk.folder / "preview.json").read_text())
    document["steps"] = [one for one in document["steps"] if not one["urn"].endswith("::fortigate-finance-vault")]
    (desk.folder / "without.json").write_text(json.dumps(document))
    return desk.run("airlock explain ledger-close vault --from without.json --at 2026-11-23T12:00+01:00").text


def forbidden(desk: Reader) -> str:
    """docs/explain.md: what Airflow's API answers to somebody without a permission on the DAG, as `curl -i` prints it."""
    answer = "HTTP/2 403\ncontent-type: application/json\n\n" + json.dumps({"detail": "Forbidden"}, separators=(",", ":"))
    (desk.folder / "answer.txt").write_text(answer)
    return desk.run("airlock explain --from-response answer.txt").text


def mwaa_refusals(desk: Reader) -> str:
    """docs/environments/mwaa.md: its program with four mistakes."""
    return _refused(
        "docs/environments/mwaa.md",
        ("max_workers=10", "max_workers=26"),
        ('"10.60.1.128/25"', '"10.60.0.0/26"'),
        ('dags="dags"', 'dags="dags", requirements="requirements.txt"'),
        (
            "    maintenance_window_start=",
            '    airflow_options={"smtp.smtp_password": "hunter2"},\n    maintenance_window_start=',
        ),
        files={"requirements.txt": "--index-url https://pypi.bank.example/simple\npandas\napache-airflow==2.9.2\n"},
    )


def composer_refusals(desk: Reader) -> str:
    """docs/environments/composer.md: its program with three mistakes."""
    return _refused(
        "docs/environments/composer.md",
        ('subnetwork_cidr="10.70.0.0/26"', 'subnetwork_cidr="10.70.0.0/26", pod_cidr="10.71.0.0/21"'),
        ("cpu=2, memory_gb=8", "cpu=4, memory_gb=40"),
        ("    ui_cidrs=", '    maintenance=Maintenance(days=("SA", "SU"), start="02:00", hours=4),\n    ui_cidrs='),
        ("import ComposerEnvironment", "import Maintenance, ComposerEnvironment"),
    )


def refused_connection(desk: Reader) -> str:
    """docs/provider.md: what a task is told that has no route, by the page's own manifest, at a proxy that knows its rules."""
    from datetime import UTC, datetime

    from airlock_provider import broker
    from airlock_provider.audit import TaskRun
    from airlock_provider.decide import Refused, decide
    from airlock_provider.manifest import parse
    from pulumi_airlock.access.manifest import ProxyRule

    (program,) = [one.text for one in blocks("docs/provider.md") if one.language == "python"]
    known: dict[str, Any] = {"RULES": {"ledger.corp.example:5432": ProxyRule("deny-ledger-db-5432", "allow-ledger-db-5432")}}
    exec(program.replace('("datacenter",))', '("datacenter",), rules=RULES)'), known)  # noqa: S102  # the page's own
    who = TaskRun("finance", "marketing_daily", "load", "scheduled__2026-11-26T00:00:00+00:00")
    found = decide(parse(known["made"].text()), who, "ledger_db", datetime(2026, 11, 26, 22, tzinfo=UTC))
    assert isinstance(found, Refused)
    return str(broker.stop(broker._gets_none("ledger_db"), who, found.refusal))


def _refused(page: str, *changes: tuple[str, str], files: dict[str, str] | None = None) -> str:
    """What the first program of a page says with these mistakes in it."""
    text = next(one.text for one in blocks(page) if one.language == "python")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        for file, content in ({"Pulumi.yaml": "name: page\nruntime: python\n", "__main__.py": text} | (files or {})).items():
            (folder / file).write_text(content)
        (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-central-1\n")
        shutil.copytree(ROOT / "stacks" / "dags" / "finance", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "fixtures").mkdir()
        shutil.copy(ROOT / "stacks" / "fixtures" / "dev-mwaa.yaml", folder / "fixtures" / "dev.yaml")
        patch.chdir(folder)
        with Session(find_project(folder), "dev") as session, pytest.raises(AirlockError) as refused:
            session.preview()
    return str(refused.value)
