"""Keeps credentials out of tasks' logs, by Airflow's own mask.

Airflow masks a connection's password by itself, and not what `Connection.get_uri` makes of it, where every other sign than
letters, digits and `_.-~` is quoted: tokens of RDS and generated passwords have such signs.
"""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote


def mask(secret: str) -> None:
    """Lets Airflow write `***` for a secret, and for what it is in a URI."""
    airflows = _airflows()
    for form in {secret, quote(secret), quote(secret, safe="")}:
        airflows(form)


def _airflows() -> Any:
    with contextlib.suppress(ImportError):
        from airflow.sdk.log import mask_secret

        return mask_secret
    with contextlib.suppress(ImportError):  # Airflow 3.0
        from airflow.sdk.execution_time.secrets_masker import mask_secret

        return mask_secret
    with contextlib.suppress(ImportError):  # Airflow 2
        from airflow.utils.log.secrets_masker import mask_secret

        return mask_secret
    return lambda secret: None  # no Airflow, no logs of tasks
