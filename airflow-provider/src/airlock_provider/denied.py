"""The exception by which a refusal stops a lookup, instead of sending Airflow on to a static connection.

Airflow asks the next backend when one raises: a task then succeeds on `AIRFLOW_CONN_*` or the database, with nothing in its log
(apache/airflow#66575, #68301). One exception ends the search: `AirflowSecretsBackendAccessDenied` (task SDK 1.2.2, Airflow 3.2.2
and later). Where there is none, only what is no `Exception` gets through the loop.
"""

from __future__ import annotations


class AccessRefused(BaseException):  # named as Airflow names its own
    """A refusal, on an Airflow without one of its own. No `Exception`: Airflow would go on to the next backend."""


def refusal(text: str) -> BaseException:
    """What to raise for a refusal on this Airflow."""
    try:
        from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied
    except ImportError:
        return AccessRefused(text)
    made: BaseException = AirflowSecretsBackendAccessDenied(text)
    return made


def is_refusal(error: BaseException) -> bool:
    """Whether an exception already is what `refusal` makes."""
    return isinstance(error, AccessRefused) or type(error).__name__ == "AirflowSecretsBackendAccessDenied"
