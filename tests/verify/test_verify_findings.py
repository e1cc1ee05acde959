"""Every mutation of a log that was as compiled is found, once, with its line."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Match
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.verify import Fault, Finding, Verifier
from verify_cases import (
    ACCESS,
    AT,
    FIREWALL,
    IN_FINANCE,
    NIGHT,
    SEGMENT,
    ZIA_RULES,
    ZPA_RULES,
    expected,
    firewall,
    flow,
    lss,
    rule,
    verify,
    web,
)

FINE = [firewall(), web(), lss(), flow(), flow(port=10001)]


def only(line: str, **changes: Any) -> Finding:
    """The one finding of a line among those that are fine."""
    found = verify(*FINE, line, *FINE, **changes)
    (one,) = found.findings
    assert one.seen.example is not None
    assert (str(one.seen.example), one.seen.example.text) == ("zscaler.log:7", line)
    assert one.seen.count == 1
    assert one.fix
    return one


# --- around


def test_a_flow_past_the_proxy_is_around_it() -> None:
    one = only(flow(destination="203.0.113.20", port=22))
    assert (one.fault, one.who, one.gate, one.where) == (Fault.AROUND, "finance", "zia", "203.0.113.20:22/tcp")
    assert one.message == "finance reached 203.0.113.20:22/tcp, in zone internet, directly: not through zia"


def test_so_is_one_to_no_zone_at_all() -> None:
    assert "outside of every declared zone" in only(flow(destination="8.8.8.8", port=53)).message


def test_so_is_a_transit_gateway_s_record() -> None:
    line = (
        "6 TransitGateway 123456789012 tgw-1 attach-1 1 2 vpc-1 vpc-2 subnet-1 subnet-2 eni-1 eni-2 az-1 az-2 attach-2 "
        f"10.40.0.77 203.0.113.20 51234 22 6 4 320 {int(AT.timestamp())} {int(AT.timestamp()) + 60} OK IPv4 0 0 0 0 2 "
        "eu-central-1 ingress - -"
    )
    found = verify(line)  # a line that says itself what it is, under the head of the VPC's format
    assert [one.fault for one in found.findings] == [Fault.AROUND]


def test_what_no_proxy_names_is_told_to_be_taken_out_of_it() -> None:
    one = only(flow(destination="203.0.113.77", port=443))
    assert one.fault is Fault.AROUND
    assert "no_proxy" in one.fix


def test_the_proxy_by_a_port_of_nobody_is_another_way() -> None:
    one = only(flow(port=80))
    assert (one.fault, one.where) == (Fault.LOCATION, "198.51.100.7:80/tcp")
    assert "the port of no component" in one.message
    assert "10002 (worker)" in one.fix


def test_where_traffic_is_forwarded_as_it_is_an_internet_gateway_tells_that_it_went_around() -> None:
    line = flow(destination="203.0.113.20", port=22, path=8)
    (one,) = verify(line, proxies=False).findings
    assert "by an internet gateway" in one.message
    assert verify(flow(destination="203.0.113.20", port=22), proxies=False).findings == []


def test_a_flow_to_what_lies_behind_zpa_that_its_log_does_not_show_went_around() -> None:
    one = only(flow(destination="10.20.4.10", port=1521))
    assert (one.fault, one.gate, one.where) == (Fault.AROUND, "zpa", "10.20.4.10:1521/tcp")
    assert "the log of zpa, which is of that time, shows nothing of it" in one.message


@pytest.mark.parametrize(
    "lines",
    [
        [lss(), flow(destination="10.20.4.10", port=5432)],
        [flow(destination="10.20.4.10", port=5432), lss()],
        [lss(ServerIP=""), flow(destination="10.20.4.10", port=5432)],  # by its name, which has this address
        [lss(), flow(destination="10.20.4.10", port=1521, time=NIGHT)],  # the log is not of that time
        [firewall(), flow(destination="10.20.4.10", port=1521)],  # there is no log of it at all
    ],
    ids=["shown", "shown later", "shown by name", "another time", "no log"],
)
def test_what_the_log_of_zpa_shows_or_is_not_about_is_no_finding(lines: list[str]) -> None:
    found = verify(*lines)
    assert found.findings == []
    assert found.skipped == {"forwarded as it is: a flow log does not tell by which way (the log of the gate does)": 1}


def test_a_web_server_reached_past_the_app_connectors() -> None:
    one = only(flow(source="10.60.0.9", destination="10.40.0.20", port=443))
    assert (one.fault, one.who, one.gate) == (Fault.AROUND, "10.60.0.9", "zpa")
    assert "no App Connector" in one.message


# --- let through, and not declared


@pytest.mark.parametrize(
    ("line", "who", "where"),
    [
        (firewall(cdfqdn="evil.example", cdip="203.0.113.99"), "finance worker", "evil.example:443/tcp"),
        (firewall(cdport="8443"), "finance worker", "api.rates.example:8443/tcp"),
        (web(dhost="evil.example", request="evil.example/"), "finance worker", "evil.example:443/tcp"),
        (lss(Host="hr.corp.example", ServerIP="10.20.9.9"), "finance scheduler, worker", "hr.corp.example:5432/tcp"),
        (lss(ServicePort=22), "finance scheduler, worker", "warehouse.corp.example:22/tcp"),
    ],
)
def test_an_allow_that_no_route_declares(line: str, who: str, where: str) -> None:
    one = only(line)
    assert (one.fault, one.who, one.where) == (Fault.UNDECLARED, who, where)
    assert "no route declares it" in one.message
    assert "The stack refuses it" in one.fix


def test_an_allow_at_a_time_that_no_route_declares() -> None:
    late = {"cdip": "203.0.113.20", "cdfqdn": "", "cdport": "22", "rulelabel": "finance-upload"}
    one = only(firewall(**late, datetime=f"{NIGHT:%a %b %d %H:%M:%S %Y}"))
    assert one.fault is Fault.UNDECLARED


@pytest.mark.parametrize(("gates", "faults"), [(["zpa"], [Fault.UNDECLARED]), (["zpa", "fortigate"], [])])
def test_zpa_has_no_times_and_another_gate_on_the_way_may_hold_them(gates: list[str], faults: list[Fault]) -> None:
    document = ACCESS.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document["zones"]["apps"]["gates"] = gates
    window = {"days": ["tue"], "from": "22:00", "to": "23:00"}
    document["routes"] = [{**one, "window": window} if one["name"] == "finance-warehouse" else one for one in document["routes"]]
    verifier = Verifier(replace(expected(), access=Access.model_validate(document)), at=AT)
    verifier.read("log", [lss()])
    found = verifier.result()
    assert [one.fault for one in found.findings] == faults
    assert bool(found.skipped) is not bool(faults)


def test_an_allow_for_another_environment_than_the_route_s() -> None:
    found = verify(firewall(csip="10.40.0.140", locationname="risk-worker"))
    assert {each.fault for each in found.findings} == {Fault.UNDECLARED, Fault.LOCATION}


def test_an_allow_that_the_stack_itself_lets_through_points_to_the_proof() -> None:
    wide = rule(FIREWALL, "wide", Match(IN_FINANCE))
    one = only(firewall(cdfqdn="evil.example", rulelabel="wide"), zia=(wide, *ZIA_RULES))
    assert one.fault is Fault.UNDECLARED
    assert "`airlock prove` shows it as excess" in one.fix


def test_a_route_by_way_of_another_gate_is_none_for_this_one() -> None:
    one = only(lss(Username="cc-risk", ClientPrivateIP="10.40.0.140", Host="10.30.1.1", ServerIP="", ServicePort=8194))
    assert one.fault is Fault.UNDECLARED
    assert "route risk-feed declares it by way of fortigate alone" in one.message


def test_a_person_let_in_where_no_group_of_the_rule_has_a_route() -> None:
    person = {"Username": "ann@bank.example", "ClientPrivateIP": ""}
    one = only(lss(**person))
    assert (one.fault, one.who) == (Fault.UNDECLARED, "ann@bank.example")


# --- refused, and declared


@pytest.mark.parametrize(
    ("line", "gate", "route"),
    [
        (firewall(action="Drop", rulelabel="airflow-deny"), "zia", "finance-rates"),
        (web(act="Blocked", rulelabel="airflow-deny"), "zia", "finance-rates"),
        (
            lss(ConnectionStatus="close", InternalReason="BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY", Policy="airlock-deny-all"),
            "zpa",
            "finance-warehouse",
        ),
        (
            lss(ConnectionStatus="close", InternalReason="BRK_MT_SETUP_FAIL_NO_POLICY_FOUND", Policy=""),
            "zpa",
            "finance-warehouse",
        ),
    ],
)
def test_a_block_of_what_a_route_declares(line: str, gate: str, route: str) -> None:
    one = only(line)
    assert (one.fault, one.gate) == (Fault.BLOCKED, gate)
    assert f"route {route} declares" in one.message
    assert "(permission)" in one.message
    assert "The stack allows it" in one.fix


def test_a_block_names_the_policy_of_the_log() -> None:
    assert "by rule airflow-deny" in only(firewall(action="Drop", rulelabel="airflow-deny")).message


def test_an_expired_sign_in_is_no_matter_of_permission() -> None:
    one = only(lss(ConnectionStatus="close", InternalReason="BRK_MT_SETUP_FAIL_SAML_EXPIRED"))
    assert "(token)" in one.message


def test_a_block_that_the_stack_has_compiled_points_to_the_proof() -> None:
    deny = rule(FIREWALL, "too-early", Match(IN_FINANCE), ZIA_RULES[-1].action)
    found = verify(firewall(action="Drop", rulelabel="too-early"), zia=(deny, *ZIA_RULES))
    (one,) = found.findings
    assert "`airlock prove` shows it as blocked" in one.fix


# --- rules


@pytest.mark.parametrize("line", [firewall(rulelabel="Marketing"), web(urlfilterrulelabel="Marketing"), lss(Policy="Marketing")])
def test_a_rule_that_the_stack_does_not_have(line: str) -> None:
    one = only(line)
    assert (one.fault, one.rule) == (Fault.FOREIGN, "Marketing")


@pytest.mark.parametrize("name", ["Default Firewall Filtering Rule", "", "None", "FINANCE-RATES"])
def test_rules_that_every_tenant_has_and_letters_of_another_size_are_not_foreign(name: str) -> None:
    assert verify(firewall(rulelabel=name)).findings == []


def test_what_was_let_through_by_a_rule_that_the_stack_has_otherwise() -> None:
    one = only(firewall(rulelabel="finance-upload"))
    assert one.fault is Fault.DRIFT
    assert "it does not hold for that" in one.message


def test_what_is_declared_and_refused_by_the_stack_was_let_through() -> None:
    (one,) = verify(lss(Policy=""), zpa=ZPA_RULES[1:]).findings
    assert one.fault is Fault.DRIFT
    assert 'rule "airlock-deny-all"' in one.message


# --- locations


def test_traffic_of_an_environment_by_a_location_of_nobody() -> None:
    one = only(firewall(locationname="Road Warrior"))
    assert (one.fault, one.where) == (Fault.LOCATION, "Road Warrior")
    assert "finance has finance-scheduler, finance-worker, finance-webserver" in one.fix


def test_traffic_of_one_environment_by_another_s_location() -> None:
    one = only(firewall(csip="10.40.0.140"))
    assert one.fault is Fault.LOCATION
    assert "10.40.0.140 of risk came by location finance-worker, which is that of finance" in one.message


def test_a_rule_of_the_stack_that_let_through_somebody_unknown() -> None:
    one = only(firewall(csip="10.99.0.1", locationname="Paris"))
    assert one.fault is Fault.LOCATION
    assert "rule finance-rates let through" in one.message


def test_a_cloud_connector_of_nobody_is_no_person() -> None:
    status = {"LogTimestamp": "Tue Nov 24 09:00:00 2026", "Username": "cc-other", "SessionStatus": "ZPN_STATUS_AUTHENTICATED"}
    session = json.dumps({**status, "ClientType": "zpn_client_type_edge_connector"})
    line = lss(Username="cc-other", ClientPrivateIP="")
    (one,) = verify(session, line).findings
    assert (one.fault, one.who) == (Fault.LOCATION, "cc-other")
    assert "cc-other (zpn_client_type_edge_connector) reached warehouse.corp.example:5432/tcp" in one.message
    assert [one.fault for one in verify(line).findings] == [Fault.UNDECLARED]  # without its session it may be anybody


# --- many


def test_equal_lines_are_one_finding_with_their_number_and_span() -> None:
    found = verify(*[flow(destination="8.8.8.8", port=53)] * 3, flow(destination="8.8.8.8", port=53, time=NIGHT))
    (one,) = found.findings
    assert (one.seen.count, one.seen.first, one.seen.last) == (4, AT, NIGHT)
    assert found.decided == 1


def test_unknown_hosts_are_not_taken_for_declared_ones() -> None:
    segment = rule(SEGMENT, "names", Match(hosts=Hosts.from_names(["*.corp.example"])))
    found = verify(lss(Host="other.corp.example", ServerIP="", Policy="names"), zpa=(segment,))
    assert [one.fault for one in found.findings] == [Fault.UNDECLARED]
