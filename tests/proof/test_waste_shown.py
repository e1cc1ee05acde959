"""The analysis of waste as a user sees it in a terminal, and as JSON."""

import io
import json
from datetime import UTC, datetime

from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.shape import Shape, Span
from pulumi_airlock.proof.waste import Waste, waste
from pulumi_airlock.report.waste import show_waste, to_json
from rich.console import Console

AT = datetime(2026, 11, 21, tzinfo=UTC)
NOBODY = Access.model_validate({"principals": [], "zones": {}, "destinations": [], "routes": []})
HTTPS = Services.of("tcp", 443, 443)


def a_filter(gate: str, name: str, *cidrs: str) -> Filter:
    rules = [
        Rule(Action.ALLOW, Match(hosts=Hosts.from_cidr(cidr), services=HTTPS), Source(f"urn::{number}", label=f"rule {number}"))
        for number, cidr in enumerate(cidrs)
    ]
    shape = Shape(Span.NETWORK, Span.NETWORK, Span.RANGE)
    return Filter(gate, name, Combine.ANY_ALLOW, Action.DENY, tuple(rules), f"urn::{gate}", shape=shape)


def shown(found: Waste, *, verbose: bool = False) -> str:
    out = io.StringIO()
    show_waste(Console(file=out, width=200), found, verbose)
    return out.getvalue()


LEAN = a_filter("aws", "group a", "10.20.0.0/24")
HALVES = a_filter("aws", "group b", "10.20.0.0/25", "10.20.0.128/25", "10.30.0.0/24")
MANY = a_filter("wall", "policies", "10.0.0.0/8", *(f"10.20.{number}.0/24" for number in range(8)))


def test_a_gate_is_one_line_and_names_the_filters_that_have_more_than_they_need():
    text = shown(waste(NOBODY, [], [LEAN, HALVES], at=AT))

    assert "- aws: 4 rules in 2 filters, fewest possible 3 (exact)" in text
    assert "- group b: 3 rules, fewest possible 2 (exact)" in text
    assert "group a" not in text
    assert "Rules that could be one (1)" in text


def test_verbose_counts_every_filter_and_lists_everything():
    found = waste(NOBODY, [], [LEAN, HALVES, MANY], at=AT)

    assert "- … and 4 more: --verbose lists them" in shown(found)
    text = shown(found, verbose=True)
    assert "- group a: 1 rule, fewest possible 1 (exact)" in text
    assert all(f"rule {number} (" in text for number in range(1, 9))


def test_nothing_to_clear_away_is_said():
    text = shown(waste(NOBODY, [], [LEAN], at=AT))

    assert "- aws: group a: 1 rule, fewest possible 1 (exact)" in text
    assert "✓ no rule and no route is there for nothing" in text


def test_json_has_every_finding_with_its_rules():
    data = json.loads(json.dumps(to_json(waste(NOBODY, [], [HALVES, MANY], at=AT))))

    assert [one["label"] for one in data["mergeable"][0]["rules"]] == ["rule 0", "rule 1"]
    assert data["mergeable"][0]["into"] == "anyone → 10.20.0.0/24, 443/tcp"
    assert {one["rule"]["label"] for one in data["shadowed"]} == {f"rule {number}" for number in range(1, 9)}
    assert [(one["gate"], one["rules"], one["least"], one["exact"]) for one in data["counts"]] == [
        ("aws", 3, 2, True),
        ("wall", 9, 1, True),
    ]
