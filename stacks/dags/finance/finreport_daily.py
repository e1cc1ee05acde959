"""Builds the daily profit-and-loss statement from the closed ledger."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("finreport_daily", schedule="0 5 * * 2-6", catchup=False, tags=["finance"], doc_md=__doc__):
    load_facts = SQLExecuteQueryOperator(
        task_id="load_facts", conn_id="reporting", sql="CALL load_ledger_facts(:day)", parameters={"day": "{{ ds }}"}
    )
    publish = SQLExecuteQueryOperator(
        task_id="publish", conn_id="reporting", sql="CALL publish_pnl(:day)", parameters={"day": "{{ ds }}"}
    )

    load_facts >> publish
