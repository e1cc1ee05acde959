"""Amazon MWAA environments: the components that make them, and how a stack's environments are read back.

Its parts are modules beside this one: `component` puts them together; `vpc`, `placement` (subnets, security group),
`encryption`, `artifacts` and `storage` (code), `role`, `logs`, `scale` and `options` are one part each; `limits` has what AWS
accepts; `read` reads.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .read import read, read_environments

if TYPE_CHECKING:
    from .artifacts import ExistingCode, MwaaCode, S3Object
    from .component import MwaaEnvironment
    from .egress import ProxyEgress
    from .logs import MwaaLogs
    from .placement import ExistingSubnets
    from .scale import MwaaScale
    from .tasks import TaskProvider
    from .vpc import AirflowVpc, ExistingVpc

__all__ = [
    "AirflowVpc",
    "ExistingCode",
    "ExistingSubnets",
    "ExistingVpc",
    "MwaaCode",
    "MwaaEnvironment",
    "MwaaLogs",
    "MwaaScale",
    "ProxyEgress",
    "S3Object",
    "TaskProvider",
    "read",
    "read_environments",
]

# Readers run in policy packs and notebooks, where pulumi_aws need not be installed: only composing needs it.
__getattr__ = exports(
    __name__,
    {
        "AirflowVpc": "vpc",
        "ExistingCode": "artifacts",
        "ExistingSubnets": "placement",
        "ExistingVpc": "vpc",
        "MwaaCode": "artifacts",
        "MwaaEnvironment": "component",
        "MwaaLogs": "logs",
        "MwaaScale": "scale",
        "ProxyEgress": "egress",
        "S3Object": "artifacts",
        "TaskProvider": "tasks",
    },
)
