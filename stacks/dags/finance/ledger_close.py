"""Posts the day's entries to the ledger and closes it."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("ledger_close", schedule="0 22 * * 1-5", catchup=False, tags=["finance"], doc_md=__doc__):
    post_entries = SQLExecuteQueryOperator(
        task_id="post_entries", conn_id="ledger", sql="BEGIN close_day(:day); END;", parameters={"day": "{{ ds }}"}
    )
    reconcile = SQLExecuteQueryOperator(
        task_id="reconcile", conn_id="ledger", sql="SELECT check_balance(:day) FROM dual", parameters={"day": "{{ ds }}"}
    )

    post_entries >> reconcile
