"""Takes prices from the feed into the position store, every quarter of an hour."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

with DAG("mktdata_intraday", schedule="*/15 6-18 * * 1-5", catchup=False, tags=["markets"], doc_md=__doc__):
    load_prices = SQLExecuteQueryOperator(
        task_id="load_prices", conn_id="positions", sql="CALL load_prices(:day)", parameters={"day": "{{ ds }}"}
    )
