"""Builds the end-of-day yield curves."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("curves_eod", schedule="15 17 * * 1-5", catchup=False, tags=["markets"], doc_md=__doc__):
    bootstrap = SQLExecuteQueryOperator(
        task_id="bootstrap", conn_id="positions", sql="CALL bootstrap_curves(:day)", parameters={"day": "{{ ds }}"}
    )
