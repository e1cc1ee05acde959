"""Secrets of HashiCorp Vault, to which the task signs in with its own token (JWT auth): the role is its principal's name.

`ref` is a path: of the database engine (`database/creds/ledger`, a user that lives as long as its lease) or of key-value version
2 (`kv/data/ledger`). A lease is given back when the task is done.
"""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

from .. import web
from ..tokens import TokenError
from .login import UNSAID, Asked, CredentialError, Login, soon


def issue(asked: Asked) -> Login:
    """What Vault has at the path for the task's principal."""
    settings = asked.settings
    if not settings.vault_address:
        raise CredentialError(f"{asked.ref}: which Vault? [airlock] vault_address says nothing")
    try:
        headers = {"X-Vault-Token": _signed_in(asked)} | _namespace(asked)
        said = web.request(f"{_base(asked)}/{quote(asked.ref)}", headers=headers, ca=settings.vault_ca)
    except (web.WebError, TokenError) as error:
        raise CredentialError(f"Vault does not give {asked.ref}: {error}") from None
    data = said.get("data") or {}
    inner = data.get("data")
    fields: dict[str, Any] = inner if isinstance(inner, dict) else data
    password = fields.get("password")
    if not isinstance(password, str):
        raise CredentialError(f"Vault's {asked.ref} has no password: it has {', '.join(sorted(fields)) or 'nothing'}")
    lasts = float(said.get("lease_duration") or 0)
    user = str(fields.get("username") or fields.get("login") or asked.user)
    lease = str(said.get("lease_id") or "")
    release = (lambda: _revoke(asked, headers, lease)) if lease else None
    return Login(user, password, soon(lasts * 0.8 if lease and lasts else UNSAID), release=release)


def _signed_in(asked: Asked) -> str:
    url = f"{_base(asked)}/auth/{quote(asked.settings.vault_auth)}/login"
    body = {"role": asked.run.principal, "jwt": asked.token().value}
    said = web.request(url, json_body=body, headers=_namespace(asked), ca=asked.settings.vault_ca)
    token: str = said["auth"]["client_token"]
    return token


def _revoke(asked: Asked, headers: dict[str, str], lease: str) -> None:
    with contextlib.suppress(web.WebError):  # it ends by itself all the same
        url = f"{_base(asked)}/sys/leases/revoke"
        web.request(url, json_body={"lease_id": lease}, headers=headers, ca=asked.settings.vault_ca)


def _base(asked: Asked) -> str:
    return f"{asked.settings.vault_address.rstrip('/')}/v1"


def _namespace(asked: Asked) -> dict[str, str]:
    return {"X-Vault-Namespace": asked.settings.vault_namespace} if asked.settings.vault_namespace else {}
