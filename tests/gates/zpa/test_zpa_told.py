"""What is told beside the verdict: entries of rules, where traffic comes from behind, ids that lead nowhere, specificity."""

import pytest
from pulumi_airlock.gates.references import Fault
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.gates.zpa import ZpaGate, read, references
from pulumi_airlock.gates.zpa.specificity import Below, covering, parse_pattern
from pulumi_airlock.proof.sets import Hosts
from zpa_helpers import (
    ANALYSTS,
    APP,
    CONNECTORS,
    FRANKFURT,
    PEOPLE,
    SERVERS,
    WAREHOUSE,
    WORKLOADS,
    access,
    group,
    holds,
    pairs,
    reading,
    resource,
    route,
    rule,
    run_program,
    segment,
    values,
)

# Parts, relays, references


def test_a_rules_entries_are_told_down_to_the_segments():
    conditions = [values("APP_GROUP", "g-1"), *ANALYSTS, pairs("POSTURE", ("managed", "true"))]
    found = reading(WAREHOUSE, group(), rule("a", *conditions))
    told = [(one.field, str(one)) for one in found.rules[0].parts()]
    assert told == [
        ("APP_GROUP", 'segment group "all"'),
        ("CLIENT_TYPE", 'client type "zpn_client_type_zapp"'),
        ("SCIM_GROUP", 'SCIM group "sg-1" for airflow-finance'),
        ("POSTURE", 'posture profile "managed"'),
    ]
    (member,) = found.rules[0].parts()[0].parts
    assert (member.value, member.urn) == ("10.20.4.10/32, wh.corp.example 5432/tcp", WAREHOUSE.urn)
    lost = reading(WAREHOUSE, rule("a", values("APP", "s-gone"), values("EDGE_CONNECTOR_GROUP", "cc-1")))
    assert [str(one) for one in lost.rules[0].parts()] == [
        'segment "s-gone" not in the stack',
        'Cloud Connector group "cc-1" for finance',
    ]


def test_behind_app_connectors_traffic_comes_from_them():
    def program():
        ZpaGate(
            "zpa",
            access=access([route("r", ["warehouse", "sftp"])]),
            connectors={"datacenter": FRANKFURT, "partners": FRANKFURT},
            workloads=WORKLOADS,
            identity_provider=PEOPLE,
        )

    for preview in (True, False):
        (found,) = read(run_program(program, preview))
        inner, partners = found.relays
        assert inner.sources == partners.sources == Hosts.from_cidr("10.50.0.0/28")
        assert holds(inner.hosts, "10.20.4.10")
        assert holds(inner.hosts, "wh.corp.example")
        assert not holds(inner.hosts, "203.0.113.10")
        assert holds(partners.hosts, "203.0.113.10")


def test_ids_that_lead_nowhere_and_objects_without_effect():
    servers = resource(SERVERS, "servers", id="sv-1", enabled=True, appConnectorGroups=[{"ids": ["c-9"]}])
    connectors = resource(CONNECTORS, "connectors", id="c-1", enabled=True)
    app = segment("warehouse", ["wh.corp.example"], serverGroups=[{"ids": ["sv-1", "sv-9"]}], segmentGroupId="g-9")
    rest = segment("left", ["left.example"])
    stack = Stack([app, servers, connectors, group(), rest, rule("a", APP, values("APP_GROUP", "g-8"))])
    found = [(one.fault, one.what, one.name, one.position) for one in references(stack)]
    assert found == [
        (Fault.UNDEFINED, "segment group", "g-8", "conditions[1].operands[0]"),
        (Fault.UNDEFINED, "server group", "sv-9", "serverGroups"),
        (Fault.UNDEFINED, "segment group", "g-9", "segmentGroupId"),
        (Fault.UNDEFINED, "connector group", "c-9", "appConnectorGroups"),
        (Fault.UNUSED, "application segment", "left", ""),
        (Fault.UNUSED, "segment group", "all", ""),
        (Fault.UNUSED, "connector group", "connectors", ""),
    ]


def test_a_rule_on_everything_uses_everything():
    assert not [one for one in references(Stack([WAREHOUSE, group(), rule("bare")])) if one.fault is Fault.UNUSED]


def test_what_a_gate_makes_is_all_in_use():
    def program():
        ZpaGate("zpa", access=access([route("r", ["warehouse"])]), connectors={"datacenter": FRANKFURT}, workloads=WORKLOADS)

    for preview in (True, False):
        assert list(references(run_program(program, preview))) == []


# Specificity


def test_patterns():
    assert parse_pattern("*.Corp.Example.") == "*.corp.example"
    assert parse_pattern(".corp.example") == "*.corp.example"
    assert str(parse_pattern("10.20.4.10")) == "10.20.4.10/32"
    for text in ("", "srv*.example", "a b", "*.x.*", "host:443"):
        with pytest.raises(ValueError, match="is no host name"):
            parse_pattern(text)


def test_what_covers_a_pattern_the_nearest_first():
    every = {parse_pattern(one) for one in ("*", "*.example", "*.corp.example", "corp.example", "10.0.0.0/8", "10.20.0.0/16")}
    assert covering("api.corp.example", every) == ["*.corp.example", "*.example", "*"]
    assert covering("*.corp.example", every) == ["*.corp.example", "*.example", "*"]
    assert covering("corp.example", every) == ["corp.example", "*.example", "*"]
    assert [str(one) for one in covering(parse_pattern("10.20.4.10"), every)] == ["10.20.0.0/16", "10.0.0.0/8"]


def test_every_name_can_be_cut_too():
    below = Below({"*", "*.example"}, {"*", "*.example"})
    names = below.region(["*"]).names
    assert ("a.test" in names, "a.example" in names, "example" in names) == (True, False, True)
