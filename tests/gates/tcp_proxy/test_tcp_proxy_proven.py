"""The proof of a stack with the proxy: it tells tasks apart, and what somebody changes there by hand is found."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import read
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.findings import Ground
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts, Services
from tcp_proxy_program import ACCESS, SUBNETS, compiled, fargate

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
TASKS = Hosts.from_cidr("10.40.0.0/26")
PROXY = Hosts.from_cidrs(one.cidr for one in SUBNETS)
S3 = "aws:s3/bucketObjectv2:BucketObjectv2"


def group(name: str, scope: Who, *open_: Match) -> Filter:
    """A security group of the VPC, as the gate `aws` has them."""
    rules = tuple(Rule(Action.ALLOW, one, Source(f"urn::{name}")) for one in open_)
    scoped = Match(who=scope)
    return Filter("aws", name, Combine.ANY_ALLOW, Action.DENY, rules, f"urn::{name}", scope=scoped, always=True)


def proven(stack: Stack, *more: Match) -> Any:
    """Tasks reach the proxy alone (and whatever else is open to them)."""
    to_proxy = Match(hosts=PROXY, services=Services.of("tcp", 8443, 8443))
    tasks = group("tasks", Who(environments=frozenset({"finance"})), to_proxy, *more)
    filters = [tasks, *read(stack)]
    entry = next(relay.entry for one in filters for relay in one.relays)
    assert entry is not None
    environment = Environment("finance", "urn::finance", TASKS, (entry,))
    return prove(ACCESS, [environment], carried(ACCESS, filters), at=AT, around=tuple(around(ACCESS, filters)))


def edited(stack: Stack, file: str, edit: Any) -> Stack:
    def change(one: Resource) -> Resource:
        if one.type != S3 or not str(one.get("key")).endswith(file):
            return one
        document = json.loads(one.get("content"))
        edit(document)
        properties: Mapping[str, Any] = {**one.properties, "content": json.dumps(document)}
        return replace(one, properties=properties)

    return Stack([change(one) for one in stack.resources])


def hosts(document: Any) -> Any:
    return document["resources"][0]["virtual_hosts"]


def test_what_is_compiled_is_proven() -> None:
    found = proven(compiled(fargate()))
    assert not [one.message for one in (*found.excess, *found.blocked, *found.unproven)]
    assert all(one.passed for one in found.expectations)


def test_a_task_that_nobody_declared_is_excess() -> None:
    def wider(document: Any) -> None:
        for one in hosts(document)[0]["typed_per_filter_config"].values():
            text = json.dumps(one["rbac"])
            one["rbac"] = json.loads(text.replace('"prefix": "finance_"', '"prefix": "finan"').replace('"load_"', '"l"'))

    found = proven(edited(compiled(fargate()), "targets.json", wider))
    assert not found.ok
    assert {name for one in found.excess for name in one.destinations} == {"warehouse"}


def test_a_route_that_the_proxy_does_not_know_is_blocked() -> None:
    def gone(document: Any) -> None:
        hosts(document).pop(0)

    found = proven(edited(compiled(fargate()), "targets.json", gone))
    assert [one.routes for one in found.blocked] == [("etl-warehouse",)]


def test_a_window_that_is_wider_than_declared_is_excess() -> None:
    def always(document: Any) -> None:
        for host in hosts(document):
            for one in host["typed_per_filter_config"].values():
                for policy in one.get("rbac", {}).get("rules", {}).get("policies", {}).values():
                    policy.pop("condition", None)

    def open_(document: Any) -> None:
        always(document)
        for host in hosts(document):
            host["typed_per_filter_config"].pop("airlock.deny", None)

    found = proven(edited(compiled(fargate()), "targets.json", open_))
    assert {name for one in found.excess for name in one.destinations} == {"ledger-db"}


def test_a_way_around_the_proxy_is_found() -> None:
    direct = Match(hosts=Hosts.from_cidr("10.20.4.10/32"), services=Services.of("tcp", 5432, 5432))
    assert not proven(compiled(fargate()), direct).ok


def test_another_environment_that_goes_past_the_proxy_is_found() -> None:
    """The proxy knows nobody of it, and cannot refuse what never comes there."""
    to_proxy = Match(hosts=PROXY, services=Services.of("tcp", 8443, 8443))
    direct = Match(hosts=Hosts.from_cidr("10.20.4.10/32"), services=Services.of("tcp", 5432, 5432))
    for way, expected in (((), set()), ((direct,), {"warehouse"})):
        filters = [
            group("tasks", Who(environments=frozenset({"finance"})), to_proxy),
            group("others", Who(environments=frozenset({"risk"})), *way),
            *read(compiled(fargate())),
        ]
        entry = next(relay.entry for one in filters for relay in one.relays)
        assert entry is not None
        here = [
            Environment("finance", "urn::finance", TASKS, (entry,)),
            Environment("risk", "urn::risk", Hosts.from_cidr("10.40.2.0/25")),
        ]
        found = prove(ACCESS, here, carried(ACCESS, filters), at=AT, around=tuple(around(ACCESS, filters)))
        assert {name for one in found.excess for name in one.destinations} == expected
        assert all(one.message.startswith("around tcp-proxy: any other DAG of risk") for one in found.excess)


def test_a_proof_says_what_an_identity_is_worth() -> None:
    said = [one.message for one in proven(compiled(fargate())).assumptions if one.ground is Ground.IDENTITY]
    word = "takes the word of https://abc.tokens.sts.global.api.aws for which task of finance is calling"
    assert said == [f"tcp-proxy {word}, asserted: code that shares the environment's role can name another"]
