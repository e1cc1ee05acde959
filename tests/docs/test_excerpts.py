"""What a page shows as an excerpt of a file stands there, line by line; `…` stands for lines that are left out."""

import re

import pytest
from doc_blocks import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKED = re.compile(r"<!-- not run: an excerpt of ([\w./-]+)[^>]*-->\n```\w+\n(.*?)\n```", re.DOTALL)
EXCERPTS = [(page.name, file, text) for page in PAGES for file, text in MARKED.findall(page.read_text())]


def test_there_are_excerpts() -> None:
    assert ("languages.md", "examples/typescript/index.ts") in {one[:2] for one in EXCERPTS}


@pytest.mark.parametrize(("page", "file", "text"), EXCERPTS)
def test_an_excerpt_stands_in_its_file(page: str, file: str, text: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line.strip()]
    place, anywhere = 0, True
    for line in filter(str.strip, text.splitlines()):
        if line.strip() == "…":
            anywhere = True
            continue
        found = next((at for at in range(place, len(lines) if anywhere else place + 1) if lines[at] == line), None)
        assert found is not None, f"{page}: {line.strip()} does not follow there in {file}"
        place, anywhere = found + 1, False
