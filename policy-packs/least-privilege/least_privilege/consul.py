"""Policies on Consul: nobody by default, mTLS without exception, no way around the proxy, a CA whose certificates are short."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pulumi_airlock.gates.kubernetes.lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER, LONGEST_WORKLOAD
from pulumi_policy import Severity

from .controls import Soc2
from .durations import over
from .pods import ANNOTATED, around
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, undecided, wrong

GROUP = "kubernetes:consul.hashicorp.com/v1alpha1"
INTENTIONS = (f"{GROUP}:ServiceIntentions",)
DEFAULTS = (f"{GROUP}:ServiceDefaults", f"{GROUP}:ProxyDefaults")
MESHES = (f"{GROUP}:Mesh",)
AUTHORITIES = ("consul:index/certificateAuthority:CertificateAuthority",)
_PREFIX = "consul.hashicorp.com/transparent-proxy"
_AROUND = {
    f"{_PREFIX}-exclude-inbound-ports": "at these ports anybody is at the application, in plain text",
    f"{_PREFIX}-exclude-outbound-ports": "to these ports pods connect in plain text, as nobody",
    f"{_PREFIX}-exclude-outbound-cidrs": "with these networks pods talk in plain text, as nobody",
    f"{_PREFIX}-exclude-uids": "as these users processes talk in plain text, as nobody",
}
_LIVES: Mapping[str, tuple[timedelta, str]] = {
    "LeafCertTTL": (LONGEST_WORKLOAD, "72h"),
    "IntermediateCertTTL": (LONGEST_ISSUER, "8760h"),
    "RootCertTTL": (LONGEST_ANCHOR, "87600h"),
}
"""Key of the CA's configuration → the longest that is taken, and what Consul has without it ("Common CA config options")."""


@resource_policy(
    "consul-no-any-intention",
    types=INTENTIONS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the source, and the destination; for everything else keep an intention from * to * that denies.",
)
def no_any_intention(it: Subject) -> Findings:
    """No intention allows every service (`*`) as a source, as a whole or by a permission."""
    destination = it.get("spec", "destination", "name")
    for path, source in it.items("spec", "sources"):
        if source is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(source, Mapping) and source.get("name") == "*" and _allows(source):
            yield wrong(it, path, f"lets every service call {destination}")


def _allows(source: Mapping[str, Any]) -> bool:
    given = source.get("permissions")
    permissions = given if isinstance(given, list | tuple) else ()
    return source.get("action") == "allow" or any(
        isinstance(one, Mapping) and one.get("action") == "allow" for one in permissions
    )


@resource_policy(
    "consul-mtls-strict",
    types=(*DEFAULTS, *MESHES),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_7,
    fix="Set mutualTLSMode to strict, and allowEnablingPermissiveMutualTLS to false.",
)
def mtls_strict(it: Subject) -> Findings:
    """Services of the mesh take mutual TLS alone."""
    mode = it.get("spec", "mutualTLSMode")
    if mode is UNKNOWN:
        yield undecided(it, "spec.mutualTLSMode")
    elif mode == "permissive":
        yield wrong(it, "spec.mutualTLSMode", "is permissive: who has no certificate comes in as well")
    if it.get("spec", "allowEnablingPermissiveMutualTLS") is True:
        yield wrong(it, "spec.allowEnablingPermissiveMutualTLS", "is on: a service may take plain text")


@resource_policy(
    "consul-no-exposed-paths",
    types=DEFAULTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_7,
    fix="Leave spec.expose out: the kubelet's probes are led through the proxy by themselves.",
)
def no_exposed_paths(it: Subject) -> Findings:
    """No path of a service is exposed to whoever has no certificate."""
    for path, one in it.items("spec", "expose", "paths"):
        if one is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(one, Mapping):
            yield wrong(it, path, f"gives {one.get('path')} to anybody, in plain text")
    if it.get("spec", "expose", "checks") is True:
        yield wrong(it, "spec.expose.checks", "is on: the paths of all checks are for anybody, in plain text")


@resource_policy(
    "consul-no-way-around",
    types=ANNOTATED,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_7,
    fix="Leave the annotation out, and transparent proxy on.",
)
def no_way_around(it: Subject) -> Findings:
    """No port, network or user is kept from the proxy, in plain text; but ports at which people arrive at a gateway."""
    yield from around(it, _AROUND, (f"{_PREFIX}-exclude-inbound-ports",))
    for found in around(it, {_PREFIX: "the application's ports are open to whoever reaches the pod"}):
        if not found.message or found.message.startswith("is false"):
            yield found


@resource_policy(
    "consul-ca-lifetimes",
    types=AUTHORITIES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set LeafCertTTL to at most 24h, IntermediateCertTTL to 2160h, RootCertTTL to 43800h (ConsulCertificates does).",
)
def ca_lifetimes(it: Subject) -> Findings:
    """Consul's CA signs for at most a day for workloads, 90 days for intermediates, five years for roots, and cross-signs."""
    text = it.get("configJson")
    if text is UNKNOWN:
        yield undecided(it, "configJson")
        return
    try:
        config = json.loads(text) if isinstance(text, str) else it.get("config", default={})
    except ValueError:
        yield wrong(it, "configJson", "is no JSON")
        return
    place, given = ("configJson" if isinstance(text, str) else "config"), config if isinstance(config, Mapping) else {}
    for key, (most, usual) in _LIVES.items():
        value = given.get(key, usual)
        if value is UNKNOWN:
            yield undecided(it, (place, key))
        elif said := over(value, most):
            yield wrong(it, (place, key), said if key in given else f"is missing, and Consul's own {said}")
    if given.get("ForceWithoutCrossSigning") in (True, "true"):
        yield wrong(it, (place, "ForceWithoutCrossSigning"), "is on: proxies that do not know the new root yet are cut off")
