"""Airlock's compilers write as few rules as there can be: at most a tenth over a lower bound, on every stack and random routes.

What is asserted, of each filter: rules ≤ 1.1 × the lower bound of `waste`. The bound is not made from what a compiler does: it is
a set of points of which no two fit in one rule of the gate, or the smallest cover by all of its largest rules; both are held
against exhaustive search in tests/proof/test_waste_counts.py. The AWS
bound is exact on each of these route sets; that of the FortiGate need not be, and on nearly all of them is.
"""

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airlock_command import airlock
from fortigate_helpers import run_program
from pulumi_airlock.access import Access
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.aws_network.compile import NetworkPlan, compile_network
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.fortigate import FortigateGate, read
from pulumi_airlock.gates.sources import load_stack
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.shape import Shape, Span
from pulumi_airlock.proof.waste import Count, Waste, waste

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, tzinfo=UTC)
MORE = 1.1

ENVIRONMENTS = {f"env{number}": f"10.40.{number}.0/25" for number in range(4)}
STACK = [Environment(name, f"urn::{name}", Hosts.from_cidr(cidr)) for name, cidr in ENVIRONMENTS.items()]
PORTS = ["5432/tcp", "8000-8010/tcp", "8005-8015/tcp", "8005/tcp", "443/tcp", "444/tcp", "53/udp", "icmp"]
NETWORKS = ["10.20.4.0/24", "10.20.4.10/32", "10.20.4.11/32", "10.20.5.0/28", "10.20.5.16/28", "2001:db8:20::/64"]
WINDOWS = [
    None,
    None,
    {"days": ["mon", "tue"], "from": "02:00", "to": "04:00"},
    {"days": ["mon", "tue"], "from": "02:00", "to": "06:00"},
    {"days": ["mon"], "from": "03:00", "to": "06:00"},
]
LAST_DAYS = [None, None, "2027-06-30", "2031-01-01"]


def access_of(seed: int) -> Access:
    """Routes as they grow over years: overlapping networks, ports, windows, people; from a few to thirty."""
    rng = random.Random(seed)  # noqa: S311
    principals = [
        {"name": f"p{number}", "dags": [f"d{number}_*"], "environment": name} for number, name in enumerate(ENVIRONMENTS)
    ]
    principals += [
        {"name": "common", "dags": ["common_*"]},
        {"name": "desk", "group": "desk", "sources": ["10.60.0.0/24"]},
        {"name": "night", "group": "night", "sources": ["10.60.0.0/24"]},
        {"name": "remote", "group": "desk", "sources": ["10.60.1.0/24", "2001:db8:60::/64"]},
    ]
    destinations = []
    for number in range(rng.randint(2, 9)):
        zone = rng.choice(["datacenter", "datacenter", "partners", "office", "own"])
        networks = {
            "datacenter": [NETWORKS, ["10.20.9.0/25", "10.20.9.128/25"]],
            "partners": [["203.0.113.10/32", "203.0.113.0/28"]],
            "office": [["10.21.0.0/20", "10.21.16.0/20"]],
            "own": [["10.40.0.0/25", "10.40.1.0/26", "10.40.1.64/26"]],
        }
        cidrs = [rng.choice(rng.choice(networks[zone])) for _ in range(rng.randint(1, 2))]
        named = rng.random() < 0.2
        destinations.append(
            {
                "name": f"t{number}",
                "zone": zone,
                "cidrs": [] if named else list(dict.fromkeys(cidrs)),
                "hosts": [f"t{number}.corp.example"] if named else [],
                "ports": rng.sample(PORTS, rng.randint(1, 3)),
            }
        )
    names = [one["name"] for one in destinations]
    routes = [
        {
            "name": f"r{number}",
            "from": rng.sample([one["name"] for one in principals], rng.randint(1, 3)),
            "to": rng.sample(names, rng.randint(1, min(3, len(names)))),
            "window": rng.choice(WINDOWS),
            "expires": rng.choice(LAST_DAYS),
            "reason": "test",
        }
        for number in range(rng.choice([3, 8, 15, 30]))
    ]
    gates = ["aws_network", "fortigate"]
    zones = {
        "datacenter": {"cidrs": ["10.20.0.0/16", "2001:db8:20::/48"], "gates": gates},
        "partners": {"cidrs": ["203.0.113.0/26"], "gates": gates},
        "office": {"cidrs": ["10.21.0.0/17", "10.21.128.0/17"], "gates": gates},
        "own": {"cidrs": ["10.40.0.0/20"], "gates": ["aws_network"]},
    }
    document = {"principals": principals, "zones": zones, "destinations": destinations, "routes": routes}
    return Access.model_validate({**document, "routes": [one for one in routes if _has_a_way(one, principals, destinations)]})


def _has_a_way(route: dict, principals: list[dict], destinations: list[dict]) -> bool:
    """Whether each of its principals has an address of a family that each of its destinations has: else compilers refuse it."""
    for destination in (one for one in destinations if one["name"] in route["to"]):
        six = bool(destination["cidrs"]) and all(":" in one for one in destination["cidrs"])
        if six and any(":" not in str(one.get("sources", "")) for one in principals if one["name"] in route["from"]):
            return False
    return True


@dataclass(frozen=True)
class Network:
    environment: str
    vpc_cidr: str = "10.40.0.0/20"

    @property
    def subnet_cidrs(self) -> tuple[str, ...]:
        return (ENVIRONMENTS[self.environment],)


def filters_of(plan: NetworkPlan) -> list[Filter]:
    """What the plan of the AWS network lets through, as its readers would say it."""
    shape = Shape(Span.NETWORK, Span.NETWORK, Span.RANGE)
    found = []
    for name in ENVIRONMENTS:
        out = [one for one in plan.permissions if one.environment == name and not one.ingress]
        into = [one for one in plan.permissions if one.environment == name and one.ingress]
        rules = tuple(
            Rule(Action.ALLOW, Match(hosts=Hosts.from_cidr(one.peer), services=_services(one)), Source(one.key)) for one in out
        )
        scope = Match(who=Who(environments=frozenset({name})))
        found.append(Filter("aws", f"{name} egress", Combine.ANY_ALLOW, Action.DENY, rules, name, scope=scope, shape=shape))
        rules = tuple(Rule(Action.ALLOW, Match(_peer(one.peer), services=_services(one)), Source(one.key)) for one in into)
        scope = Match(Who(outside=frozenset({name})), Hosts.from_cidr(ENVIRONMENTS[name]))
        found.append(Filter("aws", f"{name} ingress", Combine.ANY_ALLOW, Action.DENY, rules, name, scope=scope, shape=shape))
        entries = [one for one in plan.entries if one.environment == name]
        rules = tuple(Rule(Action.ALLOW, Match(hosts=Hosts.from_cidr(one.cidr)), Source(one.key)) for one in entries)
        table = Shape(hosts=Span.NETWORK, nouns=("route", "routes"))
        found.append(Filter("aws", f"{name} routes", Combine.ANY_ALLOW, Action.DENY, rules, name, Kind.ROUTING, shape=table))
    return found


def _peer(peer) -> Who:
    return Who(environments=frozenset({peer})) if isinstance(peer, str) else Who(sources=Hosts.from_cidr(peer))


def _services(one) -> Services:
    return Services.of(one.protocol) if one.first in (None, -1) else Services.of(one.protocol, one.first, one.last)


def lean(one: Count) -> bool:
    return one.rules <= MORE * one.least


def messages(found: Waste) -> list[str]:
    """What is told of a gate's rules; routes that are drawn at random may well cover each other."""
    return [one.message for one in (*found.shadowed, *found.redundant, *found.mergeable, *found.vacuous)]


@pytest.mark.parametrize("seed", range(40))
def test_the_aws_network_gets_the_fewest_rules(seed):
    access = access_of(seed)
    networks = [Network(name) for name in ENVIRONMENTS]
    zones = {"datacenter": "tgw", "partners": "tgw", "office": "tgw"}
    plan = compile_network(access, "aws_network", networks, gateways=zones, max_rules=1000, max_routes=1000)
    found = waste(access, STACK, filters_of(plan), at=AT)

    assert sum(one.rules for one in found.counts) > 0
    assert messages(found) == []
    for count in found.counts:
        assert count.exact, count.message
        assert lean(count), count.message


def fortigate_waste(seed: int) -> Waste:
    access = access_of(seed)

    def program():
        FortigateGate(
            "fortigate",
            access=access,
            sources={name: [cidr] for name, cidr in ENVIRONMENTS.items()},
            tunnel_interface="vpn",
            interfaces={"datacenter": "port3", "partners": "port5", "office": "port6"},
            people_interface="port9",
        )

    return waste(access, STACK, list(read(run_program(program))), at=AT)


def test_a_fortigate_gets_the_fewest_policies():
    counts = []
    for seed in range(30):
        found = fortigate_waste(seed)
        (count,) = found.counts
        assert messages(found) == [], seed
        assert lean(count), (seed, count.message)
        counts.append(count)

    assert sum(one.exact for one in counts) >= 0.9 * len(counts)


@pytest.mark.parametrize("stack", ["dev-mwaa", "prod-mwaa"])
def test_every_stack_of_the_repository_has_the_fewest_rules(stack, tmp_path):
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    run = airlock("preview", "--stack", stack, "--no-policy-packs", "--json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    (tmp_path / "preview.json").write_text(run.stdout)
    resources = load_stack(tmp_path / "preview.json")
    reading = read_all(resources)
    found = waste(declared_access(resources), reading.environments, reading.written, at=AT)

    assert len(found.counts) > 20
    assert [*found.shadowed, *found.redundant, *found.routes, *found.vacuous] == []
    for count in found.counts:
        assert lean(count), count.message
