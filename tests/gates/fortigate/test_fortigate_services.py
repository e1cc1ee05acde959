"""Port ranges and built-in services."""

import pytest
from pulumi_airlock.gates.fortigate.services import builtin_service, port_ranges
from pulumi_airlock.proof.sets import Services


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("443", [(6, 443, 443)]),
        ("80 443 8000-8010", [(6, 80, 80), (6, 443, 443), (6, 8000, 8010)]),
        ("80,443", [(6, 80, 80), (6, 443, 443)]),
        ("5432:1024-65535", [(6, 5432, 5432)]),
        ("5432:1-65535", [(6, 5432, 5432)]),
        ("", []),
    ],
)
def test_destination_ports_are_what_stands_before_the_colon(text, expected):
    found = port_ranges("tcp", text, "svc.tcpPortrange")
    assert list(found.sure.ranges()) == expected
    assert found.sure == found.maybe
    assert not found.reasons


def test_few_source_ports_make_a_match_unsure():
    found = port_ranges("tcp", "514:512-1023", "RSH")
    assert not found.sure
    assert found.maybe == Services.of("tcp", 514, 514)
    assert found.reasons == ("RSH: source ports 512-1023 alone",)


@pytest.mark.parametrize("text", ["http", "80-", "443;444", "80:x"])
def test_what_is_no_range_is_not_read(text):
    with pytest.raises(ValueError, match=r".+"):
        port_ranges("tcp", text, "svc")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ALL", Services.every()),
        ("HTTPS", Services.of("tcp", 443, 443)),
        ("DNS", Services.of("tcp", 53, 53) | Services.of("udp", 53, 53)),
        ("GRE", Services.of("gre")),
        ("ALL_TCP", Services.of("tcp", 1, 65535)),
        ("Web Access", Services.union(Services.of("tcp", port, port) for port in (53, 80, 443)) | Services.of("udp", 53, 53)),
        ("NONE", Services()),
    ],
)
def test_built_in_services_mean_what_the_factory_says(name, expected):
    found = builtin_service(name)
    assert found is not None
    assert found.sure == found.maybe == expected


def test_ping_is_one_type_of_icmp_and_so_only_perhaps_icmp():
    found = builtin_service("PING")
    assert found is not None
    assert (found.sure, found.maybe) == (Services(), Services.of("icmp"))


def test_a_service_that_fortios_does_not_have_is_not_guessed():
    assert builtin_service("https") is None
