"""Linkerd: who may reach a port of a workload, by service account, method and path.

`read` makes filters of Servers, HTTPRoutes and AuthorizationPolicies; `compile` and `gate` make them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .read import read

if TYPE_CHECKING:
    from .gate import LinkerdGate

__all__ = ["LinkerdGate", "read"]


def __getattr__(name: str) -> Any:
    if name == "LinkerdGate":
        return import_module(".gate", __package__).LinkerdGate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
