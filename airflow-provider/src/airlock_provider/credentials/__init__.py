"""What the destination authenticates, got for one task when it asks, and only by the route's own reference.

    login = credentials.issue(asked)

One module a kind. Nothing static is handed out: a route whose credential nobody renews is refused (`static`), one without a
credential gives a connection without a password.
"""

from __future__ import annotations

from collections.abc import Callable

from . import gcp, rds_iam, secrets_manager, vault
from .login import Asked, CredentialError, Login

__all__ = ["Asked", "CredentialError", "Login", "issue"]

_KINDS: dict[str, Callable[[Asked], Login]] = {
    "rds-iam": rds_iam.issue,
    "secrets-manager": secrets_manager.issue,
    "vault": vault.issue,
    "gcp-iam": gcp.issue,
}


def issue(asked: Asked) -> Login:
    """The login of a route's credential. CredentialError when none is to be had."""
    kind = _KINDS.get(asked.kind)
    if kind is None:
        renewed = ", ".join(_KINDS)
        raise CredentialError(f"a credential of kind {asked.kind} is not handed out to tasks: give the route one of {renewed}")
    return kind(asked)
