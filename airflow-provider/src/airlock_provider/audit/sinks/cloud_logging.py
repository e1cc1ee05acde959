"""Cloud Logging, by its REST API and the machine's own service account: what Composer and GKE have without any key.

Facts: Cloud Logging API v2, `entries.write` (an entry has `insertId`: the same one is kept once); Compute Engine, "View and query
VM metadata" (`GCE_METADATA_HOST` names another host, as Google's libraries take it).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from ..ocsf import Event
from .base import Settings
from .http import check_url, get, post

_SEVERITIES = {1: "INFO", 2: "NOTICE", 3: "WARNING", 4: "ERROR", 5: "CRITICAL", 6: "EMERGENCY"}
_SPARE = 60
"""Seconds before its end at which a token is fetched anew."""


class CloudLoggingSink:
    """Writes entries with a JSON payload."""

    batch = 500

    def __init__(self, project: str, log: str, url: str) -> None:
        self._name = f"projects/{project}/logs/{quote(log, safe='')}"
        self._url = url
        self._token, self._until = "", 0.0

    @classmethod
    def of(cls, settings: Settings) -> CloudLoggingSink:
        """`project`, and if need be `log` (`airlock`) and `url`, of a private endpoint."""
        url = settings.text("url", "https://logging.googleapis.com")
        if wrong := check_url(url):
            settings.problem(f"url {wrong}")
        return cls(settings.text("project"), settings.text("log", "airlock"), url)

    def write(self, events: Sequence[Event]) -> None:
        """Writes them in one call."""
        body = {
            "logName": self._name,
            "resource": {"type": "global"},
            "partialSuccess": True,
            "entries": [_entry(event) for event in events],
        }
        headers = {"Authorization": f"Bearer {self._fresh()}", "Content-Type": "application/json"}
        post(f"{self._url.rstrip('/')}/v2/entries:write", json.dumps(body, default=str).encode(), headers)

    def close(self) -> None:
        """Forgets the token: it may be that which was refused."""
        self._token = ""

    def _fresh(self) -> str:
        if not self._token or time.monotonic() > self._until:
            host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
            path = "/computeMetadata/v1/instance/service-accounts/default/token"
            found = json.loads(get(f"http://{host}{path}", {"Metadata-Flavor": "Google"}))
            self._token = str(found["access_token"])
            self._until = time.monotonic() + max(0, int(found.get("expires_in", 0)) - _SPARE)
        return self._token


def _entry(event: Event) -> dict[str, object]:
    ocsf = event.get("metadata", {})
    at = event.get("time")
    instant = datetime.fromtimestamp(at / 1000, UTC).isoformat() if isinstance(at, int) else event.get("@timestamp")
    return {
        "timestamp": instant,
        "severity": _SEVERITIES.get(event.get("severity_id") or event.get("event", {}).get("severity") or 1, "DEFAULT"),
        "insertId": ocsf.get("uid") or event.get("event", {}).get("id"),
        "labels": {"correlation": str(ocsf.get("correlation_uid") or event.get("trace", {}).get("id") or "")},
        "jsonPayload": event,
    }
