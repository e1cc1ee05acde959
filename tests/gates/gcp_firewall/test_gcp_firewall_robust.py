"""Whatever a stack holds, reading it ends in filters: never in an exception."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.gcp_firewall import kinds, read, references
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack

WORDS: list[Any] = [
    None,
    UNKNOWN,
    1,
    2.5,
    True,
    False,
    "n0",
    "n1",
    "n2",
    "allow",
    "deny",
    "goto_next",
    "EGRESS",
    "INGRESS",
    "all",
]
WORDS += ["tcp", "443", "10.0.0.0/8", "0.0.0.0/0", "organizations/1", "folders/2", "europe-west1", "BEFORE_CLASSIC_FIREWALL"]
WORDS += ["apply_security_profile_group", "INTERNET", "a.example.com", "composer-2.1-airflow-2", "projects/p/global/networks/n0"]
INNER = [
    "layer4Configs",
    "srcIpRanges",
    "destIpRanges",
    "destFqdns",
    "srcFqdns",
    "destAddressGroups",
    "destNetworkContext",
    "name",
]
INNER += [
    "destRegionCodes",
    "srcSecureTags",
    "ipProtocol",
    "ports",
    "protocol",
    "priority",
    "action",
    "direction",
    "match",
    "network",
]
INNER += ["nodeConfig", "softwareConfig", "imageVersion", "subnetwork", "composerNetworkAttachment", "tags", "serviceAccount"]
PROPS = [
    *INNER,
    "rules",
    "firewallPolicy",
    "attachmentTarget",
    "targetServiceAccounts",
    "targetSecureTags",
    "targetTags",
    "targetType",
]
PROPS += [
    "allows",
    "denies",
    "disabled",
    "config",
    "region",
    "project",
    "environments",
    "ancestors",
    "enforcementOrder",
    "id",
    "items",
]
PROPS += [
    "networkFirewallPolicyEnforcementOrder",
    "targetResources",
    "sourceRanges",
    "destinationRanges",
    "subnetworks",
    "ipCidrRange",
]
PROPS += ["folderId", "orgId", "parent", "projectId", "email", "attachmentId"]
TYPES = [kind[0] for kind in vars(kinds).values() if isinstance(kind, tuple)] + ["airlock:index:GcpFirewallGate"]

ANYTHING = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER), inner, max_size=4),
    max_leaves=12,
)
RESOURCES = st.lists(
    st.tuples(
        st.sampled_from(TYPES),
        st.dictionaries(st.sampled_from(PROPS), ANYTHING, max_size=8),
        st.integers(0, 6),
        st.sampled_from(["firewallPolicy", "attachmentTarget", "match", "rules", "network", "config", "targetServiceAccounts"]),
    ),
    max_size=7,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RESOURCES, st.dictionaries(st.sampled_from(PROPS), ANYTHING, max_size=5))
def test_reading_never_raises(drawn, environment):
    drawn = [*drawn, ("gcp:composer/environment:Environment", environment, 0, "config")]
    urns = [f"urn:pulumi:test::bank::{kind}::n{number}" for number, (kind, *_) in enumerate(drawn)]
    stack = Stack(
        Resource(
            urn=urns[number],
            type=kind,
            properties=properties,
            custom=not kind.startswith("airlock:"),
            dependencies=(urns[used],) if used < len(urns) and used != number else (),
            property_dependencies={prop: (urns[used],)} if used < len(urns) else {},
        )
        for number, (kind, properties, used, prop) in enumerate(drawn)
    )
    for found in read(stack):
        for one in found.rules:
            one.parts()
            str(one.source)
    assert all(one.message for one in references(stack))
