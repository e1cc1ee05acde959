"""A task's token for the proxy: a JWT that says which task it is, signed by somebody that the proxy trusts.

    token = tokens.issue(identity, run, seconds)

Four sources, one module each, and one that has none. Where the claims lie differs (docs/provider.md): `kms` and `oidc` have them
under `airlock`, `sts` as request tags, and Kubernetes' `projected` token has the service account alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .. import audit
from ..audit import TOKEN, Refusal, TaskRun
from ..manifest import Identity
from . import kms, oidc, projected, sts
from .token import Token, TokenError

__all__ = ["CERTIFICATE", "Holder", "Token", "TokenError", "issue"]

CERTIFICATE = "certificate"
"""The source of identities where certificates tell tasks apart, and there is no token."""
LIFETIME = 900
"""Seconds that are asked for: long enough to outlast an issuer that is away for minutes, as it is renewed at half of it."""


def _of_nobody(identity: Identity, run: TaskRun, seconds: int) -> Token:
    raise TokenError("certificates tell the tasks of this environment apart, and nobody signs tokens for them")


_SOURCES: dict[str, Callable[[Identity, TaskRun, int], Token]] = {
    "sts": sts.issue,
    "kms": kms.issue,
    "projected": projected.issue,
    "oidc": oidc.issue,
    CERTIFICATE: _of_nobody,
}


def issue(identity: Identity, run: TaskRun, seconds: int = LIFETIME) -> Token:
    """A token for a task. TokenError when none is to be had, or the one that is had is not for this proxy."""
    source = _SOURCES.get(identity.source)
    if source is None:
        raise TokenError(f"no token source {identity.source!r}; there are {', '.join(_SOURCES)}")
    token = source(identity, run, seconds)
    token.check(identity, time.time())
    return token


class Holder:
    """The token of one task, renewed before it ends. Safe to use from several threads."""

    def __init__(self, identity: Identity, run: TaskRun) -> None:
        self._identity, self._run = identity, run
        self._token: Token | None = None
        self._lock = threading.Lock()

    def get(self) -> Token:
        """A token with at least half of its life before it; while the issuer is away one that still has some. TokenError."""
        with self._lock:
            known = self._token
            if known is None or known.ageing(time.time()):
                try:
                    self._token = issue(self._identity, self._run)
                except TokenError as error:
                    self._tell(error, renewed=known is not None)
                    if known is None or known.expires <= time.time() + 5:
                        raise
                else:
                    self._told(self._token, renewed=known is not None)
            if self._token is None:
                raise TokenError("no token")  # not reached: issue gives one or raises
            return self._token

    def _told(self, token: Token, *, renewed: bool) -> None:
        source = self._identity.source
        audit.emit(
            audit.token_issued(
                self._run, issuer=token.issuer, uid=token.uid, expires=token.expires, source=source, renewed=renewed
            )
        )

    def _tell(self, error: TokenError, *, renewed: bool) -> None:
        refusal = Refusal(kind=TOKEN, text=f"no token of {self._identity.source} for the task", detail=str(error))
        source = self._identity.source
        audit.emit(audit.token_failed(self._run, refusal, issuer=self._identity.issuer, source=source, renewed=renewed))
