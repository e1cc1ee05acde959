"""Detached signatures of an evidence file: Ed25519 (RFC 8032) with a key of the user's, in PEM. Airlock has no key of its own.

The signature is the 64 raw bytes, over the file as it is, so that others can check it too:

    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in evidence.json -sigfile evidence.json.sig
"""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ..errors import InputError, Problem
from ..unreadable import why

MAKE = "make one with `openssl genpkey -algorithm ed25519`"


def read_private_key(path: Path, password: bytes | None = None) -> Ed25519PrivateKey:
    """The private key in a PEM file. InputError where it is none, of another kind, or needs another password."""
    content = _read(path)
    try:
        key = load_pem_private_key(content, password)
    except TypeError:
        message = f"has {'no password, and one is' if password else 'a password, and none is'} given in AIRLOCK_SIGNING_PASSWORD"
        raise InputError([Problem(str(path), "", message)]) from None
    except (ValueError, UnsupportedAlgorithm):
        message = f"is no private key in PEM, or has another password: {MAKE}"
        raise InputError([Problem(str(path), "", message)]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError([Problem(str(path), "", f"is no Ed25519 key: {MAKE}")])
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. InputError where it is none, or of another kind."""
    content = _read(path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "is no public key in PEM: `openssl pkey -in key.pem -pubout` writes it"
        raise InputError([Problem(str(path), "", message)]) from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError([Problem(str(path), "", "is no Ed25519 key")])
    return key


def is_signed(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether the signature is of this content and key."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), "", why(error))]) from error
