"""Loads the warehouse every night."""

from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule="0 2 * * *", start_date=datetime(2026, 1, 1), catchup=False)
def nightly() -> None:
    """One task, which the route `warehouse` is for."""

    @task
    def load() -> None:
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        PostgresHook("warehouse").run("call load_night()")

    load()


nightly()
