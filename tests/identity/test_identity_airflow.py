"""The artifacts for Airflow: executed, installed and read back as Airflow would."""

import importlib.metadata
import itertools
import json
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from identity_helpers import WEB_SERVERS, access
from pulumi_airlock.access import Role
from pulumi_airlock.identity import (
    Place,
    dag_permissions,
    plan_identity,
    policy_module,
    policy_wheel,
    roles_mapping,
    roles_to_import,
)

PLAN = plan_identity(access(), Place(environments=("finance", "risk"), web_servers=WEB_SERVERS))


def run_policy(source: str, dag_id: str, already: object = None) -> object:
    scope: dict[str, object] = {}
    exec(compile(source, "policy", "exec"), scope)  # noqa: S102
    dag = SimpleNamespace(dag_id=dag_id, access_control=already)
    scope["dag_policy"](dag)  # type: ignore[operator]
    return dag.access_control


def test_a_dag_gets_what_is_declared_and_its_author_cannot_widen_it() -> None:
    source = policy_module(dag_permissions(PLAN.roles))
    assert run_policy(source, "ledger_close") == {"finance": {"can_read", "can_edit"}}
    assert run_policy(source, "finreport_daily", {"Public": {"can_edit"}}) == {"finance": {"can_read"}}
    assert run_policy(source, "var_daily", {"finance": {"can_read"}}) == {}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a*", "*b", "a?", "[ab]*", "ab"]),
        st.lists(st.sampled_from(["can_read", "can_edit", "can_delete"]), max_size=3, unique=True),
        max_size=4,
    )
)
def test_the_policy_grants_what_the_globs_say(globs: dict[str, list[str]]) -> None:
    source = policy_module(dag_permissions([Role(name="it", dags=globs)]))
    for dag_id in map("".join, itertools.product("abc", repeat=2)):
        expected = {action for glob, actions in globs.items() if fnmatchcase(dag_id, glob) for action in actions}
        assert run_policy(source, dag_id) == ({"it": expected} if expected else {})


def test_roles_to_import_open_no_dag_by_themselves() -> None:
    imported = roles_to_import(PLAN.roles)
    # What `airflow roles import` reads: it stops at an entry without a resource or an action.
    assert all(set(one) == {"name", "resource", "action"} and all(one.values()) for one in imported)
    given = {(one["resource"], action) for one in imported for action in one["action"].split(",")}
    assert {one["name"] for one in imported} == {"finance"}
    assert not {action for resource, action in given if resource == "DAGs"} - {"menu_access"}
    assert ("DAG Runs", "can_create") in given
    assert not any(action == "can_delete" for _, action in given)
    assert "DAG Versions" in {one["resource"] for one in imported}
    assert "DAG Versions" not in {one["resource"] for one in roles_to_import(PLAN.roles, airflow_version="2.11.0")}


def test_members_of_a_group_get_its_role_and_its_base() -> None:
    assert roles_mapping(PLAN) == {
        "airflow-finance": ["finance", "Public"],
        "airflow-operators": ["Op"],
        "airflow-risk": ["Viewer"],
    }


def test_the_wheel_is_a_plugin_of_airflow_and_always_the_same(tmp_path: Path) -> None:
    permissions = dag_permissions(PLAN.roles)
    name, content = policy_wheel(permissions)
    assert policy_wheel(json.loads(json.dumps(permissions))) == (name, content)
    assert policy_wheel({"other": {"a*": ["can_read"]}})[0] != name
    file = tmp_path / name
    file.write_bytes(content)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "site")
    (found,) = importlib.metadata.Distribution.discover(path=[str(tmp_path / "site")])
    (point,) = found.entry_points
    assert (point.group, found.metadata["Name"]) == ("airflow.policy", "airlock-dag-policy")
    # Every file is in RECORD with its hash, as installers demand.
    assert found.files is not None
    recorded = {str(one): one.hash for one in found.files}
    assert all(recorded[one] is not None for one in recorded if not one.endswith("RECORD"))
    sys.path.insert(0, str(tmp_path / "site"))
    try:
        dag = SimpleNamespace(dag_id="ledger_close", access_control=None)
        point.load().dag_policy(dag)
    finally:
        sys.path.remove(str(tmp_path / "site"))
        sys.modules.pop("airlock_dag_policy", None)
    assert dag.access_control == {"finance": {"can_read", "can_edit"}}
