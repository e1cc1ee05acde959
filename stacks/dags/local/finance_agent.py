"""An AI agent asks the warehouse on finance's behalf: the same route, and the audit trail says which agent it was."""

from airflow.sdk import DAG, task
from airlock_provider.context import agent
from destinations import ask

with DAG("finance_agent", schedule=None, catchup=False, tags=["finance", "agent"], doc_md=__doc__):

    @task
    def ask_warehouse() -> None:
        """What the agent called analyst wants to know."""
        with agent("analyst"):
            print(ask("warehouse", "how was the day?"))

    ask_warehouse()
