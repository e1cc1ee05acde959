"""Looks into the warehouse, to which marketing has no route: the task fails, and its log says which gate and which rule."""

from airflow.sdk import DAG, task
from destinations import ask

with DAG("marketing_daily", schedule=None, catchup=False, tags=["marketing"], doc_md=__doc__):

    @task
    def peek() -> None:
        """Where marketing has no business."""
        print(ask("warehouse", "what did finance load?"))

    peek()
