"""Policies on ZPA's rules and their order; each with wrong, right and unknown values."""

import re
from pathlib import Path

import pytest
from least_privilege import registry
from policy_testing import UNKNOWN, on, resource

RULE, RULE_V1 = "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", "zpa:index/policyAccessRule:PolicyAccessRule"
SEGMENT, GROUP = "zpa:index/applicationSegment:ApplicationSegment", "zpa:index/segmentGroup:SegmentGroup"
REORDER = "zpa:index/policyAccessReorderRule:PolicyAccessReorderRule"
GATE = "airlock:index:ZpaGate"

EDGE, ZAPP, MACHINE = (f"zpn_client_type_{one}" for one in ("edge_connector", "zapp", "machine_tunnel"))


def values(kind, *listed):
    return {"operator": "OR", "operands": [{"objectType": kind, "values": list(listed)}]}


def pairs(kind, *listed):
    entries = [{"lhs": lhs, "rhs": rhs} for lhs, rhs in listed]
    return {"operator": "OR", "operands": [{"objectType": kind, "entryValues": entries}]}


def v1(kind, lhs, rhs):
    return {"operator": "OR", "operands": [{"objectType": kind, "lhs": lhs, "rhs": rhs}]}


APP = values("APP", "s-1")
TASKS = {
    "action": "ALLOW",
    "description": "finance-warehouse: FIN-1234",
    "conditions": [APP, values("CLIENT_TYPE", EDGE), values("EDGE_CONNECTOR_GROUP", "cc-1")],
}
PEOPLE = TASKS | {"conditions": [APP, values("CLIENT_TYPE", ZAPP), pairs("SCIM_GROUP", ("idp", "sg-1"))]}
OLDER = TASKS | {"conditions": [v1("APP", "id", "s-1"), v1("CLIENT_TYPE", "id", ZAPP), v1("SCIM_GROUP", "idp", "sg-1")]}
DENY = {"action": "DENY", "conditions": []}
BARE = TASKS | {"conditions": []}


# Rules


def test_rule_applications():
    policy = on("zpa-rule-applications", RULE)
    policy.passes(**TASKS)
    policy.passes(**TASKS | {"conditions": [values("APP_GROUP", "g-1")]})
    policy.passes(**DENY)
    policy.fails("conditions is empty", **BARE)
    policy.fails("conditions is empty", action="ALLOW")
    policy.fails("conditions is empty", **TASKS | {"conditions": [{"operator": "OR", "operands": []}]})
    policy.fails("names no segment", **TASKS | {"conditions": TASKS["conditions"][1:]})
    policy.fails("names no segment", **TASKS | {"conditions": [values("APP"), values("CLIENT_TYPE", ZAPP)]})
    policy.fails("conditions is empty", **BARE | {"action": "REQUIRE_APPROVAL"})
    policy.undecided("conditions", **BARE | {"conditions": UNKNOWN})
    policy.undecided("conditions", **BARE | {"conditions": [{"operator": "OR", "operands": [{"objectType": UNKNOWN}]}]})
    policy.undecided("action", **BARE | {"action": UNKNOWN})
    policy.passes(**TASKS | {"conditions": [values("APP", UNKNOWN)]})


def test_older_rules_are_judged_as_well():
    on("zpa-rule-applications", RULE_V1).passes(**OLDER)
    on("zpa-rule-applications", RULE_V1).fails("names no segment", **OLDER | {"conditions": OLDER["conditions"][1:]})
    on("zpa-rule-client-type", RULE_V1).fails("CLIENT_TYPE", **OLDER | {"conditions": OLDER["conditions"][:1]})
    on("zpa-service-account-operand", RULE_V1).passes(**OLDER)
    mixed = [v1("CLIENT_TYPE", "id", EDGE), v1("SAML", "attribute", "etl")]
    on("zpa-service-account-operand", RULE_V1).fails("asks for SAML", **OLDER | {"conditions": mixed})


def test_rule_client_type():
    policy = on("zpa-rule-client-type", RULE)
    policy.passes(**TASKS)
    policy.passes(**DENY)
    policy.fails("names no CLIENT_TYPE", **TASKS | {"conditions": [APP, values("EDGE_CONNECTOR_GROUP", "cc-1")]})
    policy.undecided("conditions", **TASKS | {"conditions": [APP, UNKNOWN]})


def test_rule_callers():
    policy = on("zpa-rule-callers", RULE)
    policy.passes(**TASKS)
    policy.passes(**PEOPLE)
    policy.fails("no group of people", **TASKS | {"conditions": [APP, values("CLIENT_TYPE", ZAPP)]})
    managed = [APP, values("CLIENT_TYPE", ZAPP), pairs("POSTURE", ("managed", "true"))]
    policy.fails("no group of people", **TASKS | {"conditions": managed})
    policy.undecided("conditions", **TASKS | {"conditions": UNKNOWN})


@pytest.mark.parametrize("kind", ["SCIM_GROUP", "SAML", "SCIM", "POSTURE"])
@pytest.mark.parametrize(
    ("who", "says"),
    [
        (values("CLIENT_TYPE", EDGE), EDGE),
        (values("CLIENT_TYPE", ZAPP, MACHINE), MACHINE),
        (values("EDGE_CONNECTOR_GROUP", UNKNOWN), "EDGE_CONNECTOR_GROUP"),
        (values("MACHINE_GRP", "mg-1"), "MACHINE_GRP"),
    ],
)
def test_service_account_operand(kind, who, says):
    policy = on("zpa-service-account-operand", RULE)
    policy.passes(**TASKS)
    policy.fails(f"asks for {kind} of {says}", **TASKS | {"conditions": [APP, who, pairs(kind, ("idp", "sg-1"))]})
    policy.undecided("conditions", **TASKS | {"conditions": [pairs(kind, ("idp", "sg-1")), values("CLIENT_TYPE", UNKNOWN)]})
    # A rule that denies and never matches is worse.
    policy.fails(f"asks for {kind}", **TASKS | {"action": "DENY", "conditions": [who, pairs(kind, ("idp", "sg-1"))]})


def test_service_account_operand_leaves_the_others_alone():
    policy = on("zpa-service-account-operand", RULE)
    policy.passes(**TASKS)
    policy.passes(**PEOPLE)
    policy.passes(**TASKS | {"conditions": UNKNOWN})
    scim = pairs("SCIM_GROUP", ("idp", "sg-1"))
    policy.undecided("conditions", **TASKS | {"conditions": [values("CLIENT_TYPE", UNKNOWN), scim]})
    policy.undecided("conditions", **TASKS | {"conditions": [scim, UNKNOWN]})


def test_rule_reason():
    policy = on("zpa-rule-reason", RULE)
    policy.passes(**TASKS)
    policy.passes(**DENY)
    policy.fails("is empty", action="ALLOW", conditions=UNKNOWN)
    policy.fails("names no ticket", **TASKS | {"description": "for finance"})
    policy.undecided("description", **TASKS | {"description": UNKNOWN})


# The order


def rule(name, props=TASKS, **more):
    return resource(RULE, name, **{"id": f"r-{name}", **props, **more})


def order(name="order", *listed, **more):
    entries = [{"id": f"r-{one}", "order": str(number)} for number, one in enumerate(listed, 1)]
    return resource(REORDER, name, **{"policyType": "ACCESS_POLICY", "rules": entries, **more})


def test_deny_last():
    policy = on("zpa-deny-last")
    policy.passes([rule("a"), rule("rest", DENY), order("order", "a", "rest")])
    policy.passes([rule("rest", DENY)])
    policy.fails("is followed by no rule that denies", [rule("a")], at="a")
    policy.undecided("the place", [rule("a"), rule("rest", DENY)])
    policy.undecided("the place", [rule("a"), rule("rest", DENY), order("order", "rest", "a")])
    policy.undecided("action", [rule("a"), rule("b", action=UNKNOWN)])


def test_order_owner():
    policy = on("zpa-order-owner")
    policy.passes([rule("a"), order("one", "a"), order("two", policyType="TIMEOUT_POLICY")])
    policy.fails("which one orders as well", [rule("a"), order("one", "a"), order("two", "a")], at="two")
    policy.fails("which one orders as well", [rule("a"), order("one", "a"), order("two", policyType="GLOBAL_POLICY")], at="two")
    mine = resource(REORDER, "mine", parent="zpa", policyType="ACCESS_POLICY", rules=[])
    policy.fails("which mine orders as well", [rule("a"), order("other", "a"), resource(GATE, "zpa"), mine], at="other")
    numbered = resource(RULE_V1, "b", action="ALLOW", ruleOrder="1")
    policy.fails("ruleOrder is set", [rule("a"), numbered, order("one", "a")], at="b")
    policy.undecided("policyType", [rule("a"), order("one", "a"), order("two", policyType=UNKNOWN)])


def test_foreign_rule():
    policy = on("zpa-foreign-rule")
    gate = resource(GATE, "zpa", gate="zpa")
    own = resource(RULE, "own", parent="zpa", **TASKS)
    policy.passes([gate, own, rule("rest", DENY)])
    policy.passes([rule("a")])
    policy.fails("allows in the tenant that zpa manages", [gate, own, rule("mine", description=UNKNOWN)], at="mine")
    policy.fails("allows in the tenant", [gate, own, rule("mine", BARE)], at="mine")
    policy.passes([gate, own, resource(RULE, "theirs", provider="other", **TASKS)])
    policy.undecided("action", [gate, own, rule("mine", action=UNKNOWN)])


def segment(name="warehouse", **more):
    return resource(SEGMENT, name, **{"id": "s-1", "enabled": True, "domainNames": ["wh.corp.example"], **more})


def test_rule_dangling():
    policy = on("zpa-rule-dangling")
    policy.passes([rule("a"), segment()])
    policy.fails("names segment s-1", [rule("a")], at="a")
    policy.fails("conditions[0].operands[0]", [rule("a")], at="a")
    policy.fails("which is disabled", [rule("a"), segment(enabled=False)], at="a")
    grouped = TASKS | {"conditions": [values("APP_GROUP", "g-9")]}
    policy.fails("names segment group g-9", [rule("a", grouped), segment()], at="a")
    policy.passes([rule("a", grouped), segment(), resource(GROUP, "g", id="g-9", enabled=True)])
    on("zpa-rule-dangling", known=["s-1"]).passes([rule("a")])
    computed = TASKS | {"conditions": [values("APP", UNKNOWN)]}
    policy.undecided("conditions[0]", [rule("a", computed), segment()])
    linked = resource(RULE, "a", links={"conditions": "warehouse"}, **computed)
    policy.passes([linked, segment(id=UNKNOWN)])
    policy.fails("which is disabled", [linked, segment(id=UNKNOWN, enabled=False)], at="a")


def test_the_policies_that_the_gates_page_names_exist():
    page = (Path(__file__).parents[2] / "docs" / "gates" / "zpa.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(zpa-[a-z-]+)`", page))
    assert named
    assert named <= {one.name for one in registry.load()}
