"""Lines as the devices write them, of which a connection is told: each format with what is peculiar to it."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pulumi_airlock.logs import Connection, envoy, flow, fortigate, parse

FORTIGATE = (
    '<189>Nov 21 10:20:01 edge date=2026-11-21 time=10:20:01 devname="edge-fw-1" devid="FGT60FTK20000001" '
    'eventtime=1795252801369913239 tz="+0100" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" '
    'srcip=10.40.0.77 srcport=51234 srcintf="vpn-aws" srcintfrole="undefined" dstip=10.20.4.10 dstport=1521 dstintf="dc" '
    'dstintfrole="lan" srccountry="Reserved" dstcountry="Reserved" sessionid=105048 proto=6 action="deny" policyid=7 '
    'policytype="policy" policyname="finance = ledger" service="tcp/1521" trandisp="noop" duration=0 sentbyte=0 rcvdbyte=0'
)
VPC = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
TGW = (
    "6 TransitGateway 123456789012 tgw-123abc456bca tgw-attach-123abc456bca 111111111111 222222222222 vpc-abc123 vpc-def456 "
    "subnet-1 subnet-2 eni-1 eni-2 use1-az4 use1-az6 tgw-attach-000000000000 10.40.0.77 10.20.4.10 51234 1521 6 4 320 "
    "1795252801 1795252861 OK IPv4 {lost} 0 0 0 2 eu-central-1 ingress - -"
)
ENVOY = (
    '[2026-11-21T09:20:00.123Z] "GET /api HTTP/1.1" 403 {flags} 0 19 0 - "{forwarded}" "curl/8.14.1" '
    '"ff387ab3-186d-4e3f-9695-0f884acb4e20" "reports.corp.example:8443" "{upstream}"'
)
ISTIO = (
    '[2026-11-21T09:20:00.123Z] "GET / HTTP/1.1" 403 - rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]] - "-" 0 19 0 - '
    '"10.244.1.1" "curl/8.14.1" "ff387ab3" "reports.corp.example" "-" inbound|8080|| - 10.244.1.9:8080 10.244.1.1:51000 '
    "outbound_.8080_._.reports.default.svc.cluster.local default"
)


def read(line: str) -> Connection:
    found = parse(line)
    assert found is not None
    return found


# --- FortiGate


def test_a_fortigate_line_with_its_syslog_head_is_read_whole() -> None:
    one = read(FORTIGATE)
    assert one[:7] == ("fortigate", "10.40.0.77", 51234, "10.20.4.10", "", 1521, "tcp")
    assert one.time == datetime(2026, 11, 21, 9, 20, 1, tzinfo=UTC)
    assert (one.allowed, one.action, one.rule, one.rule_id, one.device) == (False, "deny", "finance = ledger", "7", "edge-fw-1")
    assert str(one) == "10.40.0.77:51234 → 10.20.4.10:1521/tcp at 2026-11-21 09:20:01 UTC"


@pytest.mark.parametrize("action", ["accept", "close", "timeout", "server-rst", "client-rst", "ip-conn", "start"])
def test_whatever_is_not_denied_by_policy_was_let_through(action: str) -> None:
    assert read(FORTIGATE.replace('"deny"', f'"{action}"')).allowed is True


@pytest.mark.parametrize("stamp", ["1795252801", "1795252801369", "1795252801369913", "1795252801369913239"])
def test_eventtime_counts_in_seconds_or_finer(stamp: str) -> None:
    assert read(FORTIGATE.replace("1795252801369913239", stamp)).time == datetime(2026, 11, 21, 9, 20, 1, tzinfo=UTC)


def test_without_eventtime_the_device_s_clock_counts_with_its_zone() -> None:
    line = FORTIGATE.replace("eventtime=1795252801369913239 ", "")
    assert read(line).time == datetime(2026, 11, 21, 10, 20, 1, tzinfo=timezone(timedelta(hours=1)))
    assert read(line.replace("+0100", "-0730")).time == datetime(2026, 11, 21, 17, 50, 1, tzinfo=UTC)
    assert read(line.replace('tz="+0100" ', "")).time == datetime(2026, 11, 21, 10, 20, 1, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["eventtime=1795252801369913239 ", ""])
def test_a_session_began_before_it_was_logged(stamp: str) -> None:
    line = FORTIGATE.replace("eventtime=1795252801369913239 ", stamp).replace("duration=0", "duration=3661")
    logged = datetime(2026, 11, 21, 9, 20, 1, tzinfo=UTC)
    assert (read(line).time, read(line).until) == (logged - timedelta(seconds=3661), logged)


def test_who_opened_a_session_is_no_answer_whatever_its_ports() -> None:
    assert not read(FORTIGATE.replace("srcport=51234", "srcport=20000").replace("dstport=1521", "dstport=50000")).is_answer


def test_policy_0_is_the_implicit_deny() -> None:
    line = FORTIGATE.replace("policyid=7", "policyid=0").replace('policyname="finance = ledger" ', "")
    assert (read(line).rule, read(line).rule_id) == ("implicit deny", "0")


def test_what_is_written_inside_of_quotes_is_no_field() -> None:
    assert read(FORTIGATE + r' msg="srcip=1.2.3.4 \" dstip=5.6.7.8 policyid=9"').source == "10.40.0.77"
    assert read('hostname="x srcip=1.2.3.4" ' + FORTIGATE).source == "10.40.0.77"


def test_people_icmp_and_profiles() -> None:
    people = read(FORTIGATE + ' user="ann" group="airflow-audit" hostname="vault.corp.example"')
    assert (people.user, people.group, people.name) == ("ann", "airflow-audit", "vault.corp.example")
    ping = read(FORTIGATE.replace("proto=6", "proto=1").replace("dstport=1521", "dstport=0"))
    assert (ping.protocol, ping.port, ping.where) == ("icmp", 0, "10.20.4.10:icmp")
    assert "security profile" in read(FORTIGATE.replace('"deny"', '"close"') + ' utmaction="block"').detail
    v6 = read(FORTIGATE.replace("10.20.4.10", "2001:db8:20:a::10").replace("10.40.0.77", "2001:DB8::5"))
    assert (v6.source, v6.where) == ("2001:db8::5", "[2001:db8:20:a::10]:1521/tcp")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("srcip=10.40.0.77", "srcip=10.40.0"), "srcip is no address: '10.40.0'"),
        (("srcip=10.40.0.77 ", ""), "srcip is missing"),
        (("dstport=1521", "dstport=70000"), "dstport is no port"),
        (("proto=6 ", ""), "proto is missing"),
        (("duration=0", "duration=long"), "duration is no number of seconds: 'long'"),
        (('type="traffic"', 'type="event"'), "of type 'event'"),
    ],
)
def test_a_damaged_fortigate_line_says_what_is_wrong(change: tuple[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        fortigate.parse(FORTIGATE.replace(*change))


# --- flow logs


def test_the_default_format_of_a_vpc_flow_log() -> None:
    one = read(VPC)
    assert one[:7] == ("vpc-flow", "172.31.16.139", 20641, "172.31.16.21", "", 22, "tcp")
    assert (one.allowed, one.action, one.device) == (True, "ACCEPT", "eni-1235b8ca123456789")
    assert one.time == datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC)
    assert read(VPC.replace("ACCEPT", "REJECT")).allowed is False
    assert read(VPC.replace(" 6 20 ", " 47 20 ")).protocol == "gre"
    assert read(VPC.replace(" 6 20 ", " 89 20 ")).protocol == "89"
    assert read(f"2014-12-14T04:06:50.000Z {VPC}") == one


def test_a_custom_format_is_read_by_its_fields() -> None:
    fields = flow.layout("${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${dstport} ${protocol} ${action} ${tcp-flags}")
    one = flow.parse("eni-1 10.0.0.220 10.20.4.10 10.40.0.77 5432 6 REJECT 2", fields)
    assert one is not None
    assert (one.source, one.destination, one.port, one.allowed, one.time) == ("10.40.0.77", "10.20.4.10", 5432, False, None)
    assert flow.layout("srcaddr dstaddr protocol dstport") == ("srcaddr", "dstaddr", "protocol", "dstport")
    assert flow.layout("hello world") == ()
    with pytest.raises(ValueError, match="lacks dstaddr, protocol"):
        flow.layout("srcaddr action")
    with pytest.raises(ValueError, match="2 fields, where the format has 8"):
        flow.parse("eni-1 10.0.0.220", fields)


def test_records_without_data_are_no_connections() -> None:
    nothing = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - {}"
    assert flow.parse(nothing.format("NODATA")) is None
    assert flow.parse(nothing.format("SKIPDATA")) is None


def test_a_transit_gateway_tells_what_it_had_no_route_for() -> None:
    through, lost = read(TGW.format(lost="0")), read(TGW.format(lost="4"))
    assert (through.format, through.source, through.where, through.allowed) == (
        "tgw-flow",
        "10.40.0.77",
        "10.20.4.10:1521/tcp",
        True,
    )
    assert (lost.allowed, lost.detail) == (False, "4 packets lost to no route")


# --- Envoy


def test_envoy_s_default_format_with_the_caller_in_x_forwarded_for() -> None:
    one = read(ENVOY.format(flags="UAEX", forwarded="6.6.6.6, 10.40.0.77", upstream="-"))
    assert (one.source, one.name, one.port, one.allowed) == ("10.40.0.77", "reports.corp.example", 8443, False)
    assert (one.method, one.path, one.detail) == ("GET", "/api", "the external authorization service refused it")
    through = read(ENVOY.format(flags="UF", forwarded="10.40.0.77", upstream="10.20.4.10:8443"))
    assert (through.allowed, through.destination) == (True, "10.20.4.10")
    assert "could not connect" in through.detail
    with pytest.raises(ValueError, match="no caller's address"):
        envoy.parse(ENVOY.format(flags="-", forwarded="-", upstream="-"))


def test_istio_s_format_names_the_policy() -> None:
    one = read(ISTIO.replace("ns[a]-policy[b]-rule[0]", "finance-only"))
    assert (one.source, one.source_port, one.name, one.port) == ("10.244.1.1", 51000, "reports.corp.example", 8080)
    assert (one.allowed, one.rule) == (False, "finance-only")
    assert read(ISTIO.replace("ns[a]-policy[b]-rule[0]", "none")).detail == "no RBAC policy allows it"


def test_istio_s_own_names_of_policies_have_brackets() -> None:
    assert read(ISTIO).rule == "ns[a]-policy[b]-rule[0]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"upstream_host": "10.20.4.10:5432", "requested_server_name": "db.corp.example"},
            ("db.corp.example", "10.20.4.10", 5432),
        ),
        ({"authority": "vault.corp.example:8200", "method": "CONNECT"}, ("vault.corp.example", "", 8200)),
        ({"authority": "[2001:db8::5]:443"}, ("", "2001:db8::5", 443)),
        (
            {"requested_server_name": "Api.Corp.Example", "downstream_local_address": "10.1.1.1:443"},
            ("api.corp.example", "", 443),
        ),
        ({"downstream_local_address": "10.20.4.10:5432"}, ("", "10.20.4.10", 5432)),
        ({"authority": "api.corp.example", "protocol": "HTTP/1.1"}, ("api.corp.example", "", 80)),
    ],
)
def test_where_a_request_went_is_told_by_what_the_proxy_knows(fields: dict[str, str], expected: tuple[str, str, int]) -> None:
    document = {"start_time": "2026-11-21T09:20:00.000Z", "downstream_remote_address": "10.40.0.77:40022", **fields}
    one = read(json.dumps(document))
    assert (one.name, one.destination, one.port) == expected


def test_what_a_proxy_logs_at_its_end_began_before() -> None:
    fields = {"start_time": "2026-11-21T09:20:00.900Z", "downstream_remote_address": "10.40.0.77:40022", "duration": 1500}
    one = read(json.dumps({**fields, "upstream_host": "10.20.4.10:5432"}))
    assert one.until == datetime(2026, 11, 21, 9, 20, 2, 400_000, tzinfo=UTC)


def test_a_token_that_was_not_accepted_is_told_apart() -> None:
    line = (
        '{"start_time":"2026-11-21T09:20:00Z","method":"CONNECT","authority":"db.corp.example:5432","response_code":401,'
        '"response_flags":"UAEX","response_code_details":"jwt_authn_access_denied{Jwt_is_expired}",'
        '"downstream_remote_address":"10.40.0.77:40022","upstream_host":null}'
    )
    assert (read(line).allowed, read(line).detail) == (False, "the token was not accepted")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"upstream_host": "10.20.4.10:5432"', "damaged"),
        ('{"upstream_host": "10.20.4.10:5432"}', "no caller"),
        ('{"downstream_remote_address": "10.0.0.1:1", "upstream_host": null}', "neither"),
        ('{"downstream_remote_address": "10.0.0.1:1", "upstream_host": "10.0.0.2", "protocol": "-"}', "no destination's port"),
        ('{"downstream_remote_address": "10.0.0.1:1", "requested_server_name": "db.corp.example"}', "no destination's port"),
        ('{"downstream_remote_address": "somebody", "upstream_host": "10.0.0.1:1"}', "no address"),
        ('{"downstream_remote_address": "10.0.0.1:1", "upstream_host": "10.0.0.1:1", "start_time": "noon"}', "no instant"),
    ],
)
def test_a_damaged_envoy_line_says_what_is_wrong(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        envoy.parse(line)
