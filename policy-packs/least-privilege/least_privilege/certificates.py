"""Policies on certificates: how long they hold, that a renewal makes a new key, and that a mesh trusts who signs for it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_airlock.gates.kubernetes import objects
from pulumi_airlock.gates.kubernetes.annotations import RELEASES
from pulumi_airlock.gates.kubernetes.lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER, LONGEST_WORKLOAD
from pulumi_policy import Severity

from .controls import Soc2
from .durations import over
from .pods import ANNOTATED, annotations
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

CERTIFICATES = ("kubernetes:cert-manager.io/v1:Certificate",)


def _is_anchor(it: Subject) -> bool:
    """A CA whose issuer is named as one that signs itself; of others nothing tells, and they are held to less."""
    return it.get("spec", "isCA") is True and "self" in str(it.get("spec", "issuerRef", "name")).lower()


@resource_policy(
    "certificate-lifetime",
    types=CERTIFICATES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set spec.duration to at most 2160h (90 days), of a trust anchor to at most five years, and renewBefore below it.",
)
def lifetime(it: Subject) -> Findings:
    """A certificate holds at most 90 days, a trust anchor that signs itself at most five years; both are renewed before."""
    duration: Any = it.get("spec", "duration", default="2160h0m0s")  # cert-manager's default
    if duration is UNKNOWN:
        yield undecided(it, "spec.duration")
        return
    if said := over(duration, LONGEST_ANCHOR if _is_anchor(it) else LONGEST_ISSUER):
        yield wrong(it, "spec.duration", said)


@resource_policy(
    "certificate-new-key",
    types=CERTIFICATES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set spec.privateKey.rotationPolicy to Always.",
)
def new_key(it: Subject) -> Findings:
    """A renewal makes a new key: with the old one a stolen key stays good."""
    policy = it.get("spec", "privateKey", "rotationPolicy", default="Never")
    if policy is UNKNOWN:
        yield undecided(it, "spec.privateKey.rotationPolicy")
    elif policy != "Always":
        yield wrong(it, "spec.privateKey.rotationPolicy", f"is {policy}")


_ISTIO_PROXY = "proxy.istio.io/config"
_SECRET_TTL = re.compile(r"SECRET_TTL[\"']?\s*:\s*[\"']?([\w.]+)")
_CSR = ("app", "server", "maxCertificateDuration")
_LINKERD = ("identity", "issuer", "issuanceLifetime")
_CONSUL = (("server", "extraConfig"), ("global", "secretsBackend", "vault", "connectCA", "additionalConfig"))


@resource_policy(
    "workload-certificate-lifetime",
    types=(*RELEASES, *ANNOTATED),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Give the mesh's chart the values of MeshCertificates or ConsulCertificates; without istio-csr set istiod's variables "
    "DEFAULT_WORKLOAD_CERT_TTL and MAX_WORKLOAD_CERT_TTL to 24h.",
)
def workload_lifetime(it: Subject) -> Findings:
    """A workload's certificate of a mesh holds at most a day, by the values of the mesh's chart and by annotations of pods."""
    for path, value, usual in _asked(it):
        if value is UNKNOWN:
            yield undecided(it, path)
        elif said := over(usual if value is None else value, LONGEST_WORKLOAD):
            yield wrong(it, path, f"is missing, and the mesh's own {said}" if value is None else said)


def _asked(it: Subject) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """Where a lifetime is said, what it is (None: nothing), and what the mesh has without it."""
    for place, _, text in annotations(it, (_ISTIO_PROXY,)):
        found = None if text is UNKNOWN else _SECRET_TTL.search(text)
        if text is UNKNOWN or found:
            yield place, UNKNOWN if found is None else found[1], ""
    match str(it.get("chart")).rsplit("/", 1)[-1]:
        case "linkerd-control-plane":
            yield ("values", *_LINKERD), it.get("values", *_LINKERD), "24h"
        case "cert-manager-istio-csr":
            yield ("values", *_CSR), it.get("values", *_CSR), "1h"
        case "istiod":
            yield from _of_istiod(it)
        case "ztunnel":
            yield ("values", "env", "SECRET_TTL"), it.get("values", "env", "SECRET_TTL"), "24h"
        case "consul":
            path = ("values", *_CONSUL[1 if it.get("values", *_CONSUL[1]) else 0])
            yield path, _leaf(it.get(*path)), "72h"


def _of_istiod(it: Subject) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    asked = ("values", "meshConfig", "defaultConfig", "proxyMetadata", "SECRET_TTL")
    yield asked, it.get(*asked), "24h"
    if not it.get("values", "global", "caAddress"):
        # In older charts the variables are below `pilot`.
        place = ("values", "pilot", "env") if it.get("values", "pilot", "env") else ("values", "env")
        for name, usual in (("DEFAULT_WORKLOAD_CERT_TTL", "24h"), ("MAX_WORKLOAD_CERT_TTL", "2160h")):
            yield (*place, name), it.get(*place, name), usual


def _leaf(text: Any) -> Any:
    """How long Consul's CA signs for workloads, by a file of its servers."""
    if text is UNKNOWN or not isinstance(text, str):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text
    for key in ("connect", "ca_config", "leaf_cert_ttl"):
        # Every block may be a list of one.
        found = found[0] if isinstance(found, list) and found else found
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


MESHES = {"linkerd-identity-trust-roots": "linkerd-identity-issuer", "istio-trust-roots": "istio-ca"}
"""Bundle of trust anchors → Secret of the mesh's issuer."""
ISSUERS = tuple(f"kubernetes:cert-manager.io/v1:{kind}" for kind in ("Issuer", "ClusterIssuer"))
BUNDLES = ("kubernetes:trust.cert-manager.io/v1alpha1:Bundle",)


@stack_policy(
    "mesh-anchor-trusted",
    types=BUNDLES,
    beside=(*CERTIFICATES, *ISSUERS),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Keep the anchor that signs the issuer among the sources of the bundle; replace anchors by MeshCertificates.",
)
def anchor_trusted(stack: Stack, _: Config) -> Findings:
    """The bundle of a mesh's trust anchors holds the one that signs its issuer: without it nobody trusts anybody."""
    signers = {
        one.name: one.get("spec", "ca", "secretName") for one in objects(stack, "cert-manager.io", "Issuer", "ClusterIssuer")
    }
    for bundle in objects(stack, "trust.cert-manager.io", "Bundle"):
        sources = bundle.get_list("spec", "sources")
        secrets = [one.get("secret") for one in sources if isinstance(one, Mapping)]
        trusted = {one.get("name") for one in secrets if isinstance(one, Mapping)}
        if UNKNOWN in sources or UNKNOWN in secrets or UNKNOWN in trusted:
            yield undecided(bundle.resource, "spec.sources")
            continue
        for issuer in objects(stack, "cert-manager.io", "Certificate"):
            if issuer.get("spec", "secretName") != MESHES.get(bundle.name, ""):
                continue
            by = issuer.get("spec", "issuerRef", "name")
            if by is UNKNOWN or signers.get(by) is UNKNOWN:
                yield undecided(issuer.resource, "spec.issuerRef.name")
            elif (anchor := signers.get(by)) and anchor not in trusted:
                yield wrong(bundle.resource, "spec.sources", f"holds no {anchor}, which signs {issuer.name}")
