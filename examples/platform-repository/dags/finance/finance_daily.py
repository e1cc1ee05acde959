"""What finance does every day."""

from airflow.sdk import DAG

DAG("finance_daily")
