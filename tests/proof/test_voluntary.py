"""A gate that callers may leave out, as it stands in their own pod: what they get to without it has to be declared as well."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, prove
from pulumi_airlock.proof.difference import Case, difference, with_ways
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who, Workloads
from pulumi_airlock.proof.relays import around
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Times, Weekly

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
NIGHT: Times = (frozenset({Weekly(((0, 240),), "UTC")}),)
DOCUMENT: dict[str, Any] = {
    "principals": [{"name": "etl", "dags": ["etl_*"], "environment": "finance"}],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["beside", "network"]}},
    "destinations": [
        {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
        {"name": "ledger", "zone": "datacenter", "cidrs": ["10.20.4.20/32"], "ports": ["5432/tcp"]},
    ],
    "routes": [{"name": "etl", "from": ["etl"], "to": ["warehouse"], "reason": "T"}],
}
ACCESS = Access.model_validate(DOCUMENT)
HERE = [Environment("finance", "urn::finance", Hosts.from_cidr("10.60.0.0/24"), (), Workloads((("etl", "air/etl"),), "air/rest"))]


def gate(name: str, *cidrs: str, times: Times = (), voluntary: bool = False) -> Filter:
    match = Match(Who(workloads=frozenset({"air/etl"})), services=Services.of("tcp", 5432, 5432), times=times)
    rules = tuple(
        Rule(Action.ALLOW, replace(match, hosts=Hosts.from_cidr(one)), Source(f"urn::{name}", label=one)) for one in cidrs
    )
    found = Filter(name, name, Combine.ANY_ALLOW, Action.DENY, rules, f"urn::{name}", voluntary=voluntary)
    return replace(found, scope=Match(Who(environments=frozenset({"finance"}))), always=not voluntary)


def proven(*filters: Filter, access: Access = ACCESS) -> Proof:
    return prove(access, HERE, filters, at=AT, around=tuple(around(access, filters)))


def test_what_the_network_keeps_as_well_is_proven() -> None:
    assert proven(gate("beside", "10.20.4.10/32", voluntary=True), gate("network", "10.20.4.10/32")).ok


def test_what_it_alone_refuses_is_excess_around_it() -> None:
    both = ("10.20.4.10/32", "10.20.4.20/32")
    found = proven(gate("beside", "10.20.4.10/32", voluntary=True), gate("network", *both))
    assert [one.destinations for one in found.excess] == [("ledger",)]
    assert found.excess[0].message.startswith("around beside: etl")
    kept = replace(gate("beside", "10.20.4.10/32", voluntary=True), voluntary=False)
    assert proven(kept, gate("network", *both)).ok, "as a gate that nobody leaves out"


def test_a_window_that_it_alone_keeps_is_excess_outside_of_it() -> None:
    night = [{**DOCUMENT["routes"][0], "window": {"days": ["mon"], "from": "00:00", "to": "04:00", "timezone": "UTC"}}]
    access = Access.model_validate({**DOCUMENT, "routes": night})
    beside = gate("beside", "10.20.4.10/32", times=NIGHT, voluntary=True)
    assert not proven(beside, gate("network", "10.20.4.10/32"), access=access).ok
    assert proven(beside, gate("network", "10.20.4.10/32", times=NIGHT), access=access).ok


def test_a_route_that_is_blocked_by_it_is_blocked_although_one_may_go_around() -> None:
    found = proven(gate("beside", voluntary=True), gate("network", "10.20.4.10/32"))
    assert [one.routes for one in found.blocked] == [("etl",)]


def test_a_new_route_is_one_difference_and_what_nobody_declared_another() -> None:
    more = [*DOCUMENT["routes"], {"name": "more", "from": ["etl"], "to": ["ledger"], "reason": "T"}]
    wider = Access.model_validate({**DOCUMENT, "routes": more})
    old = (gate("beside", "10.20.4.10/32", voluntary=True), gate("network", "10.20.4.10/32"))
    both = ("10.20.4.10/32", "10.20.4.20/32")
    new = (gate("beside", *both, voluntary=True), gate("network", *both))

    def told(access: Access, after: tuple[Filter, ...]) -> list[str]:
        sides = [Case(ACCESS, HERE, old), Case(access, HERE, after)]
        ways = [(tuple(HERE), tuple(around(one.access, one.filters))) for one in sides]
        return [one.message for one in with_ways(difference(*sides, at=AT), *ways, at=AT).findings]

    assert len(told(wider, new)) == 1
    undeclared = told(ACCESS, (old[0], new[1]))
    assert [one.startswith("around beside: ") for one in undeclared] == [True]
