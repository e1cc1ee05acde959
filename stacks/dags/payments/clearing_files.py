"""Exchanges settlement files with the clearer."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("clearing_files", schedule="0 6-20/2 * * 1-6", catchup=False, tags=["payments"], doc_md=__doc__):
    load_confirmations = SQLExecuteQueryOperator(
        task_id="load_confirmations", conn_id="reporting", sql="CALL load_confirmations(:day)", parameters={"day": "{{ ds }}"}
    )
