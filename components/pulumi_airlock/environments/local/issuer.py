"""The local stack's OIDC issuer: discovery, keys, and tokens for tasks. A real issuer, for one machine.

    python -m pulumi_airlock.environments.local.issuer PORT FOLDER AUDIENCE

Whoever on this machine asks says which task it is, and gets a token that says so: such an identity is asserted. To use it a
client needs the certificate as well that the proxy asks for, whose key its owner alone can read. The signing key lies in the
folder; after a day the next start makes a new one, and the old one stays published.
"""

import json
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .files import write
from .serving import Refused, serve

LIFE = 900
"""Seconds that a token lives at most."""
KEY_LIFE = 86_400
_CLAIMS = frozenset(
    ("environment", "dag_id", "task_id", "run_id", "try_number", "map_index", "ti_id", "assurance", "correlation", "agent_id")
)


def address(port: int) -> str:
    """The issuer's address, as tokens have it."""
    return f"http://127.0.0.1:{port}"


def main() -> None:
    """Serves until it is stopped."""
    port, folder, audience = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    keys, issuer = _keys(folder), address(port)
    discovery = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/token",
        "grant_types_supported": ["client_credentials"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }

    def get(path: str, _sent: Mapping[str, Any], _headers: Mapping[str, str]) -> Any:
        match path:
            case "/.well-known/openid-configuration":
                return discovery
            case "/jwks.json":
                return {"keys": [_public(name, key) for name, key in keys.items()]}
        raise Refused(404, f"no {path}: see /.well-known/openid-configuration")

    def post(path: str, sent: Mapping[str, Any], _headers: Mapping[str, str]) -> Any:
        if path != "/token":
            raise Refused(404, f"no {path}: tokens are at /token")
        if sent.get("audience", audience) != audience:
            raise Refused(400, f"wrong audience {sent['audience']!r}: tokens here are for {audience!r}")
        claims, life = _claims(sent.get("claims")), _life(sent.get("lifetime", LIFE))
        name, key = next(iter(keys.items()))
        now = int(time.time())
        subject = f"{claims['environment']}/{claims['dag_id']}.{claims['task_id']}"
        token: dict[str, Any] = {"iss": issuer, "aud": audience, "sub": subject, "jti": str(uuid.uuid4()), "airlock": claims}
        token |= {"iat": now, "exp": now + life}
        signed = jwt.encode(token, key, algorithm="ES256", headers={"kid": name})
        return {"access_token": signed, "token_type": "Bearer", "expires_in": life}

    serve(port, "issuer", get, post)


def _claims(given: Any) -> dict[str, Any]:
    """What the client says of its task; nothing else gets into a token."""
    try:
        found = json.loads(str(given))["airlock"]
        said = all(isinstance(found[key], str) for key in ("environment", "dag_id", "task_id"))
    except (ValueError, KeyError, TypeError):
        said = False
    if not said:
        raise Refused(400, "`claims` must be JSON, whose `airlock` says environment, dag_id and task_id")
    if unknown := sorted(set(found) - _CLAIMS):
        raise Refused(400, f"no such claims: {', '.join(unknown)}")
    return dict(found)


def _life(given: Any) -> int:
    try:
        return min(max(int(given), 1), LIFE)
    except ValueError:
        raise Refused(400, f"`lifetime` {given!r} is no number of seconds") from None


def _keys(folder: Path) -> dict[str, ec.EllipticCurvePrivateKey]:
    """Key id → key, the one that signs first."""
    now = int(time.time())
    files = sorted(folder.glob("signing-*.pem"), reverse=True)
    if not files or now - _born(files[0]) > KEY_LIFE:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = serialization.Encoding.PEM
        path = folder / f"signing-{now}.pem"
        write(path, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())
        for old in files[1:]:
            old.unlink()
        files = [path, *files[:1]]
    found = {}
    for one in files:
        loaded = serialization.load_pem_private_key(one.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101  # ours are
        found[one.stem] = loaded
    return found


def _born(path: Path) -> int:
    return int(path.stem.partition("-")[2])


def _public(name: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", "alg": "ES256"}


if __name__ == "__main__":
    main()
