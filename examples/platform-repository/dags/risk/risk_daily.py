"""What risk does every day."""

from airflow.sdk import DAG

DAG("risk_daily")
