"""Secrets of AWS Secrets Manager, which somebody rotates (docs/credentials.md): read when asked for, kept for five minutes.

A secret is JSON in the form of RDS (`username`, `password`, `dbname`) or of Airflow (`login`, `password`, `schema`, `extra`), or
the bare password. Where it names a host, that is not used: the address is the route's.
"""

from __future__ import annotations

import json
from typing import Any

from .login import UNSAID, Asked, CredentialError, Login, soon


def issue(asked: Asked) -> Login:
    """The current version of the secret `ref`."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise CredentialError("credentials of AWS need boto3: install airflow-provider-airlock[aws]") from None
    from .. import aws

    try:
        said = aws.client("secretsmanager", asked.run, asked.region).get_secret_value(SecretId=asked.ref)
    except (BotoCoreError, ClientError) as error:
        raise CredentialError(f"secret {asked.ref} is not to be had: {error}") from None
    return _login(str(said.get("SecretString") or ""), asked)


def _login(text: str, asked: Asked) -> Login:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        if not text:
            raise CredentialError(f"secret {asked.ref} has no text")
        return Login(asked.user, text, soon(UNSAID))
    password = found.get("password")
    if not isinstance(password, str):
        raise CredentialError(f"secret {asked.ref} has no password: it has {', '.join(sorted(found)) or 'nothing'}")
    user = str(found.get("username") or found.get("login") or asked.user)
    schema = found.get("dbname") or found.get("schema")
    return Login(user, password, soon(UNSAID), str(schema) if schema else None, _extra(found.get("extra")))


def _extra(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
