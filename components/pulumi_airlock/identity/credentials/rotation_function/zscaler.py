"""Secrets of an API client of Zscaler (OneAPI): an API client may have several, and each works until it is deleted.

A secret is added with `POST …/api-clients/{id}/secrets`, whose answer is the only time that its value is shown, and deleted by
its id; both need an access token of an API client with the right to manage API clients. That is the client itself, or better a
`manager`: another secret of the same form, so that the client of a gate can do nothing but the gate's work.

The secrets of the client belong to this function: one that is neither current nor being made is deleted when the next is made.

How sure: the paths and the fields (`id`, `value`, `expiresAt`) are those of Zscaler's public Python SDK and of its API reference;
how many secrets a client may have, and how soon a new one works, is not documented. No tenant was used to try it.
Legacy API keys (ZIA's obfuscated key, ZPA's own client secret) have no such call: they cannot be rotated here.
"""

from typing import Any

from .https import Https
from .service import Credential, RotationError, ServiceError, Settings, field

AUDIENCE = "https://api.zscaler.com"
"""What OneAPI's tokens are for (Zscaler, "Understanding OneAPI Authentication")."""
_REFUSED = (400, 401, 403)
"""An OAuth server answers a wrong client secret with 401, or 400 `invalid_client` (RFC 6749, section 5.2)."""


class ZscalerService:
    """The secrets of one API client.

    Secret: `{"client_id": …, "client_secret": …, "secret_id": …}`. Settings: `token_url`, `api_url`, `api_client` (its id in the
    API, which is not the client id that it signs in with).
    """

    def __init__(self, settings: Settings, https: Https, manager: Credential | None = None) -> None:
        self._token_url = str(settings["token_url"])
        self._secrets = f"{str(settings['api_url']).rstrip('/')}/ziam/admin/api/v1/api-clients/{settings['api_client']}/secrets"
        self._manager = manager
        self._https = https

    def issue(self, current: Credential) -> Credential:
        """A further secret. Those that are neither the current one nor this one go first: lost ones, or the one before."""
        bearer = self._sign_in(self._manager or current)
        kept = field(current, "secret_id")
        listed = _ids(self._https.call("GET", self._secrets, bearer=bearer))
        if kept not in listed:
            raise RotationError("the API client has no secret with the secret_id of the current version: correct the secret")
        for other in listed:
            if other != kept:
                self._delete(bearer, other)
        made = self._https.call("POST", self._secrets, bearer=bearer, document={})
        value, identifier = (made.get("value"), made.get("id")) if isinstance(made, dict) else (None, None)
        if not isinstance(value, str) or not value or not isinstance(identifier, str | int):
            raise ServiceError("adding a secret: the answer has no value and id")
        return {"client_id": field(current, "client_id"), "client_secret": value, "secret_id": str(identifier)}

    def works(self, credential: Credential) -> bool:
        """Whether the API client can sign in with it."""
        try:
            self._sign_in(credential)
        except ServiceError as error:
            if error.status in _REFUSED:
                return False
            raise
        return True

    def retire(self, current: Credential, previous: Credential) -> None:
        """Deletes the previous secret."""
        if field(previous, "secret_id") != field(current, "secret_id"):
            self._delete(self._sign_in(self._manager or current), field(previous, "secret_id"))

    def _sign_in(self, credential: Credential) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": field(credential, "client_id"),
            "client_secret": field(credential, "client_secret"),
            "audience": AUDIENCE,
        }
        answer = self._https.call("POST", self._token_url, form=form)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise ServiceError("signing in: the answer has no access_token")
        return token

    def _delete(self, bearer: str, identifier: str) -> None:
        try:
            self._https.call("DELETE", f"{self._secrets}/{identifier}", bearer=bearer)
        except ServiceError as error:
            if error.status != 404:
                raise


def _ids(answer: Any) -> list[str]:
    """The ids in a list of secrets, which may stand alone or under a key."""
    found = answer
    if isinstance(answer, dict):
        found = next((value for value in answer.values() if isinstance(value, list)), [answer])
    entries = found if isinstance(found, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and entry.get("id")]
