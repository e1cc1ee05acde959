"""Tokens of an OIDC issuer nearby: of a file that something beside the worker keeps fresh, or asked of the issuer's endpoint.

The endpoint is asked as for client credentials (RFC 6749, section 4.4), with the task's ids as JSON in `claims`: so the local
stack's issuer takes them. An issuer that lets nobody ask for another's ids makes the identity worth more than asserted.
"""

from __future__ import annotations

import json

from .. import web
from ..audit import TaskRun
from ..manifest import Identity
from . import projected
from .token import Token, TokenError, task_claims


def issue(identity: Identity, run: TaskRun, seconds: int) -> Token:
    """The file's token, or the endpoint's."""
    if identity.path:
        return projected.issue(identity, run, seconds)
    form = {
        "grant_type": "client_credentials",
        "audience": identity.audience,
        "lifetime": str(seconds),
        "claims": json.dumps({"airlock": task_claims(run)}),
    }
    try:
        said = web.request(identity.endpoint, form=form)
    except web.WebError as error:
        raise TokenError(f"the issuer gives no token: {error}") from None
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str):
        raise TokenError("the issuer's answer has no access_token")
    return Token.read(token)
