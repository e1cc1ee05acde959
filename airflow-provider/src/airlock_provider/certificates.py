"""The certificate that the proxy is shown: of files, or where there is no place for files (MWAA) of AWS Secrets Manager.

`[airlock] client_certificate = aws-secret:<ARN>`: JSON with `certificate` and `key`, both PEM. Before a new connection it is read
again when a quarter of an hour is over, so that a new one is used without a restart. The files that it is put into are this
process's own, and its user's alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from .forwarder import TlsFiles
from .settings import Settings

_PREFIX = "aws-secret:"
KEPT = 900.0
"""Seconds until the secret is read again."""
_lock = threading.Lock()
_read: dict[tuple[str, int], tuple[Path, float]] = {}


def tls(settings: Settings) -> TlsFiles:
    """What a connection to the proxy needs. OSError where a secret cannot be read, and has not been read before."""
    certificate, key = settings.client_certificate, settings.client_key
    if certificate.startswith(_PREFIX):
        folder = _of_secret(certificate.removeprefix(_PREFIX))
        certificate, key = str(folder / "tls.crt"), str(folder / "tls.key")
    return TlsFiles(certificate, key, settings.proxy_ca)


def _of_secret(arn: str) -> Path:
    with _lock:
        place = (arn, os.getpid())  # a forked process has a folder of its own
        folder, until = _read.get(place, (None, 0.0))
        if folder is None or until < time.monotonic():
            try:
                found = _secret(arn)
            except OSError:
                if folder is None:
                    raise
            else:
                folder = folder or Path(tempfile.mkdtemp(prefix="airlock-"))
                for name, text in (("tls.key", found["key"]), ("tls.crt", found["certificate"])):
                    _write(folder / name, text)
            _read[place] = (folder, time.monotonic() + KEPT)
        return folder


def _secret(arn: str) -> dict[str, str]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise OSError("a certificate of Secrets Manager needs boto3: install airflow-provider-airlock[aws]") from None
    from . import aws

    region = arn.split(":")[3] if arn.startswith("arn:") else ""
    try:
        said = aws.worker("secretsmanager", region).get_secret_value(SecretId=arn)
        found = json.loads(said.get("SecretString") or "")
        return {name: str(found[name]) for name in ("certificate", "key")}
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"the client's certificate is not to be had: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise OSError(f"secret {arn} is no JSON with certificate and key") from None


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a connection may read it meanwhile."""
    part = path.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
