"""The AWS network as a gate: security groups, network ACLs and route tables around an environment's tasks.

It sees the environment of a task (whose security group and subnets it has), never the DAG. `AwsNetworkGate` compiles routes
into rules of the environment's security group and entries of its route tables; `read` reads those back, and all that somebody
else wrote beside them.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hygiene import references
from .read import read

if TYPE_CHECKING:
    from .component import AwsNetworkGate, Gateway

__all__ = ["AwsNetworkGate", "Gateway", "read", "references"]

# Readers run in policy packs and notebooks, where pulumi_aws need not be installed: only composing needs it.
__getattr__ = exports(__name__, {"AwsNetworkGate": "component", "Gateway": "component"})
