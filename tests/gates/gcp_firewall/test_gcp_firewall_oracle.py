"""The reader against brute force: every packet, in Google's order; and whatever is not known, never guessed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gcp_oracle import (
    ACCOUNT,
    NETWORK,
    OTHER_ACCOUNT,
    OTHER_NETWORK,
    TAG,
    Setting,
    lets_through,
    stack_of,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.gcp_firewall import read
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter
from pulumi_airlock.proof.sets import Hosts, Services

FAR = ["10.20.0.0", "10.20.0.1", "10.20.0.2", "10.20.1.1", "192.0.2.7", "10.1.0.9"]
NEAR = {2: ["10.1.0.5", "10.1.0.200", "10.1.8.5", "10.1.15.255"], 3: ["10.1.0.5", "10.1.0.200"]}
SERVICES = [("tcp", 443), ("tcp", 5432), ("udp", 443), ("icmp", 0)]

ranges = st.lists(
    st.sampled_from(["10.20.0.0/32", "10.20.0.0/31", "10.20.0.0/24", "10.0.0.0/8", "192.0.2.0/24", "0.0.0.0/0", "10.1.0.0/16"]),
    min_size=1,
    max_size=2,
    unique=True,
)
near_ranges = st.lists(
    st.sampled_from(["10.1.0.0/24", "10.1.0.0/25", "10.1.8.0/21", "10.1.0.0/16", "10.9.0.0/24", "0.0.0.0/0"]),
    min_size=1,
    max_size=2,
)
layer4 = st.lists(
    st.sampled_from(
        [
            ("all", []),
            ("tcp", []),
            ("tcp", ["443"]),
            ("tcp", ["400-450", "5432"]),
            ("udp", ["0-65535"]),
            ("icmp", []),
            ("gre", []),
        ]
    ),
    min_size=1,
    max_size=2,
)
accounts = st.sampled_from([None] * 4 + [[ACCOUNT], [OTHER_ACCOUNT], [OTHER_ACCOUNT, ACCOUNT]])


def rules(actions: list[str], priorities: st.SearchStrategy[int], **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "priority": priorities,
            "action": st.sampled_from(actions),
            "direction": st.sampled_from(["EGRESS"] * 4 + ["INGRESS"]),
            "disabled": st.sampled_from([None] * 4 + [False, True]),
            "near": st.none() | st.none() | near_ranges,
            "far": st.none() | ranges,
            "layer4": st.just([("all", [])]) | layer4,
            "accounts": accounts,
            **more,
        }
    )


def policies(**more: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = rules(["allow", "deny", "goto_next"], st.integers(0, 5), **more)
    # In a policy a priority is given once.
    return st.lists(one, max_size=4, unique_by=lambda rule: rule["priority"])


classic = st.lists(
    rules(["allow", "deny"], st.integers(0, 2)).flatmap(
        # By account or by tag, never both.
        lambda rule: st.sampled_from([None, None, [TAG], ["other"]]).map(
            lambda tags: {**rule, "tags": tags if rule["accounts"] is None else None}
        )
    ),
    max_size=4,
)
networks = st.sampled_from([None, None, None, [NETWORK], [OTHER_NETWORK], [OTHER_NETWORK, NETWORK]])
arrangements = st.builds(
    Setting,
    generation=st.sampled_from([2, 2, 3]),
    order=st.sampled_from([None, "AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL"]),
    organization=policies(networks=networks),
    folder=policies(networks=networks),
    network=policies(lb=st.sampled_from([False, False, False, True])),
    regional=policies(),
    region=st.sampled_from(["europe-west1", "us-east1"]),
    classic=classic,
    inline=st.booleans(),
)


def packets(setting: Setting, direction: str) -> Iterator[tuple[str, str, str, int]]:
    for near in NEAR[setting.generation]:
        for far in FAR:
            for service in SERVICES:
                yield (near, far, *service) if direction == "EGRESS" else (far, near, *service)


def outcomes(found: Filter | None, packet: tuple[str, str, str, int]) -> set[bool]:
    """What a filter may decide of a packet, by its rules in order. Without one, nobody gets in."""
    if found is None:
        return {False}
    source, destination, protocol, port = packet
    src, dst, service = Hosts.from_cidr(source), Hosts.from_cidr(destination), Services.of(protocol, port, port)
    seen: set[bool] = set()
    for rule in found.rules:
        who = rule.match.who.sources
        if (who is None or who & src) and rule.match.hosts & dst and rule.match.services & service:
            seen.add(rule.action is Action.ALLOW)
            if not rule.unknown:
                return seen
    return seen | {found.default is Action.ALLOW}


def filters(stack: Stack) -> dict[str, Filter]:
    return {"EGRESS" if one.scope.who.environments else "INGRESS": one for one in read(stack)}


@settings(max_examples=250, deadline=None)
@given(arrangements)
def test_every_packet_fares_as_google_says(setting: Setting):
    # Tags of Composer 3's interfaces are Google's: what rules with tags do there is not known, and has a test of its own.
    if setting.generation == 3:
        setting = replace(setting, classic=[{**one, "tags": None} for one in setting.classic])
    found = filters(stack_of(setting))
    for direction in ("EGRESS", "INGRESS"):
        for packet in packets(setting, direction):
            assert outcomes(found.get(direction), packet) == {lets_through(setting, direction, packet)}, (direction, packet)


HIDDEN = {
    "priority": range(6),
    "action": ["allow", "deny", "goto_next"],
    "disabled": [True, False],
    "far": [["10.20.0.0/31"], ["0.0.0.0/0"], ["192.0.2.0/24", "10.0.0.0/8"]],
    "near": [["10.1.0.0/25"], ["10.1.0.0/16"], ["10.9.0.0/24"]],
    "accounts": [[ACCOUNT], [OTHER_ACCOUNT]],
    "layer4": [[("all", [])], [("tcp", ["443"])], [("udp", [])]],
}
"""A field of a rule that is not known, and what it may be."""
STAGES = ("organization", "folder", "network", "regional", "classic")


@st.composite
def with_something_hidden(draw: st.DrawFn) -> tuple[list[Setting], str, int, str]:
    """The same setting with every value that one field of one rule may have; where the rule stands, and which field it is."""
    setting = draw(arrangements)
    places = [(stage, number) for stage in STAGES for number in range(len(getattr(setting, stage)))]
    assume(places)
    stage, number = draw(st.sampled_from(places))
    listed = getattr(setting, stage)
    rule, others = listed[number], [*listed[:number], *listed[number + 1 :]]
    what = draw(st.sampled_from(sorted(HIDDEN)))
    assume(not (what == "accounts" and rule.get("tags")))
    values = [value for value in HIDDEN[what] if not (stage == "classic" and value == "goto_next")]
    if what == "priority" and stage != "classic":
        values = [value for value in values if all(value != one["priority"] for one in others)]
    changed = [[*listed[:number], {**rule, what: value}, *listed[number + 1 :]] for value in values]
    return [replace(setting, **{stage: one}) for one in changed], stage, number, what


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(with_something_hidden())
def test_what_is_not_known_is_never_guessed(hidden: tuple[list[Setting], str, int, str]):
    candidates, stage, number, what = hidden
    found = filters(hide(stack_of(candidates[0]), stage, number, what))
    for direction in ("EGRESS", "INGRESS"):
        for packet in packets(candidates[0], direction):
            possible = {lets_through(candidate, direction, packet) for candidate in candidates}
            assert possible <= outcomes(found.get(direction), packet), (direction, packet)


@settings(max_examples=80, deadline=None)
@given(arrangements)
def test_an_order_that_is_not_known_is_either(setting: Setting):
    orders = [replace(setting, order=order) for order in ("AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL")]
    found = filters(stack_of(replace(setting, order=UNKNOWN)))
    for direction in ("EGRESS", "INGRESS"):
        for packet in packets(setting, direction):
            possible = {lets_through(one, direction, packet) for one in orders}
            assert possible <= outcomes(found.get(direction), packet), (direction, packet)


def hide(stack: Stack, stage: str, number: int, what: str) -> Stack:
    """The same stack with one value unknown."""
    name = {"organization": "org", "network": "global"}.get(stage, stage)

    def hidden(one: Resource) -> Resource:
        properties = dict(one.properties)
        if one.name == f"{name}-{number}":
            fields = properties
        elif one.name == name and "rules" in properties:
            properties["rules"] = [dict(rule) for rule in properties["rules"]]
            fields = properties["rules"][number]
        else:
            return one
        _hide(fields, what, stage == "classic")
        return Resource(one.urn, one.type, properties, one.custom)

    return Stack([hidden(one) for one in stack.resources])


def _hide(fields: dict[str, Any], what: str, classic: bool) -> None:
    outward = fields["direction"] == "EGRESS"
    if what in ("near", "far"):
        source = (what == "near") == outward
        if classic:
            fields["sourceRanges" if source else "destinationRanges"] = UNKNOWN
        else:
            fields["match"] = {**fields["match"], "srcIpRanges" if source else "destIpRanges": UNKNOWN}
    elif what == "layer4":
        if classic:
            fields["allows" if "allows" in fields else "denies"] = UNKNOWN
        else:
            fields["match"] = {**fields["match"], "layer4Configs": UNKNOWN}
    elif what == "accounts":
        fields["targetServiceAccounts"] = UNKNOWN
    elif what == "action" and classic:
        fields["allows"] = fields["denies"] = UNKNOWN
    else:
        fields[what] = UNKNOWN
