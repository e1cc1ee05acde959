"""Simulated types of Kubernetes (see `simulated_types`): a kind that is not listed is made up as well, custom resources too.

Ids: `<namespace>/<name>`, and the name alone where an object says no namespace (pulumi-kubernetes, `provider.go`). What replaces
an object: name and namespace, and of each kind the fields that its `diff.go` names: ConfigMaps and
Secrets are replaced when their content changes.
"""

from collections.abc import Mapping

from .simulation import Simulated

_IDENTITY = frozenset(("apiVersion", "kind", "metadata.name", "metadata.namespace"))
_RELEASE = "kubernetes:helm.sh/v3:Release"


def _object(*forces: str) -> Simulated:
    return Simulated("{object}", {}, _IDENTITY | set(forces), names=("metadata.namespace", "metadata.name"))


OBJECT = _object()
"""Any kind that is not below."""
KUBERNETES: Mapping[str, Simulated] = {
    # What Helm says of a release that it has installed and waited for.
    _RELEASE: Simulated(
        "{in.namespace}/{in.name}",
        {
            "status": {
                "name": "{in.name}",
                "namespace": "{in.namespace}",
                "chart": "{in.chart}",
                "version": "{in.version}",
                "revision": 1,
                "status": "deployed",
            },
        },
        frozenset(("name", "namespace")),
        names=("namespace", "name"),
    ),
    "kubernetes:apps/v1:StatefulSet": _object(
        "spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"
    ),
    "kubernetes:apps/v1:Deployment": _object("spec.selector"),
    "kubernetes:batch/v1:Job": _object("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "kubernetes:core/v1:ConfigMap": _object("binaryData", "data"),
    "kubernetes:core/v1:PersistentVolumeClaim": _object("spec"),
    "kubernetes:core/v1:ResourceQuota": _object("spec.scopes"),
    "kubernetes:core/v1:Secret": _object("type", "stringData", "data"),
    "kubernetes:core/v1:Service": _object("spec.clusterIP"),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": _object("roleRef"),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": _object("roleRef"),
    "kubernetes:storage.k8s.io/v1:StorageClass": _object("parameters", "provisioner"),
}
