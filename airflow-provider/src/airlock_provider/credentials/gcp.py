"""Tokens for Cloud SQL with IAM authentication: an access token of the service account `ref` is the password.

The worker's own account impersonates it (`roles/iam.serviceAccountTokenCreator` on that one account), with the scope of logins
alone. How Cloud SQL calls the user: PostgreSQL without `.gserviceaccount.com`, MySQL what is before the `@` (Cloud SQL, "Log in
using IAM database authentication").
"""

from __future__ import annotations

from .. import google, web
from .login import Asked, CredentialError, Login, soon

SCOPE = "https://www.googleapis.com/auth/sqlservice.login"
_SHORTEST = 300


def issue(asked: Asked) -> Login:
    """A token for one service account; as long as the task may use it, and at most an hour."""
    seconds = max(_SHORTEST, min(asked.seconds, 3600))
    try:
        token = google.impersonated(asked.ref, SCOPE, seconds)
    except (web.WebError, KeyError) as error:
        raise CredentialError(f"no access token of service account {asked.ref}: {error}") from None
    return Login(asked.user or _user(asked), token, soon(seconds / 2))


def _user(asked: Asked) -> str:
    if asked.protocol.lower().startswith("mysql"):
        return asked.ref.partition("@")[0]
    return asked.ref.removesuffix(".gserviceaccount.com")
