"""A proof as Markdown: what a renderer makes of it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from large_cases import large
from markdown_it import MarkdownIt
from pulumi_airlock.proof import Proof
from pulumi_airlock.report.markdown import said, to_markdown
from report_cases import EVIL, broken, small

HOSTILE = [
    EVIL,
    "@security-team please, see #12",
    "| a | b |",
    "`code` **bold** _it_ ~~no~~ [link](https://evil.example) ![image](x.png)",
    "- item",
    "1. item",
    "# heading",
    "> quote",
    "https://evil.example www.evil.example",
    "</details>",
    "a\n\n# b",
    "\u202egnp.exe",
    "$x$ \\ &lt;",
]


def rendered(markdown: str) -> str:
    return str(MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").render(markdown))


def plain(html: str) -> str:
    from html import unescape

    return unescape(re.sub(r"<!-- -->|<[^>]+>", "", html)).strip()


def test_the_verdict_comes_first_then_the_failures_then_the_matrix() -> None:
    text = to_markdown(broken().proof(), title="Stack prod")
    assert text.startswith("# Stack prod\n\n**❌ Not proven: access is let through that no route declares")
    places = [
        text.index(part) for part in ("Not proven", "## Excess", "## Blocked", "## Unproven", "## Expect", "## Who reaches")
    ]
    assert places == sorted(places)
    assert text.index("## Who") < text.index("<details>")
    assert "**✅ Proven:" in to_markdown(small().proof())


def test_every_failure_has_its_witness_and_every_gate() -> None:
    proof = broken().proof()
    html = plain(rendered(to_markdown(proof)))
    for one in (*proof.excess, *proof.blocked, *proof.unproven):
        assert one.message in html
        assert f"for example: {one.witness}" in html
        for row in one.path:
            assert f"{row.gate}, {row.filter.name}: " in html


def test_a_small_matrix_is_a_table_and_a_large_one_is_counted() -> None:
    html = rendered(to_markdown(broken().proof()))
    assert html.count("<tr>") == 5
    assert html.count('<td style="text-align:center">!</td>') == 4
    text = to_markdown(large(40, 30).proof())
    assert "| --- |" not in text
    assert "airlock prove --html FILE" in text
    assert re.search(r"^- \d+ × declared and let through$", text, re.M)


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    shown = " ".join(text.split()).replace("\u202e", "\\u202e")
    for around in ("- {}", "| a |\n|---|\n| {} |", "{}"):
        html = rendered(around.format(said(text)))
        assert plain(html).removeprefix("a\n").strip() == shown or shown in plain(html)
        assert set(re.findall(r"<(\w+)", html)) <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    # Mentions, issues and links are made of the text that remains when the markup is gone: it is parted there.
    assert not re.search(r"@\w|#\d|https?://|www\.", said(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_survives(text: str) -> None:
    html = rendered(f"x {said(text)} x")
    assert set(re.findall(r"<(\w+)", html)) <= {"p"}


def test_a_hostile_stack_makes_an_honest_document() -> None:
    proof = broken().proof()
    hostile: Proof = replace(
        proof,
        excess=tuple(replace(one, message=f"{one.message} {text}") for one, text in zip(proof.excess * 4, HOSTILE, strict=False)),
        gates=(EVIL,),
    )
    html = rendered(to_markdown(hostile, title=EVIL))
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<details>") == html.count("</details>")


def test_many_findings_are_folded() -> None:
    proof = broken().proof()
    text = to_markdown(replace(proof, excess=proof.excess * 300, dead=proof.dead * 300))
    assert "<details><summary>1180 more</summary>" in text
    assert len(text) < 120_000
