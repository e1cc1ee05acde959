"""Runs the supervisor's stress scenarios."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("stress_quarterly", schedule="0 19 1 */3 *", catchup=False, tags=["risk"], doc_md=__doc__):
    run_scenarios = SQLExecuteQueryOperator(
        task_id="run_scenarios", conn_id="risk", sql="CALL run_scenarios(:day)", parameters={"day": "{{ ds }}"}
    )
