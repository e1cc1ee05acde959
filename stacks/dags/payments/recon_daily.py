"""Reconciles payments with the hub's records."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("recon_daily", schedule="30 20 * * 1-6", catchup=False, tags=["payments"], doc_md=__doc__):
    match = SQLExecuteQueryOperator(
        task_id="match", conn_id="reporting", sql="CALL match_payments(:day)", parameters={"day": "{{ ds }}"}
    )
