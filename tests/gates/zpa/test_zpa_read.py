"""Hand-written tenants: whose rules, over which links, for which callers; what is not known is told with its property."""

from dataclasses import replace

import pytest
from pulumi_airlock.gates.stack import UNKNOWN, Stack
from pulumi_airlock.gates.zpa import read
from pulumi_airlock.proof.filters import Action, Combine
from zpa_helpers import (
    ANALYSTS,
    APP,
    GATE,
    GROUP,
    PERSON,
    PROVIDER,
    RULE,
    RULE_V1,
    SEGMENT,
    STRANGER,
    TASK,
    TASKS,
    WAREHOUSE,
    Point,
    decide,
    group,
    pairs,
    reading,
    reasons,
    resource,
    rule,
    segment,
    tenant,
    urn_of,
    values,
)

# Filters


def test_a_tenant_is_one_filter_by_its_gates_name():
    found = reading(WAREHOUSE, group(), rule("a", APP, *TASKS))
    assert (found.gate, found.combine, found.default) == ("zpa", Combine.FIRST_MATCH, Action.DENY)
    assert found.urn == urn_of(GATE, "zpa")
    assert found.name == "access policy of tenant"
    assert str(found.rules[0].source) == 'rule "a" (a)'
    assert found.rules[0].source.through == (WAREHOUSE.urn, urn_of(GROUP, "all"))


def test_without_a_gate_it_has_its_providers_name():
    (found,) = read(Stack([WAREHOUSE, rule("a", APP)]))
    assert (found.gate, found.urn) == ("tenant", PROVIDER)


def test_a_stack_without_zpa_has_no_filter():
    assert list(read(Stack([resource("aws:ec2/vpc:Vpc", "vpc")]))) == []


def test_two_providers_for_one_customer_are_one_tenant():
    provider = {"customerId": "42"}
    one, two = (resource("pulumi:providers:zpa", name, **provider) for name in ("one", "two"))
    stack = Stack([one, two, moved(WAREHOUSE, one.urn), moved(rule("a", APP, *ANALYSTS), two.urn)])
    (found,) = read(stack)
    assert not [rule for rule in found.rules if "no segment" in str(rule.unknown)]
    three = resource("pulumi:providers:zpa", "three", customerId="43")
    assert len(list(read(Stack([one, three, moved(WAREHOUSE, one.urn), moved(rule("a", APP), three.urn)])))) == 2


def test_a_provider_whose_customer_is_not_known_may_be_the_gates():
    other = resource("pulumi:providers:zpa", "other")
    mine = moved(segment("mine", ["x.example"]), other.urn)
    found = {one.gate: one for one in read(tenant(WAREHOUSE, other, mine, moved(rule("b", values("APP", "s-mine")), other.urn)))}
    assert "other.customerId: whether this is the same tenant as tenant" in reasons(found["zpa"])
    assert decide(found["zpa"], Point("x.example", 443)) == "unproven"
    assert decide(found["other"], Point("x.example", 443)) == "allow"


def test_microtenants_have_policies_of_their_own():
    far = rule("far", type_=RULE_V1, microtenantId="7")
    found = {one.name: one for one in read(tenant(WAREHOUSE, rule("a", APP, *TASKS), far))}
    assert set(found) == {"access policy of tenant", "access policy of tenant, microtenant 7"}


def moved(one, provider):
    return replace(one, provider=provider)


# Links


def test_links_hold_where_no_id_is_known():
    app = resource(
        SEGMENT, "app", id=UNKNOWN, domainNames=["wh.corp.example"], tcpPortRange=[{"from": "5432", "to": "5432"}], enabled=True
    )
    allow = rule("a", values("APP", UNKNOWN), *TASKS)
    linked = resource(RULE, "a", depends={"conditions": [app.urn]}, action="ALLOW", conditions=allow.get("conditions"))
    point = Point("wh.corp.example")
    assert decide(reading(app, linked), point) == "allow"
    assert not reasons(reading(app, linked))
    # Two unknown ids and one link: which of them it is does not tell what the other is.
    double = resource(
        RULE, "a", depends={"conditions": [app.urn]}, action="ALLOW", conditions=[values("APP", UNKNOWN, UNKNOWN), *TASKS]
    )
    assert "a.conditions[0].operands[0]" in reasons(reading(app, double))


def test_a_group_stands_for_the_segments_in_it():
    listed = group("listed", id="g-2", applications=[{"id": "s-other"}])
    other = segment("other", ["other.example"], segmentGroupId=UNKNOWN)
    found = reading(WAREHOUSE, group(), listed, other, rule("a", values("APP_GROUP", "g-1"), *ANALYSTS))
    assert decide(found, PERSON) == "allow"
    assert "other.segmentGroupId" in reasons(found)
    found = reading(WAREHOUSE, group(), listed, other, rule("a", values("APP_GROUP", "g-2"), *ANALYSTS))
    assert decide(found, PERSON) == "deny"
    assert decide(found, Point("other.example", 443, environment=None, group="airflow-finance")) == "allow"


def test_a_segment_finds_its_group_by_link_or_by_name():
    home = group("home", id=UNKNOWN)
    linked = resource(SEGMENT, "app", depends={"segmentGroupId": [home.urn]}, id="s", segmentGroupId=UNKNOWN, **SEGMENT_PROPS)
    named = resource(SEGMENT, "app", id="s", segmentGroupName="home", **SEGMENT_PROPS)
    allow = resource(
        RULE, "a", depends={"conditions": [home.urn]}, action="ALLOW", conditions=[values("APP_GROUP", UNKNOWN), *ANALYSTS]
    )
    for one in (linked, named):
        found = reading(one, home, allow)
        assert decide(found, Point("x.example", 443, environment=None, group="airflow-finance")) == "allow"
        assert not reasons(found)


SEGMENT_PROPS = {"domainNames": ["x.example"], "enabled": True, "tcpPortRanges": ["443", "443"]}


def test_an_id_that_the_stack_does_not_have_may_be_any_other_segment():
    found = reading(WAREHOUSE, rule("a", values("APP", "s-gone"), *ANALYSTS))
    assert reasons(found) == {"a.conditions[0].operands[0]: no segment of the stack is s-gone"}
    assert decide(found, PERSON) == "deny"
    assert decide(found, Point("other.example", environment=None, group="airflow-finance")) == "unproven"


# Callers


def test_callers_are_told_apart():
    found = reading(WAREHOUSE, rule("a", APP, *TASKS), rule("b", APP, *ANALYSTS))
    assert not reasons(found)
    verdicts = [decide(found, one) for one in (TASK, PERSON, STRANGER, Point(environment="markets"), Point(environment=None))]
    assert verdicts == ["allow", "allow", "deny", "deny", "deny"]


def test_a_rule_for_every_cloud_connector_may_be_for_others_too():
    found = reading(WAREHOUSE, rule("a", APP, TASKS[0]))
    assert decide(found, TASK) == "allow"
    assert decide(found, STRANGER) == "unproven"
    assert decide(found, Point(environment="markets")) == "deny"
    assert reasons(found) == {"a.conditions[1].operands[0]: who else comes as zpn_client_type_edge_connector"}


def test_a_rule_without_conditions_is_for_everybody_at_every_segment():
    found = reading(WAREHOUSE, rule("bare"))
    for point in (TASK, PERSON, STRANGER, Point(environment=None)):
        assert decide(found, point) == "allow"
    assert decide(found, Point("other.example")) == "unproven"
    assert reasons(found) == {"segments of the tenant that the stack does not have"}


def test_a_rule_that_denies_everything_is_sure_of_it():
    found = reading(WAREHOUSE, rule("bare", action="DENY"))
    assert not reasons(found)
    assert decide(found, Point("other.example")) == "deny"


@pytest.mark.parametrize(
    "operand", [pairs("SCIM_GROUP", ("idp", "sg-1")), pairs("SAML", ("a", "b")), pairs("POSTURE", ("managed", "true"))]
)
def test_what_only_people_have_never_matches_a_service_account(operand):
    found = reading(WAREHOUSE, rule("a", APP, *TASKS, operand))
    assert decide(found, TASK) == "deny"
    assert not reasons(found)
    assert found.rules[0].match.who.groups == frozenset()  # the rule is there, and matches nobody


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (pairs("SCIM_GROUP", ("idp", "sg-9")), "a.conditions[1].operands[0]: no ZpaGate says which group sg-9 is"),
        (pairs("SCIM_GROUP", ("idp", UNKNOWN)), "a.conditions[1].operands[0].entryValues"),
        (pairs("SAML", ("attribute", "x")), "a.conditions[1].operands[0]: SAML is known to ZPA alone"),
        (pairs("POSTURE", ("other", "true")), "a.conditions[1].operands[0]: whose devices satisfy posture other"),
        (pairs("POSTURE", ("managed", "false")), "a.conditions[1].operands[0]: whose devices satisfy posture managed"),
        (pairs("TRUSTED_NETWORK", ("n", "true")), "a.conditions[1].operands[0]: TRUSTED_NETWORK is known to ZPA alone"),
        (pairs("PLATFORM", ("linux", "true")), "a.conditions[1].operands[0]: PLATFORM is known to ZPA alone"),
        (pairs("COUNTRY_CODE", ("CH", "true")), "a.conditions[1].operands[0]: COUNTRY_CODE is known to ZPA alone"),
        (
            values("CLIENT_TYPE", "zpn_client_type_exporter"),
            "a.conditions[1].operands[0]: which people come as zpn_client_type_exporter",
        ),
        (values("CLIENT_TYPE", UNKNOWN), "a.conditions[1].operands[0].values"),
        ({"operator": "OR", "operands": [{"objectType": UNKNOWN}]}, "a.conditions[1].operands[0].objectType"),
        ({"operator": "OR", "operands": UNKNOWN}, "a.conditions[1].operands"),
        ({"operator": "OR", "operands": [{"objectType": "NEW_KIND", "values": ["x"]}]}, "NEW_KIND is known to ZPA alone"),
        (UNKNOWN, "a.conditions[1]"),
    ],
)
def test_what_is_not_known_of_people_may_match(condition, says):
    found = reading(WAREHOUSE, rule("a", APP, condition))
    assert decide(found, PERSON) == "unproven"
    assert any(says in reason for reason in reasons(found)), reasons(found)


def test_machines_that_no_gate_knows_are_strangers():
    for kind in ("EDGE_CONNECTOR_GROUP", "MACHINE_GRP", "BRANCH_CONNECTOR_GROUP", "LOCATION"):
        found = reading(WAREHOUSE, rule("a", APP, values(kind, "unheard-of")))
        assert decide(found, TASK) == "deny"
        assert decide(found, STRANGER) == "unproven"


def test_a_condition_that_cannot_be_taken_apart_may_match_anybody():
    mixed = {"operator": "OR", "operands": [*APP["operands"], *ANALYSTS[1]["operands"]]}
    negated = {**ANALYSTS[1], "negated": True}
    for condition in (mixed, negated):
        found = reading(WAREHOUSE, rule("a", condition))
        assert decide(found, TASK) == "unproven"


def test_and_within_a_condition_narrows():
    both = {"operator": "AND", "operands": [*ANALYSTS[0]["operands"], *ANALYSTS[1]["operands"]]}
    found = reading(WAREHOUSE, rule("a", APP, both))
    assert (decide(found, PERSON), decide(found, Point(environment=None))) == ("allow", "deny")
    unclear = {"operator": UNKNOWN, "operands": both["operands"]}
    assert decide(reading(WAREHOUSE, rule("a", APP, unclear)), PERSON) == "unproven"


def test_people_in_two_groups_at_once_are_not_counted():
    found = reading(WAREHOUSE, rule("a", APP, ANALYSTS[1], pairs("SCIM_GROUP", ("idp", "sg-2"))))
    assert decide(found, PERSON) in ("unproven", "deny")
    assert decide(found, TASK) == "deny"
    assert any("which are in both" in one for one in reasons(found))


def test_or_between_conditions_widens():
    found = reading(WAREHOUSE, rule("a", APP, ANALYSTS[1], operator="OR"))
    assert decide(found, TASK) == "allow"
    assert decide(found, PERSON) == "allow"


def test_segments_of_a_tenant_without_rules_say_nothing_of_its_rules():
    (found,) = read(Stack([WAREHOUSE, group()]))
    assert decide(found, Point("wh.corp.example", 5432)) == "unproven"
    assert reasons(found) == {f"the access rules of {found.gate}, of which the stack has none"}
    # A gate in the tenant has its rules: none of them is that it refuses.
    assert not reading(WAREHOUSE).rules
