"""Runs inside Airflow: what its FAB auth manager lets a member of a role do with each DAG, as JSON (role, DAG ids)."""

import json
import sys

from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

METHODS = {"can_read": "GET", "can_edit": "PUT", "can_delete": "DELETE"}

with get_application_builder() as builder:
    roles = [builder.sm.find_role(name) for name in (sys.argv[1], "Public")]
    user = builder.sm.add_user("member", "m", "m", "m@bank.example", roles, password="member")
    manager = create_auth_manager()
    manager.appbuilder = builder

    def may(dag: str, method: str, entity: DagAccessEntity | None = None) -> bool:
        return manager.is_authorized_dag(method=method, access_entity=entity, user=user, details=DagDetails(id=dag))

    answer = {
        dag: {
            "actions": [action for action, method in METHODS.items() if may(dag, method)],
            "trigger": may(dag, "POST", DagAccessEntity.RUN),
            "logs": may(dag, "GET", DagAccessEntity.TASK_LOGS),
        }
        for dag in sys.argv[2:]
    }
print(json.dumps(answer))
