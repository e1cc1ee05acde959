"""A mesh's trust anchor and its issuer, kept by cert-manager: lifetimes are declared, and rotation needs nobody.

Facts: cert-manager, "Certificate resource"; Linkerd, "Automatically Rotating Control Plane TLS Credentials" (names, usages);
istio-csr, "Getting started" (the issuer that it signs by).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pulumi

from ...errors import InputError, Problem
from ...tokens import MESH_CERTIFICATES
from .lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER
from .making import custom_resource, metadata

_VERSION = "cert-manager.io/v1"


@dataclass(frozen=True, slots=True)
class _Names:
    namespace: str
    anchor: str
    issuer: str
    common_name: str
    usages: tuple[str, ...]


_MESHES = {
    "linkerd": _Names(
        "linkerd",
        "linkerd-trust-anchor",
        "linkerd-identity-issuer",
        "identity.linkerd.cluster.local",
        ("cert sign", "crl sign", "server auth", "client auth"),
    ),
    "istio": _Names("istio-system", "istio-trust-anchor", "istio-ca", "istio-ca", ("cert sign", "crl sign", "digital signature")),
}


class MeshCertificates(pulumi.ComponentResource):
    """The trust anchor of a mesh, and below it the issuer that signs workloads' certificates, which is renewed by itself.

    Linkerd takes the issuer from its Secret; Istio by istio-csr, which signs by `istio-ca`. Consul has a CA of its own.
    """

    issuer_secret: str
    """`<namespace>/<name>` of the Secret with the issuer's certificate."""

    def __init__(
        self,
        name: str,
        *,
        mesh: str,
        anchor: timedelta = timedelta(days=365),
        issuer: timedelta = timedelta(days=7),
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the component's name.
            mesh: linkerd or istio.
            anchor: how long the trust anchor holds; renewed after two thirds, at most five years.
            issuer: how long the issuer holds; renewed after half of that, at most 90 days, and less than the anchor's third.

        Raises:
            InputError: with every problem.
        """
        _check(name, mesh, anchor, issuer)
        names = _MESHES[mesh]
        super().__init__(MESH_CERTIFICATES, name, {"mesh": mesh}, opts)
        self._namespace, self._name = names.namespace, name
        self._make("Issuer", f"{names.anchor}-self", {"selfSigned": {}})
        self._certificate(names.anchor, f"root.{names.common_name}", f"{names.anchor}-self", anchor, anchor / 3, names.usages[:2])
        self._make("Issuer", names.anchor, {"ca": {"secretName": names.anchor}})
        self._certificate(names.issuer, names.common_name, names.anchor, issuer, issuer / 2, names.usages)
        if mesh == "istio":
            self._make("Issuer", names.issuer, {"ca": {"secretName": names.issuer}})
        self.issuer_secret = f"{names.namespace}/{names.issuer}"
        self.register_outputs({"issuerSecret": self.issuer_secret})

    def _certificate(
        self, name: str, common_name: str, issuer: str, lasts: timedelta, before: timedelta, usages: tuple[str, ...]
    ) -> None:
        self._make(
            "Certificate",
            name,
            {
                "secretName": name,
                "isCA": True,
                "commonName": common_name,
                "dnsNames": [common_name],
                "duration": _hours(lasts),
                "renewBefore": _hours(before),
                # A renewal with the old key would leave a stolen one good.
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "usages": list(usages),
                "issuerRef": {"name": issuer, "kind": "Issuer", "group": "cert-manager.io"},
            },
        )

    def _make(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        key = f"{self._name}-{kind.lower()}-{name}"
        custom_resource(key, _VERSION, kind, metadata(name, self._namespace), spec, self)


def _hours(lasts: timedelta) -> str:
    return f"{int(lasts.total_seconds() // 3600)}h0m0s"


def _check(name: str, mesh: str, anchor: timedelta, issuer: timedelta) -> None:
    problems = []
    if mesh not in _MESHES:
        problems.append(Problem(name, "mesh", f"{mesh!r}: write linkerd or istio; Consul keeps a CA of its own"))
    if not timedelta(days=1) <= anchor <= LONGEST_ANCHOR:
        problems.append(Problem(name, "anchor", f"{anchor}: write between a day and {LONGEST_ANCHOR.days} days"))
    if not timedelta(hours=2) <= issuer <= LONGEST_ISSUER:
        problems.append(Problem(name, "issuer", f"{issuer}: write between two hours and {LONGEST_ISSUER.days} days"))
    if issuer > anchor / 3:
        problems.append(Problem(name, "issuer", f"{issuer} is over a third of the anchor's {anchor}: it would outlive it"))
    if problems:
        raise InputError(problems)
