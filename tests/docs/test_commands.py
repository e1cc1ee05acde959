"""Every command of README.md and docs/ runs as it stands there, and says what the page shows."""

import gzip
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import doc_shown
import pytest
from doc_blocks import ROOT, SHELL, Block, blocks, pages
from doc_reader import Reader, assert_shows, previews_once, repository

sys.path += [str(ROOT / "tests" / name) for name in ("audit/timeline", "verify")]
from trail_lines import logs
from verify_cases import FLOW_HEAD, firewall, flow, lss, web

NOT_HERE = {
    "pulumi": "needs the Pulumi CLI and, for an update, a cloud",
    "make": "installs, and runs whole suites; that it is a target is checked",
    "pip": "asks a registry; that the extras exist is checked",
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
    "docs/ci.md": 2,
    "docs/environments/local.md": 3,
    "docs/evidence.md": 1,
    "docs/explain.md": 1,
    "docs/gates/zia.md": 1,
    "docs/performance-runtime.md": 2,
    "docs/performance.md": 1,
    "docs/policies.md": 1,
    "docs/scale.md": 3,
    "docs/tutorial.md": 3,
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
        _brought_up(folder)
        _logs(folder)
        yield reader


def _brought_up(folder: Path) -> None:
    """`state.json`: a bank behind Zscaler, brought up; `update.json`: an update of it that replaces five resources."""
    bank = Reader(ROOT / "tests" / "verify" / "bank")
    done = bank.run(f"airlock preview --stack test --no-policy-packs --json 2>/dev/null > {folder / 'state.json'}")
    assert done.status == 0, done.text
    steps = [("update", f"zia-{number}") for number in range(2)] + [
        ("replace", f"zia-{one}") for one in ("saas-ports", *range(4))
    ]
    kind = "zia:index:FwNetworkService"
    found = [{"op": op, "urn": f"urn:pulumi:dev::bank::{kind}::{name}", "newState": {"type": kind}} for op, name in steps]
    (folder / "update.json").write_text(json.dumps({"steps": found}))


def _logs(folder: Path) -> None:
    """The logs that docs/audit-trail.md, docs/verify.md and README.md read."""
    logs(folder)
    zia = [
        firewall(locationname="airlock-finance-worker", rulelabel="airlock-rates"),
        web(spriv="airlock-finance-worker", urlfilterrulelabel="airlock-rates"),
        firewall(locationname="airlock-finance-scheduler", rulelabel="airlock-pypi", cdfqdn="pypi.example", csip="192.0.2.1"),
        firewall(locationname="airlock-finance-worker", rulelabel="airlock-pypi", cdfqdn="pypi.example"),
    ]
    person = {"Username": "ann@bank.example", "ClientPrivateIP": "", "Host": "10.40.0.20", "ServicePort": 443}
    zpa = [lss(Policy="airlock-finance-warehouse"), lss(Policy="airlock-controllers-ui", **person), lss(Policy="Allow all")]
    network = [FLOW_HEAD, flow(destination="10.40.13.4"), flow(destination="203.0.113.20", port=22)]
    (folder / "flow").mkdir()  # what they show, docs/verify.md says
    for name, lines in (("nss.log.gz", zia), ("lss.log.gz", zpa), ("flow/1.gz", network), ("flow.log.gz", network[:1])):
        (folder / name).write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / ".airlock" / "desk").mkdir(parents=True)
    for name, source in (("audit.jsonl", "events.jsonl"), ("proxy-access.log", "proxy.jsonl")):
        (folder / ".airlock" / "desk" / name).write_bytes((folder / source).read_bytes())
    of_treasury = {"ClientPrivateIP": "10.40.2.10", "Username": "airflow-treasury", "ServicePort": 8443, "ServerIP": "10.70.4.10"}
    private = lss(Host="liquidity.group.bank.example", Policy="airlock-treasury-group", **of_treasury)
    rated = {"rulelabel": "airlock-ratings-risk-ratings", "cdfqdn": "api.ratings.example", "csip": "10.40.1.10"}
    public = firewall(locationname="airlock-risk-worker", **rated)
    (folder / "lss.json").write_text(private)
    (folder / "nss.json").write_text(public)


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
    word = command.split()[0]
    if word in NOT_HERE:
        return ""
    if word == "airlock" and USAGE.search(command):
        return ""  # its options: below
    done = desk.run(command)
    wanted = ANSWERS.get(" ".join(command.split()[:2]), (0,))
    assert done.status in wanted, f"{block.place}: {command}\n{done.text}"
    return done.text


def test_what_is_not_run_is_counted() -> None:
    found = Counter(one.page for page in pages() for one in _shell(page) for c in one.commands if c.split()[0] in NOT_HERE)
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
                assert set(goals) <= targets, command
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
