"""FortiGate user groups and ZPA's SCIM groups that stand for somebody else than the access file says."""

from collections.abc import Iterable
from typing import Any

import pytest
from identity_helpers import found, whole
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.identity import identity_findings
from pulumi_airlock.identity.findings import IdentityFinding, Kind, Severity

USER_GROUPS = ("fortios:user/group:Group", "fortios:index/userGroup:UserGroup")


def resource(type_: str, name: str, /, **properties: Any) -> Resource:
    return Resource(f"urn:pulumi:test::bank::{type_}::{name}", type_, properties)


def beside(*more: Resource, **given: Any) -> list[IdentityFinding]:
    """The findings of a whole stack with these resources in it, as a state has them."""
    whole_stack = whole(preview=False, **given)
    assert [one for one in found(whole_stack) if one.severity is Severity.ERROR] == []
    return list(identity_findings(Stack([*whole_stack.resources, *more])))


def user_group(type_: str, name: str, groups: Iterable[Any]) -> Resource:
    key = "match" if "index/" in type_ else "matches"
    return resource(type_, name, name=name, **{key: [{"serverName": "saml", "groupName": group} for group in groups]})


@pytest.mark.parametrize("type_", USER_GROUPS)
def test_a_user_group_for_nobody_declared_is_an_orphan(type_: str) -> None:
    (one,) = beside(user_group(type_, "contractors", ["airflow-contractors"]))
    assert (one.severity, one.kind, one.system) == (Severity.ERROR, Kind.ORPHAN, "fortigate")
    assert one.urn.endswith("::contractors")
    assert '"contractors" stands for "airflow-contractors" (contractors.matches[0].groupName)' in one.message


def test_a_user_group_that_matches_other_people_is_drift() -> None:
    (one,) = beside(user_group(USER_GROUPS[0], "airflow-risk", ["airflow-risk", "airflow-finance"]))
    assert (one.kind, one.name) == (Kind.DRIFT, "airflow-risk")
    assert 'stands for "airflow-finance" (airflow-risk.matches[1].groupName), and for "airflow-risk"' in one.message


def test_a_second_user_group_for_the_same_people_is_drift() -> None:
    (one,) = beside(user_group(USER_GROUPS[0], "risk-too", ["airflow-risk"]))
    assert (one.kind, one.name) == (Kind.DRIFT, "risk-too")
    assert beside(user_group(USER_GROUPS[0], "RISK", ["airflow-risk"]), user_groups={"airflow-risk": "RISK"}) == []


def test_components_that_name_one_group_differently_drift() -> None:
    gate = resource(
        "airlock:index:FortigateGate", "edge", userGroups={"RISK": "airflow-risk", "airflow-finance": "airflow-finance"}
    )
    (one,) = beside(gate)
    assert (one.kind, one.urn.endswith("::edge")) == (Kind.DRIFT, True)
    assert 'a second one for "airflow-risk" (edge.userGroups.RISK)' in one.message


def test_what_a_user_group_matches_may_be_unknown() -> None:
    assert beside(user_group(USER_GROUPS[0], "later", [UNKNOWN])) == []


def scim_rule(name: str, *ids: Any, version: str = "V2") -> Resource:
    entries = [{"lhs": "idp", "rhs": one} for one in ids]
    operands: list[dict[str, Any]] = [{"objectType": "SCIM_GROUP", "entryValues": entries}]
    if version == "V1":
        operands = [{"objectType": "SCIM_GROUP", **one} for one in entries]
    suffix = "V2" if version == "V2" else ""
    return resource(f"zpa:index/policyAccessRule{suffix}:PolicyAccessRule{suffix}", name, conditions=[{"operands": operands}])


GATE = resource(
    "airlock:index:ZpaGate", "zpa", scimGroups=[{"group": "airflow-risk", "id": "71"}, {"group": "airflow-old", "id": "72"}]
)


def test_a_scim_group_for_nobody_declared_is_an_orphan() -> None:
    told = beside(GATE, scim_rule("people", "71"))
    assert [(one.kind, one.system, one.name, one.severity) for one in told] == [(Kind.ORPHAN, "zpa", "72", Severity.ERROR)]


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_scim_group_that_nobody_names_is_something_to_look_at(version: str) -> None:
    (one,) = beside(scim_rule("hand-written", "99", UNKNOWN, version=version))
    assert (one.severity, one.kind, one.name) == (Severity.WARNING, Kind.UNKNOWN, "99")
    assert one.urn.endswith("::hand-written")


def test_other_operands_are_no_groups() -> None:
    rule = resource(
        "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2",
        "posture",
        conditions=[{"operands": [{"objectType": "POSTURE", "entryValues": [{"lhs": "udid", "rhs": "true"}]}]}, UNKNOWN],
    )
    assert beside(rule) == []


def test_groups_there_for_something_else_are_left_alone_on_the_device() -> None:
    assert beside(user_group(USER_GROUPS[0], "vpn", ["vpn-users"]), other_groups=["vpn-users"]) == []


def test_a_group_of_entra_may_be_matched_by_its_object_id() -> None:
    whole_stack = whole("entra", preview=False)
    risk = next(one for one in whole_stack.resources if one.get("displayName") == "airflow-risk")
    right = user_group(USER_GROUPS[0], "airflow-risk", [risk.get("objectId")])
    wrong = user_group(USER_GROUPS[0], "airflow-finance", [risk.get("objectId")])
    assert list(identity_findings(Stack([*whole_stack.resources, right]))) == []
    (one,) = identity_findings(Stack([*whole_stack.resources, wrong]))
    assert (one.kind, one.name) == (Kind.DRIFT, "airflow-finance")
    assert 'stands for "airflow-risk"' in one.message


def zpa_gate(*workloads: tuple[str, str]) -> Resource:
    listed = [{"environment": environment, "kind": "cloud connector", "id": id_} for environment, id_ in workloads]
    return resource("airlock:index:ZpaGate", "zpa", workloads=listed)


def machine_rule(name: str, kind: str, *ids: Any) -> Resource:
    operands = [{"objectType": kind, "values": list(ids)}]
    return resource("zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", name, conditions=[{"operands": operands}])


def test_service_accounts_are_known_to_zpa_by_their_environments_machines() -> None:
    assert (
        beside(zpa_gate(("finance", "31"), ("risk", "32")), machine_rule("compiled", "EDGE_CONNECTOR_GROUP", "31", UNKNOWN)) == []
    )


def test_two_environments_in_one_group_of_machines_are_one_to_zpa() -> None:
    (one,) = beside(zpa_gate(("finance", "31"), ("risk", "31")))
    assert (one.severity, one.kind, one.name) == (Severity.WARNING, Kind.SHARED, "31")
    assert "is for finance and risk: ZPA cannot tell ledger-close, var-sa apart" in one.message


def test_a_group_of_machines_for_an_environment_that_is_none_is_drift() -> None:
    (one,) = beside(zpa_gate(("finance", "31"), ("tax", "33")))
    assert (one.severity, one.kind, one.name) == (Severity.ERROR, Kind.DRIFT, "33")


@pytest.mark.parametrize("kind", ["EDGE_CONNECTOR_GROUP", "MACHINE_GRP"])
def test_a_group_of_machines_that_nobody_names_is_something_to_look_at(kind: str) -> None:
    (one,) = beside(zpa_gate(("finance", "31")), machine_rule("hand-written", kind, "99"))
    assert (one.severity, one.kind, one.name) == (Severity.WARNING, Kind.UNKNOWN, "99")
    assert one.urn.endswith("::hand-written")
