"""API keys of a FortiGate: two API users that renew each other's key.

`POST /api/v2/monitor/system/api-user/generate-key` replaces the key of the API user that it names, at once, and the answer is the
only time that the key is shown. A user that renewed its own key would end its own session; so the user of the current key renews
that of the other one. Both need `sysgrp` `admin` rights (the access group of that call, per FortiOS's API reference).

The token goes in the `Authorization` header: from 7.4.5 on a FortiGate takes none in the URL unless told to.

How sure: the path, the body and `results.access_token` are those of several public clients; no device was used to try it.
"""

from .https import Https
from .service import Credential, RotationError, ServiceError, Settings, field

_REFUSED = (401, 403)


class FortigateService:
    """The API keys of two users of one device. Secret: `{"user": …, "token": …}`. Settings: `url`, `users`, optional `vdom`."""

    def __init__(self, settings: Settings, https: Https) -> None:
        self._url = str(settings["url"]).rstrip("/")
        first, second = settings["users"]
        self._users = (str(first), str(second))
        self._vdom = f"?vdom={settings['vdom']}" if settings.get("vdom") else ""
        self._https = https

    def issue(self, current: Credential) -> Credential:
        """A new key of the other user. One that was lost is replaced by it."""
        user = field(current, "user")
        if user not in self._users:
            raise RotationError(f"the secret's user is none of {' and '.join(self._users)}, the users that renew each other")
        other = self._users[1 - self._users.index(user)]
        return {"user": other, "token": self._generate(field(current, "token"), other)}

    def works(self, credential: Credential) -> bool:
        """Whether the device takes the key: reading the user itself needs the right that the next rotation needs."""
        user = field(credential, "user")
        try:
            url = f"{self._url}/api/v2/cmdb/system/api-user/{user}{self._vdom}"
            self._https.call("GET", url, bearer=field(credential, "token"))
        except ServiceError as error:
            if error.status in _REFUSED:
                return False
            raise
        return True

    def retire(self, current: Credential, previous: Credential) -> None:
        """Gives the other user a key that nobody has seen."""
        other = field(previous, "user")
        if other != field(current, "user") and other in self._users:
            self._generate(field(current, "token"), other)

    def _generate(self, token: str, user: str) -> str:
        url = f"{self._url}/api/v2/monitor/system/api-user/generate-key{self._vdom}"
        answer = self._https.call("POST", url, bearer=token, document={"api-user": user})
        results = answer.get("results") if isinstance(answer, dict) else None
        key = results.get("access_token") if isinstance(results, dict) else None
        if not isinstance(key, str) or not key:
            raise ServiceError(f"generate-key of {user}: the answer has no results.access_token")
        return key
