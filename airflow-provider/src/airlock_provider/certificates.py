"""The certificate that the proxy is shown: of files, or where there is no place for files (MWAA, Composer) of a secret.

`[airlock] client_certificate` is then `aws-secret:<ARN>` or `gcp-secret:projects/<project>/secrets/<name>`: JSON (`certificate`,
`key`, both PEM). Before a new connection it is read again when a quarter of an hour is over, so that a new one is used without a
restart. The files that it is put into are this process's own, and its user's alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from . import google, web
from .forwarder import TlsFiles
from .settings import Settings

GOOGLE = "https://secretmanager.googleapis.com/v1"
KEPT = 900.0
"""Seconds until the secret is read again."""
_lock = threading.Lock()
_read: dict[tuple[str, int], tuple[Path, float]] = {}


PRINCIPAL = "{principal}"
"""Stands in the options where each principal has a certificate of its own."""


def tls(settings: Settings, principal: str = "") -> TlsFiles:
    """What a connection to the proxy needs, of a principal where each has a certificate of its own.

    OSError where a secret cannot be read, and has not been read before.
    """
    certificate, key = settings.client_certificate, settings.client_key
    if PRINCIPAL in certificate:
        if not principal:
            return TlsFiles(ca=settings.proxy_ca)  # nobody's yet
        certificate, key = certificate.replace(PRINCIPAL, principal), key.replace(PRINCIPAL, principal)
    if certificate.startswith(("aws-secret:", "gcp-secret:")):
        folder = _of_secret(certificate)
        certificate, key = str(folder / "tls.crt"), str(folder / "tls.key")
    return TlsFiles(certificate, key, settings.proxy_ca)


def _of_secret(place_of_it: str) -> Path:
    with _lock:
        place = (place_of_it, os.getpid())  # a forked process has a folder of its own
        folder, until = _read.get(place, (None, 0.0))
        if folder is None or until < time.monotonic():
            try:
                found = _secret(place_of_it)
            except OSError:
                if folder is None:
                    raise
            else:
                folder = folder or Path(tempfile.mkdtemp(prefix="airlock-"))
                for name, text in (("tls.key", found["key"]), ("tls.crt", found["certificate"])):
                    _write(folder / name, text)
            _read[place] = (folder, time.monotonic() + KEPT)
        return folder


def _secret(place: str) -> dict[str, str]:
    kind, _, name = place.partition(":")
    try:
        found = json.loads(_of_aws(name) if kind == "aws-secret" else _of_google(name))
        return {part: str(found[part]) for part in ("certificate", "key")}
    except (KeyError, TypeError, ValueError):
        raise OSError(f"secret {name} is no JSON with certificate and key") from None


def _of_aws(arn: str) -> str:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise OSError("a certificate of Secrets Manager needs boto3: install airflow-provider-airlock[aws]") from None
    from . import aws

    region = arn.split(":")[3] if arn.startswith("arn:") else ""
    try:
        return str(aws.worker("secretsmanager", region).get_secret_value(SecretId=arn).get("SecretString") or "")
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"the client's certificate is not to be had: {error}") from None


def _of_google(name: str) -> str:
    try:
        headers = {"Authorization": f"Bearer {google.access_token()}"}
        said = web.request(f"{GOOGLE}/{name}/versions/latest:access", headers=headers)
    except web.WebError as error:
        raise OSError(f"the client's certificate is not to be had: {error}") from None
    return base64.b64decode(said["payload"]["data"]).decode()


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a connection may read it meanwhile."""
    part = path.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
