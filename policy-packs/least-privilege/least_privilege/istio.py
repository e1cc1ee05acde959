"""Policies on Istio: mTLS without exception, nobody by default, identities in every rule that lets somebody in."""

from collections.abc import Mapping
from typing import Any

from pulumi_airlock.gates.istio.mesh_config import ROOT
from pulumi_airlock.gates.kubernetes import objects
from pulumi_airlock.tokens import HELM_ENVIRONMENT
from pulumi_policy import Severity

from .controls import Soc2
from .pods import ANNOTATED, annotations, around
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

SECURITY = "security.istio.io"
PEERS = tuple(f"kubernetes:{SECURITY}/{version}:PeerAuthentication" for version in ("v1", "v1beta1"))
AUTHORIZATIONS = tuple(f"kubernetes:{SECURITY}/{version}:AuthorizationPolicy" for version in ("v1", "v1beta1"))
DESTINATIONS = tuple(f"kubernetes:networking.istio.io/{version}:DestinationRule" for version in ("v1", "v1beta1", "v1alpha3"))
_TRAFFIC = "traffic.sidecar.istio.io/"
_AROUND = {
    f"{_TRAFFIC}excludeInboundPorts": "at these ports anybody is at the application, in plain text",
    f"{_TRAFFIC}excludeOutboundPorts": "to these ports pods connect in plain text, as nobody",
    f"{_TRAFFIC}excludeOutboundIPRanges": "with these networks pods talk in plain text, as nobody",
    f"{_TRAFFIC}excludeInterfaces": "by these interfaces pods talk in plain text, as nobody",
}
_IDENTITIES = ("principals", "namespaces", "serviceAccounts", "requestPrincipals", "ipBlocks", "remoteIpBlocks")


@resource_policy(
    "istio-mtls-strict",
    types=PEERS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_7,
    fix="Set spec.mtls.mode to STRICT, and leave portLevelMtls out.",
)
def mtls_strict(it: Subject) -> Findings:
    """Workloads of the mesh take mutual TLS alone: PERMISSIVE and DISABLE let plain text in, without an identity."""
    mode = it.get("spec", "mtls", "mode")
    if mode is UNKNOWN:
        yield undecided(it, "spec.mtls.mode")
    elif mode in ("PERMISSIVE", "DISABLE"):
        yield wrong(it, "spec.mtls.mode", f"is {mode}: who has no certificate comes in as well")
    ports = it.get("spec", "portLevelMtls")
    if ports is UNKNOWN:
        yield undecided(it, "spec.portLevelMtls")
    for port, one in ports.items() if isinstance(ports, Mapping) else ():
        if isinstance(one, Mapping) and one.get("mode") in ("PERMISSIVE", "DISABLE"):
            yield wrong(it, f"spec.portLevelMtls.{port}", f"is {one['mode']}: the port takes plain text")


@resource_policy(
    "istio-no-empty-rule",
    types=AUTHORIZATIONS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name callers (from) and operations (to) in every rule; for no access at all leave rules out.",
)
def no_empty_rule(it: Subject) -> Findings:
    """No ALLOW rule is empty: `rules: [{}]` lets everybody in, while no rules at all let nobody in."""
    if it.get("spec", "action", default="ALLOW") not in ("ALLOW", UNKNOWN):
        return
    for path, rule in it.items("spec", "rules"):
        if rule is UNKNOWN:
            yield undecided(it, path)
        elif not (isinstance(rule, Mapping) and any(rule.get(key) for key in ("from", "to", "when"))):
            yield wrong(it, path, "is empty: it lets everybody in")


@resource_policy(
    "istio-callers-named",
    types=AUTHORIZATIONS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Name the service accounts that may call (from.source.serviceAccounts, or principals).",
)
def callers_named(it: Subject) -> Findings:
    """Every ALLOW rule names its callers, and not all of them (`*`): an operation that anybody may send is no permission."""
    if it.get("spec", "action", default="ALLOW") not in ("ALLOW", UNKNOWN):
        return
    for path, rule in it.items("spec", "rules"):
        if rule is UNKNOWN:
            yield undecided(it, path)
        elif isinstance(rule, Mapping) and any(rule.get(key) for key in ("to", "when")) and not rule.get("from"):
            yield wrong(it, (*path, "from"), "names no callers")
        else:
            for place, entry in it.items(*path, "from"):
                if _anybody(entry):
                    yield wrong(it, (*place, "source"), "means every identity")


def _anybody(entry: Any) -> bool:
    source = entry.get("source") if isinstance(entry, Mapping) else None
    if not isinstance(source, Mapping):
        return False
    named = [source.get(key) for key in _IDENTITIES if source.get(key)]
    return not named or any("*" in (values if isinstance(values, list | tuple) else [values]) for values in named)


@resource_policy(
    "istio-client-tls",
    types=DESTINATIONS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Leave spec.trafficPolicy.tls out: sidecars take mutual TLS by themselves; or set ISTIO_MUTUAL.",
)
def client_tls(it: Subject) -> Findings:
    """No DestinationRule turns the mesh's TLS off, for a host, one of its subsets, or a port."""
    policies = [("spec", "trafficPolicy"), *((*path, "trafficPolicy") for path, _ in it.items("spec", "subsets"))]
    places = [each for one in policies for each in (one, *(path for path, _ in it.items(*one, "portLevelSettings")))]
    for place in places:
        mode = it.get(*place, "tls", "mode")
        if mode is UNKNOWN:
            yield undecided(it, (*place, "tls", "mode"))
        elif mode == "DISABLE":
            yield wrong(it, (*place, "tls", "mode"), "is DISABLE: connections go in plain text")


@resource_policy(
    "istio-no-way-around",
    types=ANNOTATED,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_7,
    fix="Leave the annotation out: ServiceEntries and an egress gateway are for what is beyond the mesh.",
)
def no_way_around(it: Subject) -> Findings:
    """No port or network is kept from the sidecar, which has it in plain text; but ports at which people arrive at a gateway."""
    yield from around(it, _AROUND, (f"{_TRAFFIC}excludeInboundPorts",))
    for path, _, value in annotations(it, (f"{_TRAFFIC}includeInboundPorts", f"{_TRAFFIC}includeOutboundIPRanges")):
        if value is UNKNOWN:
            yield undecided(it, path)
        elif value != "*":
            yield wrong(it, path, f"is {value or 'empty'}: everything else goes around the sidecar, in plain text")


@stack_policy(
    "istio-default-deny",
    types=(HELM_ENVIRONMENT,),
    beside=(*PEERS, *AUTHORIZATIONS),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Add an AuthorizationPolicy without rules and a STRICT PeerAuthentication to the namespace (IstioGate makes both).",
)
def default_deny(stack: Stack, _: Config) -> Findings:
    """Where Airflow runs in Istio, its namespace lets nobody in by default, and takes mutual TLS alone."""
    denied = {
        one.namespace
        for one in objects(stack, SECURITY, "AuthorizationPolicy")
        if not one.get("spec", "selector")
        and not one.get_list("spec", "rules")
        and one.get("spec", "action", default="ALLOW") == "ALLOW"
    }
    strict = {
        one.namespace
        for one in objects(stack, SECURITY, "PeerAuthentication")
        if not one.get("spec", "selector") and one.get("spec", "mtls", "mode") == "STRICT"
    }
    for one in stack.of_type(HELM_ENVIRONMENT):
        if one.get("mesh") != "istio":
            continue
        namespace = one.get("namespace")
        if not denied & {namespace, ROOT}:
            yield wrong(
                one, "namespace", f"{namespace} has no AuthorizationPolicy without rules: whoever no policy names comes in"
            )
        unsure = [one for one in objects(stack, SECURITY, "PeerAuthentication") if one.get("spec", "mtls", "mode") is UNKNOWN]
        if not strict & {namespace, ROOT} and any(each.namespace in (namespace, ROOT) for each in unsure):
            yield undecided(unsure[0].resource, "spec.mtls.mode")
        elif not strict & {namespace, ROOT}:
            yield wrong(one, "namespace", f"{namespace} has no PeerAuthentication with mode STRICT: plain text comes in")
