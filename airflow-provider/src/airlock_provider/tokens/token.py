"""A token, what it says of itself, and the making of one from its parts. Nothing here verifies a signature: the proxy does."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..audit import TaskRun
from ..manifest import Identity

SKEW = 60.0
"""Seconds by which clocks may differ (jwt_authn of Envoy allows as much)."""


class TokenError(Exception):
    """No token is to be had; the message says of whom, and why."""


@dataclass(frozen=True)
class Token:
    """A JWT. It is never printed."""

    value: str = field(repr=False)
    issuer: str
    audience: tuple[str, ...]
    issued: float
    expires: float
    """Seconds since 1970."""
    uid: str = ""
    """Its `jti`."""

    @classmethod
    def read(cls, value: str) -> Token:
        """What a token says. TokenError for what is no JWT."""
        try:
            payload = json.loads(_unpadded(value.split(".")[1]))
            audience = payload["aud"]
            listed = (audience,) if isinstance(audience, str) else tuple(map(str, audience))
            expires = float(payload["exp"])
            issued = float(payload.get("iat", expires))
            return cls(value, str(payload["iss"]), listed, issued, expires, str(payload.get("jti", "")))
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise TokenError(f"what was issued is no JWT with iss, aud and exp ({type(error).__name__})") from None

    def ageing(self, now: float) -> bool:
        """Whether it is time for another: half of its life is over."""
        return now >= self.expires - (self.expires - self.issued) / 2

    def check(self, identity: Identity, now: float) -> None:
        """TokenError when the proxy would refuse it: of another issuer, for another audience, over, or not begun."""
        if self.issuer != identity.issuer:
            raise TokenError(f"the token is of issuer {self.issuer}, and the proxy trusts {identity.issuer}")
        if identity.audience not in self.audience:
            raise TokenError(f"the token is for {', '.join(self.audience)}, and the proxy is {identity.audience}")
        if self.expires <= now:
            raise TokenError(f"the token ended {now - self.expires:.0f} s ago by this worker's clock")
        if self.issued > now + SKEW:
            raise TokenError(f"the token begins in {self.issued - now:.0f} s by this worker's clock: one of the clocks is wrong")


def claims(identity: Identity, run: TaskRun, seconds: int) -> dict[str, Any]:
    """The claims of a task's token."""
    now = int(time.time())
    return {
        "iss": identity.issuer,
        "aud": identity.audience,
        "sub": f"{run.environment}/{run.dag_id}.{run.task_id}",
        "iat": now,
        "exp": now + seconds,
        "jti": str(uuid.uuid4()),
        "airlock": task_claims(run),
    }


def task_claims(run: TaskRun) -> dict[str, Any]:
    """The claim `airlock`: which task run it is."""
    found: dict[str, Any] = {
        "environment": run.environment,
        "dag_id": run.dag_id,
        "task_id": run.task_id,
        "run_id": run.run_id,
        "try_number": run.try_number,
        "map_index": run.map_index,
        "ti_id": run.ti_id,
        "assurance": run.assurance,
        "correlation": run.correlation,
    }
    return found | ({"agent_id": run.agent_id} if run.agent_id else {})


def signing_input(header: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """What is signed (RFC 7515, section 5.1)."""
    return ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
