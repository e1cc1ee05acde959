"""Google Cloud Composer environments: the component that makes them, and how a stack's environments are read back.

Its parts are modules beside this one: `component` puts them together; `generation` says which inputs belong to which Composer;
`placement` (networks), `scale`, `software` with `airflow_options`, `web_access`, `account`, `encryption` and `operation` are one
part each; `limits` has what Google accepts; `network` is what gates are handed; `read` reads.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .network import ComposerNetwork, Need
from .read import read, read_environments

if TYPE_CHECKING:
    from .component import ComposerEnvironment
    from .operation import Maintenance, Retention, Snapshots
    from .placement import ComposerPlacement
    from .scale import ComposerScale, Workers, Workload
    from .software import ComposerSoftware, SecretsBackend
    from .tasks import TaskProvider

__all__ = [
    "ComposerEnvironment",
    "ComposerNetwork",
    "ComposerPlacement",
    "ComposerScale",
    "ComposerSoftware",
    "Maintenance",
    "Need",
    "Retention",
    "SecretsBackend",
    "Snapshots",
    "TaskProvider",
    "Workers",
    "Workload",
    "read",
    "read_environments",
]

# Readers run in policy packs and notebooks, where pulumi_gcp need not be installed: only composing needs it.
__getattr__ = exports(
    __name__,
    {
        "ComposerEnvironment": "component",
        "ComposerPlacement": "placement",
        "ComposerScale": "scale",
        "ComposerSoftware": "software",
        "Maintenance": "operation",
        "Retention": "operation",
        "SecretsBackend": "software",
        "Snapshots": "operation",
        "TaskProvider": "tasks",
        "Workers": "scale",
        "Workload": "scale",
    },
)
