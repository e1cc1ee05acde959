"""What the local stack lends tasks to sign in to its destinations with: two calls of Vault's API, imitated. It is no Vault.

    python -m pulumi_airlock.environments.local.lending PORT FOLDER ISSUER AUDIENCE

`POST /v1/auth/jwt/login` takes a task's token, which it verifies by the issuer's keys; `GET /v1/database/creds/<destination>`
gives a user and a password that the destination takes for a few minutes, to whichever task has a token: who may get there is for
the proxy to say. In PostgreSQL that is a role that ends (`VALID UNTIL`);
the echo server is told by a signature, whose key both read from `FOLDER`.
"""

import hmac
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt

from .serving import Refused, serve

LIFE = 300
"""Seconds that a password holds."""
KEY = "lending-key"
"""The file with the key that passwords for the echo server are signed with."""
DATABASES = "databases.json"
"""The file that says which destinations are databases: name → host, port, user, password file and `psql`."""


def signed(key: str, user: str, until: int) -> str:
    """A password that says how long it holds."""
    mark = hmac.new(key.encode(), f"{user}\0{until}".encode(), sha256).hexdigest()
    return f"{until}.{mark}"


def holds(key: str, user: str, password: str, now: float) -> bool:
    """Whether it is one of ours, and holds still."""
    until = password.partition(".")[0]
    return until.isdigit() and int(until) > now and hmac.compare_digest(signed(key, user, int(until)), password)


def main() -> None:
    """Serves until it is stopped."""
    port, folder, issuer, audience = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    keys = jwt.PyJWKClient(f"{issuer}/jwks.json", cache_keys=True)
    sessions: dict[str, tuple[str, float]] = {}

    def get(path: str, _sent: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        name = path.removeprefix("/v1/database/creds/")
        if name == path or "/" in name:
            raise Refused(404, f"no {path}: this is no Vault, it lends /v1/database/creds/<destination> alone")
        who, until = sessions.get(headers.get("x-vault-token", ""), ("", 0.0))
        if until < time.time():
            raise Refused(403, "permission denied: sign in at /v1/auth/jwt/login")
        user = f"v-{who}-{secrets.token_hex(4)}"
        password = _lent(folder, name, user)
        print(f"lent {user} of {name} to {who} for {LIFE} s", file=sys.stderr, flush=True)
        data = {"username": user, "password": password}
        return {"lease_id": f"database/creds/{name}/{user}", "lease_duration": LIFE, "renewable": False, "data": data}

    def post(path: str, sent: Mapping[str, Any], _headers: Mapping[str, str]) -> Any:
        if path == "/v1/sys/leases/revoke":
            return {}
        if path != "/v1/auth/jwt/login":
            raise Refused(404, f"no {path}: this is no Vault, it takes /v1/auth/jwt/login alone")
        token = str(sent.get("jwt", ""))
        try:
            key = keys.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=["ES256"], audience=audience, issuer=issuer)
        except jwt.PyJWTError as error:
            raise Refused(400, f"the token is refused: {error}") from None
        session = secrets.token_urlsafe(24)
        sessions[session] = (re.sub(r"[^a-zA-Z0-9-]", "", str(sent.get("role", "")))[:32], time.time() + LIFE)
        return {"auth": {"client_token": session, "lease_duration": LIFE}}

    serve(port, "lending (no Vault)", get, post)


def _lent(folder: Path, name: str, user: str) -> str:
    until = int(time.time()) + LIFE
    databases = json.loads((folder / DATABASES).read_text())
    if name not in databases:
        return signed((folder / KEY).read_text(), user, until)
    password = secrets.token_urlsafe(24)
    _make_role(databases[name], user, password, until)
    return password


def _make_role(database: Mapping[str, Any], user: str, password: str, until: int) -> None:
    """A role that ends. Both texts are made of letters, digits, `-` and `_`: they need no quoting."""
    ends = datetime.fromtimestamp(until, UTC).isoformat()
    statement = f"CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}' VALID UNTIL '{ends}'; GRANT pg_read_all_data TO \"{user}\";"
    place = ["-h", database["host"], "-p", str(database["port"]), "-U", database["user"], "-d", "postgres"]
    command = [database["psql"], "-q", "-v", "ON_ERROR_STOP=1", *place]
    secret = {"PGPASSWORD": Path(database["password_file"]).read_text().strip()}
    done = subprocess.run(command, input=statement, env=secret, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(500, f"the database makes no role: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
