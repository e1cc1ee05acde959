"""Selectors of Cilium over workloads: label sources, the namespace that is implied, and the labels that Cilium sees at all.

Sources: Cilium, `pkg/k8s/apis/cilium.io/utils` (what is implied), `pkg/labelsfilter` (the default filter), "Endpoints, Identity".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..kubernetes import Cluster, LabelSelector, Workload
from ..kubernetes.selectors import Requirement
from ..stack import UNKNOWN

NAMESPACE = "io.kubernetes.pod.namespace"
ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
_CLUSTER = "io.cilium.k8s.policy.cluster"
_HIDDEN = re.compile(
    r"(io\.kubernetes|kubernetes\.io|statefulset\.kubernetes\.io/pod-name|.*beta\.kubernetes\.io|k8s\.io"
    r"|pod-template-generation|pod-template-hash|controller-revision-hash|annotation|controller-uid|etcd_node)"
)
"""Labels of pods that are no part of an identity, so that no selector ever matches them (Cilium's default filter)."""


def seen_labels(one: Workload, cluster: Cluster) -> dict[str, str]:
    """The labels of a workload's identity."""
    found = {key: value for key, value in one.labels.items() if not _HIDDEN.match(key)}
    for key, value in cluster.labels_of(one.namespace).items():
        found[NAMESPACE_LABELS + key] = value
    return {**found, NAMESPACE: one.namespace, ACCOUNT: one.service_account}


@dataclass(frozen=True, slots=True)
class Selector:
    """Which pods are meant; or, by `reserved:` labels, an entity."""

    requirements: tuple[Requirement, ...] = ()
    entities: tuple[str, ...] = ()
    """Reserved labels that it asks for: no pod has any."""
    unknown: tuple[str, ...] = ()
    nobody: bool = False
    """Whether it asks for a label that no pod of a cluster has (another source than Kubernetes)."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether pods with these labels (`seen_labels`) are meant; with `unknown`, whether they may be."""
        return not self.entities and not self.nobody and all(one.holds(labels) for one in self.requirements)

    def __str__(self) -> str:
        return ", ".join([*map(str, self.requirements), *(f"reserved:{one}" for one in self.entities)]) or "everything"


def parse_subject(value: Any, namespace: str | None, where: str) -> Selector:
    """An `endpointSelector`. `namespace`: the policy's, which always holds; None: the policy is clusterwide."""
    found = _parse(value, where)
    if namespace is None:
        return found
    # A namespace among matchLabels is replaced by the policy's own.
    others = tuple(one for one in found.requirements if not (one.key == NAMESPACE and one.operator == "In"))
    return replace(found, requirements=(*others, Requirement(NAMESPACE, "In", frozenset({namespace}))))


def parse_peer(value: Any, namespace: str | None, where: str) -> Selector:
    """An entry of `fromEndpoints` or `toEndpoints`: of the policy's own namespace, unless it names namespaces."""
    found = _parse(value, where)
    if found.entities or value is UNKNOWN:
        return found
    keys = [one.key for one in found.requirements]
    if NAMESPACE in keys:
        return found
    if namespace is None:
        return replace(found, requirements=(*found.requirements, Requirement(NAMESPACE, "Exists")))
    if any(key.startswith(NAMESPACE_LABELS) for key in keys):
        return found
    return replace(found, requirements=(*found.requirements, Requirement(NAMESPACE, "In", frozenset({namespace}))))


def _parse(value: Any, where: str) -> Selector:
    raw = LabelSelector.parse(value, where)
    requirements: list[Requirement] = []
    entities: list[str] = []
    unknown = list(raw.unknown)
    nobody = False
    for one in raw.requirements:
        source, _, key = one.key.rpartition(":")
        if source == "reserved":
            if one.operator in ("In", "Exists"):
                entities.append(key)
            continue  # No pod has a reserved label: NotIn and DoesNotExist hold.
        if key == _CLUSTER:
            unknown.append(f"{where}: the cluster's name, as Cilium has it")
        elif source in ("", "k8s", "any"):
            requirements.append(replace(one, key=key))
        elif one.operator in ("In", "Exists"):
            nobody = True
    return Selector(tuple(requirements), tuple(entities), tuple(unknown), nobody)
