"""Airflow environments, each with the gates that it brings of its own."""
