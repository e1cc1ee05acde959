"""Policies on Linkerd and Consul: nobody by default, mTLS without exception."""

from collections.abc import Mapping

from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, undecided, wrong

SERVERS = tuple(f"kubernetes:policy.linkerd.io/{version}:Server" for version in ("v1beta1", "v1beta2", "v1beta3"))
INTENTIONS = ("kubernetes:consul.hashicorp.com/v1alpha1:ServiceIntentions",)
DEFAULTS = ("kubernetes:consul.hashicorp.com/v1alpha1:ServiceDefaults",)
MESHES = ("kubernetes:consul.hashicorp.com/v1alpha1:Mesh",)


@resource_policy(
    "linkerd-server-denies",
    types=SERVERS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Set spec.accessPolicy to deny, and name callers by AuthorizationPolicies.",
)
def server_denies(it: Subject) -> Findings:
    """A Server lets in nobody whom no AuthorizationPolicy names."""
    access = it.get("spec", "accessPolicy", default="deny")
    if access is UNKNOWN:
        yield undecided(it, "spec.accessPolicy")
    elif access != "deny":
        yield wrong(it, "spec.accessPolicy", f"is {access}: callers come in whom no policy names")


@resource_policy(
    "consul-no-any-intention",
    types=INTENTIONS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the source, and the destination; for everything else keep an intention from * to * that denies.",
)
def no_any_intention(it: Subject) -> Findings:
    """No intention allows every service (`*`) as a source."""
    destination = it.get("spec", "destination", "name")
    for path, source in it.items("spec", "sources"):
        if source is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(source, Mapping) and source.get("name") == "*" and source.get("action") == "allow":
            yield wrong(it, path, f"lets every service call {destination}")


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
