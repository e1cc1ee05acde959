"""HTTPS requests with the standard library: JSON or a form in, JSON out, and errors without anybody's secrets."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT = 10.0
"""Seconds for one request: a task waits for it."""
_MOST = 1_000_000
_LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]|metadata\.google\.internal|169\.254\.169\.254)(:[0-9]+)?")


class WebError(Exception):
    """A request failed; the message says at which host, and how. `status`: 0 where no answer came."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would hand a bearer token to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def request(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json_body: Any = None,
    form: Mapping[str, str] | None = None,
    ca: str = "",
) -> Any:
    """The JSON that a GET gives, or with a body a POST; None for no content.

    WebError for anything but 2xx, for redirects, and for plain HTTP beyond this machine.
    """
    parts = urllib.parse.urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    if parts.scheme != "https" and not (parts.scheme == "http" and _LOCAL.fullmatch(where)):
        raise WebError(f"{parts.scheme}://{where}: only https is spoken beyond this machine")
    sent = dict(headers or {}) | {"Accept": "application/json"}
    data = None
    if json_body is not None:
        data, sent["Content-Type"] = json.dumps(json_body).encode(), "application/json"
    elif form is not None:
        data, sent["Content-Type"] = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    handlers: list[Any] = [_NoRedirect]
    if parts.scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=_context(ca)))
    if parts.scheme == "http":
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        asked = urllib.request.Request(url, data=data, headers=sent)  # noqa: S310  # its scheme is checked above
        with urllib.request.build_opener(*handlers).open(asked, timeout=TIMEOUT) as answer:
            body = answer.read(_MOST)
            return json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        raise WebError(f"{where} answers {error.code}{_said(error)}", error.code) from None
    except (OSError, ssl.SSLError) as error:
        raise WebError(f"{where}: {getattr(error, 'reason', None) or error}") from None
    except ValueError:
        raise WebError(f"{where} answers what is no JSON") from None


def _context(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca or None)


def _said(error: urllib.error.HTTPError) -> str:
    """What the answer's body gives as its error, where it is one of the usual shapes: never the body itself."""
    try:
        body = json.loads(error.read(_MOST))
    except (OSError, ValueError):
        return ""
    found = body.get("error_description") or body.get("error") or body.get("errors") if isinstance(body, dict) else None
    if isinstance(found, dict):
        found = found.get("message")
    if isinstance(found, list):
        found = "; ".join(map(str, found))
    return f": {found[:300]}" if isinstance(found, str) and found else ""
