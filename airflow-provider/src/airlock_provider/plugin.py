"""Airflow's plugin: registers the listener that writes audit events (entry point `airflow.plugins`)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class AirflowPlugin:
        """Airflow's base of plugins, for type checking without Airflow."""

        name: str | None
        listeners: list[Any]
else:
    from airflow.plugins_manager import AirflowPlugin

from . import listener


class AirlockPlugin(AirflowPlugin):
    """Airlock in Airflow's list of plugins."""

    name = "airlock"
    listeners = [listener]  # noqa: RUF012  # as Airflow declares it
