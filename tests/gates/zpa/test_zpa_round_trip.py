"""What is compiled from any access file, read back, is exactly what the file declares: no point more, no point less."""

from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.zpa import CloudConnector, IdentityProvider, MachineGroup, Posture, ZpaGate, read
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Environment
from pulumi_airlock.proof.sets import Hosts
from zpa_helpers import FRANKFURT, Point, decide, run_program

TODAY = date(2026, 11, 26)
WORKLOADS = {
    "finance": CloudConnector(name="cc-finance"),
    "markets": MachineGroup(name="markets"),
    "risk": CloudConnector(group_id="72058304855164528"),
}
ZONES = {
    "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["zpa"]},
    "saas": {"gates": ["zpa"]},
    "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
}
PLACES = {
    "datacenter": [[], ["10.20.4.0/28"], ["10.20.4.3/32", "10.20.5.0/31"], ["10.20.0.0/16"]],
    "saas": [[]],
    "cloud": [["10.99.1.0/24"]],
}
NAMES = [["*.corp.example"], ["api.corp.example"], ["*.eu.corp.example", "api.eu.corp.example"], ["vendor.example"]]
PORTS = ["5432/tcp", "8000-8010/tcp", "8005-8015/tcp", "53/udp", "icmp"]
PRINCIPALS = [
    {"name": "finance-etl", "dags": ["finance_*"], "environment": "finance"},
    {"name": "markets-feed", "dags": ["markets_*"], "environment": "markets"},
    {"name": "anywhere", "dags": ["common_*"]},
    {"name": "analysts", "group": "airflow-finance"},
    {"name": "auditors", "group": "airflow-audit"},
]


@st.composite
def destinations(draw, name):
    zone = draw(st.sampled_from(sorted(ZONES)))
    cidrs = draw(st.sampled_from(PLACES[zone]))
    hosts = draw(st.sampled_from(NAMES)) if not cidrs else draw(st.sampled_from([[], [f"{name}.lab.example"]]))
    ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True))
    return {"name": name, "zone": zone, "cidrs": cidrs, "hosts": hosts, "ports": ports}


@st.composite
def accesses(draw):
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from([one["name"] for one in PRINCIPALS]), min_size=1, max_size=3, unique=True)),
            "to": draw(st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=2, unique=True)),
            "expires": draw(st.sampled_from([None, "2026-11-25", "2030-01-01"])),
            "session": draw(st.sampled_from([None, "15m", "90m", "2d"])),
            "reason": f"FIN-{number}",
        }
        for number in range(draw(st.integers(1, 5)))
    ]
    places = [draw(destinations(name)) for name in ("one", "two", "three")]
    return Access.model_validate({"principals": PRINCIPALS, "zones": ZONES, "destinations": places, "routes": routes})


CALLERS = [
    ("finance", None),
    ("markets", None),
    ("risk", None),
    ("elsewhere", None),
    (None, "airflow-finance"),
    (None, "airflow-audit"),
    (None, None),
]
SERVICES = [(5432, "tcp"), (8003, "tcp"), (8008, "tcp"), (8012, "tcp"), (53, "udp"), (0, "icmp"), (22, "tcp")]
HOSTS = [
    *("10.20.4.3", "10.20.4.4", "10.20.4.16", "10.20.5.1", "10.20.200.1", "8.8.8.8", "10.99.1.5", "2001:db8::1"),
    *("corp.example", "api.corp.example", "db.corp.example", "eu.corp.example", "api.eu.corp.example", "db.eu.corp.example"),
    *("vendor.example", "www.vendor.example", "one.lab.example", "two.lab.example"),
]


def declared(access: Access, point: Point) -> bool:
    """Whether a route of the file allows a point, as far as ZPA tells callers apart: by environment, or by group."""
    return any(
        _is(access.principal(who), point) and _at(access.destination(to), access, point)
        for route in access.routes
        if not route.expired(TODAY)
        for who in route.from_
        for to in route.to
    )


def _is(principal, point: Point) -> bool:
    if principal.group is not None:
        return point.environment is None and point.group == principal.group
    return point.environment in WORKLOADS and principal.environment in (None, point.environment)


def _at(place, access: Access, point: Point) -> bool:
    if "zpa" not in access.zones[place.zone].gates:
        return False
    try:
        address = ip_address(point.host)
        here = any(address in ip_network(one) for one in place.cidrs)
    except ValueError:
        here = any(point.host == one or (one[0] == "*" and point.host.endswith(one[1:])) for one in place.hosts)
    return here and any(protocol == point.protocol and first <= point.port <= last for protocol, first, last in place.services())


def compiled(access, preview, **more):
    def program():
        ZpaGate(
            "zpa",
            access=access,
            connectors={"datacenter": FRANKFURT, "saas": FRANKFURT},
            workloads=WORKLOADS,
            identity_provider=IdentityProvider(name="Okta"),
            today=TODAY,
            **more,
        )

    return list(read(run_program(program, preview)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accesses(), st.booleans(), st.booleans())
def test_reading_what_was_compiled_gives_back_what_was_declared(access, preview, postures):
    found = compiled(access, preview, postures={"*": [Posture(name="managed")]} if postures else {})
    if not any(not route.expired(TODAY) for route in access.routes):
        return
    assert all(one.gate == "zpa" for one in found)
    assert not any(rule.unknown for one in found for rule in one.rules)
    for (environment, group), host, (port, protocol) in product(CALLERS, HOSTS, SERVICES):
        point = Point(host, port, protocol, environment, group)
        verdict = decide(found[0], point) if found else "deny"
        assert verdict == ("allow" if declared(access, point) else "deny"), point


ENVIRONMENTS = [
    Environment(name, f"urn:{name}", Hosts.from_cidr(cidr))
    for name, cidr in (("finance", "10.40.0.0/24"), ("markets", "10.40.1.0/24"), ("risk", "10.40.2.0/24"))
]
WHOLE = [
    {"name": "finance-etl", "dags": ["*"], "environment": "finance"},
    {"name": "markets-feed", "dags": ["*"], "environment": "markets"},
    {"name": "anywhere", "dags": ["*"], "environment": "risk"},
    *PRINCIPALS[3:],
]
"""Each environment with one principal of all its tasks: what ZPA tells apart is then exactly what the file does."""
ALL_ZPA = {
    "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["zpa"]},
    "saas": {"cidrs": ["10.30.0.0/16"], "gates": ["zpa"]},
    "rest": {"cidrs": ["0.0.0.0/0", "::/0"], "gates": ["zpa"]},
}


@st.composite
def proven(draw):
    """Access files of which ZPA is the only gate, and each name has addresses: one that may lie anywhere may lie in a network."""
    places = [
        {
            "name": name,
            "zone": zone,
            "hosts": draw(st.sampled_from([[], [f"{name}.corp.example"]])),
            "cidrs": draw(st.sampled_from([one for one in cidrs if one])),
            "ports": draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True)),
        }
        for name, zone, cidrs in (
            ("one", "datacenter", PLACES["datacenter"]),
            ("two", "datacenter", PLACES["datacenter"]),
            ("three", "saas", [["10.30.1.0/28"], ["10.30.1.4/32"]]),
        )
    ]
    routes = draw(accesses()).model_dump(mode="json", by_alias=True, include={"routes"})["routes"]
    live = [{**one, "expires": None} for one in routes]
    return Access.model_validate({"principals": WHOLE, "zones": ALL_ZPA, "destinations": places, "routes": live})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(proven(), st.booleans())
def test_the_proof_finds_nothing_between_routes_and_what_they_became(access, preview):
    proof = prove(access, ENVIRONMENTS, compiled(access, preview), at=datetime(2026, 11, 26, tzinfo=UTC))
    assert not proof.excess, proof.excess
    assert not proof.blocked, proof.blocked
    assert not proof.unproven, proof.unproven
