"""The secrets backend: what Airflow asks first for every connection, and last too, for what the manifest knows.

    [secrets]
    backend = airlock_provider.backend.AirlockBackend

Connections that the manifest knows are lent or refused, never passed on; others are refused unless `[airlock] pass_on` names
them. Variables and options are not Airlock's: they go to `[airlock] next_backend`, where one is set, and on. The object itself
keeps nothing: Airflow makes a new one as it likes, on some versions for every lookup.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from . import broker, forks, settings

if TYPE_CHECKING:

    class BaseSecretsBackend:
        """Airflow's base of backends, for type checking without Airflow."""

        def __init__(self, **kwargs: Any) -> None: ...
        def _get_connection_class(self) -> type: ...
else:
    try:
        from airflow.secrets.base_secrets import BaseSecretsBackend
    except ImportError:  # tests of what needs no Airflow
        BaseSecretsBackend = object


class AirlockBackend(BaseSecretsBackend):
    """Answers for the task that asks. Arguments are not used: whatever a service presets for another backend does no harm."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()

    def get_connection(self, conn_id: str, team_name: str | None = None) -> Any:
        """Airflow's connection for the task that asks; None: not Airlock's to answer. Raises what ends Airflow's search."""
        with broker.nothing_else(conn_id):
            lent = broker.lend(conn_id)
            if lent is not None:
                return self._airflows_connection()(
                    conn_id=lent.id,
                    conn_type=lent.type,
                    host=lent.host,
                    port=lent.port,
                    login=lent.login,
                    password=lent.password,
                    schema=lent.schema,
                    extra=json.dumps(lent.extra) if lent.extra else None,
                )
        following = _next()
        return following.get_connection(conn_id) if following is not None else None

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """The same as JSON, as Airflow keeps connections in backends; None: not Airlock's to answer."""
        with broker.nothing_else(conn_id):
            lent = broker.lend(conn_id)
            if lent is not None:
                named = {"login": lent.login, "password": lent.password, "schema": lent.schema, "extra": dict(lent.extra)}
                return json.dumps({"conn_type": lent.type, "host": lent.host, "port": lent.port, **named})
        following = _next()
        return following.get_conn_value(conn_id) if following is not None else None

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """A variable of the next backend; None: there is none."""
        following = _next()
        return following.get_variable(key) if following is not None else None

    def get_config(self, key: str) -> str | None:
        """An option of Airflow, of the next backend; None: there is none."""
        following = _next()
        return following.get_config(key) if following is not None else None

    def _airflows_connection(self) -> type:
        """Airflow's class of connections: since 3.2 the base knows which of the two it is here."""
        if hasattr(self, "_get_connection_class"):
            return self._get_connection_class()
        from airflow.models.connection import Connection

        found: type = Connection
        return found


_following: list[Any] = []
_lock = forks.lock()


def _next() -> Any:
    """The backend behind this one, made once; None where `[airlock] next_backend` names none."""
    path = settings.current().next_backend
    if not path:
        return None
    with _lock:
        if not _following:
            module, _, name = path.rpartition(".")
            arguments = json.loads(settings.current().next_backend_kwargs or "{}")
            _following.append(getattr(importlib.import_module(module), name)(**arguments))
        return _following[0]
