"""HTTPS requests: no redirects, no proxies, no plain HTTP, so that a bearer token goes nowhere but to the named host."""

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Any

from .service import ServiceError

TIMEOUT = 10.0
"""Seconds that one request may take; a whole step has 60."""
MOST = 1 << 20
"""Bytes of an answer that are read."""


class Https:
    """Requests to services, with the system's certificates, or those of a private authority as well."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._tls = ssl.create_default_context()
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca_file:
            self._tls.load_verify_locations(cafile=ca_file)

    def call(
        self,
        method: str,
        url: str,
        *,
        bearer: str | None = None,
        document: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of the answer; None where it is empty.

        ServiceError for every status but 2xx; its text has neither the body nor the query.
        """
        parts = urllib.parse.urlsplit(url)
        place = f"{method} {parts.scheme}://{parts.netloc}{parts.path}"
        if parts.scheme != "https" or not parts.hostname:
            raise ServiceError(f"{place}: only https is spoken")
        headers = {"Accept": "application/json"}
        body: bytes | None = None
        if document is not None:
            headers["Content-Type"], body = "application/json", json.dumps(document).encode()
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(form).encode()
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        status, content = self._exchange(place, parts.hostname, parts.port, method, path, body, headers)
        if not 200 <= status < 300:
            raise ServiceError(f"{place}: status {status}", status)
        return _parsed(place, content)

    def _exchange(
        self, place: str, host: str, port: int | None, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self._tls)
        try:
            connection.request(method, path or "/", body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read(MOST)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failed = type(error).__name__
        finally:
            connection.close()
        # Only now: an error raised above would carry the other one along, and a header that cannot be sent is in its text.
        raise ServiceError(f"{place}: no answer ({failed})")


def _parsed(place: str, content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError:
        pass  # it holds what could not be read, and that may be a token
    raise ServiceError(f"{place}: the answer is no JSON")
