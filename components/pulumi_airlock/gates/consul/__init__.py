"""Consul: who may reach a service, by intentions between services, and services beyond the cluster by the terminating gateway.

`read` makes filters of intentions; `compile` and `gate` make them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .compile import TerminatingGateway
from .read import read

if TYPE_CHECKING:
    from .gate import ConsulGate, terminating_workload

__all__ = ["ConsulGate", "TerminatingGateway", "read", "terminating_workload"]


def __getattr__(name: str) -> Any:
    if name in ("ConsulGate", "terminating_workload"):
        return getattr(import_module(".gate", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
