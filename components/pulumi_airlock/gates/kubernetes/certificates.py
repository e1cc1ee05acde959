"""A mesh's trust anchors, the bundle of those that are trusted, and the issuer: kept by cert-manager and trust-manager.

Lifetimes are declared. The issuer and workloads' certificates renew themselves; an anchor is replaced step by step (`anchors`).
Anchors stay in the namespace that trust-manager reads, where the mesh has no access to their keys.

Facts: cert-manager, "Certificate resource"; Linkerd, "Automatically Rotating Control Plane TLS Credentials" (names, usages, the
bundle); cert-manager/istio-csr, its chart's values; cert-manager/trust-manager, "API reference".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pulumi

from ...errors import InputError, Problem
from ...tokens import MESH_CERTIFICATES
from .anchors import FIRST, Anchor, ending, problems, signing, trusted
from .lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER, LONGEST_WORKLOAD, SHORTEST_WORKLOAD, go_duration
from .making import custom_resource, metadata

__all__ = ["Anchor", "MeshCertificates"]

_VERSION, _BUNDLES = "cert-manager.io/v1", "trust.cert-manager.io/v1alpha1"
_ISTIO_ROOTS = "/var/run/secrets/istio-csr"
_AT_THE_END = timedelta(hours=1)
"""Before its end cert-manager renews an anchor with a new key, which nobody trusts: its successor has to be there by then."""


@dataclass(frozen=True, slots=True)
class _Mesh:
    """What a mesh calls its certificates."""

    namespace: str
    anchor: str
    issuer: str
    common_name: str
    usages: tuple[str, ...]
    bundle: str
    key: str
    """Of the bundle's ConfigMap."""
    takes_bundle: tuple[str, str] | None
    """A label of the namespace that has the bundle; None: the one that trust-manager reads."""
    restarts: bool
    """Whether proxies learn of an anchor only when they start."""


_MESHES = {
    "linkerd": _Mesh(
        "linkerd",
        "linkerd-trust-anchor",
        "linkerd-identity-issuer",
        "identity.linkerd.cluster.local",
        ("cert sign", "crl sign", "server auth", "client auth"),
        "linkerd-identity-trust-roots",
        "ca-bundle.crt",
        ("linkerd.io/is-control-plane", "true"),
        restarts=True,
    ),
    "istio": _Mesh(
        "istio-system",
        "istio-trust-anchor",
        "istio-ca",
        "istio-ca",
        ("cert sign", "crl sign", "digital signature"),
        "istio-trust-roots",
        "ca.pem",
        None,
        restarts=False,
    ),
}


class MeshCertificates(pulumi.ComponentResource):
    """The trust anchors of a mesh, their bundle, and the issuer that signs workloads' certificates.

    Linkerd takes the issuer from its Secret, and the bundle from its ConfigMap; Istio has both by istio-csr, which signs by
    `istio-ca`. Consul has a CA of its own: `gates.consul.ConsulCertificates`.
    """

    issuer_secret: str
    """`<namespace>/<name>` of the Secret with the issuer's certificate."""
    bundle: str
    """The Bundle, and the ConfigMap that it becomes."""
    values: dict[str, Any]
    """What to set in the chart of whoever signs: linkerd-control-plane, or cert-manager-istio-csr."""

    def __init__(
        self,
        name: str,
        *,
        mesh: str,
        anchors: Sequence[Anchor] = (FIRST,),
        anchor: timedelta = timedelta(days=365),
        issuer: timedelta = timedelta(days=7),
        workload: timedelta = LONGEST_WORKLOAD,
        trust_namespace: str = "cert-manager",
        protect: bool = True,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the component's name.
            mesh: linkerd or istio.
            anchors: the trust anchors, oldest first: one, or two while one replaces the other (`anchors.Anchor`).
            anchor: how long a trust anchor holds, at most five years; it does not renew itself.
            issuer: how long the issuer holds; renewed after half of that, at most 90 days, and less than the anchor's third.
            workload: how long a workload's certificate holds: between an hour and a day, and at most half of the issuer's.
            trust_namespace: which trust-manager reads (`app.trust.namespace`), and where ClusterIssuers have their Secrets.
            protect: an anchor that is not retired cannot be deleted, whatever `anchors` says.
            today: the day of the update; today without it.

        Raises:
            InputError: with every problem, also for a step that would leave certificates without their anchor.
        """
        day = today or datetime.now(UTC).date()
        _check(name, mesh, anchors, anchor, issuer, workload, day)
        names = _MESHES[mesh]
        described = {"mesh": mesh, "anchors": [_describe(one) for one in anchors], "workload": go_duration(workload)}
        super().__init__(MESH_CERTIFICATES, name, dict(described), opts)
        self._name, self._mesh, self._trust = name, names, trust_namespace
        if warning := ending(anchors, anchor, day):
            pulumi.log.warn(f"{name}: {warning}", self)
        self._make("Issuer", f"{names.anchor}-self", trust_namespace, {"selfSigned": {}})
        for one in anchors:
            self._anchor(one, anchor, protect=protect and not one.retired)
        self._bundle(trusted(anchors))
        self._certificate(
            names.issuer,
            names.namespace,
            names.common_name,
            ("ClusterIssuer", self._anchor_name(signing(anchors))),
            issuer,
            issuer / 2,
            names.usages,
        )
        if mesh == "istio":
            self._make("Issuer", names.issuer, names.namespace, {"ca": {"secretName": names.issuer}})
        self.issuer_secret = f"{names.namespace}/{names.issuer}"
        self.bundle = names.bundle
        self.values = _values(names, mesh, workload)
        self.register_outputs(
            {**described, "issuerSecret": self.issuer_secret, "bundle": self.bundle, "values": self.values},
        )

    def _anchor_name(self, one: Anchor) -> str:
        return f"{self._mesh.anchor}-{one.name}"

    def _anchor(self, one: Anchor, lasts: timedelta, *, protect: bool) -> None:
        name = self._anchor_name(one)
        subject = f"{one.name}.root.{self._mesh.common_name}"
        issuer = ("Issuer", f"{self._mesh.anchor}-self")
        self._certificate(name, self._trust, subject, issuer, lasts, _AT_THE_END, self._mesh.usages[:2], protect=protect)
        self._make("ClusterIssuer", name, None, {"ca": {"secretName": name}})

    def _bundle(self, anchors: Sequence[Anchor]) -> None:
        label, value = self._mesh.takes_bundle or ("kubernetes.io/metadata.name", self._trust)
        spec = {
            "sources": [{"secret": {"name": self._anchor_name(one), "key": "tls.crt"}} for one in anchors],
            "target": {"configMap": {"key": self._mesh.key}, "namespaceSelector": {"matchLabels": {label: value}}},
        }
        self._make("Bundle", self._mesh.bundle, None, spec)

    def _certificate(
        self,
        name: str,
        namespace: str,
        common_name: str,
        issuer: tuple[str, str],
        lasts: timedelta,
        before: timedelta,
        usages: tuple[str, ...],
        *,
        protect: bool = False,
    ) -> None:
        kind, issued_by = issuer
        spec = {
            "secretName": name,
            "isCA": True,
            "commonName": common_name,
            "dnsNames": [common_name],
            "duration": go_duration(lasts),
            "renewBefore": go_duration(before),
            # A renewal with the old key would leave a stolen one good.
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": list(usages),
            "issuerRef": {"name": issued_by, "kind": kind, "group": "cert-manager.io"},
        }
        self._make("Certificate", name, namespace, spec, protect=protect)

    def _make(self, kind: str, name: str, namespace: str | None, spec: dict[str, Any], *, protect: bool = False) -> None:
        key = f"{self._name}-{kind.lower()}-{name}"
        version = _BUNDLES if kind == "Bundle" else _VERSION
        custom_resource(key, version, kind, metadata(name, namespace), spec, self, protect=protect)


def _values(names: _Mesh, mesh: str, workload: timedelta) -> dict[str, Any]:
    lasts = go_duration(workload)
    if mesh == "linkerd":
        return {"identity": {"externalCA": True, "issuer": {"scheme": "kubernetes.io/tls", "issuanceLifetime": lasts}}}
    return {
        "app": {
            "certmanager": {
                "namespace": names.namespace,
                "issuer": {"name": names.issuer, "kind": "Issuer", "group": "cert-manager.io"},
            },
            "tls": {"rootCAFile": f"{_ISTIO_ROOTS}/{names.key}"},
            "server": {"maxCertificateDuration": lasts},
        },
        "volumes": [{"name": "root-ca", "configMap": {"name": names.bundle}}],
        "volumeMounts": [{"name": "root-ca", "mountPath": _ISTIO_ROOTS, "readOnly": True}],
    }


def _describe(one: Anchor) -> dict[str, str]:
    dates = {"trusted": one.trusted, "restarted": one.restarted, "signs": one.signs, "retired": one.retired}
    return {"name": one.name, **{key: day.isoformat() for key, day in dates.items() if day}}


def _check(
    name: str, mesh: str, anchors: Sequence[Anchor], anchor: timedelta, issuer: timedelta, workload: timedelta, today: date
) -> None:
    found = []
    if mesh not in _MESHES:
        fix = "write linkerd or istio; of Consul's own CA there is gates.consul.ConsulCertificates"
        found.append(Problem(name, "mesh", f"{mesh!r}: {fix}"))
    if not timedelta(days=1) <= anchor <= LONGEST_ANCHOR:
        found.append(Problem(name, "anchor", f"{anchor}: write between a day and {LONGEST_ANCHOR.days} days"))
    if not timedelta(hours=2) <= issuer <= LONGEST_ISSUER:
        found.append(Problem(name, "issuer", f"{issuer}: write between two hours and {LONGEST_ISSUER.days} days"))
    if issuer > anchor / 3:
        found.append(Problem(name, "issuer", f"{issuer} is over a third of the anchor's {anchor}: it would outlive it"))
    if not SHORTEST_WORKLOAD <= workload <= LONGEST_WORKLOAD:
        found.append(Problem(name, "workload", f"{workload}: write between an hour and {LONGEST_WORKLOAD}"))
    if workload > issuer / 2:
        found.append(Problem(name, "workload", f"{workload} is over half of the issuer's {issuer}: it would outlive it"))
    restarts = mesh in _MESHES and _MESHES[mesh].restarts
    found += problems(name, anchors, restarts=restarts, lasts=anchor, issuer=issuer, workload=workload, today=today)
    if found:
        raise InputError(found)
