"""Google's tokens for the worker's own service account, of the metadata server that Composer, GKE and GCE have."""

from __future__ import annotations

import os
import time
from urllib.parse import quote

from . import forks, web

CREDENTIALS = "https://iamcredentials.googleapis.com/v1"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_known: dict[str, tuple[str, float]] = {}
_lock = forks.lock()


def access_token() -> str:
    """An access token of the worker's service account; kept until a minute before it ends. WebError where there is none."""
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    with _lock:
        token, ends = _known.get(host, ("", 0.0))
        if ends <= time.time():
            url = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
            said = web.request(url, headers={"Metadata-Flavor": "Google"})
            token, ends = str(said["access_token"]), time.time() + float(said["expires_in"]) - 60
            _known[host] = (token, ends)
        return token


def forget() -> None:
    """Forgets tokens that were got."""
    with _lock:
        _known.clear()


def impersonated(account: str, scope: str, seconds: int) -> str:
    """An access token of another service account (IAM Credentials API, `generateAccessToken`): at most an hour."""
    said = web.request(
        f"{CREDENTIALS}/projects/-/serviceAccounts/{quote(account)}:generateAccessToken",
        headers={"Authorization": f"Bearer {access_token()}"},
        json_body={"scope": [scope], "lifetime": f"{min(seconds, 3600)}s"},
    )
    return str(said["accessToken"])
