"""What a stack expects its logs to show is read from its resources, whoever wrote them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.sources import load_stack
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.tokens import ACCESS as ACCESS_TOKEN
from pulumi_airlock.tokens import MWAA_ENVIRONMENT, ZPA_GATE
from pulumi_airlock.verify import Expected, Verifier, expected_of
from verify_cases import ACCESS, AT, FIREWALL, firewall, lss, urn

LOCATION, PROVIDER = "zia:index:LocationManagement", urn("pulumi:providers:zia", "default")


def resource(kind: str, name: str, /, parent: str = "", **properties: Any) -> Resource:
    return Resource(
        urn=urn(kind, name),
        type=kind,
        properties=properties,
        custom=not kind.startswith("airlock:"),
        parent=parent,
        provider=PROVIDER if kind.startswith("zia:") else "",
    )


def environment(name: str, cidr: str, **told: Any) -> list[Resource]:
    component = resource(MWAA_ENVIRONMENT, name, subnetCidrs=[cidr], **told)
    return [component, resource("aws:mwaa/environment:Environment", f"{name}-environment", component.urn)]


def location(name: str, number: int, /, **properties: Any) -> Resource:
    return resource(LOCATION, name, name=name, locationId=number, ofwEnabled=True, authRequired=False, **properties)


def stack(*resources: Resource) -> Stack:
    declared = resource(ACCESS_TOKEN, "access", document=ACCESS.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return Stack([declared, *environment("finance", "10.40.0.0/25"), *environment("risk", "10.40.0.128/25"), *resources])


def ways(found: Expected) -> list[tuple[str, str, str, str, int]]:
    return [(one.gate, one.environment, one.component, one.location, one.port) for one in found.ways]


def test_a_program_s_own_gates_tell_locations_ports_and_connectors(state: Path) -> None:
    found = expected_of(load_stack(state))
    assert found.kinds == {"zia": "zia", "zpa": "zpa"}
    assert ways(found) == [
        ("zia", "finance", "scheduler", "airlock-finance-scheduler", 10001),
        ("zia", "finance", "worker", "airlock-finance-worker", 10002),
        ("zia", "finance", "webserver", "airlock-finance-webserver", 10003),
        ("zpa", "finance", "scheduler, worker", "cc-finance", 0),
    ]
    assert str(found.connectors) == "10.20.250.0/28 10.40.14.0/28"
    assert found.routes["airlock-finance-warehouse"] == {"finance-warehouse"}
    assert "airlock-zia-block" in found.rules["zia"]
    by_name = {found.names[one]: locations for one, locations in found.bound.items() if FIREWALL in one}
    assert by_name["airlock-rates"] == {"airlock-finance-worker"}
    assert len(by_name["airlock-zia-block"]) == 3


def test_the_name_of_a_cloud_connector_group_tells_whose_traffic_it_is_where_the_gate_tells_it(state: Path) -> None:
    told = load_stack(state)
    nameless = [{"environment": "finance", "kind": "EDGE_CONNECTOR_GROUP", "id": "501"}]
    silent = Stack(
        replace(one, properties={**one.properties, "workloads": nameless}) if one.type == ZPA_GATE else one
        for one in told.resources
    )
    line = lss(ClientPrivateIP="", Policy="airlock-finance-warehouse")
    for given, faults in ((told, []), (silent, ["undeclared"])):
        verifier = Verifier(expected_of(given), at=AT)
        verifier.read("log", [line])
        found = verifier.result()
        assert [one.fault for one in found.findings] == faults
    assert "the template needs ClientPrivateIP" in found.findings[0].fix


def test_sub_locations_of_a_tunnel_are_told_by_addresses() -> None:
    found = expected_of(
        stack(
            location("tunnel", 1, ipAddresses=["192.0.2.10"]),
            location("finance", 2, parentId=1, ipAddresses=["10.40.0.0/25"]),
            location("risk-worker", 3, parentId=1, ipAddresses=["10.40.0.128-10.40.0.191"]),
            location("risk-webserver", 4, parentId=1, ipAddresses=["10.40.0.192/26"]),
            location("office", 5, ipAddresses=["10.60.0.0/16"]),
        )
    )
    assert ways(found) == [
        ("zia", "finance", "scheduler, worker, webserver", "finance", 0),
        ("zia", "risk", "worker", "risk-worker", 0),
        ("zia", "risk", "webserver", "risk-webserver", 0),
    ]
    assert not found.proxies


def test_a_rule_for_a_location_above_others_is_not_taken_for_one_of_that_location_alone() -> None:
    above = location("tunnel", 1, ipAddresses=["192.0.2.10"])
    below = replace(location("finance", 2, ipAddresses=["10.40.0.0/25"]), property_dependencies={"parentId": (above.urn,)})
    rules = [
        resource(FIREWALL, "narrow", name="narrow", order=1, action="ALLOW", locations=[2]),
        resource(FIREWALL, "wide", name="wide", order=2, action="ALLOW", locations=[1]),
        resource(FIREWALL, "all", name="all", order=3, action="BLOCK_DROP"),
        resource(FIREWALL, "unknown", name="unknown", order=4, action="ALLOW", locations=UNKNOWN),
    ]
    found = expected_of(stack(above, below, *rules))
    assert {found.names[one]: locations for one, locations in found.bound.items()} == {"narrow": {"finance"}}


@pytest.mark.parametrize("value", [UNKNOWN, None, "x", 7, [], {}, [None], {"a": None}, [UNKNOWN]])
def test_strange_resources_are_no_reason_to_fail(value: Any) -> None:
    names = (
        "name",
        "ports",
        "ipAddresses",
        "parentId",
        "locations",
        "order",
        "action",
        "workloads",
        "connectors",
        "environments",
    )
    strange = dict.fromkeys((*names, "rules", "routes", "gate", "egress"), value)
    found = expected_of(
        stack(
            resource(LOCATION, "strange", **strange),
            resource(FIREWALL, "strange-rule", **strange),
            resource("airlock:index:ZiaGate", "zia", **strange),
            resource("airlock:index:ZpaGate", "zpa", **strange),
            resource("zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", "strange-access", **strange),
            *environment("odd", "10.41.0.0/25", egress=value),
        )
    )
    verifier = Verifier(found, at=AT)
    verifier.read("log", [firewall(), lss()])
    assert verifier.result().lines == 2


def test_a_stack_without_zscaler_says_that_there_is_nothing_to_be_seen() -> None:
    verifier = Verifier(expected_of(stack()), at=AT)
    verifier.read("log", [firewall(), lss()])
    found = verifier.result()
    assert found.rows == []
    assert "the stack has no gate of Zscaler" in found.notices[0]


def test_a_stack_without_access_is_refused() -> None:
    with pytest.raises(InputError, match="declares no access"):
        expected_of(Stack([]))
