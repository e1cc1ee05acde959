"""The dictionary of fields by which logs are correlated, and what is read from them, agree."""

from typing import Any

import pytest
from pulumi_airlock.audit.fields import FIELDS, LOGS
from pulumi_airlock.logs import Connection, flow, lss, nss

READERS = {"zpa": lss.of, "zia-firewall": nss.of, "zia-web": nss.of, "vpc": flow.of}
SAMPLES: dict[str, dict[str, Any]] = {
    "zpa": {"LogTimestamp": "Tue Nov 24 09:20:01 2026", "ConnectionStatus": "active", "Username": "ann", "Host": "x.example"},
    "zia-firewall": {"csip": "10.40.0.9", "cdip": "203.0.113.80", "action": "Allowed"},
    "zia-web": {"cip": "10.40.0.9", "host": "x.example", "action": "Allowed"},
    "vpc": {"srcaddr": "10.40.0.9", "dstaddr": "203.0.113.80", "protocol": "6"},
}
VALUES: dict[str, Any] = {
    "time": ("Tue Nov 24 09:20:02 2026", None),
    "source": ("10.40.0.77", "10.40.0.77"),
    "source_port": ("40123", 40123),
    "destination": ("198.18.0.7", "198.18.0.7"),
    "server": ("198.18.0.8", "198.18.0.8"),
    "name": ("api.rates.example", "api.rates.example"),
    "port": ("8443", 8443),
    "server_port": ("8444", 8444),
    "protocol": ("17", "udp"),
    "user": ("bob", "bob"),
    "rule": ("airlock-rates", "airlock-rates"),
    "location": ("finance-worker", "finance-worker"),
    "device": ("dc-1", "dc-1"),
    "service": ("S3", "S3"),
    "way": ("8", "8"),
    "action": ("active", "active"),
    "method": ("POST", "POST"),
}
CASES = [(log, one) for log in READERS for one in FIELDS if one.attribute and log in one.names]


def test_the_logs_of_the_dictionary_are_those_that_are_read() -> None:
    assert {LOGS[log].parser for log in READERS} == {lss.FORMAT, nss.FIREWALL, nss.WEB, flow.VPC}


@pytest.mark.parametrize(("log", "one"), CASES, ids=[f"{log}-{one.name}" for log, one in CASES])
def test_a_field_of_the_dictionary_is_read_by_its_first_name(log: str, one: Any) -> None:
    first, (written, read) = one.names[log][0], VALUES[one.attribute]
    if log == "vpc" and one.attribute == "time":
        written = "1795512002"
    found = READERS[log]({**SAMPLES[log], first: written})
    assert isinstance(found, Connection)
    value = getattr(found, one.attribute)
    assert value == read if read is not None else value.second == 2
