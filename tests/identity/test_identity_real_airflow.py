"""The artifacts in a real Airflow: `airflow roles import`, the cluster policy as a plugin, and what the auth manager then allows.

Airflow does not install beside the library's own dependencies: `make parts` gives it an environment of its own, and
`AIRFLOW_PYTHON` names the Python of another, with apache-airflow 3 and apache-airflow-providers-fab.
"""

import io
import json
import os
import subprocess
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from identity_helpers import WEB_SERVERS, access
from pulumi_airlock.identity import Place, dag_permissions, plan_identity, policy_wheel, roles_to_import

PARTS = Path(__file__).parents[2] / ".venv-airflow" / "bin" / "python"
PYTHON = os.environ.get("AIRFLOW_PYTHON") or (str(PARTS) if PARTS.exists() else "")
DAGS = ("ledger_close", "finreport_daily", "var_daily")
PLAN = plan_identity(access(), Place(environments=("finance", "risk"), web_servers=WEB_SERVERS))

pytestmark = pytest.mark.skipif(not PYTHON, reason="no Airflow here: `make parts` installs it")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AIRFLOW_HOME."""
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="module")
def airflow(home: Path):
    """Runs a Python command in an Airflow with the DAGs, the policy and the roles. Nothing here changes any of them."""
    (home / "dags").mkdir()
    (home / "dags" / "bank.py").write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.empty import EmptyOperator\n"
        f"for name in {DAGS!r}:\n"
        # An author who gives everybody a DAG of theirs.
        "    with DAG(name, schedule=None, access_control={'Viewer': {'can_edit'}, 'Public': {'can_read'}}) as dag:\n"
        "        EmptyOperator(task_id='load')\n"
        "    globals()[name] = dag\n"
    )
    with zipfile.ZipFile(io.BytesIO(policy_wheel(dag_permissions(PLAN.roles))[1])) as wheel:
        wheel.extractall(home / "site")
    (home / "roles.json").write_text(json.dumps(roles_to_import(PLAN.roles)))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(home / "site"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run([PYTHON, *arguments], env=environment, cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "airflow", "db", "migrate")
    run("-m", "airflow", "roles", "import", "roles.json")
    run("-m", "airflow", "dags", "reserialize")
    return run


def test_members_may_do_what_is_declared_and_nothing_else(airflow) -> None:
    said = json.loads(airflow(str(Path(__file__).with_name("ask_airflow.py")), "finance", *DAGS).splitlines()[-1])
    role = next(one for one in PLAN.roles if one.name == "finance")
    for dag in DAGS:
        declared = {action for glob, actions in role.dags.items() if fnmatchcase(dag, glob) for action in actions}
        assert set(said[dag]["actions"]) == declared
        assert said[dag]["trigger"] == ("can_edit" in declared)
        assert said[dag]["logs"] == ("can_read" in declared)


def test_what_was_imported_is_exported_again(airflow, home: Path) -> None:
    airflow("-m", "airflow", "roles", "export", "again.json")

    def pairs(entries: list[dict[str, str]]) -> set[tuple[str, str, str]]:
        found = {(one["name"], one["resource"], action) for one in entries for action in one["action"].split(",")}
        return {one for one in found if not one[1].startswith("DAG:")}

    assert pairs(json.loads((home / "again.json").read_text())) == pairs(roles_to_import(PLAN.roles))
