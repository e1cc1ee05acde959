"""The page in a real Chromium, opened as a file: with the mouse, with keys alone, in the dark, on paper, and when it is large."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from large_cases import large
from pulumi_airlock.proof import explain
from report_browser import MISSING, chromium, requests_of, show
from report_cases import AT, broken, small
from test_page_text import hostile

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {"small": small().page(), "broken": broken().page(), "hostile": hostile().page(), "large": large(500, 500).page()}


@pytest.fixture(autouse=True)
def quiet(browser: Any) -> Iterator[None]:
    """Whatever a test does: the page asks for nothing but itself, and has nothing to complain of (scripts, its policy)."""
    requests_of(browser)
    browser.get_log("browser")
    yield
    asked = {url.partition("#")[0] for url in requests_of(browser) if not url.startswith(("about:", "chrome:"))}
    assert {url for url in asked if not url.startswith("file://") or not url.endswith("/page.html")} <= {"data:,"}
    assert [one["message"] for one in browser.get_log("browser")] == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def every(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def press(browser: Any, *keys: str, held: str = "") -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    chain = ActionChains(browser)
    if held:
        chain.key_down(held).send_keys(*keys).key_up(held).perform()
    else:
        chain.send_keys(*keys).perform()


def cell(browser: Any, row: int, column: int) -> Any:
    return one(browser, f'.cell[data-row="{row}"][data-column="{column}"]')


def focus(browser: Any) -> str:
    return str(browser.execute_script("return document.activeElement.getAttribute('aria-label') || document.activeElement.id"))


def count(browser: Any, selector: str) -> int:
    return int(browser.execute_script("return document.querySelectorAll(arguments[0]).length", selector))


def test_a_person_sees_the_verdict_then_what_fails_then_the_matrix(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    tops = [
        one(browser, selector).rect["y"] for selector in (".verdict", ".numbers", "#excess-title", "#blocked-title", "#matrix")
    ]
    assert tops == sorted(tops)
    assert count(browser, ".cell") == 6 * 4
    assert one(browser, ".verdict p").text.startswith("Not proven")


def test_a_click_shows_the_path_gate_by_gate(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    names = [element.text for element in every(browser, ".name")]
    row = names.index("var")
    cell(browser, row, 2).click()
    detail = one(browser, "#detail").text
    assert "var → risk-db" in detail
    assert "Declared, not let through" in detail
    assert "Declared, but refused by wall" in detail
    assert "deny by default: no rule matches" in detail
    assert 'nearest: policy "people" (people), but not for this caller' in detail
    assert "Route model" in detail
    assert "RISK-1" in detail
    stops = [element.get_attribute("class") for element in every(browser, "#detail .sample:nth-of-type(1) .chain li")]
    assert stops == ["end", "stop allow", "stop deny", "stop allow beyond", "end beyond"]


def test_the_command_that_is_shown_explains_the_same(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    from datetime import datetime

    case = broken()
    show(browser, tmp_path, pages["broken"])
    size = len(every(browser, ".name")), count(browser, ".head")
    for row in range(size[0]):
        for column in range(size[1]):
            cell(browser, row, column).click()
            for sample in every(browser, "#detail .sample"):
                words = shlex.split(sample.find_element("css selector", "code").text)
                assert words[:2] == ["airlock", "explain"]
                assert words[4:7] == ["--stack", "prod", "--at"]
                at = datetime.fromisoformat(words[7])
                answer = explain(case.access, case.environments, case.filters, words[2], words[3], at=AT, when=at)
                marks = [element.text for element in sample.find_elements("css selector", ".row > .mark")]
                assert marks == [{"allow": "✓", "deny": "✗", "unknown": "?"}[each.outcome.value] for each in answer.rows]


def test_keys_alone_are_enough(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, tmp_path, pages["broken"])
    press(browser, "/")
    assert focus(browser) == "find-who"
    press(browser, Keys.ESCAPE)
    assert focus(browser).startswith("ledger to ledger-db: let through, not declared")
    press(browser, Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    assert focus(browser).startswith("var to reports: unproven")
    press(browser, Keys.END)
    assert focus(browser).startswith("var to upload")
    press(browser, Keys.HOME)
    assert focus(browser).startswith("var to ledger-db")
    press(browser, Keys.END, held=Keys.CONTROL)
    assert focus(browser).startswith("anything outside Airflow to upload")
    press(browser, Keys.ENTER)
    assert focus(browser) == "detail-title"
    press(browser, Keys.ESCAPE)
    assert count(browser, "#detail") == 0
    assert focus(browser).startswith("anything outside Airflow to upload")
    press(browser, "n")
    assert focus(browser).startswith("ledger to ledger-db")
    press(browser, "?")
    assert one(browser, "#keys").is_displayed()
    press(browser, Keys.ESCAPE)
    assert not one(browser, "#keys").is_displayed()


def test_it_is_a_grid_for_who_cannot_see_it(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    grid = one(browser, "[role=grid]")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == ("7", "5")
    assert count(browser, "[role=grid] [tabindex='0']") == 1, "one stop of the tab key"
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
    assert roles.count("gridcell") == 24
    assert roles.count("columnheader") == 5
    assert roles.count("rowheader") == 6
    names = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "gridcell"]
    assert "var to risk-db: declared, not let through" in names
    buttons = [
        node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "button" and not node.get("ignored")
    ]
    assert all(buttons), "every button has a name"
    assert browser.execute_script("return document.documentElement.lang") == "en"


def test_searching_and_filtering_show_what_is_meant(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    one(browser, "#find-where").send_keys("5432")
    assert [element.text for element in every(browser, ".head")] == ["risk-db"]
    one(browser, "#clear").click()
    assert count(browser, ".head") == 4
    one(browser, "[data-key=blocked]").click()
    assert [element.text for element in every(browser, ".name")] == ["var", "stress"]
    assert [element.text for element in every(browser, ".cell:not(.dim)")] == ["✗", "✗"]
    one(browser, "#clear").click()
    one(browser, "#choose-gate option[value=aws]").click()
    assert all("dim" in element.get_attribute("class") or element.text >= "1" for element in every(browser, ".cell"))
    one(browser, "#clear").click()
    one(browser, "#choose-zone option[value=partners]").click()
    assert [element.text for element in every(browser, ".head")] == ["upload"]
    one(browser, "#find-who").send_keys("nobody at all")
    assert "Nothing is like this" in one(browser, "#matrix").text


def test_a_finding_leads_to_its_cells(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    one(browser, "button.show[data-kind=blocked]").click()
    assert [element.text for element in every(browser, ".cell:not(.dim)")] == ["✗", "✗"]
    assert focus(browser) == "var to risk-db: declared, not let through"


def test_a_link_leads_to_the_same_view(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    one(browser, "[data-key=excess]").click()
    one(browser, ".cell:not(.dim)").click()
    fragment = browser.execute_script("return location.hash")
    assert fragment == "#show=excess&from=ledger&to=ledger-db"
    show(browser, tmp_path, pages["broken"], fragment)
    assert "ledger → ledger-db" in one(browser, "#detail").text
    assert one(browser, "[data-key=excess]").get_attribute("aria-pressed") == "true"
    browser.execute_script("location.hash = '#from=stress&to=upload'")
    assert "stress → upload" in one(browser, "#detail").text
    browser.execute_script("location.hash = '#from=nobody&to=%3Cimg%3E&zoom=x&show=%3Cscript%3E'")
    assert count(browser, "#detail") == 0


def test_it_follows_the_dark_mode_and_can_be_told_otherwise(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])

    def page() -> str:
        return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))

    assert page() == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    assert page() == "rgb(20, 23, 26)"
    one(browser, "#theme").click()
    assert page() == "rgb(255, 255, 255)"
    one(browser, "#theme").click()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert page() == "rgb(20, 23, 26)"


def test_foreign_text_is_shown_and_never_run(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["hostile"])
    cell(browser, 0, 0).click()
    detail = one(browser, "#detail").text
    assert '</script><img src=x onerror="alert(1)">' in detail
    assert "\\u202egnp.exe" in detail
    assert "שלום" in detail
    assert count(browser, "img") == 0
    assert count(browser, "script") == 2


def test_500_times_500_can_be_used(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, tmp_path, pages["large"])
    bound = 12_000
    assert count(browser, "*") < bound, "only what is in sight exists"
    assert one(browser, "#matrix").get_attribute("aria-rowcount") == "527"
    for share in (0.5, 1.0):
        browser.execute_async_script(
            "const [share, done] = arguments; const m = document.getElementById('matrix');"
            "m.scrollTo(m.scrollWidth * share, m.scrollHeight * share);"
            "requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))",
            share,
        )
        assert count(browser, "*") < bound
    assert "anything outside Airflow" in [element.get_attribute("title") for element in every(browser, ".name")]
    assert "service-499" in [element.get_attribute("title") for element in every(browser, ".head")]
    one(browser, "#find-who").send_keys("desk-24-job-7")
    one(browser, "#find-where").send_keys("service-499")
    assert count(browser, ".cell") == 1
    one(browser, ".cell").click()
    assert "desk-24-job-7 → service-499" in one(browser, "#detail").text
    one(browser, "#clear").click()
    press(browser, Keys.ESCAPE)
    one(browser, "[data-key=blocked]").click()
    assert count(browser, ".cell:not(.dim)") == 2
    one(browser, "#clear").click()
    browser.execute_script("document.querySelector('.cell[tabindex=\"0\"]').focus()")
    for _ in range(30):
        press(browser, Keys.PAGE_DOWN)
    assert count(browser, ".cell[tabindex='0']") == 1
    assert focus(browser) != "", "the cell with the focus is never taken away"
    one(browser, ".map div").click()
    assert count(browser, "*") < bound


def test_it_prints_everything_in_blocks(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["broken"])
    browser.execute_script("addEventListener('afterprint', () => { window.printed = true; })")
    before = count(browser, "details[open]")
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    assert browser.execute_script("return window.printed") is True
    assert count(browser, "details[open]") == before
    assert count(browser, "#printed *") == 0
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert count(browser, "#printed td") == 24
    assert count(browser, "details:not([open])") == 0, "what is folded on the page is open on paper"
    browser.execute_script("dispatchEvent(new Event('afterprint'))")


def test_paper_has_blocks_that_fit_and_an_end(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    show(browser, tmp_path, pages["large"])
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert count(browser, "#printed td") == 0
    assert "526 × 500 is left out on paper" in browser.execute_script("return document.getElementById('printed').textContent")
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    one(browser, "#choose-group option[value='Environment desk-1']").click()
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert count(browser, "#printed .block") == 18
    assert count(browser, "#printed .block:first-child td") == 21 * 28
    browser.execute_script("dispatchEvent(new Event('afterprint'))")


def test_a_narrow_screen_scrolls_the_matrix_and_not_the_page(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    show(browser, tmp_path, pages["broken"])
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 390
    cell(browser, 0, 0).click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert one(browser, "#close").is_displayed()


def test_without_scripts_the_findings_are_there(browser: Any, pages: dict[str, str], tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, tmp_path, pages["broken"])
        root = browser.execute_cdp_cmd("DOM.getDocument", {"depth": -1})
        text = json.dumps(root)
        assert "The matrix needs scripts" in text
        assert "let through by policy" in text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
