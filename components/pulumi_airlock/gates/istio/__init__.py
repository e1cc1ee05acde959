"""Istio: who may reach a workload by service account, method and path; beyond the cluster by server name, at the egress gateway.

`read` makes filters of what a stack has: `policies` (the mesh), `members`, `peers` (mTLS), `identities`, `rules` (what a policy
says), `waypoints`, `egress`. `compile`, `egress_objects` and `gate` make the objects.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .compile import mesh_config
from .egress_objects import EgressGateway
from .read import read

if TYPE_CHECKING:
    from .gate import IstioGate, gateway_workload

__all__ = ["EgressGateway", "IstioGate", "gateway_workload", "mesh_config", "read"]


def __getattr__(name: str) -> Any:
    if name in ("IstioGate", "gateway_workload"):
        return getattr(import_module(".gate", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
