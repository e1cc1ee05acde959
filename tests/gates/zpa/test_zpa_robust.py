"""Whatever a stack holds, reading it ends in filters: never in an exception."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.gates.zpa import read, references
from zpa_helpers import CONNECTORS, FORWARD, GATE, GROUP, LOG, PROVIDER, REORDER, RULE, RULE_V1, SEGMENT, SERVERS, TIMEOUT, urn_of

WORDS = [None, UNKNOWN, 1, 2.5, True, False, "x", "s-0", "g-1", "APP", "APP_GROUP", "SCIM_GROUP", "EDGE_CONNECTOR_GROUP"]
WORDS += ["OR", "AND", "443", "ALLOW", "DENY", "10.0.0.0/8", "*", "ACCESS_POLICY", "zpn_client_type_zapp"]
INNER = ["operands", "objectType", "values", "entryValues", "lhs", "rhs", "rhsLists", "ids", "id", "from", "to", "order"]
INNER += ["operator", "cidrs", "environment", "kind", "group"]
PROPS = ["conditions", "domainNames", "tcpPortRange", "tcpPortRanges", "udpPortRange", "segmentGroupId", "segmentGroupName"]
PROPS += ["serverGroups", "appConnectorGroups", "applications", "enabled", "action", "name", "operator", "ruleOrder", "rules"]
PROPS += ["policyType", "matchStyle", "bypassType", "icmpAccessType", "workloads", "scimGroups", "postures", "connectors"]
PROPS += ["accessRules", "segments", "gate", "microtenantId", "config", "id", "customerId"]
TYPES = [SEGMENT, GROUP, SERVERS, CONNECTORS, RULE, RULE_V1, REORDER, TIMEOUT, FORWARD, LOG, GATE, "pulumi:providers:zpa"]

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
        st.integers(0, 6),
        st.sampled_from(["conditions", "segmentGroupId", "rules", "serverGroups"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RESOURCES)
def test_reading_never_raises(drawn):
    urns = [urn_of(kind, f"n{number}") for number, (kind, *_) in enumerate(drawn)]
    stack = Stack(
        Resource(
            urn=urns[number],
            type=kind,
            properties=properties,
            custom=not kind.startswith("airlock:"),
            parent=urns[above] if above < number else "",
            provider=urns[used] if used < len(urns) else PROVIDER,
            dependencies=(urns[above],) if above < len(urns) and above != number else (),
            property_dependencies={prop: (urns[used],)} if used < len(urns) else {},
        )
        for number, (kind, properties, above, used, prop) in enumerate(drawn)
    )
    for found in read(stack):
        for one in found.rules:
            one.parts()
            str(one.source)
    assert all(one.message for one in references(stack))
