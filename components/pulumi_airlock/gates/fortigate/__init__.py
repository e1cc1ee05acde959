"""A FortiGate on the way: policies compiled from routes (`FortigateGate`), and read back (`read`).

What it sees of a principal: a workload's source address (so its environment, not its DAG), a person's user group. The reader
needs no FortiOS SDK; only `FortigateGate` imports it.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hygiene import references
from .read import read

if TYPE_CHECKING:
    from .gate import FortigateGate
    from .people import SamlIdentity

__all__ = ["FortigateGate", "SamlIdentity", "read", "references"]

__getattr__ = exports(__name__, {"FortigateGate": "gate", "SamlIdentity": "people"})
