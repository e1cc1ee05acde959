"""The page as text: nothing in it runs but its own script, nothing is fetched, foreign text stays text, and it stays small."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from large_cases import large
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.sources import load_stack
from pulumi_airlock.proof.filters import Source
from pulumi_airlock.report.page import render_page, stack_page
from pulumi_airlock.report.proof import prove_stack
from pulumi_airlock.tokens import ACCESS
from report_cases import AT, EVIL, Case, broken, document, small

REVERSED = "\u202egnp.exe"


class Parsed(HTMLParser):
    """Elements, their attributes, and the text within scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.within: dict[str, list[str]] = {"script": [], "style": [], "p": [], "summary": [], "h1": []}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.within:
            self._open.append(tag)
            self.within[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.within[self._open[-1]][-1] += data

    def count(self, tag: str) -> int:
        return sum(one == tag for one, _ in self.elements)


def hostile() -> Case:
    """Every text that a stack or a file may choose freely, chosen to be taken for markup."""
    case = broken()
    changed = case.access.model_dump(mode="json", by_alias=True)
    changed["routes"][0]["reason"] = EVIL
    changed["principals"][0]["owner"] = f'"{EVIL}'
    changed["destinations"][0]["class"] = REVERSED
    filters = tuple(
        replace(
            one,
            name=f"{one.name} {EVIL}",
            rules=tuple(
                replace(rule, source=Source(f"{rule.source.urn}{EVIL}", EVIL, f"{rule.source.label} {REVERSED} {EVIL} שלום"))
                for rule in one.rules
            ),
        )
        for one in case.filters
    )
    return replace(case, access=Access.model_validate(changed), filters=filters)


def data_of(page: str) -> dict[str, object]:
    return json.loads(Parsed(page).within["script"][0])


def test_foreign_text_is_never_markup() -> None:
    page = hostile().page(title=EVIL, source=f"--stack '{EVIL}'")
    parsed = Parsed(page)
    assert (parsed.count("script"), parsed.count("img"), parsed.count("style")) == (2, 0, 1)
    assert parsed.within["h1"] == [EVIL]
    assert any(EVIL in text for text in parsed.within["summary"]), "what a label says is shown as it is"
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    texts = data_of(page)["texts"]
    assert isinstance(texts, list)
    assert any(EVIL in text and "שלום" in text for text in texts)


def test_text_cannot_turn_the_writing_direction() -> None:
    page = hostile().page()
    assert "\u202e" not in page
    assert "\\u202egnp.exe" in Parsed(page).within["summary"][1]


def test_only_its_own_script_and_style_may_run() -> None:
    page = broken().page()
    parsed = Parsed(page)
    policy = next(attributes["content"] for tag, attributes in parsed.elements if attributes.get("http-equiv"))
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind, text in (("script-src", parsed.within["script"][1]), ("style-src", parsed.within["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    assert rules.keys() == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert rules["img-src"] == "data:"


def test_nothing_in_it_leads_elsewhere() -> None:
    parsed = Parsed(broken().page())
    leading = [attributes[name] for _, attributes in parsed.elements for name in ("src", "href", "action") if name in attributes]
    assert set(leading) == {"data:,", "#matrix-title"}
    assert not re.search(r"url\(|@import|@font-face", parsed.within["style"][0])
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(|XMLHttp|import\(",
        parsed.within["script"][1],
    )


def test_the_verdict_is_the_first_thing_said() -> None:
    well, wrong = Parsed(small().page()), Parsed(broken().page())
    assert "Proven: what all gates together let through is exactly what is declared." in well.within["p"]
    assert any(
        text.startswith("Not proven: access is let through that no route declares (4 findings)") for text in wrong.within["p"]
    )
    page = broken().page()
    assert (
        page.index("Not proven")
        < page.index("Excess: let through")
        < page.index("Who reaches what")
        < page.index("Taken for granted")
    )


def test_every_failure_is_there_without_scripts() -> None:
    case = broken()
    proof, parsed = case.proof(), Parsed(case.page())
    shown = [text.strip() for text in parsed.within["summary"]]
    for one in (*proof.excess, *proof.blocked, *proof.unproven):
        assert one.message in shown
        assert any(str(one.witness) in text for text in parsed.within["p"])


def test_the_same_proof_makes_the_same_page() -> None:
    assert broken().page() == broken().page()


@pytest.mark.parametrize(("principals", "destinations", "most"), [(20, 20, 180), (120, 120, 700), (240, 240, 1800)])
def test_a_page_stays_small(principals: int, destinations: int, most: int) -> None:
    """In KB. The scripts and the style are 60 of them."""
    page = large(principals, destinations).page()
    size = len(page.encode()) // 1024
    assert size < most


def test_thousands_of_findings_are_counted_not_shown() -> None:
    case = broken()
    proof = case.proof()
    many = replace(proof, excess=proof.excess * 500, dead=proof.dead * 1000)
    page = render_page(many, case.evidence(proof), case.access, title="many", generated_from="--stack many", at=AT)
    parsed = Parsed(page)
    assert sum("card" in (attributes.get("class") or "") for _, attributes in parsed.elements) < 70
    assert "And 940 more" in page
    assert page.count("never decides") <= 1000
    assert len(page) < 1_500_000


def test_text_without_a_form_in_utf_8_does_not_break_the_page() -> None:
    """JSON may hold half of a surrogate pair."""
    case = broken()
    filters = tuple(replace(one, name=f"{one.name} \ud800") for one in case.filters)
    page = replace(case, filters=filters).page()
    assert page.encode().decode() == page


def test_a_stack_s_page_needs_the_stack_and_its_proof_alone(tmp_path: Path) -> None:
    declared = {
        "urn": "urn:pulumi:prod::bank::airlock:index:Access::access",
        "type": ACCESS,
        "outputs": {"document": document(expect=[])},
    }
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [declared]}}))
    stack = load_stack(file)
    page = stack_page(stack, prove_stack(stack), generated_from=f"--from {file}")
    assert f"Made from <code>--from {file}</code>" in page
    assert "no gate &#34;wall&#34; in the stack" in page, "an empty stack has no gates"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": []}}))
    with pytest.raises(InputError, match="declares no access"):
        stack_page(load_stack(file), small().proof(), generated_from=f"--from {file}")
