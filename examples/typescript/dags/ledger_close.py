"""A DAG of the example."""

from airflow.sdk import DAG, task

with DAG("ledger_close", schedule=None):

    @task
    def post() -> None:
        """Posts the day's entries."""

    post()
