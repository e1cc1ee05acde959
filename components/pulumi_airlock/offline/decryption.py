"""Decrypts the `secure:` values of `Pulumi.<stack>.yaml` that Pulumi's passphrase secrets provider encrypted.

AES-256-GCM; the key is PBKDF2-HMAC-SHA256 of passphrase and salt, 1,000,000 times. `encryptionsalt` holds the salt, and the word
`pulumi` encrypted, which tells a right passphrase from a wrong one (pulumi `sdk/go/common/resource/config/crypt.go`,
`pkg/secrets/passphrase/manager.go`).
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from ..unreadable import why

Decrypt = Callable[[str], str]
"""The text of an encrypted one (`v1:<nonce>:<ciphertext>`). ValueError where it is not one of this key."""

PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105  # names of variables
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105

_ITERATIONS = 1_000_000
_KEY_BYTES = 32
_WITNESS = "pulumi"


def decrypter(settings: Mapping[str, Any], path: Path) -> Decrypt | None:
    """What decrypts the values of a stack's settings file (`settings`, read from `path`).

    None where nobody gave a passphrase, or where something else than a passphrase encrypts them (Pulumi Cloud, a KMS).
    InputError for a wrong passphrase, one that cannot be read, and a salt that is none.
    """
    salt = settings.get("encryptionsalt")
    if not salt or settings.get("encryptedkey"):
        return None
    passphrase, source = _passphrase()
    if passphrase is None:
        return None
    version, _, rest = str(salt).partition(":")
    encoded, _, witness = rest.partition(":")
    try:
        if version != "v1":
            raise ValueError(f"its version is {version!r}, expected v1")
        key = _key(passphrase, base64.b64decode(encoded, validate=True))
        _parts(witness)
    except (ValueError, binascii.Error) as error:
        raise InputError([Problem(str(path), "encryptionsalt", f"is not what Pulumi writes there: {error}")]) from None

    def decrypt(text: str) -> str:
        return _decrypted(key, text)

    try:
        right = decrypt(witness) == _WITNESS
    except ValueError:
        right = False
    if not right:
        fix = f"set {PASSPHRASE} or {PASSPHRASE_FILE} to this stack's, or unset both: encrypted values are then unknown secrets"
        raise InputError([Problem(str(path), "encryptionsalt", f"the passphrase in {source} is not this stack's: {fix}")])
    return decrypt


def _passphrase() -> tuple[str | None, str]:
    """The passphrase and the variable that it is from; None where there is none. An empty one is one, as for the Pulumi CLI."""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE], PASSPHRASE
    file = os.environ.get(PASSPHRASE_FILE)
    if not file:
        return None, ""
    try:
        return Path(file).read_text(encoding="utf-8").strip(), PASSPHRASE_FILE
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(PASSPHRASE_FILE, "", why(error))]) from error


@lru_cache(maxsize=8)
def _key(passphrase: str, salt: bytes) -> bytes:
    # A third of a second, as it is meant to take: once a process.
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ITERATIONS, _KEY_BYTES)


def _decrypted(key: bytes, text: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, ciphertext = _parts(text)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, None).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise ValueError("it was encrypted with another key") from None


def _parts(text: str) -> tuple[bytes, bytes]:
    version, *parts = text.split(":")
    if version != "v1" or len(parts) != 2:
        raise ValueError("expected v1:<nonce>:<ciphertext>")
    try:
        nonce, ciphertext = (base64.b64decode(part, validate=True) for part in parts)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None
    if len(nonce) != 12:
        raise ValueError("its nonce is not of 12 bytes")
    return nonce, ciphertext
