"""Proxies that somebody else runs: routes as the configuration of Boundary, hoop or Teleport, and that read back.

What they see of a principal: an account that all tasks of an environment share; with Teleport in Kubernetes the service account.
None is installed, run or bundled. Adding one is a module of the shape of those here, and its name in `read.PRODUCTS`.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .boundary import Boundary
from .hoop import Hoop
from .plan import Account, Plan, Product, compile_plan
from .read import read
from .teleport import Join, Teleport

if TYPE_CHECKING:
    from .component import InBucket, InConfigMap, OwnProxy

__all__ = [
    "Account",
    "Boundary",
    "Hoop",
    "InBucket",
    "InConfigMap",
    "Join",
    "OwnProxy",
    "Plan",
    "Product",
    "Teleport",
    "compile_plan",
    "read",
]

__getattr__ = exports(__name__, dict.fromkeys(("InBucket", "InConfigMap", "OwnProxy"), "component"))
