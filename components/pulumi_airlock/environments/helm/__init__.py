"""Airflow by its official chart, on EKS or GKE: the component that makes it, and how a stack's environments are read back.

Its parts are modules beside this one: `component` puts them together; `workloads` and `flows` say what Airflow is in a cluster,
`network` hands that to gates; `values`, `pods` and `cluster_policy` are the chart's; `platforms`, `accounts` and `authority` say
who a task is, and who may say so; `mesh` is what each mesh asks for; `checks` and `limits` refuse what would fail later.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .flows import Database, Flow
from .network import ClusterNetwork
from .platforms import Eks, Gke
from .pods import Image
from .read import read, read_environments
from .tasks import TaskProvider
from .values import ChartSecrets
from .workloads import CELERY, KUBERNETES

if TYPE_CHECKING:
    from .component import HelmEnvironment

__all__ = [
    "CELERY",
    "KUBERNETES",
    "ChartSecrets",
    "ClusterNetwork",
    "Database",
    "Eks",
    "Flow",
    "Gke",
    "HelmEnvironment",
    "Image",
    "TaskProvider",
    "read",
    "read_environments",
]

# Readers run where no SDK need be installed: only composing needs it.
__getattr__ = exports(__name__, {"HelmEnvironment": "component"})
