"""Pages with files to write, as a reader does them: from an empty folder, each file and command in order, with its output."""

import re
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, blocks, pages
from doc_reader import Reader, assert_shows
from test_commands import not_here

PAGES = [page for page in pages() if any(one.title for one in blocks(page))]
APPENDED = " (at the end)"


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """In an empty folder, with a checkout of Airlock beside it."""
    (tmp_path / "airlock").symlink_to(ROOT)
    (tmp_path / "empty").mkdir()
    return Reader(tmp_path / "empty")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_from_an_empty_folder(page: str, reader: Reader) -> None:
    for block, after in zip(blocks(page), (*blocks(page)[1:], None), strict=True):
        if block.title:
            _write(block, reader.folder)
            reader.forget()
        elif block.is_shell and block.mark != "not run":
            _run(block, after if after and after.language == "text" and not after.title else None, reader)


def test_the_tutorial_is_one_of_them() -> None:
    assert "docs/tutorial.md" in PAGES


def _write(block: Block, folder: Path) -> None:
    file = folder / block.title.removesuffix(APPENDED)
    file.parent.mkdir(exist_ok=True)
    if block.language == "diff":
        file.write_text(_changed(block, file.read_text()))
    elif block.title.endswith(APPENDED):
        file.write_text(file.read_text() + block.text)
    else:
        file.write_text(block.text)


def _changed(block: Block, text: str) -> str:
    """A text with what a diff takes out taken out, and what it adds in its place."""
    lines = block.text.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
    assert text.count(before) == 1, f"{block.place}: not, or not once, in the file:\n{before}"
    return text.replace(before, after)


def _run(block: Block, shown: Block | None, reader: Reader) -> None:
    for command in block.commands:
        if not_here(command):
            continue
        reader.forget()
        done = reader.run(command)
        assert done.status == _status(shown), f"{block.place}: {command}: {done.status}\n{done.text}"
        if shown:
            assert_shows(shown, done.text)


def _status(shown: Block | None) -> int:
    """The exit status that goes with what is shown: 3 where a proof fails, 1 where a file is wrong."""
    if shown and re.search(r": error\[", shown.text):
        return 1
    return 3 if shown and re.search(r"^✗|^Unproven", shown.text, re.MULTILINE) else 0
