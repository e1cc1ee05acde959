"""What ZPA would refuse, or could never match, is refused at preview: all of it at once, each with its place and its fix."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.zpa import CloudConnector, IdentityProvider, LogReceiver, MachineGroup, Posture, ZpaGate, names
from zpa_helpers import FRANKFURT, PEOPLE, WORKLOADS, access, record, route


def refused(routes=None, **given):
    arguments = {
        "access": access(routes),
        "connectors": {"datacenter": FRANKFURT, "partners": FRANKFURT},
        "workloads": WORKLOADS,
        "identity_provider": PEOPLE,
        "today": date(2026, 11, 26),
        **given,
    }
    with pytest.raises(InputError) as caught:
        record(lambda: ZpaGate("zpa", **arguments))
    return [f"{one.path}: {one.message}" for one in caught.value.problems]


def only(found, *parts):
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0], found


RECEIVER = {"host": "siem.example", "port": 6514, "zone": "datacenter"}


def place(name="one", **more):
    return {"name": name, "zone": "datacenter", "hosts": ["one.example"], "ports": ["443/tcp"], **more}


def test_all_problems_are_told_at_once_and_nothing_is_registered():
    recorders = []

    def program():
        ZpaGate("zpa", access=access([route("r", ["ledger"], session="5m")]), connectors={"nowhere": FRANKFURT}, prefix="a/")

    with pytest.raises(InputError) as caught:
        recorders.append(record(program))
    assert len(caught.value.problems) == 5
    assert not recorders


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ports": ["0-10/tcp"]}, "ZPA takes ports 1–65535"),
        ({"ports": ["22/sctp"]}, "ZPA carries TCP, UDP and ICMP"),
        ({"ports": ["gre"]}, "ZPA carries TCP, UDP and ICMP"),
        ({"cidrs": ["2001:db8::/64"]}, "application segments take IPv4 networks and names"),
        ({"cidrs": ["0.0.0.0/0"]}, "every address"),
    ],
)
def test_destinations_that_no_segment_can_say(given, says):
    only(refused(access=access([route("r", ["one"])], destinations=[place(**given)])), "destinations[one].", says)


def test_such_a_destination_without_a_route_is_left_alone():
    given = access([route("r", ["one"])], destinations=[place(), place("two", ports=["gre"], hosts=["two.example"])])
    record(lambda: ZpaGate("zpa", access=given, connectors={"datacenter": FRANKFURT}, workloads=WORKLOADS))


def test_sessions_under_ten_minutes():
    only(refused([route("r", ["ledger"], session="9m")]), "routes[r].session: 9m: ZPA's shortest is 10 minutes")


def test_a_zone_without_app_connectors():
    only(refused(connectors={"partners": FRANKFURT}), "connectors: no App Connectors lead to zone 'datacenter'")


def test_a_workload_that_zpa_has_no_way_to_know():
    only(refused(workloads={"risk": CloudConnector(name="x")}), "principals[etl].environment", "workloads: risk")
    everywhere = [{"name": "etl", "dags": ["*"]}]
    only(refused(workloads={}, access=access(principals=everywhere)), "workloads: empty")


def test_people_without_an_identity_provider():
    found = refused([route("r", ["ledger"], who=["analysts"])], identity_provider=None)
    only(found, "identity_provider: missing, but principal 'analysts' are people")


def test_what_can_never_match_a_service_account():
    only(refused(postures={"etl": [Posture(name="disk")]}), "postures[etl]", "it can never match a service account")
    provider = replace(PEOPLE, group_ids={"etl": "7"})
    only(refused(identity_provider=provider), "group_ids[etl]", "it can never match a service account")
    provider = replace(PEOPLE, group_names={"nobody": "7"})
    only(refused(identity_provider=provider), "group_names[nobody]", "is no group of a principal")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"workloads": {**WORKLOADS, "finance": CloudConnector()}}, "workloads[finance]: give exactly one of name and group_id"),
        ({"workloads": {**WORKLOADS, "markets": MachineGroup(name="a", group_id="1")}}, "workloads[markets]: give exactly one"),
        ({"identity_provider": IdentityProvider()}, "identity_provider: give exactly one of name and idp_id"),
        ({"postures": {"*": [Posture()]}}, "postures[*][0]: give exactly one of name and udid"),
        ({"postures": {"nobody": [Posture(name="x")]}}, "postures[nobody]: no principal 'nobody'"),
        ({"prefix": "air/lock"}, "prefix: 'air/lock': ZPA takes letters, digits"),
        ({"connectors": {"datacenter": replace(FRANKFURT, latitude=91)}}, "connectors[datacenter].latitude: 91"),
        ({"connectors": {"datacenter": replace(FRANKFURT, longitude=-181)}}, "connectors[datacenter].longitude: -181"),
        ({"connectors": {"datacenter": replace(FRANKFURT, country_code="de")}}, "connectors[datacenter].country_code: 'de'"),
        ({"connectors": {"datacenter": replace(FRANKFURT, key_uses=0)}}, "connectors[datacenter].key_uses: 0"),
        ({"connectors": {"datacenter": replace(FRANKFURT, upgrade_second=10)}}, "connectors[datacenter].upgrade_second: 10"),
        ({"connectors": {"datacenter": replace(FRANKFURT, cidrs=["10.0.0.1/8"])}}, "connectors[datacenter].cidrs: '10.0.0.1/8'"),
        ({"connectors": {"datacenter": FRANKFURT, "cloud": FRANKFURT}}, "connectors[cloud]: zone 'cloud' does not list 'zpa'"),
        ({"connectors": {"datacenter": FRANKFURT, "moon": FRANKFURT}}, "connectors[moon]: no zone 'moon'"),
        ({"log_receivers": [RECEIVER | {"port": 0}]}, "log_receivers[0].port: 0"),
        ({"log_receivers": [RECEIVER | {"host": ""}]}, "log_receivers[0].host: empty"),
        ({"log_receivers": [RECEIVER | {"zone": "x"}]}, "log_receivers[0].zone: no App Connectors"),
        (
            {"log_receivers": [RECEIVER | {"log_types": ["x"]}]},
            "log_receivers[0].log_types: 'x'",
        ),
        (
            {"log_receivers": [RECEIVER | {"log_types": []}]},
            "log_receivers[0].log_types: empty",
        ),
        (
            {"log_receivers": [RECEIVER | {"formats": {"zpn_http_trans_log": "x"}}]},
            "log_receivers[0].formats[zpn_http_trans_log]: is not among log_types",
        ),
    ],
)
def test_arguments(given, path):
    if "log_receivers" in given:
        given = {"log_receivers": [LogReceiver(**one) for one in given["log_receivers"]]}
    only(refused(**given), path)


def test_two_environments_behind_one_group_could_not_be_told_apart():
    one = {"finance": CloudConnector(name="shared"), "markets": CloudConnector(name="shared")}
    only(refused(workloads=one), "workloads[markets]: the same group as 'finance'")


# Names and times


def test_names_are_cut_to_what_zpa_takes_and_never_collide():
    long = names.tenant_name("airlock-" + "a" * 300)
    assert len(long) == names.NAME
    assert long != names.tenant_name("airlock-" + "a" * 301)
    assert names.tenant_name("airlock", "a/b") != names.tenant_name("airlock", "a:b")
    assert all(map(names.takes_name, (long, names.tenant_name("airlock", "a/b*"))))
    assert not names.takes_name("a/b")
    assert not names.takes_name(" a")


def test_descriptions_list_what_fits():
    text = names.listed_text([f"route-{number}: {'x' * 60}" for number in range(9)])
    assert len(text) <= names.DESCRIPTION
    assert text.endswith("; and 6 more")
    assert names.listed_text(["y" * 300]).endswith("...")
    assert names.listed_text([]) == ""


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(10, "10 Minutes"), (60, "1 Hour"), (90, "1 Hour"), (120, "2 Hours"), (1440, "1 Day"), (2000, "1 Day"), (4320, "3 Days")],
)
def test_timeouts_are_whole_in_their_largest_unit_and_never_longer(minutes, text):
    length = timedelta(minutes=minutes)
    assert names.timeout_text(length) == text
    read_back = names.timeout_length(text)
    assert read_back is not None
    assert read_back <= length
    assert names.timeout_text(read_back) == text


def test_a_timeout_that_means_nothing():
    assert names.timeout_length("Never") is None
    with pytest.raises(ValueError, match="is no timeout"):
        names.timeout_length("10 fortnights")
