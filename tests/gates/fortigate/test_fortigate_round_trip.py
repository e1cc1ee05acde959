"""What is compiled from any access file, read back, is exactly what the file declares: no point more, no point less."""

from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from itertools import product

from fortigate_helpers import Point, decide, run_program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.fortigate import FortigateGate, SamlIdentity, read
from pulumi_airlock.gates.fortigate.plan import DAYS as DAY_NAMES

DAYS = list(DAY_NAMES)
SOURCES = {"finance": ["10.40.0.0/26", "2001:db8:40::/64"], "markets": ["10.40.1.0/26"], "risk": ["10.40.2.0/25", "10.40.4.0/26"]}
INTERFACES = {"datacenter": "port3", "partners": ("port5", "port6"), "lab": "port4"}
ZONES = {
    "datacenter": {"cidrs": ["10.20.0.0/16", "2001:db8:20::/48"], "gates": ["fortigate"]},
    "partners": {"cidrs": ["203.0.113.0/26"], "gates": ["fortigate"]},
    "lab": {"cidrs": ["10.20.99.0/24"], "gates": ["fortigate"]},
    "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
}
PLACES = {
    "datacenter": [["10.20.4.0/28"], ["10.20.4.16/32", "10.20.5.0/31"], ["10.20.4.0/28", "2001:db8:20::/64"]],
    "partners": [["203.0.113.10/32"]],
    "lab": [["10.20.99.0/28"]],
    "cloud": [["10.99.1.0/24"]],
}
PORTS = ["5432/tcp", "8000-8010/tcp", "8005-8015/tcp", "53/udp", "icmp"]
PEOPLE_SOURCES = [(), ("10.60.8.0/22",), ("10.60.8.0/24", "2001:db8:60::/64")]
SAML = SamlIdentity(
    portal="https://fw.corp.example:1003",
    idp_entity_id="https://bank.okta.example",
    idp_single_sign_on_url="https://bank.okta.example/sso",
    idp_certificate="okta",
    group_values={"airflow-audit": "00000000-0000-0000-0000-00000000a0d1"},
)
EXPIRES = date(2027, 6, 30)

WINDOWS = st.none() | st.builds(
    lambda days, start, end: {"days": sorted(days, key=DAYS.index), "from": start, "to": end},
    st.sets(st.sampled_from(["mon", "tue", "sun"]), min_size=1),
    st.sampled_from(["00:00", "02:00", "22:00"]),
    st.sampled_from(["01:00", "04:00", "23:30"]),
)
PRINCIPALS = st.fixed_dictionaries(
    {
        "finance-etl": st.just({"dags": ["finance_*"], "environment": "finance"}),
        "markets-feed": st.just({"dags": ["markets_*"], "environment": "markets"}),
        "anywhere": st.just({"dags": ["common_*"]}),
        "analysts": st.sampled_from(PEOPLE_SOURCES).map(lambda cidrs: {"group": "airflow-finance", "sources": list(cidrs)}),
        "auditors": st.sampled_from(PEOPLE_SOURCES).map(lambda cidrs: {"group": "airflow-audit", "sources": list(cidrs)}),
    }
)


@st.composite
def destinations(draw, name):
    zone = draw(st.sampled_from(sorted(ZONES)))
    cidrs = draw(st.sampled_from([*PLACES[zone], []]))
    ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True))
    return {"name": name, "zone": zone, "cidrs": cidrs, "hosts": [] if cidrs else [f"{name}.corp.example"], "ports": ports}


@st.composite
def accesses(draw):
    principals = [{"name": name, **one} for name, one in draw(PRINCIPALS).items()]
    places = [draw(destinations(name)) for name in ("one", "two", "three")]
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from([one["name"] for one in principals]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=2, unique=True)),
            "window": draw(WINDOWS),
            "expires": draw(st.sampled_from([None, EXPIRES])),
            "reason": f"FIN-{number}",
        }
        for number in range(draw(st.integers(1, 5)))
    ]
    document = {"principals": principals, "zones": ZONES, "destinations": places, "routes": routes}
    return Access.model_validate(document)


CALLERS = [
    ("finance", None, "10.40.0.5"),
    ("finance", None, "2001:db8:40::5"),
    ("markets", None, "10.40.1.5"),
    ("risk", None, "10.40.4.5"),
    (None, "airflow-finance", "10.60.8.5"),
    (None, "airflow-finance", "10.60.9.5"),
    (None, "airflow-audit", "2001:db8:60::5"),
    (None, "airflow-audit", "192.0.2.1"),
    (None, None, "10.60.8.5"),
    (None, None, "192.0.2.1"),
]
SERVICES = [(5432, "tcp"), (8003, "tcp"), (8008, "tcp"), (8012, "tcp"), (53, "udp"), (0, "icmp"), (22, "tcp")]
HOSTS = [
    "10.20.4.3",
    "10.20.4.16",
    "10.20.4.17",
    "10.20.5.1",
    "2001:db8:20::9",
    "203.0.113.10",
    "203.0.113.11",
    "10.20.99.4",
    "8.8.8.8",
]
TIMES = [datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hour, minutes=30) for hour in (2, 22, 24, 26, 47, 48, 98)] + [
    datetime(2027, 6, 29, 22, tzinfo=UTC),
    datetime(2027, 7, 1, tzinfo=UTC),
]


def declared(access: Access, point: Point) -> bool:
    """Whether a route of the file allows a point, as far as a FortiGate tells callers apart: by environment, or by group."""
    principals = {one.name: one for one in access.principals}
    places = {one.name: one for one in access.destinations}
    return any(
        _is(principals[who], point) and _at(places[to], access, point) and _open(route, point.at)
        for route in access.routes
        for who in route.from_
        for to in route.to
    )


def _is(principal, point: Point) -> bool:
    if principal.group is None:
        return point.environment is not None and principal.environment in (None, point.environment)
    inside = not principal.sources or any(ip_address(point.source) in ip_network(one) for one in principal.sources)
    return point.environment is None and point.group == principal.group and inside


def _at(place, access: Access, point: Point) -> bool:
    if "fortigate" not in access.zones[place.zone].gates:
        return False
    here = point.host in place.hosts or (
        not point.host.endswith("example") and any(ip_address(point.host) in ip_network(one) for one in place.cidrs)
    )
    return here and any(_port(text, point) for text in place.ports)


def _port(text: str, point: Point) -> bool:
    ports, _, protocol = text.rpartition("/")
    first, _, last = ports.partition("-")
    return protocol == point.protocol and (not ports or int(first) <= point.port <= int(last or first))


def _open(route, at: datetime) -> bool:
    if route.expires is not None and at.date() > route.expires:
        return False
    if route.window is None:
        return True
    for back in (0, 1):
        day = (at - timedelta(days=back)).replace(hour=0, minute=0)
        hours = [timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (route.window.from_, route.window.to)]
        end = hours[1] + timedelta(days=1) if hours[1] <= hours[0] else hours[1]
        if DAYS[day.weekday()] in route.window.days and day + hours[0] <= at < day + end:
            return True
    return False


def points(access: Access):
    names = [host for one in access.destinations for host in one.hosts]
    for (environment, group, source), host, (port, protocol), at in product(CALLERS, HOSTS + names, SERVICES, TIMES):
        if host.endswith("example") or (":" in host) == (":" in source):
            yield Point(source, host, port, protocol, environment, group, at)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accesses(), st.booleans(), st.booleans())
def test_reading_what_was_compiled_gives_back_what_was_declared(access, preview, signing_in):
    def program():
        FortigateGate(
            "fortigate",
            access=access,
            sources=SOURCES,
            tunnel_interface=["vpn-1", "vpn-2"],
            interfaces=INTERFACES,
            people_interface="port2",
            saml=SAML if signing_in else None,
        )

    found = list(read(run_program(program, preview)))
    assert [one.gate for one in found] == ["fortigate"]
    assert not any(rule.unknown for rule in found[0].rules)
    for point in points(access):
        assert decide(found[0], point) == ("allow" if declared(access, point) else "deny"), point
