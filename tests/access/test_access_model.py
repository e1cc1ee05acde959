"""The Python API: the same objects as the file, values with meaning, and every problem of an object at once."""

from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.access import (
    Access,
    AccessError,
    Credential,
    Destination,
    Environment,
    Expectation,
    HttpAccess,
    Principal,
    Route,
    Trust,
    Window,
    Zone,
    loads,
)
from pulumi_airlock.errors import AirlockError

BASE = (Path(__file__).parent / "base.yaml").read_text(encoding="utf-8")


def test_python_and_yaml_are_equal() -> None:
    access = Access(
        environments=(Environment(name="finance", dags=("finance_*",)), Environment(name="markets", dags=("markets_*",))),
        principals=(
            Principal(name="finance-etl", environment="finance", dags=("finance_*",), tasks=("load_*",)),
            Principal(name="markets-etl", environment="markets", dags=("markets_*",)),
            Principal(name="analysts", group="airflow-finance", sources=("10.60.8.0/22", "2001:db8:60::/64")),
        ),
        zones={
            "datacenter": Zone(
                cidrs=("10.20.0.0/16", "2001:db8:20::/48"), gates=("aws_network", "fortigate"), trust=Trust.MEDIUM
            ),
            "partners": Zone(gates=("fortigate",)),
        },
        destinations=(
            Destination(
                name="warehouse",
                zone="datacenter",
                hosts=("warehouse.corp.example",),
                cidrs=("10.20.4.10/32",),
                ports=("5432/tcp",),
            ),
            Destination(
                name="api", zone="partners", hosts=("*.api.example",), ports=("443/tcp", "8000-8010/tcp"), protocol="https"
            ),
        ),
        routes=(
            Route(
                name="finance-warehouse",
                from_=("finance-etl",),
                to=("warehouse",),
                window=Window(days=("mon", "tue"), from_="22:00", to="02:00", timezone="Europe/Zurich"),
                session="1h",
                credential=Credential(kind="vault", ref="database/creds/finance", rotate="1d"),
                requires=("tunnel-up",),
                reason="FIN-1",
                expires=date(2099, 6, 30),
            ),
            Route(
                name="markets-api",
                from_=("markets-etl",),
                to=("api",),
                http=(HttpAccess(methods=("GET",), paths=("/v1/*",)),),
                reason="MKT-1",
            ),
            Route(name="analysts-warehouse", from_=("analysts",), to=("warehouse",), session="8h", reason="IAM-1"),
        ),
        expect=(
            Expectation(from_="finance_daily.load_orders", to="warehouse:5432", allow=True),
            Expectation(from_="markets_daily.*", to="warehouse:5432", allow=False),
        ),
    )
    assert access == loads(BASE)


def test_what_a_stack_registers_reads_back_as_the_same_access() -> None:
    access = loads(BASE)
    assert Access.model_validate(access.model_dump(mode="json", by_alias=True, exclude_defaults=True)) == access
    assert Access.model_validate_json(access.model_dump_json(by_alias=True)) == access


def test_every_problem_of_an_object_comes_at_once_as_an_error_of_the_family() -> None:
    with pytest.raises(AccessError) as caught:
        Principal(name="x y", dags=("a b",), tasks=(), colour="red")  # type: ignore[call-arg]
    assert isinstance(caught.value, AirlockError)
    assert isinstance(caught.value, ValueError)
    assert [one.path for one in caught.value.problems] == ["name", "dags[0]", "tasks", "colour"]
    assert {one.place for one in caught.value.problems} == {'Principal "x y"'}


def test_names_that_do_not_exist_are_refused_in_python_too() -> None:
    access = loads(BASE)
    data = access.model_dump(by_alias=True)
    data["routes"][0]["to"] = ["warehose"]
    data["destinations"][1]["zone"] = "partner"
    with pytest.raises(AccessError) as caught:
        Access(**data)
    assert [str(one) for one in caught.value.problems] == [
        'Access: destinations[1].zone: no zone "partner"; did you mean "partners"?',
        'Access: routes[0].to[0]: no destination "warehose"; did you mean "warehouse"?',
    ]


def test_a_wrong_part_of_a_whole_is_located_in_the_whole() -> None:
    with pytest.raises(AccessError) as caught:
        Access.model_validate({"principals": [], "zones": {}, "destinations": [], "routes": [{"window": {"days": ["dom"]}}]})
    assert "routes[0].window.days[0]" in [one.path for one in caught.value.problems]


def test_ports_as_protocol_first_last() -> None:
    destination = Destination(name="d", zone="z", hosts=("a.example",), ports=("443/tcp", "8000-8010/udp", "icmp"))
    assert destination.services() == (("tcp", 443, 443), ("udp", 8000, 8010), ("icmp", 0, 65535))


def test_networks_of_both_families() -> None:
    zone = Zone(cidrs=("10.0.0.0/8", "2001:db8::/32"), gates=("g",))
    assert zone.networks() == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("text", "length"), [("15m", timedelta(minutes=15)), ("1h", timedelta(hours=1)), ("30d", timedelta(days=30))]
)
def test_durations(text: str, length: timedelta) -> None:
    assert Route(name="r", from_=("p",), to=("d",), reason="x", session=text).session_length() == length


def test_people_and_workloads() -> None:
    assert Principal(name="people", group="g").is_people
    assert not Principal(name="tasks", dags=("d",)).is_people
    assert Principal(name="tasks", dags=("fin_*",), tasks=("load_*",), environment="e").covers("fin_a", "load_b", "e")
    assert not Principal(name="tasks", dags=("fin_*",), tasks=("load_*",), environment="e").covers("fin_a", "load_b", "f")


def test_a_window_past_midnight_runs_on_into_the_next_day() -> None:
    assert Window(days=("fri",), from_="22:00", to="02:00").spans() == ((4 * 1440 + 1320, 5 * 1440 + 120),)


def test_a_window_past_sundays_midnight_is_two_spans_and_one_length() -> None:
    window = Window(days=("sun",), from_="22:00", to="02:00")
    assert window.spans() == ((0, 120), (6 * 1440 + 1320, 7 * 1440))
    assert window.length() == timedelta(hours=4)


def test_whole_days() -> None:
    assert Window(days=("sat", "sun")).spans() == ((5 * 1440, 7 * 1440),)
    assert Window(from_="00:00", to="00:00").spans() == ((0, 7 * 1440),)


@given(
    days=st.sets(st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun")), min_size=1),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
)
def test_spans_hold_exactly_the_minutes_of_the_window(days: set[str], start: int, end: int) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    window = Window(days=tuple(sorted(days)), from_=clock(start), to=clock(end))  # type: ignore[arg-type]
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    length = end - start if end > start else end - start + 1440
    expected = {(names.index(day) * 1440 + start + offset) % 10080 for day in days for offset in range(length)}
    assert {minute for first, last in window.spans() for minute in range(first, last)} == expected
