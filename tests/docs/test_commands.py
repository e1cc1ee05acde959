"""Every command of README.md and docs/ runs as it stands there, and says what the page shows."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import doc_shown
import pytest
from doc_blocks import ROOT, SHELL, Block, blocks, pages
from doc_reader import Reader, assert_shows, previews_once, repository
from doc_samples import samples

NOT_HERE = {
    "airlock fleet": "previews many stacks, each in a process of its own: tests/ci runs it",
    "pulumi": "needs the Pulumi CLI and, for an update, a cloud",
    "make": "installs, and runs whole suites; that it is a target is checked",
    "pip": "asks a registry; that the extras exist is checked",
    "psql": "asks Airflow's database",
    "open": "opens a window",
    "curl": "asks a server of somebody else",
    "python": "measures for minutes, and writes the page",
    "export": "sets what a credential is",
    ".": "changes the reader's shell",
    "mkdir": "makes the reader's folder",
    "python3": "makes the reader's environment",
}
"""Command → why it is not run here."""
HOW_MANY = {
    "README.md": 9,
    "docs/ci.md": 3,
    "docs/environments/local.md": 3,
    "docs/evidence.md": 1,
    "docs/explain.md": 1,
    "docs/gates/fortigate.md": 2,
    "docs/gates/zia.md": 1,
    "docs/performance-runtime.md": 2,
    "docs/performance.md": 1,
    "docs/import.md": 1,
    "docs/languages.md": 5,
    "docs/learn.md": 1,
    "docs/policies.md": 1,
    "docs/scale.md": 4,
    "docs/supply-chain.md": 2,
    "docs/tutorial.md": 3,
    "docs/upgrades.md": 2,
}
"""Page → how many of its commands are not run. Run another one, and take it off; a new one needs a reason."""
USAGE = re.compile(r"\b(WHO|WHERE|LOG|LINE|NAME|FILE|DIR|OLD|NEW)\b")
"""What a line has that tells how a command is used, and is none itself."""


ANSWERS = {"airlock verify": (0, 3), "airlock evidence": (0, 2, 3)}
"""Command → statuses that are answers, and no mistake."""


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The project of this repository with two commits, and the files that pages name."""
    folder = repository(tmp_path_factory.mktemp("desk"), lambda where: (where / "NOTES.md").write_text("notes\n"))  # type: ignore[arg-type]
    reader = Reader(folder)
    with previews_once():
        preview = reader.run("airlock preview --stack prod-mwaa --no-policy-packs --json 2>/dev/null")
        (folder / "preview.json").write_text(preview.text)
        samples(folder)
        yield reader


def not_here(command: str) -> bool:
    """Whether a command is one of `NOT_HERE`."""
    words = command.split()
    return words[0] in NOT_HERE or " ".join(words[:2]) in NOT_HERE


def _shell(page: str) -> list[Block]:
    return [one for one in blocks(page) if one.is_shell and one.mark != "not run"]


PAGES = [
    one
    for one in pages()
    if any(block.is_shell or block.mark == "shown" for block in blocks(one)) and not any(block.title for block in blocks(one))
]
"""Those with files to write are run from an empty folder: test_tutorial.py."""


@pytest.mark.parametrize("page", PAGES)
def test_commands_run_and_say_what_the_page_shows(page: str, desk: Reader) -> None:
    for block, after in zip(blocks(page), (*blocks(page)[1:], None), strict=True):
        if block.mark == "shown":
            assert_shows(block, getattr(doc_shown, block.said)(desk))
        if not block.is_shell or block.mark == "not run":
            continue
        for command in block.commands:
            said = _try(block, command, desk)
        if block.output:
            assert_shows(replace(block, text=block.output), said)
        elif block.text.startswith("$ ") and after and after.language == "text" and not after.mark:
            assert_shows(after, said)


def _try(block: Block, command: str, desk: Reader) -> str:
    if not_here(command):
        return ""
    if command.startswith("airlock ") and USAGE.search(command):
        return ""  # its options: below
    done = desk.run(command)
    wanted = ANSWERS.get(" ".join(command.split()[:2]), (0,))
    assert done.status in wanted, f"{block.place}: {command}\n{done.text}"
    return done.text


def test_what_is_not_run_is_counted() -> None:
    found = Counter(one.page for page in pages() for one in _shell(page) for c in one.commands if not_here(c))
    marked = Counter(one.page for page in pages() for one in blocks(page) if one.mark == "not run")
    assert +(found + marked) == +Counter(HOW_MANY)
    assert all(one.said for page in pages() for one in blocks(page) if one.mark == "not run"), "say why"


def test_what_is_not_run_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    commands = [command.split("#")[0] for page in pages() for block in _shell(page) for command in block.commands]
    for command in commands:
        match command.split():
            case ["make", *goals]:
                assert {one for one in goals if "=" not in one} <= targets, command
            case ["pip", "install", *_]:
                named = {one for found in re.findall(r"\[([\w,]+)\]", command) for one in found.split(",")}
                assert named <= extras, command
            case ["pulumi", *_]:
                packs = re.findall(r"--policy-pack (\S+)", command)
                assert all((ROOT / one / "PulumiPolicy.yaml").is_file() for one in packs), command


def test_every_block_says_what_it_is() -> None:
    known = {*SHELL, "python", "yaml", "json", "toml", "ini", "log", "diff"}
    unclear = []
    for page in pages():
        for before, block in zip((None, *blocks(page)), blocks(page), strict=False):
            answers = before is not None and before.is_shell and before.text.startswith("$ ") and block.language == "text"
            if block.language not in known and not (block.mark or block.title or answers):
                unclear.append(f"{block.place}: {block.text.splitlines()[0]}")
    assert not unclear, "give the fence a language, or the block a mark (tests/docs/doc_blocks.py):\n" + "\n".join(unclear)
