"""Google Cloud's firewall as a gate: firewall policies and VPC firewall rules around an environment of Cloud Composer.

It sees the environment of a task, by the addresses that tasks have in the VPC and, with Composer 2, by the nodes' account and
tags; never the DAG. `GcpFirewallGate` compiles routes into rules of a global network firewall policy; `read` reads those back,
and all that somebody else wrote beside them, in the order in which Google looks at them.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hygiene import references
from .read import read

if TYPE_CHECKING:
    from .component import GcpFirewallGate

__all__ = ["GcpFirewallGate", "read", "references"]

# Readers run in policy packs and notebooks, where pulumi_gcp need not be installed: only composing needs it.
__getattr__ = exports(__name__, {"GcpFirewallGate": "component"})
