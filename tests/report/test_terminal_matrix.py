"""The matrix in a terminal: what fails is seen at once, in the words of the page."""

import io

from large_cases import large
from pulumi_airlock.report.legend import MEANINGS, SIGNS, legend_keys
from pulumi_airlock.report.matrix import show_matrix
from report_cases import broken, small
from rich.console import Console


def shown(case: object, width: int = 100) -> str:
    out = io.StringIO()
    proof = case.proof()  # type: ignore[attr-defined]
    show_matrix(Console(file=out, width=width, highlight=False), proof.matrix, proof)
    return out.getvalue()


def cells(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name).split()


def test_each_fault_has_its_own_sign() -> None:
    text = shown(broken())
    assert cells(text, "ledger") == ["!", "●", "2", "3"]
    assert cells(text, "var") == ["!", "?", "✗", "1"]
    for words in ("! let through, not declared", "✗ declared, not let through", "? unproven"):
        assert words in text


def test_the_legend_tells_what_is_there_and_nothing_else() -> None:
    text = shown(small())
    assert cells(text, "ledger") == ["◐", "●", "2", "3"]
    assert "not let through" not in text
    assert "● declared and let through" in text


def test_faults_have_colours_in_a_terminal_that_has_them() -> None:
    out = io.StringIO()
    proof = broken().proof()
    show_matrix(Console(file=out, width=100, highlight=False, force_terminal=True, color_system="truecolor"), proof.matrix, proof)
    assert "\x1b[1;31m !" in out.getvalue()
    assert "\x1b[1;35m ✗" in out.getvalue()


def test_a_large_one_is_counted_and_the_page_is_named() -> None:
    text = shown(large(60, 50))
    assert "airlock prove --html FILE" in text
    assert "× ✗ declared, not let through" in text
    assert len(text.splitlines()) < 15


def test_the_page_has_the_same_words() -> None:
    page = {key: words for key, _, words in legend_keys()}
    for standing, words in MEANINGS.items():
        if standing.value in page:
            assert page[standing.value].lower() == words.lower()
    assert {sign for _, sign, _ in legend_keys()} >= {sign for sign in SIGNS.values() if "…" not in sign}
