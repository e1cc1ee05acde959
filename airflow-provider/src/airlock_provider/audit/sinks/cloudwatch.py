"""CloudWatch Logs, with boto3: MWAA has it.

Limits: Amazon CloudWatch Logs API Reference, PutLogEvents: at most 10,000 events and 1,048,576 bytes a call, 26 bytes counted on
top of each event, in the order of their time. Sequence tokens are not needed, so that processes may share a stream.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from ..ocsf import Event
from .base import Settings, UnacceptableError, line_of

_MOST_BYTES, _ON_TOP = 1_048_576, 26
_UNACCEPTABLE = ("InvalidParameterException", "DataAlreadyAcceptedException")


class CloudWatchSink:
    """Puts events into a log group, which must exist; the stream is made."""

    batch = 1_000

    def __init__(self, group: str, stream: str, region: str = "", endpoint: str = "") -> None:
        self._group, self._stream = group, stream
        self._region, self._endpoint = region, endpoint
        self._client: Any = None

    @classmethod
    def of(cls, settings: Settings) -> CloudWatchSink:
        """`log_group`, and if need be `log_stream`, `region`, `endpoint_url` (a VPC endpoint)."""
        stream = settings.text("log_stream", "") or f"airlock/{socket.gethostname()}"
        for forbidden in ":*":
            if forbidden in stream:
                settings.problem(f"log_stream holds {forbidden!r}: {stream!r}")
        try:
            import boto3  # noqa: F401
        except ImportError:
            settings.problem("needs boto3, which is not installed here")
        return cls(settings.text("log_group"), stream, settings.text("region", ""), settings.text("endpoint_url", ""))

    def write(self, events: Sequence[Event]) -> None:
        """Puts them, in as many calls as their size needs."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for part in _parts(sorted(events, key=lambda event: int(event.get("time") or 0))):
                self._put(part)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _UNACCEPTABLE:
                raise UnacceptableError(str(error)) from None
            raise OSError(str(error)) from None
        except BotoCoreError as error:
            raise OSError(str(error)) from None

    def close(self) -> None:
        """Lets go of the client."""
        self._client = None

    def _put(self, part: list[dict[str, Any]]) -> None:
        from botocore.exceptions import ClientError

        client = self._opened()
        where = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            client.put_log_events(**where, logEvents=part)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                raise
            with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):  # another process was faster
                client.create_log_stream(**where)
            client.put_log_events(**where, logEvents=part)

    def _opened(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
            session = boto3.session.Session()
            self._client = session.client(
                "logs", region_name=self._region or None, endpoint_url=self._endpoint or None, config=config
            )
        return self._client


def _parts(events: Sequence[Event]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for event in events:
        line = line_of(event)
        more = len(line.encode()) + _ON_TOP
        if part and size + more > _MOST_BYTES:
            yield part
            part, size = [], 0
        part.append({"timestamp": int(event.get("time") or 0), "message": line})
        size += more
    if part:
        yield part
