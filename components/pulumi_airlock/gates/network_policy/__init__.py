"""Kubernetes NetworkPolicies: by labels and addresses, both ends must allow.

`rules` has what the objects say, `read` makes filters of it, `connections` answers who connects to whom in plain manifests,
`compile` and `gate` make the objects.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .connections import Connection, Connectivity, Verdict
from .read import read

if TYPE_CHECKING:
    from .gate import NetworkPolicyGate

__all__ = ["Connection", "Connectivity", "NetworkPolicyGate", "Verdict", "read"]


def __getattr__(name: str) -> Any:
    if name == "NetworkPolicyGate":
        return import_module(".gate", __package__).NetworkPolicyGate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
