"""What of Airlock runs inside Airflow: each task has the connections that its routes allow, for as long as they hold.

`backend` is what Airflow asks for connections; it goes by `manifest`, `decide`, `trust`, `tokens`, `credentials` and `forwarder`,
and `policy` and `plugin` are how the rest gets to run. Nothing here imports Airflow before Airflow itself does.
"""

from typing import Any

__version__ = "0.1.0"


def provider_info() -> dict[str, Any]:
    """What Airflow's providers manager is told (entry point `apache_airflow_provider`)."""
    from .settings import OPTIONS

    return {
        "package-name": "airflow-provider-airlock",
        "name": "Airlock",
        "description": "Connections by routes, through identity-aware proxies.",
        "versions": [__version__],
        "secrets-backends": ["airlock_provider.backend.AirlockBackend"],
        "config": {
            "airlock": {
                "description": "What Airlock's provider goes by: its manifest, and what it may pass on.",
                "options": {
                    name: {
                        "description": one.description,
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": one.example,
                        "default": one.default,
                    }
                    for name, one in OPTIONS.items()
                },
            }
        },
    }
