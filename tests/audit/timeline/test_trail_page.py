"""The page of a trail: self-contained, and whatever a log holds is text in it; in a real browser where there is one."""

import re
import sys
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pulumi_airlock.audit.timeline import Question, Trail, zone_of
from pulumi_airlock.report.timeline import Shown
from pulumi_airlock.report.timeline_page import render_timeline
from pulumi_airlock.report.timeline_page.lanes import lanes
from trail_lines import LEDGER, NOON, closed, opened, refused, run, session, trail

sys.path.insert(0, str(Path(__file__).parents[2] / "report"))

import report_browser

HOSTILE = "<script>alert(1)</script>\u202e\"'&"


def shown(found: Trail) -> Shown:
    question = Question(NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    return Shown(found, question, question.answered(found), zone_of("Europe/Zurich"), ("events.jsonl",))


def example() -> Shown:
    one, two, hostile = run(1), run(2, dag_id="marketing_daily"), run(3, dag_id=HOSTILE, run_id=HOSTILE, agent_id=HOSTILE)
    first, later = session(), session(at=NOON + timedelta(hours=1), port=1)
    return shown(
        trail(
            *[opened(one, first), closed(one, first, 600), opened(one, later), closed(one, later, 60)],
            refused(two, session(port=2)),
            opened(hostile, session(LEDGER, port=3)),
            f"broken {HOSTILE}",
        )
    )


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_nothing_of_a_log_becomes_markup_and_nothing_hides() -> None:
    page = render_timeline(example())
    tags = Tags(page).found

    assert not [tag for tag, _ in tags if tag in ("script", "img", "iframe", "object", "form")]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    assert "\u202e" not in page
    assert "\\u202e" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_page_asks_for_nothing_outside_itself() -> None:
    tags = Tags(render_timeline(example())).found

    assert {value for _, attributes in tags for name in ("src", "href") if (value := attributes.get(name))} <= {"data:,"}
    policy = next(one["content"] or "" for _, one in tags if one.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_bars_lie_where_their_sessions_are() -> None:
    found = example()
    drawn = lanes(found, found.reached(), found.denied())

    assert drawn
    finance = next(lane for lane in drawn.lanes if lane.label.startswith("finance_daily"))
    first, second = finance.bars
    assert first.x < second.x
    assert first.width == pytest.approx(10 * second.width, rel=0.15)
    (refusal,) = next(lane for lane in drawn.lanes if lane.label.startswith("marketing")).bars
    assert (refusal.denied, refusal.x) == (True, first.x)
    assert [text for _, text in drawn.ticks] == sorted(text for _, text in drawn.ticks)


def test_a_page_of_nothing_says_so() -> None:
    page = render_timeline(shown(trail("no log")))

    assert "Nobody, as far as these logs tell." in page
    assert "<svg" not in page


@pytest.mark.skipif(not report_browser.HERE, reason=report_browser.MISSING)
def test_a_browser_shows_it_without_a_complaint_or_a_request(tmp_path: Path) -> None:
    with report_browser.chromium() as driver:
        report_browser.requests_of(driver)
        report_browser.show(driver, tmp_path, render_timeline(example()))
        requests = [one for one in report_browser.requests_of(driver) if one.startswith(("http", "ws", "ftp"))]
        complaints = [one["message"] for one in driver.get_log("browser") if "favicon" not in one["message"]]
        text = driver.find_element("tag name", "body").text
        wide = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        bar = driver.execute_script("return getComputedStyle(document.querySelector('.bar')).fill")

    assert requests == []
    assert complaints == []
    assert re.search(r"finance_daily\.load\s+finance-etl", text)
    assert wide <= 0
    assert bar not in ("rgb(0, 0, 0)", "")
