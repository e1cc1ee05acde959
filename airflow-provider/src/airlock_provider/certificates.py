"""The certificate that the proxy is shown: of files, or where there is no place for files (MWAA, Composer) of a secret.

`[airlock] client_certificate` is then `aws-secret:<ARN>` or `gcp-secret:projects/<project>/secrets/<name>`: JSON (`certificate`,
`key`, both PEM). Before a new connection it is read again when a quarter of an hour is over, so that a new one is used without a
restart. No disk gets it: a task's process ends without tidying up.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
import time
from typing import IO

from . import forks, google, web
from .forwarder import TlsFiles
from .settings import Settings

GOOGLE = "https://secretmanager.googleapis.com/v1"
KEPT = 900.0
"""Seconds until the secret is read again."""
PRINCIPAL = "{principal}"
"""Stands in the options where each principal has a certificate of its own."""
_lock = forks.lock()
_read: dict[str, tuple[str, float]] = {}
"""Place of a secret → certificate and key, and when it is read again."""


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
        _fetch(certificate)
        return _TlsSecret(certificate, settings.proxy_ca)
    return TlsFiles(certificate, key, settings.proxy_ca)


class _TlsSecret(TlsFiles):
    """The same of a secret, as it was read last."""

    def __init__(self, place: str, ca: str) -> None:
        super().__init__(ca=ca)
        self._place = place

    def _version(self) -> tuple[object, ...]:
        return (_read[self._place][0], *super()._version())

    def _load(self, context: ssl.SSLContext) -> None:
        file, path = _file_in_memory()
        with file:
            file.write(_read[self._place][0])
            file.flush()
            context.load_cert_chain(path)


def _file_in_memory() -> tuple[IO[str], str]:
    """A file, and the path at which OpenSSL can read it until it is closed: on Linux in memory alone (memfd_create(2))."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("airlock")
        return os.fdopen(number, "w"), f"/proc/self/fd/{number}"
    file = tempfile.NamedTemporaryFile("w", prefix="airlock-")  # noqa: SIM115  # its user's alone, until it is closed
    return file, file.name


def _fetch(place: str) -> None:
    """Reads a secret if it is time to. OSError where that fails, and it has not been read before."""
    with _lock:
        known, until = _read.get(place, ("", 0.0))
        if not known or until < time.monotonic():
            try:
                known = _secret(place)
            except OSError:
                if not known:
                    raise
            _read[place] = (known, time.monotonic() + KEPT)


def _secret(place: str) -> str:
    """Certificate and key as one PEM."""
    kind, _, name = place.partition(":")
    try:
        found = json.loads(_of_aws(name) if kind == "aws-secret" else _of_google(name))
        return "\n".join(str(found[part]) for part in ("certificate", "key"))
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
