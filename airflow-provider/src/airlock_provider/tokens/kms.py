"""Tokens that a key in a cloud's KMS signs: Composer's way, as Google's own id tokens carry no claims of a task.

The key never leaves the KMS; whoever may use it can claim any task, so that the identity is asserted. ES256 or RS256, by the key.
"""

from __future__ import annotations

import base64
from hashlib import sha256

from .. import forks, google, web
from ..audit import TaskRun
from ..manifest import Identity
from .token import Token, TokenError, claims, encoded, signing_input

GOOGLE = "https://cloudkms.googleapis.com/v1"
_ALGORITHMS = {
    "ECDSA_SHA_256": "ES256",
    "RSASSA_PKCS1_V1_5_SHA_256": "RS256",
    "EC_SIGN_P256_SHA256": "ES256",
    "RSA_SIGN_PKCS1_2048_SHA256": "RS256",
    "RSA_SIGN_PKCS1_3072_SHA256": "RS256",
    "RSA_SIGN_PKCS1_4096_SHA256": "RS256",
}
"""What AWS and Google call the algorithms of a JWT (RFC 7518, section 3.1)."""
_known: dict[str, str] = {}
_lock = forks.lock()


def issue(identity: Identity, run: TaskRun, seconds: int) -> Token:
    """A token that the manifest's key has signed."""
    sign = _aws if identity.key.startswith("arn:") else _google
    return Token.read(sign(identity, claims(identity, run, seconds)))


def _google(identity: Identity, payload: dict[str, object]) -> str:
    headers = {"Authorization": f"Bearer {_metadata()}"}
    url = f"{GOOGLE}/{identity.key}"
    try:
        if identity.key not in _known:
            _known[identity.key] = _algorithm(str(web.request(f"{url}/publicKey", headers=headers)["algorithm"]), identity.key)
        algorithm = _known[identity.key]
        text = signing_input({"alg": algorithm, "typ": "JWT"}, payload)
        digest = base64.b64encode(sha256(text.encode()).digest()).decode()
        said = web.request(f"{url}:asymmetricSign", headers=headers, json_body={"digest": {"sha256": digest}})
        return f"{text}.{encoded(_raw(base64.b64decode(said['signature']), algorithm))}"
    except web.WebError as error:
        raise TokenError(f"Cloud KMS does not sign with {identity.key}: {error}") from None


def _metadata() -> str:
    try:
        return google.access_token()
    except web.WebError as error:
        raise TokenError(f"no access token of the worker's service account: {error}") from None


def _aws(identity: Identity, payload: dict[str, object]) -> str:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise TokenError("keys of AWS KMS need boto3: install airflow-provider-airlock[aws]") from None
    from .. import aws

    try:
        client = aws.worker("kms", identity.region)
        if identity.key not in _known:
            offered = client.get_public_key(KeyId=identity.key)["SigningAlgorithms"]
            _known[identity.key] = next((one for one in offered if one in _ALGORITHMS), "") or _refuse(identity.key, offered)
        name = _known[identity.key]
        text = signing_input({"alg": _ALGORITHMS[name], "typ": "JWT"}, payload)
        # At most 4,096 bytes (KMS API Reference, Sign): twice what the longest ids of Airflow make.
        said = client.sign(KeyId=identity.key, Message=text.encode(), MessageType="RAW", SigningAlgorithm=name)
        return f"{text}.{encoded(_raw(said['Signature'], _ALGORITHMS[name]))}"
    except (BotoCoreError, ClientError) as error:
        raise TokenError(f"AWS KMS does not sign with {identity.key}: {error}") from None


def _algorithm(found: str, key: str) -> str:
    return _ALGORITHMS.get(found) or _refuse(key, [found])


def _refuse(key: str, offered: list[str]) -> str:
    raise TokenError(f"{key} signs by {', '.join(offered)}: a proxy needs ECDSA P-256 or RSA PKCS #1 with SHA-256")


def _raw(signature: bytes, algorithm: str) -> bytes:
    """ECDSA's r and s as JWTs have them, side by side (RFC 7518, section 3.4); both KMS give them in DER."""
    if algorithm != "ES256":
        return signature
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
