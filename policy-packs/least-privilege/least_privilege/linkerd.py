"""Policies on Linkerd: nobody by default, mTLS without exception, callers named."""

from collections.abc import Mapping

from pulumi_airlock.gates.kubernetes.annotations import RELEASES
from pulumi_policy import Severity

from .controls import Soc2
from .pods import ANNOTATED, annotations, around
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, undecided, wrong

SERVERS = tuple(f"kubernetes:policy.linkerd.io/{version}:Server" for version in ("v1beta1", "v1beta2", "v1beta3"))
POLICIES = ("kubernetes:policy.linkerd.io/v1alpha1:AuthorizationPolicy",)
IDENTITIES = ("kubernetes:policy.linkerd.io/v1alpha1:MeshTLSAuthentication",)
OLDER = tuple(f"kubernetes:policy.linkerd.io/{version}:ServerAuthorization" for version in ("v1beta1", "v1alpha1"))
_DEFAULT = "config.linkerd.io/default-inbound-policy"
_AROUND = {
    "config.linkerd.io/skip-inbound-ports": "at these ports anybody is at the application, in plain text",
    "config.linkerd.io/skip-outbound-ports": "to these ports pods connect in plain text, as nobody",
    "config.linkerd.io/skip-subnets": "with these networks pods talk in plain text, as nobody",
}


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
    "linkerd-default-denies",
    types=(*ANNOTATED, *RELEASES),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix=f"Set {_DEFAULT} to deny, or to all-authenticated; in the chart linkerd-control-plane proxy.defaultInboundPolicy.",
)
def default_denies(it: Subject) -> Findings:
    """Ports without a Server take nobody without a certificate of the mesh: no default policy is for the unauthenticated."""
    for path, _, value in annotations(it, (_DEFAULT,)):
        if value is UNKNOWN:
            yield undecided(it, path)
        elif _open(value):
            yield wrong(it, path, f"is {value}: who has no certificate comes in as well")
    if str(it.get("chart")).rsplit("/", 1)[-1] == "linkerd-control-plane":
        usual = it.get("values", "proxy", "defaultInboundPolicy", default="all-unauthenticated")
        if usual is UNKNOWN:
            yield undecided(it, "values.proxy.defaultInboundPolicy")
        elif _open(usual):
            yield wrong(it, "values.proxy.defaultInboundPolicy", f"is {usual}: who has no certificate comes in as well")


def _open(name: object) -> bool:
    return str(name).endswith("-unauthenticated") or name == "audit"


@resource_policy(
    "linkerd-no-way-around",
    types=ANNOTATED,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_7,
    fix="Leave the annotation out; for protocols that Linkerd cannot read set config.linkerd.io/opaque-ports, which keeps mTLS.",
)
def no_way_around(it: Subject) -> Findings:
    """No port or network is kept from the proxy, which has it in plain text; but those at which people arrive at a gateway."""
    yield from around(it, _AROUND, ("config.linkerd.io/skip-inbound-ports",))


@resource_policy(
    "linkerd-callers-named",
    types=(*POLICIES, *IDENTITIES, *OLDER),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Name service accounts: a MeshTLSAuthentication with identityRefs, and an AuthorizationPolicy that requires it.",
)
def callers_named(it: Subject) -> Findings:
    """Authorizations name their callers, and not all of them (`*`): one that requires nothing is for anybody."""
    if it.kind in POLICIES:
        refs = it.get("spec", "requiredAuthenticationRefs", default=())
        if refs is UNKNOWN:
            yield undecided(it, "spec.requiredAuthenticationRefs")
        elif not refs:
            yield wrong(it, "spec.requiredAuthenticationRefs", "is empty: anybody comes in, without a certificate too")
    client = it.get("spec", "client")
    if it.kind in OLDER and isinstance(client, Mapping):
        if client.get("unauthenticated") is True:
            yield wrong(it, "spec.client.unauthenticated", "is on: who has no certificate comes in as well")
        if it.get("spec", "client", "meshTLS", "unauthenticatedTLS") is True:
            yield wrong(it, "spec.client.meshTLS.unauthenticatedTLS", "is on: whoever is of the mesh comes in")
    for path, text in it.items("spec", *(("client", "meshTLS") if it.kind in OLDER else ()), "identities"):
        if text is UNKNOWN:
            yield undecided(it, path)
        elif text == "*":
            yield wrong(it, path, "means whoever is of the mesh")
