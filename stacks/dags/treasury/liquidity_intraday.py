"""Watches intraday liquidity against its limits."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("liquidity_intraday", schedule="*/30 6-18 * * 1-5", catchup=False, tags=["treasury"], doc_md=__doc__):
    positions = SQLExecuteQueryOperator(
        task_id="positions", conn_id="ledger_ro", sql="SELECT * FROM cash_positions", parameters={"day": "{{ ds }}"}
    )
