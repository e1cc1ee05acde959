"""Kubernetes' own token of the task's pod, projected into it with the proxy's audience: the identity is attested.

It names the pod's service account and no task; the kubelet renews the file at 80 % of its life (Kubernetes, "Configure Service
Accounts for Pods", "Launch a Pod using service account token projection"), so that it is read anew each time.
"""

from __future__ import annotations

from pathlib import Path

from ..audit import TaskRun
from ..manifest import Identity
from .token import Token, TokenError


def issue(identity: Identity, run: TaskRun, seconds: int) -> Token:
    """The token that is in the file now."""
    try:
        return Token.read(Path(identity.path).read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise TokenError(f"{identity.path}: no token is projected into this pod: {reason}") from None
