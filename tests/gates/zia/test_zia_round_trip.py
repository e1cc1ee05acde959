"""What is compiled from any access file, read back, is exactly what the file declares: no point more, no point less."""

from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from itertools import product

from fortigate_helpers import Point
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.zia import LocationSettings, TimeWindow
from pulumi_airlock.proof.sets import matches_name
from zia_helpers import ENVIRONMENTS, both, compiled, judge

NIGHT = {"days": ["mon", "tue"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich"}
ZURICH = LocationSettings(country="SWITZERLAND", tz="SWITZERLAND_EUROPE_ZURICH")
KNOWN = TimeWindow(id=77, days=("mon", "tue"), from_="22:00", to="04:00", timezone="Europe/Zurich")
PLACES = [
    {"hosts": ["api.saas.example"]},
    {"hosts": ["api.saas.example", "*.cdn.example"]},
    {"hosts": ["*.cdn.example"]},
    {"cidrs": ["198.51.100.0/28"]},
    {"hosts": ["sftp.example"], "cidrs": ["198.51.100.4/32", "198.51.100.16/30"]},
]
PORTS = ["443/tcp", "80/tcp", "22/tcp", "8000-8010/tcp", "8005-8015/tcp"]
EXPIRES = date(2027, 6, 30)
PRINCIPALS = [
    {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
    {"name": "var", "dags": ["var_*"], "environment": "risk"},
    {"name": "anywhere", "dags": ["common_*"]},
]


@st.composite
def accesses(draw):
    zones = {"internet": {"gates": ["zia"]}, "elsewhere": {"gates": ["aws_network"]}}
    places = [
        {
            "name": name,
            "zone": draw(st.sampled_from(["internet", "internet", "elsewhere"])),
            **draw(st.sampled_from(PLACES)),
            "ports": draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True)),
        }
        for name in ("one", "two", "three")
    ]
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from(["etl", "var", "anywhere"]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=2, unique=True)),
            "window": draw(st.sampled_from([None, None, NIGHT])),
            "reason": f"FIN-{number}",
        }
        for number in range(draw(st.integers(1, 4)))
    ]
    return Access.model_validate({"principals": PRINCIPALS, "zones": zones, "destinations": places, "routes": routes})


CALLERS = [("finance", "10.40.0.5"), ("risk", "10.40.2.5")]
HOSTS = [
    "api.saas.example",
    "eu.cdn.example",
    "a.b.cdn.example",
    "cdn.example",
    "sftp.example",
    "198.51.100.4",
    "198.51.100.17",
    "8.8.8.8",
]
SERVICES = [(443, "tcp"), (80, "tcp"), (22, "tcp"), (8003, "tcp"), (8012, "tcp"), (443, "udp"), (53, "udp"), (0, "icmp")]
TIMES = [datetime(2026, 11, 24, 2, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 27, 23, tzinfo=UTC)]


def declared(access: Access, point: Point) -> bool:
    """Whether a route allows a point, as far as ZIA tells callers apart: by environment."""
    return any(
        access.principal(who).environment in (None, point.environment)
        and point.environment is not None
        and _at(access.destination(to), point)
        and _open(route, point.at)
        for route in access.routes
        for who in route.from_
        for to in route.to
    )


def _at(place, point: Point) -> bool:
    if place.zone != "internet":
        return False
    named = any(matches_name(host, point.host) for host in place.hosts)
    try:
        here = any(ip_address(point.host) in ip_network(one) for one in place.cidrs)
    except ValueError:
        here = False
    cells = [text.rpartition("/") for text in place.ports]
    ports = any(proto == point.protocol and _in(ports, point.port) for ports, _, proto in cells)
    return (named or here) and ports


def _in(text: str, port: int) -> bool:
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)


def _open(route, at: datetime) -> bool:
    if route.window is None:
        return True
    from zoneinfo import ZoneInfo

    local = at.astimezone(ZoneInfo(route.window.timezone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any(first <= minute < last for first, last in route.window.spans())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accesses(), st.booleans())
def test_exactly_what_is_declared_comes_through(access, preview):
    answers = judge(compiled(access, preview, time_windows=[KNOWN], location=ZURICH))
    for (environment, source), host, (port, protocol), at in product(CALLERS, HOSTS, SERVICES, TIMES):
        point = Point(source, host, port, protocol, environment, None, at)
        if protocol == "icmp" or (environment == "finance" and protocol == "udp"):
            assert answers(point) == "deny"
            continue
        assert answers(point) == ("allow" if declared(access, point) else "deny"), (point, access.routes)


def test_an_expiring_route_ends_with_its_last_day():
    routes = [{"name": "r", "from": ["etl"], "to": ["one"], "expires": EXPIRES, "reason": "X"}]
    places = [{"name": "one", "zone": "internet", "hosts": ["api.saas.example"], "ports": ["443/tcp"]}]
    document = {"principals": PRINCIPALS, "zones": {"internet": {"gates": ["zia"]}}, "destinations": places, "routes": routes}
    stack = compiled(Access.model_validate(document), today=date(2026, 11, 1))
    point = {"source": "10.40.0.5", "host": "api.saas.example", "port": 443}
    assert both(stack, Point(**point, at=datetime(2027, 6, 30, 23, 59, tzinfo=UTC))) == "allow"
    assert both(stack, Point(**point, at=datetime(2027, 7, 1, 0, 0, tzinfo=UTC))) == "deny"


def test_every_environment_of_the_program_is_there():
    assert set(ENVIRONMENTS) == {"finance", "risk"}
