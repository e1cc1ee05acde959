"""Splunk's HTTP Event Collector. Facts: Splunk, "Format events for HTTP Event Collector"."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..ocsf import Event
from .base import Settings, line_of, tls_context
from .http import check_url, post


class SplunkSink:
    """Posts events, many in one body."""

    batch = 200

    def __init__(self, url: str, token: Callable[[], str], index: str = "", ca: str = "") -> None:
        self._url, self._token, self._index = url, token, index
        self._context = tls_context(ca) if url.startswith("https") else None
        self._known = ""

    @classmethod
    def of(cls, settings: Settings) -> SplunkSink:
        """`url`, one of `token_env`, `token_file` and `token_secret_arn`; if need be `index` and `ca`, a file.

        The token itself is no setting: settings are shown, in Airflow's page of configuration and elsewhere.
        """
        url = settings.text("url")
        if url and (wrong := check_url(url)):
            settings.problem(f"url {wrong}")
        if url and not url.rstrip("/").endswith(("/services/collector", "/services/collector/event")):
            url = f"{url.rstrip('/')}/services/collector/event"
        return cls(url, _token_of(settings), settings.text("index", ""), settings.file("ca"))

    def write(self, events: Sequence[Event]) -> None:
        """Posts them in one body."""
        if not self._known:
            self._known = self._token()
        body = "".join(self._wrapped(event) for event in events)
        post(self._url, body.encode(), {"Authorization": f"Splunk {self._known}"}, self._context)

    def close(self) -> None:
        """Forgets the token: it may have been replaced."""
        self._known = ""

    def _wrapped(self, event: Event) -> str:
        at = event.get("time")
        outer = {
            "sourcetype": "airlock:ocsf" if "class_uid" in event else "airlock:ecs",
            "source": "airlock",
            **({"index": self._index} if self._index else {}),
            **({"time": at / 1000} if isinstance(at, int) else {}),
        }
        return f"{json.dumps(outer)[:-1]},{json.dumps('event')}:{line_of(event)}}}"


def _token_of(settings: Settings) -> Callable[[], str]:
    ways = [name for name in ("token_env", "token_file", "token_secret_arn") if settings.given(name)]
    if len(ways) != 1:
        settings.problem(f"takes one of token_env, token_file and token_secret_arn; given: {', '.join(ways) or 'none'}")
        return str
    where = settings.text(ways[0])
    if ways[0] == "token_env":
        if not os.environ.get(where):
            settings.problem(f"token_env: {where!r} is not set, or empty")
        return lambda: os.environ.get(where, "")
    if ways[0] == "token_file":
        settings.file("token_file")
        return lambda: Path(where).read_text().strip()
    return lambda: _secret(where)


def _secret(arn: str) -> str:
    """A token in Secrets Manager: `{"hec_token": "…"}`, as Data Firehose takes it, or the bare token."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.session.Session().client("secretsmanager", region_name=arn.split(":")[3])
        text = str(client.get_secret_value(SecretId=arn)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from None
    return str(json.loads(text)["hec_token"]) if text.startswith("{") else text
