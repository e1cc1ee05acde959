"""Tokens of any HTTPS service that issues a new one to whoever shows the present one.

Three URLs are declared: `issue_url` (POST, answers JSON with the new token under `token_field`), `test_url` (GET, refuses with
401 or 403) and, where the old token does not end by itself, `revoke_url` (POST `{"token": …}`). The old token must stay valid
until it is revoked or ends: a service that ends it as soon as it issues the next cannot be rotated without a gap.
"""

from .https import Https
from .service import Credential, ServiceError, Settings, field


class TokenEndpointService:
    """Secret: `{"token": …}`, with further fields that are kept as they are."""

    def __init__(self, settings: Settings, https: Https) -> None:
        self._issue, self._test = str(settings["issue_url"]), str(settings["test_url"])
        self._revoke = str(settings["revoke_url"]) if settings.get("revoke_url") else None
        self._field = str(settings.get("token_field") or "token")
        self._https = https

    def issue(self, current: Credential) -> Credential:
        """A new token. One that was lost ends by itself: nobody knows it."""
        answer = self._https.call("POST", self._issue, bearer=field(current, "token"), document={})
        token = answer.get(self._field) if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise ServiceError(f"issuing a token: the answer has no {self._field}")
        return {**current, "token": token}

    def works(self, credential: Credential) -> bool:
        """Whether the service takes it."""
        try:
            self._https.call("GET", self._test, bearer=field(credential, "token"))
        except ServiceError as error:
            if error.status in (401, 403):
                return False
            raise
        return True

    def retire(self, current: Credential, previous: Credential) -> None:
        """Revokes the previous token, where the service can."""
        if self._revoke and field(previous, "token") != field(current, "token"):
            self._https.call("POST", self._revoke, bearer=field(current, "token"), document={"token": field(previous, "token")})
