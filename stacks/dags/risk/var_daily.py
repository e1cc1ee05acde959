"""Computes value at risk over the day's positions."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("var_daily", schedule="0 19 * * 1-5", catchup=False, tags=["risk"], doc_md=__doc__):
    simulate = SQLExecuteQueryOperator(
        task_id="simulate", conn_id="risk", sql="CALL historical_simulation(:day)", parameters={"day": "{{ ds }}"}
    )
    aggregate = SQLExecuteQueryOperator(
        task_id="aggregate", conn_id="risk", sql="CALL aggregate_var(:day)", parameters={"day": "{{ ds }}"}
    )

    simulate >> aggregate
