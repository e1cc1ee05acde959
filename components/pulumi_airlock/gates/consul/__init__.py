"""Consul: who may reach a service, by intentions between services, and services beyond the cluster by the terminating gateway.

`read` makes filters of intentions; `compile` and `gate` make them. `certificates`: the mesh's CA.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .compile import TerminatingGateway
from .read import read

if TYPE_CHECKING:
    from .certificates import ConsulCertificates, VaultAuthority
    from .gate import ConsulGate, terminating_workload

__all__ = ["ConsulCertificates", "ConsulGate", "TerminatingGateway", "VaultAuthority", "read", "terminating_workload"]

__getattr__ = exports(
    __name__,
    {
        "ConsulCertificates": "certificates",
        "ConsulGate": "gate",
        "VaultAuthority": "certificates",
        "terminating_workload": "gate",
    },
)
