"""A company's access file: teams, people, destinations in several zones, and routes between them, at random.

Drawn so that it can be enforced exactly by gates that each see only a part: a destination whose routes name HTTP requests has
none with a window, since no gate of the chain sees requests and windows at once.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_airlock.proof.filters import Environment, Match
from pulumi_airlock.proof.sets import Hosts

ENVIRONMENTS = 20
CENTRES = {f"centre-{letter}": number for letter, number in zip("abcd", (64, 80, 96, 112), strict=True)}
"""Data centres by the second byte of their 10.x.0.0/12."""
SAAS, EDGE = "100.64.0.0/16", "198.18.0.0/16"
ZONES: dict[str, dict[str, Any]] = {
    **{
        name: {
            "cidrs": [f"10.{number}.0.0/12", f"2001:db8:{number}::/48"],
            "gates": ["fortigate", "zpa", "cilium", "mesh", "proxy"],
        }
        for name, number in CENTRES.items()
    },
    "saas": {"cidrs": [SAAS], "gates": ["zpa", "cilium", "mesh", "proxy"]},
    "edge": {"cidrs": [EDGE], "gates": ["fortigate", "proxy"]},
}

_PORTS = (
    ["5432/tcp"],
    ["443/tcp"],
    ["1521/tcp"],
    ["9092-9094/tcp"],
    ["3306/tcp"],
    ["80/tcp", "443/tcp"],
    ["6379/tcp"],
    ["53/tcp", "53/udp"],
    ["1433/tcp"],
    ["8000-8010/tcp"],
    ["27017/tcp"],
    ["10000-10100/tcp"],
)
_WINDOWS: tuple[dict[str, Any], ...] = (
    {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "02:00", "to": "04:00"},
    {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:00", "to": "19:00", "timezone": "Europe/Zurich"},
    {"from": "22:00", "to": "03:00", "timezone": "Europe/Zurich"},
    {"days": ["sat", "sun"]},
    {"from": "01:00", "to": "05:30", "timezone": "America/New_York"},
    {"days": ["sun"], "from": "20:00", "to": "02:00", "timezone": "Asia/Singapore"},
)
_EXPIRIES = ("2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31", "2027-12-31")
_RUNS = ("e00_t0000_close", "e01_t0001_close", "e02_t0002_close")
_REQUESTS = (
    [{"methods": ["GET"], "paths": ["/v1/*"]}],
    [{"methods": ["GET", "HEAD"]}],
    [{"methods": ["POST"], "paths": ["/v1/orders", "/v1/payments"]}],
    [{"methods": ["GET"], "paths": ["/v2/*", "/health"]}, {"methods": ["PUT"], "paths": ["/v2/jobs/*"]}],
)


@dataclass(frozen=True)
class Company:
    """The access file as plain data, and the environments as a stack would have them."""

    document: dict[str, Any]
    environments: list[Environment]


def company(routes: int, rng: random.Random, count: int | None = None) -> Company:
    """So many routes; `count` principals, or a twentieth as many, 1,000 at most; a fifth as many destinations."""
    principals = list(_principals(count or min(1_000, max(ENVIRONMENTS, routes // 20)), rng))
    destinations = list(_destinations(max(10, routes // 5), rng))
    document = {
        "environments": [{"name": _environment(one), "dags": [f"e{one:02}_*", "shared_*"]} for one in range(ENVIRONMENTS)],
        "principals": principals,
        "zones": ZONES,
        "destinations": destinations,
        "routes": [_route(number, principals, destinations, rng) for number in range(routes)],
    }
    return Company(document, [_airflow(one) for one in range(ENVIRONMENTS)])


def _environment(number: int) -> str:
    return f"env-{number:02}"


def _airflow(number: int) -> Environment:
    subnets = Hosts.from_cidrs([f"10.{number}.0.0/20", f"2001:db8:{0xA00 + number:x}::/64"])
    return Environment(_environment(number), f"urn::{_environment(number)}", subnets, (Match(hosts=subnets),))


def _principals(count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Teams, one in ten of them with tasks of its own beside; and people, one in ten."""
    known: list[str] = []
    for number in range(count):
        where = number % ENVIRONMENTS
        dags = f"e{where:02}_t{number:04}_*"
        if number % 10 == 9:
            office = [f"172.{16 + number // 256}.{number % 256}.0/24", f"2001:db8:ac:{number:x}::/64"]
            yield {"name": f"people-{number:04}", "group": f"airflow-{number:04}", "sources": office}
        elif number % 10 == 8 and known:
            # A part of another team's tasks: these are both principals at once.
            other = rng.choice(known)
            yield {"name": f"team-{number:04}", "dags": [other], "tasks": ["load_*"], "environment": f"env-{other[1:3]}"}
        else:
            known.append(dags)
            yield {"name": f"team-{number:04}", "dags": [dags], "environment": _environment(where)}


def _destinations(count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    used = dict.fromkeys(CENTRES, 16)
    saas = edge = 16
    for number in range(count):
        one: dict[str, Any] = {"name": f"to-{number:05}", "ports": _ports(rng)}
        kind = rng.random()
        if kind < 0.08:
            saas += 1
            one |= {"zone": "saas", "hosts": [f"app-{number}.saas.example"], "ports": ["443/tcp"], "protocol": "https"}
        elif kind < 0.12:
            edge += 1 + rng.randrange(2)
            one |= {"zone": "edge", "cidrs": [_text(198 << 24 | 18 << 16, edge, 32)]}
        else:
            zone = rng.choice([*CENTRES])
            used[zone], cidrs = _placed(zone, used[zone], rng)
            one |= {"zone": zone, "cidrs": cidrs}
            # Names with one network alone: gates with a rule for each address cannot be shown to hold a name that has several.
            if len(cidrs) == 1 and rng.random() < 0.5:
                one["hosts"] = [f"host-{number}.{zone}.corp.example"]
            if rng.random() < 0.15:
                one |= {"ports": ["443/tcp"], "protocol": "https"}
        yield one


def _ports(rng: random.Random) -> list[str]:
    return [f"{rng.randrange(20000, 20400)}/tcp"] if rng.random() < 0.2 else rng.choice(_PORTS)


def _placed(zone: str, used: int, rng: random.Random) -> tuple[int, list[str]]:
    """The next free addresses of a data centre, with gaps: a host, some hosts, a subnet, or hosts with IPv6."""
    base, kind = 10 << 24 | CENTRES[zone] << 16, rng.random()
    used += rng.choice((1, 1, 1, 2, 5))
    six = f"2001:db8:{CENTRES[zone]}::{used:x}/128"
    if kind < 0.7:
        return used, [_text(base, used, 32)]
    if kind < 0.8:
        return used + 4, [_text(base, used + 2 * each, 32) for each in range(3)]
    if kind < 0.9:
        start = (used + 15) // 16 * 16
        return start + 15, [_text(base, start, 28)]
    return used, [_text(base, used, 32), six] if kind < 0.97 else [six]


def _text(base: int, offset: int, length: int) -> str:
    value = base + offset
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}/{length}"


def _route(
    number: int, principals: list[dict[str, Any]], destinations: list[dict[str, Any]], rng: random.Random
) -> dict[str, Any]:
    chosen = rng.sample(principals, rng.choice((1, 1, 1, 1, 2)))
    first = rng.choice(destinations)
    web = first.get("protocol") == "https"
    to = [first]
    if rng.random() < 0.3:
        to += [one for one in rng.sample(destinations, 1) if one is not first and (one.get("protocol") == "https") == web]
    names = [one["name"] for one in chosen]
    route: dict[str, Any] = {"name": f"route-{number:06}", "from": names, "to": [one["name"] for one in to], "reason": "bench"}
    if web:
        return route | ({"http": rng.choice(_REQUESTS)} if rng.random() < 0.6 else {})
    when = rng.random()
    if when < 0.1:
        route["window"] = rng.choice(_WINDOWS)
    elif when < 0.11:
        route["window"] = {"dagrun": rng.choice(_RUNS)}
    if rng.random() < 0.05:
        route["expires"] = rng.choice(_EXPIRIES)
    return route
