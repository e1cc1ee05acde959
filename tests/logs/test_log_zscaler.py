"""Lines of ZPA's Log Streaming Service and ZIA's Nanolog Streaming Service, in each form that they are written in."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.logs import Connection, NoConnectionError, Unreadable, lss, nss, parse, read

ACTIVITY = (
    '{"LogTimestamp": "Fri May 31 17:35:42 2019","Customer": "Bank","SessionID": "SqyZ","ConnectionID": "SqyZ,Q+Ej",'
    '"InternalReason": "","ConnectionStatus": "active","IPProtocol": 6,"DoubleEncryption": 0,"Username": "ann@bank.example",'
    '"ServicePort": 10011,"ClientPublicIP": "34.209.189.218","ClientPrivateIP": "","Policy": "Lab Apps_1","Connector": "lab-1",'
    '"ConnectorIP": "192.168.1.53","Host": "lab.corp.example","Application": "Lab Apps","AppGroup": "Lab","Server": "0",'
    '"ServerIP": "192.168.1.57","ServerPort": 10011,"TimestampConnectionStart": "2019-05-30T08:20:42.230Z"}'
)
STATUS = (
    '{"LogTimestamp": "Fri May 31 17:34:48 2019","Username": "ann","SessionID": "c","SessionStatus": "ZPN_STATUS_AUTHENTICATED"}'
)
FIREWALL = {
    "time": "Mon Jun 20 15:35:48 2022",
    "login": "finance-worker",
    "location": "finance-worker",
    "csip": "10.40.0.9",
    "csport": "36084",
    "cdip": "203.0.113.80",
    "cdport": "443",
    "cdfqdn": "api.rates.example",
    "tsip": "192.0.2.10",
    "ttype": "GRE",
    "ipproto": "TCP",
    "action": "Allowed",
    "rulelabel": "finance-rates",
}
"""By the names of the specifiers."""
WEB = {
    "time": "Mon Jun 20 15:35:48 2022",
    "login": "finance-worker",
    "location": "finance-worker",
    "cip": "10.40.0.9",
    "cintip": "192.0.2.10",
    "sip": "203.0.113.80",
    "host": "api.rates.example",
    "url": "api.rates.example/v1/eur",
    "proto": "HTTPS",
    "reqmethod": "GET",
    "action": "Allowed",
    "urlfilterrulelabel": "rates",
}
CEF = {
    "act": "Allowed",
    "src": "10.40.0.9",
    "spt": "36084",
    "dst": "203.0.113.80",
    "dpt": "443",
    "sourceTranslatedAddress": "192.0.2.10",
    "proto": "TCP",
    "spriv": "finance-worker",
    "suser": "finance-worker",
    "reason": "finance-rates",
    "rt": "Jun 20 2022 15:35:48",
}


def read_one(line: str) -> Connection:
    found = parse(line)
    assert found is not None
    return found


def activity(**changes: Any) -> Connection:
    return read_one(json.dumps({**json.loads(ACTIVITY), **changes}))


# --- ZPA


def test_a_line_of_user_activity_is_read_whole() -> None:
    one = read_one(ACTIVITY)
    assert one[:7] == ("zpa-lss", "34.209.189.218", None, "192.168.1.57", "lab.corp.example", 10011, "tcp")
    assert one.time == datetime(2019, 5, 30, 8, 20, 42, 230000, tzinfo=UTC)
    assert (one.allowed, one.rule, one.user, one.device, one.application) == (
        True,
        "Lab Apps_1",
        "ann@bank.example",
        "lab-1",
        "Lab Apps",
    )


def test_the_address_before_nat_is_the_caller_s_where_it_is_known() -> None:
    one = activity(ClientPrivateIP="10.40.0.9")
    assert (one.source, one.seen_as) == ("10.40.0.9", "34.209.189.218")
    alone = activity(ClientPublicIP="", ClientPrivateIP="")
    assert (alone.source, alone.user) == ("", "ann@bank.example")
    assert str(alone).startswith("ann@bank.example → 192.168.1.57:10011/tcp")


def test_a_host_may_be_an_address() -> None:
    one = activity(Host="192.168.1.99", ServerIP="")
    assert (one.destination, one.name) == ("192.168.1.99", "")
    assert activity(Host="node7", ServerIP="").name == "node7"
    assert activity(Host="2001:db8::5", ServerIP="").destination == "2001:db8::5"


@pytest.mark.parametrize(
    ("status", "reason", "allowed", "detail"),
    [
        ("open", "", True, ""),
        ("close", "BRK_MT_TERMINATED_IDLE_TIMEOUT", True, ""),
        ("close", "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY", False, "an access rule refused it"),
        ("close", "BRK_MT_SETUP_FAIL_NO_POLICY_FOUND", False, "no access rule allows it"),
        ("close", "brk_mt_setup_fail_saml_expired", False, "the timeout policy wants its user to sign in again"),
        (
            "close",
            "AST_MT_SETUP_ERR_OPEN_SERVER_CONN",
            True,
            "the policy let it through, and the App Connector could not connect it",
        ),
        ("close", "BRK_MT_SETUP_FAIL_CONNECTOR_GROUPS_MISSING", None, "it failed for another reason than the policy"),
        ("what", "", None, ""),
    ],
)
def test_the_reason_tells_policy_from_failure(status: str, reason: str, allowed: bool | None, detail: str) -> None:
    one = activity(ConnectionStatus=status, InternalReason=reason)
    assert (one.allowed, one.detail) == (allowed, detail)


@pytest.mark.parametrize("time", ["2019-05-31T17:35:42.000Z", "1559324142", "1559324142000", "Fri May 31 17:35:42 2019"])
def test_templates_write_times_in_several_ways(time: str) -> None:
    assert activity(LogTimestamp=time, TimestampConnectionStart="").time == datetime(2019, 5, 31, 17, 35, 42, tzinfo=UTC)


def test_other_logs_of_the_service_are_understood_and_show_no_connection() -> None:
    with pytest.raises(NoConnectionError, match="user status"):
        parse(STATUS)
    ((_, found),) = read([STATUS])
    assert isinstance(found, Unreadable)
    assert found.understood


def test_tables_of_user_activity_have_a_head() -> None:
    fields = json.loads(ACTIVITY)
    lines = ["\t".join(fields), "\t".join(map(str, fields.values()))]
    ((number, found),) = read(lines)
    assert (number, found) == (2, read_one(ACTIVITY))


def test_a_collector_s_head_stands_before_the_object() -> None:
    assert read_one(f"<134>May 31 17:35:42 collector zpa: {ACTIVITY}") == read_one(ACTIVITY)


# --- ZIA


def forms(fields: dict[str, str]) -> list[list[str]]:
    """The same fields as a feed can write them; one with a head has two lines."""
    row = io.StringIO()
    csv.writer(row).writerows([list(fields), list(fields.values())])
    return [
        [json.dumps(fields)],
        [json.dumps({"event": fields, "sourcetype": "zscalernss-fw" if "csip" in fields else "zscalernss-web"})],
        ["\t".join(f"{key}={value}" for key, value in fields.items())],
        [" ".join(f'{key}="{value}"' for key, value in fields.items())],
        ["LEEF:1.0|Zscaler|NSS|6.0|Allowed|" + "\t".join(f"{key}={value}" for key, value in fields.items())],
        ["LEEF:2.0|Zscaler|NSS|6.0|Allowed|x5E|" + "^".join(f"{key}={value}" for key, value in fields.items())],
        row.getvalue().splitlines(),
        ["\t".join(fields), "\t".join(fields.values())],
    ]


@pytest.mark.parametrize("lines", forms(FIREWALL), ids=["json", "event", "tabs", "spaces", "leef", "leef2", "csv", "tsv"])
def test_a_firewall_log_is_the_same_in_every_form(lines: list[str]) -> None:
    ((_, one),) = read(lines)
    assert isinstance(one, Connection)
    assert one[:7] == ("zia-firewall", "10.40.0.9", 36084, "203.0.113.80", "api.rates.example", 443, "tcp")
    assert one.time == datetime(2022, 6, 20, 15, 35, 48, tzinfo=UTC)
    assert (one.allowed, one.rule, one.location, one.user) == (True, "finance-rates", "finance-worker", "finance-worker")
    assert (one.way, one.seen_as) == ("GRE", "192.0.2.10")


@pytest.mark.parametrize("lines", forms(WEB), ids=["json", "event", "tabs", "spaces", "leef", "leef2", "csv", "tsv"])
def test_so_is_a_web_log(lines: list[str]) -> None:
    ((_, one),) = read(lines)
    assert isinstance(one, Connection)
    assert one[:7] == ("zia-web", "10.40.0.9", None, "203.0.113.80", "api.rates.example", 443, "tcp")
    assert (one.method, one.path, one.rule, one.location) == ("GET", "/v1/eur", "rates", "finance-worker")
    assert (one.seen_as, one.time) == ("192.0.2.10", datetime(2022, 6, 20, 15, 35, 48, tzinfo=UTC))


def test_common_event_format_with_what_is_escaped_in_it() -> None:
    pairs = " ".join(f"{key}={value}" for key, value in CEF.items()).replace("finance-rates", r"finance \= rates")
    one = read_one(f"Jun 20 15:35:48 zscaler-nss-fw CEF:0|Zscaler|NSSFWlog|5.7|Allowed|x|3| {pairs}")
    assert one[:7] == ("zia-firewall", "10.40.0.9", 36084, "203.0.113.80", "", 443, "tcp")
    assert (one.rule, one.location, one.time) == (
        "finance = rates",
        "finance-worker",
        datetime(2022, 6, 20, 15, 35, 48, tzinfo=UTC),
    )


def test_which_of_two_fields_has_the_caller_s_own_address_templates_do_not_agree() -> None:
    pairs = {**CEF, "src": "8.8.4.4", "sourceTranslatedAddress": "10.40.0.9"}
    one = read_one(f"CEF:0|Zscaler|NSSFWlog|5.7|Allowed|x|3| {' '.join(f'{key}={value}' for key, value in pairs.items())}")
    assert (one.source, one.seen_as) == ("10.40.0.9", "8.8.4.4")


def test_the_firewall_feed_s_own_table_needs_no_head() -> None:
    line = (
        '"Mon Jun 20 15:35:48 2022","new-gre","Default Department","new-gre","80","36084","80","0","172.17.3.49",'
        '"216.113.179.53","0.0.0.0","216.113.179.53","10.66.89.115","0","GRE","Drop","No","Yes","No","HTTP",'
        '"ebay","TCP","Online Shopping",'
        '"United States","21","Firewall_1","14693","548","0","21","1","None","None","None","NA","NA"'
    )
    one = read_one(line)
    assert (one.source, one.where, one.allowed, one.rule) == ("172.17.3.49", "216.113.179.53:80/tcp", False, "Firewall_1")
    assert (one.location, one.seen_as) == ("new-gre", "10.66.89.115")


@pytest.mark.parametrize(
    ("change", "port"),
    [
        ({"url": "api.rates.example:8443/x"}, 8443),
        ({"url": "http://api.rates.example/x", "proto": "HTTP"}, 80),
        ({"srv_dport": "8080"}, 8080),
        ({"proto": "FTP", "url": ""}, 21),
        ({"host": "api.rates.example:9443", "url": "api.rates.example:9443"}, 9443),
    ],
)
def test_a_web_log_s_port_is_that_of_the_server_of_the_url_or_of_the_protocol(change: dict[str, str], port: int) -> None:
    one = nss.of({**WEB, **change})
    assert one is not None
    assert (one.name, one.port) == ("api.rates.example", port)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("Allowed", True), ("Allow", True), ("Blocked", False), ("Drop", False), ("Reset", False), ("Caution", None), ("", None)],
)
def test_actions(action: str, allowed: bool | None) -> None:
    one = nss.of({**FIREWALL, "action": action})
    assert one is not None
    assert one.allowed is allowed


def test_hex_encoding_is_undone() -> None:
    one = nss.of({**FIREWALL, "rulelabel": "finance%20rates", "location": "Zug%2C%20CH"})
    assert one is not None
    assert (one.rule, one.location) == ("finance rates", "Zug, CH")


@pytest.mark.parametrize("kind", ["dns", "tunnel", "audit"])
def test_other_logs_are_understood(kind: str) -> None:
    ((_, found),) = read([json.dumps({"sourcetype": f"zscalernss-{kind}", "event": {"datetime": "x"}})])
    assert isinstance(found, Unreadable)
    assert found.understood


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (json.dumps({**FIREWALL, "csip": "10.40"}), "csip is no address: '10.40'"),
        (json.dumps({**FIREWALL, "cdip": "", "cdfqdn": ""}), "neither a destination's address nor its name"),
        (json.dumps({**FIREWALL, "cdport": "70000"}), "cdport is no port"),
        (json.dumps({**FIREWALL, "time": "noon"}), "time is no instant"),
        (json.dumps({**FIREWALL, "ipproto": "a b"}), "proto is no protocol"),
        (json.dumps({**json.loads(ACTIVITY), "ServicePort": "x"}), "ServicePort is no port"),
        (json.dumps({**json.loads(ACTIVITY), "Host": "", "ServerIP": ""}), "neither a destination's name nor its address"),
        ("CEF:0|Zscaler|NSSFWlog|5.7", "a head with 4 parts, where it has 8"),
        ("{", "a JSON document over several lines"),
    ],
)
def test_a_damaged_line_says_what_is_wrong(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse(line)


# --- flow logs as JSON


VPC = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"


def test_exports_of_cloudwatch_hold_records_one_or_many() -> None:
    one = read_one(VPC)
    nothing = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
    assert read_one(json.dumps({"timestamp": 1, "message": VPC})) == one
    bundle = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": VPC}, {"message": nothing}, {"message": VPC}]}
    found = [each for _, each in read([json.dumps(bundle)])]
    assert [found[0], found[2]] == [one, one]
    assert isinstance(found[1], Unreadable)
    assert found[1].understood
    assert [number for number, _ in read([json.dumps([{"message": VPC}] * 2)])] == [1, 1]


def test_a_record_as_an_object_of_its_fields() -> None:
    names = "version account_id interface_id srcaddr dstaddr srcport dstport protocol packets bytes start end action log_status"
    fields: dict[str, Any] = dict(zip(names.split(), VPC.split(), strict=True))
    assert read_one(json.dumps(fields)) == read_one(VPC)
    assert read_one(json.dumps({**fields, "srcport": 20641, "start": 1418530010})) == read_one(VPC)
    with pytest.raises(ValueError, match="lacks protocol"):
        parse(json.dumps({"srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2"}))


def test_flags_and_paths_of_newer_versions() -> None:
    head = "srcaddr dstaddr srcport dstport protocol action tcp-flags traffic-path pkt-dst-aws-service reject-reason"
    lines = [head, "10.0.0.1 10.0.0.2 443 50000 6 ACCEPT 18 - - -", "10.0.0.1 52.219.1.1 50000 443 6 ACCEPT 2 8 S3 -"]
    (_, answer), (_, asked) = read(lines)
    assert isinstance(answer, Connection)
    assert isinstance(asked, Connection)
    assert (answer.answers, asked.answers, asked.way, asked.service) == (True, False, "8", "S3")


# --- whatever comes


TEXT = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@given(
    user=TEXT,
    rule=TEXT,
    port=st.integers(1, 65535),
    source=st.ip_addresses(v=4),
    destination=st.ip_addresses(),
    after=st.integers(0, 10**8),
)
def test_what_is_rendered_is_read_back(user: str, rule: str, port: int, source: Any, destination: Any, after: int) -> None:
    when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
    clock = f"{when:%a %b %d %H:%M:%S %Y}"
    line = activity(
        Username=user,
        Policy=rule,
        ServicePort=port,
        ClientPublicIP="",
        ClientPrivateIP=str(source),
        Host=str(destination),
        ServerIP="",
        LogTimestamp=clock,
        TimestampConnectionStart="",
    )
    nothing = ("0.0.0.0", "::")  # noqa: S104
    if str(destination) in nothing or str(source) in nothing:
        return
    assert (line.port, line.source, line.destination, line.time) == (port, str(source), str(destination), when)
    if "0" not in (user, rule):
        assert (line.user, line.rule) == (user, rule)
    fields = {**FIREWALL, "csip": str(source), "cdip": str(destination), "cdport": str(port), "time": clock}
    for lines in forms(fields):
        ((_, one),) = read(lines)
        assert isinstance(one, Connection)
        assert (one.source, one.destination, one.port, one.time) == (str(source), str(destination), port, when)


@given(st.data())
def test_no_damage_makes_reading_fail(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([[ACTIVITY], *forms(FIREWALL), *forms(WEB)]))
    line = lines[-1]
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    damaged = line[:first] + data.draw(st.text(max_size=12)) + line[last:]
    for _, one in read([*lines[:-1], damaged, *lines]):
        assert isinstance(one, Connection | Unreadable)
        assert str(one)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "LogTimestamp",
                        "ConnectionStatus",
                        "csip",
                        "cdip",
                        "action",
                        "event",
                        "message",
                        "logEvents",
                        "srcaddr",
                        "dstaddr",
                        "protocol",
                        "Host",
                        "cip",
                        "url",
                        "sourcetype",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_no_json_makes_reading_fail(value: Any) -> None:
    for _, one in read([json.dumps(value)]):
        assert str(one)


def test_nesting_without_end_is_no_line_of_a_log() -> None:
    for text in (
        "[" * 100_000,
        '[{"events":' * 50 + "1" + "}]" * 50,
        json.dumps({"message": json.dumps({"message": "{" * 9999})}),
    ):
        for _, one in read([text]):
            assert isinstance(one, Unreadable)
    assert lss.layout(["LogTimestamp"]) is False
