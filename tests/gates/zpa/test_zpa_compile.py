"""What routes become in a tenant: which segment, which rule, in which order, with which options; and secrets."""

import subprocess
import sys
from datetime import date

import pytest
from google.protobuf import json_format
from pulumi_airlock.gates.zpa import CloudConnector, IdentityProvider, LogReceiver, Posture, ZpaGate
from zpa_helpers import (
    CONNECTORS,
    FRANKFURT,
    GATE,
    GROUP,
    KEY,
    LOG,
    PEOPLE,
    REORDER,
    RULE,
    SEGMENT,
    SERVERS,
    TIMEOUT,
    WORKLOADS,
    access,
    made_up,
    record,
    route,
    run_program,
    urn_of,
)

CLOUD_ID = made_up("zpa:index/getCloudConnectorGroup:getCloudConnectorGroup", "cc-finance")


def arguments(routes=None, **given):
    return {
        "access": access(routes),
        "connectors": {"datacenter": FRANKFURT, "partners": FRANKFURT},
        "workloads": WORKLOADS,
        "identity_provider": PEOPLE,
        "today": date(2026, 11, 26),
        **given,
    }


def built(routes=None, *, preview=True, **given):
    return run_program(lambda: ZpaGate("zpa", **arguments(routes, **given)), preview)


def by_name(stack, type_, name):
    return next(one for one in stack.of_type(type_) if one.name == name)


def rules(stack):
    return {one.name.removeprefix("zpa-"): one for one in stack.of_type(RULE)}


def operands(rule):
    """Kind → values, or pairs."""
    found = {}
    for condition in rule.get_list("conditions"):
        assert condition["operator"] == "OR"
        for one in condition["operands"]:
            pairs = [(entry["lhs"], entry["rhs"]) for entry in one.get("entryValues", ())]
            found.setdefault(one["objectType"], []).extend(one.get("values") or pairs)
    return found


# Segments


def test_a_destination_becomes_one_segment_with_its_names_addresses_and_ports():
    stack = built()
    segment = by_name(stack, SEGMENT, "zpa-warehouse-segment")
    assert segment.get("domainNames") == ["wh.corp.example", "10.20.4.10"]
    assert segment.get("tcpPortRange") == [{"from": "5432", "to": "5432"}]
    assert (segment.get("bypassType"), segment.get("enabled"), segment.get("matchStyle")) == ("NEVER", True, "EXCLUSIVE")
    assert by_name(stack, GROUP, "zpa-datacenter-segments") in segment.refers_to("segmentGroupId")
    assert by_name(stack, SERVERS, "zpa-datacenter-servers") in segment.refers_to("serverGroups")
    servers = by_name(stack, SERVERS, "zpa-datacenter-servers")
    assert by_name(stack, CONNECTORS, "zpa-datacenter-connectors") in servers.refers_to("appConnectorGroups")
    assert (servers.get("dynamicDiscovery"), servers.get("enabled")) == (True, True)


def test_udp_and_ping_are_said():
    stack = built([route("r", ["ledger", "sftp"])])
    ledger, sftp = (by_name(stack, SEGMENT, f"zpa-{name}-segment") for name in ("ledger", "sftp"))
    assert (ledger.get("udpPortRange"), ledger.get("icmpAccessType")) == ([{"from": "53", "to": "53"}], "NONE")
    assert (sftp.get("udpPortRange"), sftp.get("icmpAccessType")) == ([], "PING")


def test_where_destinations_overlap_each_host_and_port_has_one_segment():
    """`wh.corp.example` is the warehouse's, and under the portal's wildcard: its own segment takes the portal's ports, too."""
    found = {
        one.get("name"): (one.get("domainNames"), [(port["from"], port["to"]) for port in one.get("tcpPortRange")])
        for one in built([route("r", ["portal"], who=["analysts"])]).of_type(SEGMENT)
    }
    assert found["airlock-portal"] == (["wh.corp.example", "*.corp.example"], [("443", "443"), ("8000", "8010")])
    assert found["airlock-warehouse"] == (["wh.corp.example", "10.20.4.10"], [("5432", "5432")])


def test_ports_that_destinations_share_are_a_segment_of_both():
    destinations = [
        {"name": "all", "zone": "datacenter", "hosts": ["*.corp.example"], "ports": ["443/tcp", "22/tcp"]},
        {"name": "api", "zone": "datacenter", "hosts": ["api.corp.example"], "ports": ["443/tcp", "8443/tcp"]},
    ]
    given = access([route("one", ["all"]), route("two", ["api"], who=["feeds"])], destinations=destinations)
    stack = built(access=given)
    found = {one.get("name"): (one.get("domainNames"), one.get("tcpPortRange")) for one in stack.of_type(SEGMENT)}
    ports = {number: [{"from": number, "to": number}] for number in ("22", "443", "8443")}
    assert found == {
        "airlock-all": (["*.corp.example"], [*ports["22"], *ports["443"]]),
        "airlock-all-api.corp.example": (["api.corp.example"], ports["22"]),
        "airlock-all.api-api.corp.example": (["api.corp.example"], ports["443"]),
        "airlock-api-api.corp.example": (["api.corp.example"], ports["8443"]),
    }
    component = stack.of_type(GATE)[0]
    assert component.get("segments")["airlock-all.api-api.corp.example"] == ["all", "api"]


def test_a_segment_stays_when_its_route_goes():
    """A deleted segment is taken out of all rules: routes come and go without touching it."""
    without, with_ = (
        {one.get("name") for one in built([route("r", ["warehouse"]), *more]).of_type(SEGMENT)}
        for more in ([], [route("s", ["ledger"])])
    )
    assert without == with_
    assert "airlock-lake" not in without


def test_what_rules_rest_on_is_protected_and_never_deleted_first():
    recorder = record(lambda: ZpaGate("zpa", **arguments()))
    kept = {one.name: one for one in recorder.requests.values() if one.type in (SEGMENT, GROUP)}
    assert kept
    assert all(one.protect and not one.deleteBeforeReplace for one in kept.values())
    loose = record(lambda: ZpaGate("zpa", **arguments(protect=False)))
    assert not any(one.protect for one in loose.requests.values() if one.type in (SEGMENT, GROUP))


# Rules


def test_tasks_come_by_their_cloud_connector():
    stack = built()
    rule = rules(stack)["finance-warehouse"]
    assert rule.get("action") == "ALLOW"
    assert rule.get("description") == "finance-warehouse: because of finance-warehouse"
    found = operands(rule)
    assert found["CLIENT_TYPE"] == ["zpn_client_type_edge_connector"]
    assert found["EDGE_CONNECTOR_GROUP"] == [CLOUD_ID]
    assert by_name(stack, SEGMENT, "zpa-warehouse-segment") in rule.refers_to("conditions")
    assert set(found) == {"APP", "CLIENT_TYPE", "EDGE_CONNECTOR_GROUP"}


def test_tasks_on_hosts_of_yours_come_by_their_machine_group():
    found = operands(rules(built([route("r", ["ledger"], who=["feeds"])]))["r"])
    assert (found["CLIENT_TYPE"], found["MACHINE_GRP"]) == (["zpn_client_type_machine_tunnel"], ["777"])


def test_people_come_by_their_scim_group_and_posture():
    postures = {"*": [Posture(name="disk")], "auditors": [Posture(udid="u-1")]}
    stack = built([route("r", ["ledger"], who=["analysts"]), route("s", ["ledger"], who=["auditors"])], postures=postures)
    disk, idp = (made_up(f"zpa:index/{f}:{f}", name) for f, name in (("getPostureProfile", "disk"), ("getIdPController", "Okta")))
    group = made_up("zpa:index/getSCIMGroups:getSCIMGroups", "airflow-audit")
    one, other = operands(rules(stack)["r"]), operands(rules(stack)["s"])
    assert one["CLIENT_TYPE"] == ["zpn_client_type_zapp"]
    assert one["POSTURE"] == [(disk, "true")]
    assert other["SCIM_GROUP"] == [(idp, group)]
    assert other["POSTURE"] == [(disk, "true"), ("u-1", "true")]
    # Each profile has to hold: conditions are joined with AND, what stands in one of them with OR.
    assert sum("POSTURE" in str(condition) for condition in rules(stack)["s"].get_list("conditions")) == 2


def test_groups_can_be_given_by_id_or_have_another_name():
    provider = IdentityProvider(idp_id="42", group_ids={"airflow-finance": "7"}, group_names={"airflow-audit": "Airflow Audit"})
    recorder = record(
        lambda: ZpaGate("zpa", **arguments([route("r", ["ledger"], who=["analysts", "auditors"])], identity_provider=provider))
    )
    asked = [args for token, args in recorder.calls if "getSCIMGroups" in token]
    assert asked == [{"name": "Airflow Audit", "idpId": 42}]
    found = operands(rules(recorder.stack())["r"])
    assert ("42", "7") in found["SCIM_GROUP"]


def test_routes_share_a_rule_where_their_union_is_a_product():
    stack = built([route("a", ["warehouse", "ledger"]), route("b", ["ledger"]), route("c", ["ledger"], who=["feeds"])])
    assert {name for name in rules(stack) if not name.startswith("deny")} == {"a", "c"}
    assert stack.of_type(GATE)[0].get("routes") == {"airlock-a": ["a", "b"], "airlock-c": ["c"]}


def test_what_zpa_cannot_see_is_said():
    window = {"days": ["mon"], "from": "01:00", "to": "02:00"}
    stack = built([route("r", ["ledger"], window=window, expires="2027-06-30")])
    assert rules(stack)["r"].get("description") == "r: because of r [only in its window, until 2027-06-30: held at another gate]"


def test_a_route_whose_last_day_is_over_is_left_out():
    stack = built([route("old", ["ledger"], expires="2026-11-25"), route("last", ["warehouse"], expires="2026-11-26")])
    assert [name for name in rules(stack) if not name.startswith("deny")] == ["last"]


# The order


def test_rules_are_ordered_once_and_what_denies_stands_last():
    stack = built([route("a", ["warehouse"]), route("b", ["ledger"], who=["feeds"])], preview=False, rules_after=["999"])
    owner = by_name(stack, REORDER, "zpa-access-order")
    by_id = {one.get("id"): one.name for one in stack.of_type(RULE)}
    listed = sorted(owner.get_list("rules"), key=lambda one: int(one["order"]))
    assert [by_id.get(one["id"], one["id"]) for one in listed] == [
        *("zpa-a", "zpa-b", "zpa-deny-tasks", "zpa-deny-tasks-machines", "zpa-deny-rest"),
        "999",
    ]
    assert owner.get("policyType") == "ACCESS_POLICY"
    assert len([one for one in stack.of_type(REORDER) if one.get("policyType") == "ACCESS_POLICY"]) == 1


def test_what_denies_comes_into_being_first():
    """A new rule is appended: behind what denies, it lets nothing through before it has been put in its place."""
    stack = built()
    denying = {one.urn for name, one in rules(stack).items() if name.startswith("deny")}
    assert denying <= set(rules(stack)["finance-warehouse"].dependencies)


def test_everything_else_of_the_tasks_and_everybody_else_at_the_destinations_is_denied():
    stack = built()
    tasks, rest = operands(rules(stack)["deny-tasks"]), operands(rules(stack)["deny-rest"])
    assert tasks == {"CLIENT_TYPE": ["zpn_client_type_edge_connector"], "EDGE_CONNECTOR_GROUP": [CLOUD_ID]}
    assert list(rest) == ["APP_GROUP"]
    assert set(rules(stack)["deny-rest"].refers_to("conditions")) == set(stack.of_type(GROUP))


# Timeouts


def test_sessions_become_timeouts_the_shortest_first():
    routes = [
        route("a", ["warehouse"], session="90m"),
        route("b", ["warehouse", "ledger"], who=["analysts"], session="2d"),
        route("c", ["ledger"], who=["analysts"], session="15m"),
        route("d", ["ledger"], who=["feeds"], session="10m"),
    ]
    stack = built(routes, preview=False)
    found = [(one.name, one.get("reauthTimeout"), operands(one)) for one in stack.of_type(TIMEOUT)]
    assert {(name, text) for name, text, _ in found} == {
        ("zpa-people-15-minutes-timeout", "15 Minutes"),
        ("zpa-tasks-1-hour-timeout", "1 Hour"),  # 90 minutes would be read back as 1 Hour, and differ for ever
        ("zpa-people-2-days-timeout", "2 Days"),
    }
    owner = by_name(stack, REORDER, "zpa-timeout-order")
    by_id = {one.get("id"): one.get("reauthTimeout") for one in stack.of_type(TIMEOUT)}
    listed = sorted(owner.get_list("rules"), key=lambda one: int(one["order"]))
    assert [by_id[one["id"]] for one in listed] == ["15 Minutes", "1 Hour", "2 Days"]
    assert owner.get("policyType") == "TIMEOUT_POLICY"
    by = {name: one for name, _, one in found}
    assert "EDGE_CONNECTOR_GROUP" not in by["zpa-tasks-1-hour-timeout"]
    assert by["zpa-people-2-days-timeout"]["CLIENT_TYPE"] == ["zpn_client_type_zapp"]
    assert not any("machine_tunnel" in str(one) for one in by.values())


# App Connectors and logs


def test_app_connectors_enrol_with_a_secret_key():
    gates = []
    recorder = record(lambda: gates.append(ZpaGate("zpa", **arguments())), preview=False)
    key = recorder.requests[urn_of(GATE + "$" + KEY, "zpa-datacenter-key")]
    assert list(key.additionalSecretOutputs) == ["ProvisioningKeyValue"]
    properties = json_format.MessageToDict(key.object)
    assert (properties["associationType"], properties["maxUsage"]) == ("CONNECTOR_GRP", "4")
    assert properties["zcomponentId"] == made_up(CONNECTORS, "zpa-datacenter-connectors")
    assert list(gates[0].provisioning_keys) == ["datacenter", "partners"]
    (outputs,) = recorder.outputs.values()
    marks = [one["4dabf18193072939515e22adb298388d"] for one in outputs["provisioningKeys"].values()]
    assert marks == ["1b47061264138c4ac30d75fd1eb44270"] * 2


def test_logs_go_over_tls():
    receiver = LogReceiver(host="siem.example", port=6514, zone="datacenter", formats={"zpn_trans_log": "%s{Username}"})
    recorder = record(lambda: ZpaGate("zpa", **arguments(log_receivers=[receiver])))
    stack = recorder.stack()
    logs = {one.get("config", "sourceLogType"): one for one in stack.of_type(LOG)}
    assert list(logs) == ["zpn_trans_log", "zpn_auth_log", "zpn_ast_auth_log", "zpn_audit_log"]
    for one in logs.values():
        assert (one.get("config", "useTls"), one.get("config", "lssPort")) == (True, "6514")
        assert by_name(stack, CONNECTORS, "zpa-datacenter-connectors") in one.refers_to("connectorGroups")
    assert logs["zpn_trans_log"].get("config", "format") == "%s{Username}"
    assert logs["zpn_auth_log"].get("config", "format") == "{}"
    assert {args["logType"] for token, args in recorder.calls if "LSS" in token} == set(logs) - {"zpn_trans_log"}


def test_connectors_of_zones_without_destinations_are_not_made():
    given = access(destinations=access().model_dump(mode="json", by_alias=True)["destinations"][:1])
    assert [one.name for one in built(access=given).of_type(CONNECTORS)] == ["zpa-datacenter-connectors"]


def test_everything_is_a_child_of_the_gate_and_named_once():
    stack = built([route("one", ["warehouse", "ledger"]), route("two", ["sftp", "portal"], who=["etl", "analysts"])])
    component = stack.of_type(GATE)[0]
    ours = [one for one in stack.resources if one.type.startswith("zpa:")]
    assert all(one.parent == component.urn for one in ours)
    named = [(one.type, one.get("name")) for one in ours if one.get("name")]
    assert len(set(named)) == len(named)


def test_each_thing_is_looked_up_once():
    workloads = {"finance": CloudConnector(name="cc-finance"), "markets": CloudConnector(name="cc-markets")}
    routes = [route("a", ["warehouse"], who=["etl", "analysts"]), route("b", ["ledger"], who=["feeds", "analysts"])]
    recorder = record(lambda: ZpaGate("zpa", **arguments(routes, workloads=workloads)))
    asked = [(token, str(args)) for token, args in recorder.calls]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("what", ["read", "references", "CloudConnector"])
def test_reading_needs_no_zscaler_sdk(what):
    code = f"import sys; from pulumi_airlock.gates.zpa import {what}; sys.exit('zscaler_pulumi_zpa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
