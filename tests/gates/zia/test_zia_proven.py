"""What is compiled from any access file is proven to be what it declares, by proxy and tunnel; changes by hand are found."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.gates.zia import read
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts, Services
from zia_helpers import FINANCE, FIREWALL, URL, compiled

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
PROXY = Hosts.from_cidrs(FINANCE.cidrs)
PORTS = Services.of("tcp", 10101, 10103)
SUBNETS = {"finance": "10.40.0.0/26", "risk": "10.40.2.0/25"}
PLACES = {
    "one": {"hosts": ["api.saas.example"], "cidrs": ["198.51.100.1/32"]},
    "two": {"hosts": ["files.saas.example", "eu.cdn.example"], "cidrs": ["198.51.100.16/28"]},
    "three": {"cidrs": ["198.51.100.128/25"]},
}
NAMED = {
    "one": {"hosts": ["api.saas.example"]},
    "two": {"hosts": ["files.saas.example", "*.cdn.example"]},
    "three": {"hosts": ["*.lake.example", "lake.example"]},
}
WAYS = ["443/tcp", "80/tcp", "22/tcp", "8000-8010/tcp"]


@st.composite
def accesses(draw):
    known = draw(st.sampled_from([PLACES, NAMED]))
    ports = st.lists(st.sampled_from(WAYS), min_size=1, max_size=2, unique=True)
    places = [{"name": name, "zone": "internet", **place, "ports": draw(ports)} for name, place in known.items()]
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from(["etl", "var"]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=2, unique=True)),
            "reason": f"FIN-{number}",
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    return access(places, routes)


def access(places, routes):
    return Access.model_validate(
        {
            "environments": [{"name": "finance", "dags": ["fin_*"]}, {"name": "risk", "dags": ["var_*"]}],
            "principals": [
                {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
                {"name": "var", "dags": ["var_*"], "environment": "risk"},
            ],
            "zones": {
                "internet": {"cidrs": ["198.51.100.0/24"], "gates": ["zia"]},
                "zscaler": {"cidrs": list(FINANCE.cidrs), "gates": ["aws"]},
            },
            "destinations": places,
            "routes": routes,
        }
    )


def egress(name: str, *more: Match) -> Filter:
    """An environment's security group: finance reaches its proxy alone; risk whatever the tunnel carries."""
    who = Who(environments=frozenset({name}))
    open_ = [Match(hosts=PROXY, services=PORTS)] if name == "finance" else [Match()]
    rules = tuple(Rule(Action.ALLOW, one, Source(f"urn::{name}")) for one in (*open_, *more))
    scope = Match(who=who)
    return Filter(
        "aws", f"security group {name}", Combine.ANY_ALLOW, Action.DENY, rules, f"urn::{name}", scope=scope, always=True
    )


def proven(declared: Access, stack: Stack, *more: Match):
    found = [*read(stack), egress("finance", *more), egress("risk")]
    own = {"finance": (Match(hosts=PROXY, services=PORTS),), "risk": ()}
    here = [Environment(name, f"urn::{name}", Hosts.from_cidr(cidr), own[name]) for name, cidr in SUBNETS.items()]
    # What risk reaches within the VPC and beyond is not what is asked here: its security group is open, and stands alone there.
    return prove(declared, here, carried(declared, found), at=AT, around=tuple(around(declared, found)))


def at_the_gate(findings):
    """Findings about the destinations behind ZIA."""
    return [one for one in findings if "outside of every zone" not in one.message and "zscaler" not in one.message]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accesses(), st.booleans())
def test_what_is_declared_is_proven(declared, preview):
    proof = proven(declared, compiled(declared, preview))
    for findings in (proof.excess, proof.blocked, proof.unproven):
        assert [one.message for one in at_the_gate(findings)] == []


PLAIN = access(
    [{"name": name, "zone": "internet", **place, "ports": ["443/tcp"]} for name, place in PLACES.items()],
    [{"name": "orders", "from": ["etl"], "to": ["one"], "reason": "FIN-1"}],
)


def changed(stack: Stack, kind: str, name: str, **properties) -> Stack:
    """The stack after somebody changed one rule by hand."""
    return Stack(
        replace(one, properties={**one.properties, **properties}) if (one.type, one.name) == (kind, name) else replace(one)
        for one in stack.resources
    )


def test_a_rule_that_blocks_no_more_is_excess():
    stack = compiled(PLAIN, preview=False)
    both = changed(changed(stack, FIREWALL, "zia-block-firewall", action="ALLOW"), URL, "zia-block-url", state="DISABLED")
    found = at_the_gate(proven(PLAIN, both).excess)
    assert any("zia-block-firewall" in str(one.path) for one in found), found


def test_a_destination_taken_out_of_a_group_is_blocked():
    stack = changed(compiled(PLAIN, preview=False), FIREWALL, "zia-one-firewall", action="BLOCK_DROP")
    (found,) = at_the_gate(proven(PLAIN, stack).blocked)
    assert "etl" in found.message


def test_an_environment_around_zscaler_is_found():
    stack = compiled(PLAIN, preview=False)
    assert not at_the_gate(proven(PLAIN, stack).excess)
    direct = Match(hosts=Hosts.from_cidr("198.51.100.0/24"), services=Services.of("tcp", 443, 443))
    found = at_the_gate(proven(PLAIN, stack, direct).excess)
    assert any(one.message.startswith("around zia: etl") for one in found), [one.message for one in found]
