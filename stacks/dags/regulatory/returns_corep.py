"""Prepares the own-funds return."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("returns_corep", schedule="0 8 * * 1-5", catchup=False, tags=["regulatory"], doc_md=__doc__):
    collect = SQLExecuteQueryOperator(
        task_id="collect", conn_id="risk", sql="SELECT * FROM own_funds(:day)", parameters={"day": "{{ ds }}"}
    )
    validate = SQLExecuteQueryOperator(
        task_id="validate", conn_id="reporting", sql="CALL validate_return(:day)", parameters={"day": "{{ ds }}"}
    )

    collect >> validate
