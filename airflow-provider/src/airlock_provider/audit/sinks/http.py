"""POST of JSON over HTTPS, with errors sorted into those that may pass and those that will not."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..ocsf import plain
from .base import TIMEOUT, UnacceptableError

_UNACCEPTABLE = (400, 413, 422)
"""Statuses that mean the body itself. All others (a token that was revoked, too many requests) may change."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "metadata.google.internal", "169.254.169.254")
"""Hosts to which plain HTTP may go: this machine, and the metadata server of a cloud's machine."""


def check_url(url: str) -> str:
    """What is wrong with a sink's URL; empty: nothing."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("https", "http"):
        return f"is no URL: {plain(url)!r}"
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return f"sends events in plain text: {plain(url)!r}; use https"
    if parts.username or parts.password:
        return "holds a password: leave it out of the URL"
    return ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would carry the authorization elsewhere."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str], context: ssl.SSLContext | None = None) -> bytes:
    """The answer's body. OSError where it may work later, UnacceptableError where the body is refused."""
    return _send(urllib.request.Request(url, body, dict(headers), method="POST"), context)  # noqa: S310  # checked


def get(url: str, headers: Mapping[str, str]) -> bytes:
    """The answer's body, or OSError."""
    return _send(urllib.request.Request(url, None, dict(headers)), None)  # noqa: S310  # checked by who calls


def _send(request: urllib.request.Request, context: ssl.SSLContext | None) -> bytes:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        said = plain(error.read(500).decode("utf-8", "replace"))
        if error.code in _UNACCEPTABLE:
            raise UnacceptableError(f"HTTP {error.code}: {said}") from None
        raise OSError(f"HTTP {error.code}: {said}") from None
    except http.client.HTTPException as error:
        raise OSError(f"no answer of HTTP: {error!r}") from None
