"""Loads the day into the warehouse: it has a route, so its connection leads through the proxy, with a password of minutes."""

from airflow.sdk import DAG, task
from destinations import ask

with DAG("finance_daily", schedule=None, catchup=False, tags=["finance"], doc_md=__doc__):

    @task
    def load() -> None:
        """Into the warehouse."""
        print(ask("warehouse", "load the day"))

    load()
