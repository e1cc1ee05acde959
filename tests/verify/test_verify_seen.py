"""What goes through Zscaler as compiled is seen, by component, gate and route, and nothing is found."""

from datetime import UTC, datetime

import pytest
from pulumi_airlock.verify import Row, Verification
from verify_cases import AT, CONNECTOR, NIGHT, PROXY, firewall, flow, lss, verify, web


def row(found: Verification, environment: str, component: str, gate: str) -> Row:
    return next(one for one in found.rows if (one.environment, one.component, one.gate) == (environment, component, gate))


def test_every_component_of_an_environment_is_a_row_even_before_anything_is_seen() -> None:
    found = verify()
    rows = [(one.environment, one.component, one.gate, one.through) for one in found.rows]
    assert rows == [
        ("finance", "scheduler", "zia", "finance-scheduler, port 10001"),
        ("finance", "worker", "zia", "finance-worker, port 10002"),
        ("finance", "webserver", "zia", "finance-webserver, port 10003"),
        ("finance", "scheduler, worker", "zpa", "cc-finance"),
        ("risk", "scheduler, worker", "zpa", "cc-risk"),
        ("finance", "webserver", "zpa", "App Connectors, for people"),
    ]
    assert [one.component for one in found.unseen] == ["worker", "scheduler, worker", "scheduler, worker", "webserver"]
    assert row(found, "finance", "worker", "zia").missing == ("finance-rates", "finance-upload")
    assert len(found.notices) == 2
    assert all("was it given?" in one for one in found.notices)


@pytest.mark.parametrize("line", [firewall(), web()])
def test_zia_s_logs_show_a_component_by_its_location(line: str) -> None:
    found = verify(line, line)
    one = row(found, "finance", "worker", "zia")
    assert (one.seen.count, one.seen.first, one.seen.last) == (2, AT, AT)
    assert str(one.seen.example) == "zscaler.log:2"
    assert one.seen.example is not None
    assert one.seen.example.text == line
    assert one.missing == ("finance-upload",)
    assert (found.findings, found.decided) == ([], 1)
    assert not row(found, "finance", "scheduler", "zia").seen.count


def test_a_location_tells_the_component_where_no_address_is_known() -> None:
    found = verify(firewall(csip="192.0.2.10", locationname="finance-scheduler"))
    assert row(found, "finance", "scheduler", "zia").seen.count == 1
    assert found.findings == []


def test_a_window_is_held_to_the_time_of_the_connection() -> None:
    line = {"cdip": "203.0.113.20", "cdfqdn": "", "cdport": "22", "rulelabel": "finance-upload"}
    assert verify(firewall(**line)).findings == []
    (late,) = verify(firewall(**line, datetime=f"{NIGHT:%a %b %d %H:%M:%S %Y}")).findings
    assert (late.fault, late.where) == ("undeclared", "203.0.113.20:22/tcp")


def test_zpa_s_log_shows_tasks_by_their_cloud_connector_or_their_address() -> None:
    found = verify(
        lss(), lss(Username="cc-risk", ClientPrivateIP="10.40.0.130"), lss(Username="x", ClientPrivateIP="10.40.0.131")
    )
    assert found.findings == []
    assert row(found, "finance", "scheduler, worker", "zpa").seen.count == 1
    assert row(found, "risk", "scheduler, worker", "zpa").seen.count == 2


def test_people_are_seen_at_the_web_server_that_they_reach() -> None:
    line = lss(
        Username="ann@bank.example",
        ClientPrivateIP="",
        ServicePort=443,
        Host="ui.finance.example",
        ServerIP="10.40.0.20",
        Policy="airlock-ui",
    )
    found = verify(line)
    assert found.findings == []
    one = row(found, "finance", "webserver", "zpa")
    assert (one.seen.count, one.missing) == (1, ())


def test_flow_logs_show_what_is_on_its_way() -> None:
    found = verify(
        flow(),
        flow(port=10001),
        flow(destination="100.64.1.9", port=5432),
        flow(source=CONNECTOR, destination="10.40.0.20", port=443),
    )
    assert found.findings == []
    assert row(found, "finance", "worker", "zia").entered.count == 1
    assert row(found, "finance", "scheduler", "zia").entered.count == 1
    assert row(found, "finance", "scheduler, worker", "zpa").entered.count == 1
    assert row(found, "finance", "webserver", "zpa").entered.count == 1
    assert not any(one.seen.count for one in found.rows)  # on the way is not there


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (flow(destination="10.40.0.200", port=5432), "what the environment needs itself"),
        (flow(destination="52.219.1.1", port=443, service="S3"), "what the environment needs itself"),
        (flow(destination="52.219.1.1", port=443, path=7), "what the environment needs itself"),
        (flow(destination="10.40.0.9", source="10.40.0.10"), "within an environment"),
        (flow(source=PROXY, destination="10.40.0.9", source_port=10002, port=41000, flags=18), "answers of servers"),
        (flow(source="8.8.8.8", destination="10.40.0.9", source_port=443, port=50000, flags="-"), "answers of servers"),
        (flow(destination="8.8.8.8", port=443, action="REJECT"), "refused by the network"),
        (flow(source="10.40.0.130", destination="10.30.1.1", port=8194), "to zones without a gate of Zscaler"),
        (flow(source="192.0.2.1", destination="192.0.2.2"), "neither from nor to an environment"),
        (firewall(action="Blocked", cdfqdn="evil.example", rulelabel="airflow-deny"), "refused, and not declared: as compiled"),
        (firewall(csip="10.99.0.1", locationname="Paris", rulelabel="x"), "of ZIA, from locations that the stack does not have"),
        (
            lss(Username="bob@bank.example", ClientPrivateIP="", Host="wiki.corp.example", ServerIP="10.99.0.7", Policy="wiki"),
            "of ZPA, to destinations that the stack does not have",
        ),
        (firewall(cdfqdn=""), "perhaps declared: the line lacks the destination's name, or its address"),
    ],
)
def test_what_says_nothing_of_the_stack_is_counted_and_no_finding(line: str, why: str) -> None:
    found = verify(line)
    assert found.findings == []
    assert found.skipped == {why: 1}


def test_since_leaves_out_what_began_before() -> None:
    found = verify(firewall(action="Blocked"), flow(destination="8.8.8.8", port=443), since=datetime(2026, 11, 25, tzinfo=UTC))
    assert found.findings == []
    assert found.skipped == {"before --since": 2}
