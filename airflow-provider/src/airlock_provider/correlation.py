"""The one id that joins a task run's events, its sessions at the proxy and its lineage: the OpenLineage run id.

Computed as Airflow's OpenLineage provider does (`build_task_instance_ol_run_id`) with the client's `generate_static_uuid`: a
UUID of version 7 whose time is the logical date and whose rest is a hash. The id is the same whether or not that provider is
installed, and where it is, both agree.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 76
"""Bits of a UUID of version 7 behind its time that are free, with those of version and variant overwritten."""


def task_correlation(
    dag_id: str, task_id: str, try_number: int, logical_date: datetime, map_index: int = -1, namespace: str | None = None
) -> str:
    """The OpenLineage run id of one try.

    `logical_date`: with its time zone; where a DAG run has none (Airflow 3), its `run_after`, as OpenLineage takes it.
    `namespace`: OpenLineage's; without it, what Airflow and the environment say. ValueError for a date without time zone.
    """
    if logical_date.tzinfo is None:
        raise ValueError(f"logical_date has no time zone: {logical_date.isoformat()}")
    instant = logical_date.astimezone(UTC)
    name = openlineage_namespace() if namespace is None else namespace
    data = f"{name}.{dag_id}.{task_id}.{try_number}.{map_index}".encode()
    digest = hashlib.sha1(instant.isoformat().encode() + data, usedforsecurity=False).digest()
    rest = int.from_bytes(digest, "big") >> (len(digest) * 8 - _RANDOM_BITS)
    milliseconds = int(instant.timestamp() * 1000) & 0xFFFFFFFFFFFF
    number = milliseconds << 80 | rest
    number = number & ~(0xF000 << 64) | 7 << 76
    number = number & ~(0xC000 << 48) | 0x8000 << 48
    return str(UUID(int=number))


def openlineage_namespace() -> str:
    """`[openlineage] namespace`, else OPENLINEAGE_NAMESPACE, else `default`: the order of Airflow's provider."""
    try:
        from airflow.configuration import conf
    except ImportError:
        configured = os.environ.get("AIRFLOW__OPENLINEAGE__NAMESPACE", "")
    else:
        configured = conf.get("openlineage", "namespace", fallback="") or ""
    return configured or os.environ.get("OPENLINEAGE_NAMESPACE", "default")
