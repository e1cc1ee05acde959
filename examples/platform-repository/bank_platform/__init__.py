"""The bank's platform for Airflow: what every business unit gets, as one component."""

from .component import AirflowPlatform, Firewall, Unit

__all__ = ["AirflowPlatform", "Firewall", "Unit"]
