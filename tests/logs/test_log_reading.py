"""Many lines of any kind: each is a connection, or told with its number and why it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.logs import Connection, Unreadable, read
from test_log_formats import ENVOY, FORTIGATE, ISTIO, TGW, VPC

LINES = [FORTIGATE, VPC, TGW.format(lost="0"), ENVOY.format(flags="-", forwarded="10.0.0.1", upstream="10.0.0.2:80"), ISTIO]


def test_formats_may_be_mixed_and_empty_lines_count() -> None:
    found = list(read([FORTIGATE, "", VPC, "what?", TGW.format(lost="0"), ISTIO]))
    assert [number for number, _ in found] == [1, 3, 4, 5, 6]
    assert [getattr(one, "format", "") for _, one in found] == ["fortigate", "vpc-flow", "", "tgw-flow", "envoy"]
    assert (
        str(found[2][1])
        == "line 4: no log of a FortiGate, of AWS flow logs, Google Cloud's network, ZPA's LSS, ZIA's NSS, Hubble or Envoy: what?"
    )


def test_a_header_says_the_fields_of_what_follows() -> None:
    lines = ["srcaddr dstaddr dstport protocol start action", "10.0.0.1 10.0.0.2 443 6 1795252801 REJECT", "10.0.0.1 10.0.0.2"]
    (_, first), (_, second) = read(lines)
    assert isinstance(first, Connection)
    assert (first.where, first.allowed) == ("10.0.0.2:443/tcp", False)
    assert isinstance(second, Unreadable)
    assert "2 fields, where the format has 6" in second.why
    assert [one for _, one in read(lines[1:2], "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${start} ${action}")] == [first]


def test_a_record_of_an_unknown_format_is_told_how_to_be_read() -> None:
    ((_, one),) = read(["10.0.0.1 10.0.0.2 443 6 1795252801 REJECT"])
    assert "--log-format" in str(one)
    with pytest.raises(ValueError, match="no format of flow logs"):
        list(read([], "some words"))


@given(st.data())
def test_no_damage_makes_reading_fail(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(LINES))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    damaged = line[:first] + data.draw(st.text(max_size=12)) + line[last:]
    for _, one in read([damaged]):
        assert isinstance(one, Connection | Unreadable)
        assert str(one)


@given(st.lists(st.text()))
def test_nothing_at_all_makes_reading_fail(lines: list[str]) -> None:
    for number, one in read(lines):
        assert 1 <= number <= len(lines)
        assert str(one)
