"""Consul: who may reach a service, by intentions between services, and services beyond the cluster by the terminating gateway.

`read` makes filters of intentions; `compile` and `gate` make them.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .compile import TerminatingGateway
from .read import read

if TYPE_CHECKING:
    from .gate import ConsulGate, terminating_workload

__all__ = ["ConsulGate", "TerminatingGateway", "read", "terminating_workload"]

__getattr__ = exports(__name__, {"ConsulGate": "gate", "terminating_workload": "gate"})
