"""A path as an SVG: whole, well-formed, readable by machines and people, and harmless."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.proof import Outcome, Row, explain
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source
from pulumi_airlock.report.svg import explanation_svg, path_svg
from report_browser import MISSING, chromium
from report_cases import AT, EVIL, small

NS = "{http://www.w3.org/2000/svg}"
MONDAY_NIGHT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def explained(who: str, when: datetime = MONDAY_NIGHT) -> Any:
    case = small()
    return explain(case.access, case.environments, case.filters, who, "ledger-db:1521", at=AT, when=when)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg.encode())  # noqa: S314  # our own


def texts(svg: str) -> list[str]:
    """Each paragraph, its lines put together."""
    root = parsed(svg)
    return [" ".join(part.text or "" for part in one.iter(f"{NS}tspan")) for one in root.iter(f"{NS}text")]


def row(name: str, outcome: Outcome = Outcome.ALLOW) -> Row:
    rule = Rule(Action.ALLOW, Match(), Source(f"urn::{name}", "", name))
    return Row(Filter(name, name, Combine.ANY_ALLOW, Action.DENY, (rule,), "urn::f"), outcome, rule, name)


def test_it_shows_every_gate_in_order_and_where_it_stops() -> None:
    answer = explained("var")
    svg = explanation_svg(answer)
    shown = texts(svg)
    assert shown[0] == answer.message
    places = [shown.index(gate) for gate in ("var", "aws", "wall", "proxy", "ledger-db:1521")]
    assert places == sorted(places)
    root = parsed(svg)
    rails = [one.get("class") for one in root.iter(f"{NS}line")]
    assert rails == ["rail", "rail", "rail beyond", "rail beyond"], "dashed behind the gate that refuses"
    signs = [one.text for one in root.iter(f"{NS}text") if "sign" in (one.get("class") or "")]
    assert signs == ["✓", "✗", "✗"]


def test_it_says_the_same_to_who_cannot_see_it() -> None:
    root = parsed(explanation_svg(explained("ledger")))
    title, description = root.find(f"{NS}title"), root.find(f"{NS}desc")
    assert title is not None
    assert description is not None
    assert (title.text or "").startswith("Yes: ledger")
    assert 'wall (firewall policies): allow by policy "close"' in (description.text or "")
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title desc")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(max_size=60), st.sampled_from(Outcome))
def test_any_text_makes_a_picture(label: str, who: str, outcome: Outcome) -> None:
    svg = path_svg([row(label, outcome)], caller=who, destination=label, title=who)
    root = parsed(svg)
    assert {one.tag.removeprefix(NS) for one in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "g", "line", "circle", "text", "tspan"
    }  # fmt: skip


def test_foreign_text_is_text() -> None:
    svg = path_svg([row(EVIL)], caller=EVIL, destination=EVIL)
    assert "<img" not in svg
    assert svg.count("<script") == 0
    assert EVIL in texts(svg)
    assert not re.search(r"href|url\(|@import", svg)


def test_what_is_too_long_is_whole_in_its_tooltip() -> None:
    long = "policy " + "of-a-very-long-name-" * 30
    svg = path_svg([row(long)], caller="a", destination="b")
    titles = [one.text for one in parsed(svg).iter(f"{NS}title")]
    assert any(long in (text or "") for text in titles)
    assert max(map(len, texts(svg))) < len(long)
    assert any(text.endswith("…") for text in texts(svg))


def test_a_path_without_gates_says_so() -> None:
    assert "No gate stands on the path." in texts(path_svg([], caller="a", destination="b"))


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_no_line_is_wider_than_the_picture_and_none_lies_on_another(tmp_path: Path) -> None:
    """Measured by the browser, with its own fonts."""
    labels = ["W" * 200, "m w " * 60, "名前" * 80, "i" * 300, 'policy 3 "finance" ' * 8]
    svg = path_svg([row(label) for label in labels], caller="W" * 90, destination="ש" * 120, title="MMMM " * 40)
    file = tmp_path / "path.svg"
    file.write_text(svg, encoding="utf-8")
    with chromium() as browser:
        browser.get(file.as_uri())
        boxes = browser.execute_script(
            "return [...document.querySelectorAll('tspan')].map((one) => {"
            " const each = [...Array(one.getNumberOfChars()).keys()].map((place) => one.getExtentOfChar(place));"
            " return [Math.min(...each.map((box) => box.x)), Math.max(...each.map((box) => box.x + box.width)), each[0].y]; })"
        )
    assert len(boxes) > 20
    assert min(left for left, _, _ in boxes) >= 0
    assert max(right for _, right, _ in boxes) <= 720
    assert all(later - earlier >= 14 for earlier, later in pairwise(top for _, _, top in boxes))
