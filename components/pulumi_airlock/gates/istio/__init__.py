"""Istio: who may reach a workload by service account, method and path; beyond the cluster by server name, at the egress gateway.

`read` makes filters of what a stack has: `policies` (the mesh), `members`, `peers` (mTLS), `identities`, `rules` (what a policy
says), `waypoints`, `egress`. `compile`, `egress_objects` and `gate` make the objects.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .compile import mesh_config
from .egress_objects import EgressGateway
from .read import read

if TYPE_CHECKING:
    from .gate import IstioGate, gateway_workload

__all__ = ["EgressGateway", "IstioGate", "gateway_workload", "mesh_config", "read"]

__getattr__ = exports(__name__, {"IstioGate": "gate", "gateway_workload": "gate"})
