"""Linkerd: who may reach a port of a workload, by service account, method and path.

`read` makes filters of Servers, HTTPRoutes and AuthorizationPolicies; `compile` and `gate` make them.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .read import read

if TYPE_CHECKING:
    from .gate import LinkerdGate

__all__ = ["LinkerdGate", "read"]

__getattr__ = exports(__name__, {"LinkerdGate": "gate"})
