"""What the gates of a Kubernetes cluster have in common: objects, selectors, workloads, and what is declared of the cluster.

Reading needs no SDK; `ClusterDeclaration` and `workload`, for programs, need Pulumi alone.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .cluster import Cluster, names_of, read_cluster
from .declared import ClusterFacts
from .objects import KubeObject, load_manifests, objects, stack_from_manifests
from .selectors import LabelSelector
from .workloads import API_SERVER, DNS, Workload

if TYPE_CHECKING:
    from .declaration import ClusterDeclaration, workload

__all__ = [
    "API_SERVER",
    "DNS",
    "Cluster",
    "ClusterDeclaration",
    "ClusterFacts",
    "KubeObject",
    "LabelSelector",
    "Workload",
    "load_manifests",
    "names_of",
    "objects",
    "read_cluster",
    "stack_from_manifests",
    "workload",
]

__getattr__ = exports(__name__, {"ClusterDeclaration": "declaration", "workload": "declaration"})
