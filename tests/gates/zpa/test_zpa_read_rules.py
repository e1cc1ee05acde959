"""Hand-written tenants: actions and order, segments, what goes past ZPA, and resources that make no sense."""

import pytest
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_airlock.gates.zpa import read, references
from pulumi_airlock.gates.zpa.order import Order
from pulumi_airlock.gates.zpa.tenant import MULTIMATCH, tenants
from zpa_helpers import (
    ANALYSTS,
    APP,
    FORWARD,
    GATE,
    GROUP,
    PERSON,
    REORDER,
    RULE,
    RULE_V1,
    SEGMENT,
    TASK,
    TASKS,
    WAREHOUSE,
    Point,
    decide,
    group,
    order,
    reading,
    reasons,
    resource,
    rule,
    segment,
    tenant,
    values,
)

# Actions, order


def test_an_approval_decides_either_way_and_no_later_rule_is_asked():
    found = reading(
        WAREHOUSE, rule("ask", APP, *ANALYSTS, action="REQUIRE_APPROVAL"), rule("b", APP, *ANALYSTS), order("ask", "b")
    )
    assert decide(found, PERSON) == "unproven"
    assert "ask: REQUIRE_APPROVAL: somebody decides each time" in reasons(found)


def test_an_unknown_action_may_be_either():
    assert decide(reading(WAREHOUSE, rule("a", APP, *ANALYSTS, action=UNKNOWN)), PERSON) == "unproven"


def test_the_order_resource_decides():
    first, second = rule("a", APP, *ANALYSTS), rule("b", APP, action="DENY")
    assert decide(reading(WAREHOUSE, first, second, order("a", "b")), PERSON) == "allow"
    assert decide(reading(WAREHOUSE, first, second, order("b", "a")), PERSON) == "deny"
    # Listed rules come before the others.
    assert decide(reading(WAREHOUSE, second, first, order("a")), PERSON) == "allow"
    assert decide(reading(WAREHOUSE, first, second, order("b")), PERSON) == "deny"


def test_without_an_order_it_is_not_known():
    first, second = rule("a", APP, *ANALYSTS), rule("b", APP, action="DENY")
    found = reading(WAREHOUSE, first, second)
    assert decide(found, PERSON) == "unproven"
    assert "b: whether before or after a, nothing tells" in reasons(found)
    assert decide(reading(WAREHOUSE, first, second, order("a", "b", policyType="TIMEOUT_POLICY")), PERSON) == "unproven"
    waiting = rule("b", APP, action="DENY", after=[first.urn])
    assert decide(reading(WAREHOUSE, first, waiting), PERSON) == "allow"
    # Where both do the same, the order does not matter.
    assert decide(reading(WAREHOUSE, first, rule("c", APP, *TASKS)), PERSON) == "allow"


def test_two_owners_of_the_order_tell_only_what_both_say():
    first, second, third = rule("a", APP, *ANALYSTS), rule("b", APP, action="DENY"), rule("c", APP, *TASKS)
    agreeing = [order("a", "b", "c"), order("a", "b", name="again")]
    assert decide(reading(WAREHOUSE, first, second, third, *agreeing), PERSON) == "allow"
    # One that lists neither leaves them as they are.
    assert decide(reading(WAREHOUSE, first, second, third, order("a", "b"), order("c", name="again")), PERSON) == "allow"
    idle = order(name="again", rules=[{"id": "elsewhere", "order": "1"}])
    assert decide(reading(WAREHOUSE, second, first, idle, order("a", "b")), PERSON) == "allow"
    quarrelling = [order("a", "b"), order("b", "a", name="again")]
    assert decide(reading(WAREHOUSE, first, second, *quarrelling), PERSON) == "unproven"


def test_the_ids_of_an_order_are_not_known_at_preview():
    entries = [{"id": UNKNOWN, "order": "1"}, {"id": UNKNOWN, "order": "2"}]
    found = reading(WAREHOUSE, rule("a", APP, *ANALYSTS), rule("b", APP, action="DENY"), order(rules=entries))
    assert decide(found, PERSON) == "unproven"


def test_rule_order_of_older_rules():
    first = rule("a", APP, *ANALYSTS, type_=RULE_V1, ruleOrder="2")
    second = rule("b", APP, action="DENY", type_=RULE_V1, ruleOrder="1")
    assert decide(reading(WAREHOUSE, first, second), PERSON) == "deny"
    third = rule("c", APP, action="DENY")
    assert decide(reading(WAREHOUSE, first, third), PERSON) == "unproven"
    found = Order(tenants(tenant(WAREHOUSE, first, second))[0])
    assert [one.name for one in found.rules] == ["b", "a"]


def test_older_rules_say_the_same():
    older = [
        {"operator": "OR", "operands": [{"objectType": "APP", "lhs": "id", "rhs": "s-warehouse"}]},
        {"operator": "OR", "operands": [{"objectType": "CLIENT_TYPE", "lhs": "id", "rhs": "zpn_client_type_zapp"}]},
        {"operator": "OR", "operands": [{"objectType": "SCIM_GROUP", "lhs": "idp", "rhs": "sg-1"}]},
    ]
    found = reading(WAREHOUSE, rule("a", *older, type_=RULE_V1))
    assert (decide(found, PERSON), decide(found, TASK)) == ("allow", "deny")
    assert not reasons(found)


# Segments


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"enabled": UNKNOWN}, "s.enabled"),
        ({"enabled": None}, "s.enabled"),
        ({"domainNames": UNKNOWN}, "s.domainNames[0]"),
        ({"domainNames": [UNKNOWN, "y.example"]}, "s.domainNames[0]"),
        ({"domainNames": ["y.example", "srv*.example"]}, "s.domainNames[1]"),
        ({"tcpPortRange": UNKNOWN}, "s.tcpPortRange"),
        ({"tcpPortRange": [{"from": UNKNOWN, "to": "443"}]}, "s.tcpPortRange"),
        ({"tcpPortRange": [], "tcpPortRanges": ["443"]}, "s.tcpPortRange"),
        ({"tcpPortRanges": ["80", "80"]}, "s.tcpPortRange: differs from tcpPortRanges"),
    ],
)
def test_what_is_not_known_of_a_segment_may_let_through(given, says):
    found = reading(segment("s", ["x.example"], **given), rule("a", values("APP", "s-s"), *ANALYSTS))
    assert says in reasons(found), reasons(found)
    assert decide(found, Point("x.example", 443, environment=None, group="airflow-finance")) == "unproven"
    assert decide(found, Point("x.example", 443, environment="finance")) == "deny"


@pytest.mark.parametrize(
    ("given", "says", "port", "protocol"),
    [({"udpPortRanges": UNKNOWN}, "s.udpPortRange", 53, "udp"), ({"icmpAccessType": UNKNOWN}, "s.icmpAccessType", 0, "icmp")],
)
def test_what_is_known_beside_it_stays_known(given, says, port, protocol):
    found = reading(segment("s", ["x.example"], **given), rule("a", values("APP", "s-s"), *ANALYSTS))
    person = {"environment": None, "group": "airflow-finance"}
    assert says in reasons(found)
    assert decide(found, Point("x.example", 443, **person)) == "allow"
    assert decide(found, Point("x.example", port, protocol, **person)) == "unproven"


def test_a_match_style_that_is_not_known_matters_where_segments_overlap():
    wide = segment("wide", ["*.x.example"], matchStyle=UNKNOWN)
    narrow = segment("narrow", ["a.x.example"], (22, 22), matchStyle=UNKNOWN)
    found = reading(wide, narrow, rule("a", values("APP", "s-wide")))
    assert decide(found, Point("a.x.example", 443)) == "unproven"
    assert decide(found, Point("b.x.example", 443)) == "allow"


def test_a_match_style_set_in_bulk_counts():
    wide, narrow = segment("wide", ["*.x.example"]), segment("narrow", ["a.x.example"], (22, 22))
    allow, point = rule("a", values("APP", "s-wide")), Point("a.x.example", 443)

    def bulk(*ids, style="INCLUSIVE", name="bulk"):
        return resource(MULTIMATCH, name, applicationIds=list(ids), matchStyle=style)

    assert decide(reading(wide, narrow, allow), point) == "deny"
    assert decide(reading(wide, narrow, allow, bulk("s-wide", "s-narrow")), point) == "allow"
    assert decide(reading(wide, narrow, allow, bulk("s-wide", UNKNOWN)), point) == "unproven"
    assert decide(reading(wide, narrow, allow, bulk("s-wide", "s-narrow", style=UNKNOWN)), point) == "unproven"
    both = [bulk("s-wide", "s-narrow"), bulk("s-narrow", style="EXCLUSIVE", name="again")]
    assert decide(reading(wide, narrow, allow, *both), point) == "unproven"
    own = segment("narrow", ["a.x.example"], (22, 22), matchStyle="EXCLUSIVE")
    assert decide(reading(wide, own, allow, bulk("s-wide", "s-narrow")), point) == "unproven"


def test_a_second_look_by_the_servers_address_may_refuse():
    dual = segment("s", ["x.example"], policyStyle=True)
    found = reading(dual, rule("a", values("APP", "s-s")))
    assert decide(found, Point("x.example", 443)) == "unproven"
    assert "s.policyStyle: rules on the server's address are asked as well" in reasons(found)


def test_a_segment_whose_domains_are_not_known_may_take_any_host():
    found = reading(WAREHOUSE, segment("s", [UNKNOWN]), rule("a", APP, *ANALYSTS))
    assert decide(found, PERSON) == "unproven"
    assert any("s.domainNames[0]: it may be more specific" in one for one in reasons(found))


def test_disabled_segments_and_groups_let_nothing_through():
    assert (
        decide(reading(segment("s", ["x.example"], enabled=False), rule("a", values("APP", "s-s"))), Point("x.example", 443))
        == "deny"
    )
    off = group(enabled=False)
    assert decide(reading(WAREHOUSE, off, rule("a", values("APP_GROUP", "g-1"))), TASK) == "deny"


def test_a_group_that_may_be_off_is_to_blame_itself():
    found = reading(WAREHOUSE, group(enabled=UNKNOWN), rule("a", APP, *ANALYSTS))
    assert decide(found, PERSON) == "unproven"
    assert reasons(found) == {"all.enabled"}


def test_a_host_with_another_port_of_its_segment_is_not_passed_on_to_a_wider_one():
    wide = segment("wide", ["*.corp.example"], (1, 65535))
    found = reading(WAREHOUSE, wide, rule("a", values("APP", "s-wide"), *ANALYSTS))
    person = {"environment": None, "group": "airflow-finance"}
    assert decide(found, Point("x.corp.example", 22, **person)) == "allow"
    assert decide(found, Point("wh.corp.example", 22, **person)) == "deny"


def test_ports_are_read_in_both_spellings():
    flat = segment(
        "s", ["x.example"], None, tcpPortRanges=["8000", "8010", "443", "443"], udpPortRange=[{"from": "53", "to": "53"}]
    )
    found = reading(flat, rule("a", values("APP", "s-s")))
    for port, protocol, expected in ((8005, "tcp", "allow"), (443, "tcp", "allow"), (53, "udp", "allow"), (53, "tcp", "deny")):
        assert decide(found, Point("x.example", port, protocol)) == expected
    ping = segment("s", ["x.example"], icmpAccessType="PING_TRACEROUTING")
    assert decide(reading(ping, rule("a", values("APP", "s-s"))), Point("x.example", 0, "icmp")) == "allow"


# What never comes to ZPA


@pytest.mark.parametrize("kind", ["ALWAYS", "ON_NET", UNKNOWN])
def test_a_bypass_may_let_through_whatever_rules_say(kind):
    found = reading(segment("s", ["x.example"], bypassType=kind), rule("a", values("APP", "s-s"), action="DENY"))
    assert decide(found, Point("x.example", 443)) == "unproven"
    assert any("s.bypassType" in one for one in reasons(found))
    assert found.rules[0].source.label == 'segment "s"'


def test_a_forwarding_rule_may_send_traffic_past_zpa():
    past = resource(FORWARD, "past", action="BYPASS", conditions=[APP])
    found = reading(WAREHOUSE, past, rule("a", action="DENY"))
    assert decide(found, TASK) == "unproven"
    assert "past: its traffic goes past ZPA" in reasons(found)
    within = resource(FORWARD, "within", action="INTERCEPT", conditions=[APP])
    assert decide(reading(WAREHOUSE, within, rule("a", action="DENY")), TASK) == "deny"
    either = resource(FORWARD, "either", action=UNKNOWN, conditions=[APP])
    assert "either.action" in reasons(reading(WAREHOUSE, either, rule("a", action="DENY")))


# Strange resources


@pytest.mark.parametrize("value", [None, UNKNOWN, 7, "text", [], {}, [None], [7], [[]], [{}], {"a": 1}, True])
@pytest.mark.parametrize(
    ("kind", "prop"),
    [
        *(
            (SEGMENT, one)
            for one in ("domainNames", "tcpPortRange", "tcpPortRanges", "segmentGroupId", "serverGroups", "matchStyle")
        ),
        *((RULE, one) for one in ("conditions", "action", "name", "operator")),
        *((GROUP, one) for one in ("applications", "enabled")),
        *((REORDER, one) for one in ("rules", "policyType")),
        *((GATE, one) for one in ("workloads", "scimGroups", "postures", "connectors", "accessRules", "segments")),
        (FORWARD, "conditions"),
    ],
)
def test_strange_values_never_raise(kind, prop, value):
    listed = [
        segment("s", ["x.example"], **({prop: value} if kind == SEGMENT else {})),
        group(**({prop: value} if kind == GROUP else {})),
        rule("a", values("APP", "s-s"), *ANALYSTS, **({prop: value} if kind == RULE else {}))
        if prop != "conditions" or kind != RULE
        else resource(RULE, "a", action="ALLOW", conditions=value),
        order("a", **({prop: value} if kind == REORDER else {})),
        resource(FORWARD, "f", action="BYPASS", conditions=value if kind == FORWARD else []),
    ]
    stack = tenant(*listed, **({prop: value} if kind == GATE else {}))
    for found in read(stack):
        for one in found.rules:
            one.parts()
            str(one.source)
    list(references(stack))


@pytest.mark.parametrize(
    "operands",
    [
        None,
        7,
        [None],
        [7],
        [{"objectType": 7}],
        [{"objectType": "APP", "values": 7}],
        [{"objectType": "SCIM_GROUP", "entryValues": [7]}],
    ],
)
def test_strange_operands_never_raise(operands):
    stack = tenant(WAREHOUSE, rule("a", {"operator": "OR", "operands": operands}))
    for found in read(stack):
        for one in found.rules:
            one.parts()
