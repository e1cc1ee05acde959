"""Kubernetes NetworkPolicies: by labels and addresses, both ends must allow.

`rules` has what the objects say, `read` makes filters of it, `connections` answers who connects to whom in plain manifests,
`compile` and `gate` make the objects.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .connections import Connection, Connectivity, Verdict
from .read import read

if TYPE_CHECKING:
    from .gate import NetworkPolicyGate

__all__ = ["Connection", "Connectivity", "NetworkPolicyGate", "Verdict", "read"]

__getattr__ = exports(__name__, {"NetworkPolicyGate": "gate"})
