"""HAProxy's configurations as somebody writes them by hand: what is read, and what nobody can tell. Decisions are held against
HAProxy itself in tests/real."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.gates.tcp_proxy.haproxy.read import HaproxyConfiguration, Holder
from pulumi_airlock.gates.tcp_proxy.haproxy.syntax import is_haproxy, parsed
from pulumi_airlock.gates.tcp_proxy.logic import Box
from pulumi_airlock.gates.tcp_proxy.ways import Way
from test_tcp_proxy_read import config_map

TLS = "bind :8443 ssl crt /tls/tls.pem ca-file /tls/ca.crt verify required"
HAND = f"""
# who may reach the warehouse
defaults
  mode tcp
frontend finance
  {TLS}
  tcp-request content set-var(sess.policy) str(finance-only) if !{{ ssl_c_s_dn(OU) finance }}
  tcp-request content reject if {{ var(sess.policy) -m found }}
  default_backend warehouse
backend warehouse
  server one 10.20.4.10:5432 check
"""
FINANCE = Holder({"OU": "finance", "CN": "etl"}, Box(workloads=frozenset({"airflow/etl"})))
OTHER = Holder({"OU": "other", "CN": "etl"}, Box(workloads=frozenset({"airflow/other"})))


def ways(text: str, *holders: Holder) -> list[Way]:
    return list(HaproxyConfiguration(parsed(text), "haproxy.cfg", holders).ways())


def answers(way: Way) -> dict[str, bool | None]:
    """What is said of each workload, and of all others."""
    return {next(iter(one.box.workloads), "") if one.box.workloads else "*": one.answer for one in reversed(way.cases)}


def test_a_rule_that_refuses_whom_it_does_not_name_lets_the_others_through() -> None:
    (way,) = ways(HAND, FINANCE, OTHER)
    assert str(way.hosts) == "10.20.4.10/32"
    found = answers(way)
    assert found["airflow/etl"] is True
    assert found.get("airflow/other", found["*"]) is not True
    # And whoever else the authority gives such a certificate: nobody knows.
    assert found["*"] is None


def test_in_a_stack_it_is_a_gate_of_whoever_mounts_it() -> None:
    found = config_map({"haproxy.cfg": HAND})
    assert found.gate == "tcp_proxy"
    assert any("who has the certificate OU=finance" in reason for one in found.rules for reason in one.unknown)


@pytest.mark.parametrize(
    "change",
    [
        ("tcp-request content reject", "tcp-request content set-log-level info"),
        ("tcp-request content reject", "tcp-request connection reject"),
        ("-m found", "-m str another"),
    ],
)
def test_what_refuses_nobody_lets_everybody_through(change: tuple[str, str]) -> None:
    assert change[0] in HAND
    (way,) = ways(HAND.replace(*change), FINANCE)
    # Of others nobody knows who they are; of this one it is sure.
    assert (answers(way)["*"], answers(way)["airflow/etl"]) == (None, True)
    (way,) = ways(HAND.replace(*change).replace("verify required", "verify optional"))
    assert answers(way)["*"] is True


def test_who_shows_no_certificate_has_no_part_of_one() -> None:
    assert ways(HAND.replace("verify required", "verify none"), FINANCE) == []
    (way,) = ways(HAND.replace("!{", "{").replace(TLS, "bind :8443"), FINANCE)
    assert way.cases[0].answer is True


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("{ ssl_c_s_dn(OU) finance }", "{ ssl_c_s_dn(OU) -m reg ^fin }", "a test of ssl_c_s_dn"),
        ("{ ssl_c_s_dn(OU) finance }", "{ ssl_c_s_dn(OU) -f /etc/haproxy/units }", "a test of ssl_c_s_dn"),
        ("{ ssl_c_s_dn(OU) finance }", "{ ssl_c_sha1,hex -m str AB }", "a test of ssl_c_sha1"),
        ("{ ssl_c_s_dn(OU) finance }", "is_finance", "a test of is_finance"),
        ("tcp-request content reject", "tcp-request content lua.decide\n  tcp-request content reject", "action lua.decide"),
        ("verify required", "verify required crt-list /tls/list", "crt-list of a listener"),
        ("default_backend warehouse", "use_backend %[ssl_fc_sni]", "a test of a backend's name that is made up"),
    ],
)
def test_what_nobody_can_tell_is_unknown(old: str, new: str, why: str) -> None:
    assert old in HAND
    (way,) = ways(HAND.replace(old, new), FINANCE)
    said = [one for one in way.cases if one.box.workloads == frozenset({"airflow/etl"}) or one.box == Box()]
    assert said[0].answer is None
    assert any(why in reason for one in way.cases for reason in one.unknown)


def test_a_backend_has_rules_of_its_own() -> None:
    inside = "  tcp-request content reject if { ssl_c_s_dn(CN) -m str etl } { ssl_fc_sni -m end .corp.example }\n  server one"
    text = HAND.replace("  server one", inside)
    assert answers(ways(text, FINANCE)[0])["airflow/etl"] is not False  # by another server name it gets there
    text = text.replace(" { ssl_fc_sni -m end .corp.example }", "")
    (way,) = ways(text, FINANCE)
    assert answers(way).get("airflow/etl", False) is not True


def test_a_name_in_another_case_goes_around_a_rule_to_which_case_counts() -> None:
    rule = "tcp-request content reject if { ssl_fc_sni -m str db.test }\n  use_backend warehouse if { ssl_fc_sni -i db.test }"
    text = HAND.replace("default_backend warehouse", rule)
    assert answers(ways(text, FINANCE)[0])["airflow/etl"] is True
    assert ways(text.replace("-m str db", "-i db"), FINANCE) == []


def test_a_variable_is_nothing_before_it_is_set() -> None:
    copy, rule = (
        "tcp-request content set-var(sess.cn) ssl_c_s_dn(CN)",
        "tcp-request content reject unless { var(sess.cn) -m str etl }",
    )
    known = Holder({"CN": "etl"}, Box(workloads=frozenset({"airflow/etl"})))
    text = f"frontend x\n  {TLS}\n  default_backend y\n  {{}}\n  {{}}\nbackend y\n  server one 10.0.0.1:1\n"
    (way,) = ways(text.format(copy, rule), known)
    assert [one.answer for one in way.cases] == [True, False]
    assert ways(text.format(rule, copy), known) == []


def test_requests_of_http_are_no_tunnels() -> None:
    web = "frontend web\n  mode http\n  bind :80\n  default_backend app\nbackend app\n  mode http\n  server one app.test:8080\n"
    (way,) = ways(web)
    assert (str(way.hosts), way.connect, way.cases[0].answer) == ("app.test", False, None)


def test_a_server_that_is_no_single_place_is_everywhere() -> None:
    for server in ("server one *:5432", "server-template db 1-3 _db._tcp.test", "server one unix@/run/db.sock"):
        (way,) = ways(HAND.replace("server one 10.20.4.10:5432 check", server), FINANCE)
        assert way.hosts.covers_addresses(way.hosts)
        assert str(way.hosts) != "10.20.4.10/32"


def test_words_are_cut_as_haproxy_cuts_them() -> None:
    text = 'frontend x # a comment\n  log-format \'{"a": "%ci"} # no comment\'\n  acl a path /a\\ b "c d"\'e\' "\\x"\n'
    (section,) = parsed(text).sections
    assert section.lines == (("log-format", '{"a": "%ci"} # no comment'), ("acl", "a", "path", "/a b", "c de", "x"))


def test_what_is_decided_at_a_start_is_unread() -> None:
    assert parsed('frontend x\n  bind "$ADDRESS:80"\n').unread
    assert parsed(".if defined(X)\nfrontend x\n.endif\n").unread


def test_defaults_are_of_what_follows_them_and_of_who_names_them() -> None:
    text = "defaults tcp\n  mode tcp\ndefaults web\n  mode http\nfrontend a\n  bind :1\nfrontend b from tcp\n  bind :2\n"
    assert [one.says("mode") for one in parsed(text).proxies()] == [("http",), ("tcp",)]


@given(st.text())
def test_any_text_is_read_without_a_fault(text: str) -> None:
    is_haproxy(text)
    document = parsed(f"frontend x\n  bind :1\n  {text}\n")
    list(HaproxyConfiguration(document, "haproxy.cfg").ways())
