"""Airflow's side: the roles to import, who gets them by which group, and a cluster policy that sets permissions on single DAGs.

Three artifacts, all deterministic, none applied by Pulumi, which has no resource for them:
- `roles_to_import`: for `airflow roles import FILE` (FAB provider, `cli_commands/role_command.py`). It makes what is not there,
  and leaves a role of the same name as it is: a changed role has to be deleted first. Airflow 2 needs an
  `airflow sync-perm` before it, once: it knows no resources of its own until then.
- `roles_mapping`: `AUTH_ROLES_MAPPING` of a `webserver_config.py` with OAuth. MWAA has none: its web login gives a built-in role.
- `policy_module`: a `dag_policy` that gives each DAG its `access_control`. No DAG is changed. `policy_wheel` packs it for MWAA,
  which takes no `airflow_local_settings.py`, but loads the entry points `airflow.policy` of installed
  packages (Airflow 2.6 and later).
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..access.model import Role
from .plan import IdentityPlan

_SEE: Final = (
    ("Website", ("can_read",)),
    ("My Profile", ("can_read", "can_edit")),
    ("DAGs", ("menu_access",)),
    ("DAG Runs", ("can_read", "menu_access")),
    ("DAG Code", ("can_read",)),
    ("DAG Warnings", ("can_read",)),
    ("Task Instances", ("can_read", "menu_access")),
    ("Task Logs", ("can_read",)),
    ("ImportError", ("can_read",)),
)
"""What the pages of a DAG need beside the DAG itself. Airflow asks for the DAG as well each time (FAB auth manager,
`is_authorized_dag`), so that none of it opens a DAG that the role was not given."""
_SEE_SINCE_3: Final = (("DAG Versions", ("can_read",)),)
"""The same, for resources that Airflow 2 does not have: an import stops at a resource that it does not know."""
_WORK: Final = (("DAG Runs", ("can_create", "can_edit")), ("Task Instances", ("can_create", "can_edit")))
"""What triggering and clearing need besides, for roles that may edit a DAG."""
_DELETE: Final = (("DAG Runs", ("can_delete",)), ("Task Instances", ("can_delete",)))


def roles_to_import(roles: Sequence[Role], *, airflow_version: str = "3") -> list[dict[str, str]]:
    """The roles with DAG-level permissions, in the form that `airflow roles export` writes: one entry a resource.

    What they may do with single DAGs is not in it, since a DAG is known to Airflow only once it is there: see `policy_module`.
    """
    pages = _SEE if airflow_version.partition(".")[0] == "2" else (*_SEE, *_SEE_SINCE_3)
    found = []
    for role in roles:
        if not role.dags:
            continue
        actions: dict[str, set[str]] = {}
        given = {action for one in role.dags.values() for action in one}
        parts = (*pages, *(_WORK if "can_edit" in given else ()), *(_DELETE if "can_delete" in given else ()))
        for resource, allowed in parts:
            actions.setdefault(resource, set()).update(allowed)
        found += [{"name": role.name, "resource": what, "action": ",".join(sorted(how))} for what, how in sorted(actions.items())]
    return found


def roles_mapping(plan: IdentityPlan) -> dict[str, list[str]]:
    """Group of the identity provider → the Airflow roles of its members: the declared one, and its base role."""
    roles = {role.name: role for role in plan.roles}
    found: dict[str, list[str]] = {}
    for login in plan.logins:
        for group in login.groups:
            mine = found.setdefault(group, [])
            named = [login.role] if roles[login.role].dags or login.role == login.base else []
            mine += [one for one in (*named, login.base) if one not in mine]
    return dict(sorted(found.items()))


def dag_permissions(roles: Sequence[Role]) -> dict[str, dict[str, list[str]]]:
    """Role → glob on DAG ids → actions."""
    return {role.name: {glob: sorted(actions) for glob, actions in sorted(role.dags.items())} for role in roles if role.dags}


_MODULE: Final = '''"""Gives each DAG the permissions that the access file declares for it. Made by Airlock; edits are lost."""

from fnmatch import fnmatchcase

try:
    from airflow.policies import hookimpl
except ImportError:  # outside of Airflow, for a test

    def hookimpl(function):
        return function


PERMISSIONS = {permissions}
"""Role -> glob on DAG ids -> actions."""


def access_control_of(dag_id):
    """Role -> actions on this DAG."""
    found = {{}}
    for role, globs in PERMISSIONS.items():
        actions = {{action for glob, allowed in globs.items() if fnmatchcase(dag_id, glob) for action in allowed}}
        if actions:
            found[role] = actions
    return found


@hookimpl
def dag_policy(dag):
    """Replaces what the DAG says itself: its author must not be the one who widens it."""
    dag.access_control = access_control_of(dag.dag_id)
'''


def policy_module(permissions: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """The source of a module with a `dag_policy` for these permissions.

    A role that Airflow does not know makes a DAG's import fail: import the roles first. The form of `access_control` (role →
    set of actions) is understood by Airflow 2 and 3.
    """
    return _MODULE.format(permissions=json.dumps(permissions, indent=4, sort_keys=True))


_NAME: Final = "airlock_dag_policy"


def policy_wheel(permissions: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[str, bytes]:
    """The file name and content of a wheel with that module, as plugin `airflow.policy`: the same for the same permissions.

    For MWAA: into `plugins.zip`, and as `/usr/local/airflow/plugins/<file>` into `requirements.txt`.
    """
    source = policy_module(permissions)
    version = f"1.0.{int(hashlib.sha256(source.encode()).hexdigest()[:8], 16)}"
    info = f"{_NAME}-{version}.dist-info"
    files = {
        f"{_NAME}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: airlock-dag-policy\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: airlock\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[airflow.policy]\nairlock = {_NAME}\n",
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text.encode())}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            # A fixed time: the same content makes the same file.
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return f"{_NAME}-{version}-py3-none-any.whl", packed.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def described(plan: IdentityPlan) -> dict[str, Any]:
    """What the artifacts say, as plain data: for the component's inputs, and for whoever reads them back."""
    return {"dagPermissions": dag_permissions(plan.roles), "rolesMapping": roles_mapping(plan)}
