"""Zscaler Private Access on the way: segments and access rules compiled from routes (`ZpaGate`), and read back (`read`).

What it sees of a principal: a workload's Cloud Connector or machine group (so its environment, not its DAG), a person's SCIM
group and device posture. It sees hosts and ports, no time of day and no HTTP. The reader needs no Zscaler SDK; only `ZpaGate`
imports it.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hygiene import references
from .read import read
from .site import CloudConnector, ConnectorGroup, IdentityProvider, LogReceiver, MachineGroup, Posture

if TYPE_CHECKING:
    from .gate import ZpaGate

__all__ = [
    "CloudConnector",
    "ConnectorGroup",
    "IdentityProvider",
    "LogReceiver",
    "MachineGroup",
    "Posture",
    "ZpaGate",
    "read",
    "references",
]

__getattr__ = exports(__name__, {"ZpaGate": "gate"})
