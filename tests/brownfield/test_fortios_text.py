"""A backup's text as a tree: whatever a value holds comes back, and what is wrong is told with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.brownfield import Options, read_sources
from pulumi_airlock.brownfield.fortios_text import Node, parse
from pulumi_airlock.errors import InputError, Problems

WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cs"]), max_size=12)
SETTINGS = st.dictionaries(WORDS, st.lists(VALUES, min_size=1, max_size=3), max_size=3)


@st.composite
def entries(draw, depth):
    tables = draw(st.dictionaries(WORDS, tables_of(depth - 1), max_size=2)) if depth else {}
    return {"settings": draw(SETTINGS), "tables": tables}


def tables_of(depth):
    return st.dictionaries(VALUES.filter(str.strip), entries(depth), min_size=1, max_size=2)


def written(table: str, content: dict, pad: str = "") -> list[str]:
    """A table as FortiOS writes it: every value in quotes."""
    lines = [f"{pad}config {table}"]
    for key, entry in content.items():
        lines.append(f"{pad}    edit {quoted(key)}")
        lines += [f"{pad}        set {name} {' '.join(map(quoted, values))}" for name, values in entry["settings"].items()]
        lines += [line for name, inner in entry["tables"].items() for line in written(name, inner, pad + "        ")]
        lines.append(f"{pad}    next")
    return [*lines, f"{pad}end"]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(table: Node) -> dict:
    return {
        one.name: {
            "settings": {key: list(values) for key, values in one.settings.items()},
            "tables": {inner.name: plain(inner) for inner in one.tables},
        }
        for one in table.entries
    }


@given(tables_of(2))
def test_what_is_written_is_read_whatever_quotes_lines_and_backslashes_it_holds(content):
    problems = Problems("")
    root = parse("#config-version=FGVM64-7.4.3\n" + "\n".join(written("some table", content)) + "\n", "fg.conf", problems)
    problems.raise_any()
    assert plain(root.tables[0]) == content


def test_unset_append_and_words_without_quotes():
    text = "config a b\n  edit 1\n    set one x y\n    set two z\n    unset two\n    append one 'w w'\n  next\nend\n"
    (entry,) = parse(text, "fg.conf", Problems("")).tables[0].entries
    assert entry.settings == {"one": ("x", "y", "w w")}
    assert entry.line_of("one") == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("config firewall policy\n  edit 1\n    set name x\n", "fg.conf:2: `edit 1` never ends: the backup is cut off"),
        ("config firewall policy\n", "fg.conf:1: `config firewall policy` never ends"),
        ('config firewall address\n  edit "a\n  next\nend\n', "fg.conf:2: a quoted value never ends"),
        ("config system global\nend\nend\n", "fg.conf:3: `end` means nothing here"),
        ("config system global\n  next\nend\n", "fg.conf:2: `next` means nothing here"),
        ("config system global\n  sett hostname x\nend\n", "fg.conf:2: `sett hostname x` means nothing here"),
        ("config firewall address\n edit a\n  set subnet 10.0.0.300 255.0.0.0\n next\nend\n", "fg.conf:3: edit a: subnet: "),
        ("config firewall address\n edit a\n  set end-ip x\n next\nend\n", "fg.conf:3: edit a: end-ip: 'x' is no address"),
        (
            "config router static\n edit 1\n  set dst 10.0.0.0/x\n next\nend\n",
            "fg.conf:3: edit 1: dst: '10.0.0.0/x' is no network",
        ),
        ("config system interface\n edit p\n  set ip 10.0.0.300 255.0.0.0\n next\nend\n", "fg.conf:3: edit p: ip: "),
        ("config firewall policy\n edit a\n next\nend\n", "fg.conf:2: edit a: policy 'a' has no number"),
        ("config firewall service custom\n edit s\n  set tcp-portrange 80-x\n next\nend\n", "fg.conf:3: edit s: tcp-portrange: "),
        ("config firewall schedule recurring\n edit n\n  set start 25:00\n next\nend\n", "fg.conf:3: edit n: start: '25:00'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_fix(text, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("fg.conf").write_text(text)
    with pytest.raises(InputError) as raised:
        read_sources([Path("fg.conf")], Options())
    assert str(raised.value).startswith(problem)


def test_all_problems_of_all_files_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.conf").write_text("config firewall policy\n  edit x\n  next\n  edit y\n  next\nend\n")
    Path("b.json").write_text('{"Subnets": [\n  {"CidrBlock": "10.0.0.0/24"}\n]}')
    Path("c.yaml").write_text("a: [\n")
    Path("d.json").write_text('{"something": "else"}')
    names = ["a.conf", "b.json", "c.yaml", "d.json", "e.json"]
    with pytest.raises(InputError) as raised:
        read_sources(map(Path, names), Options())
    said = str(raised.value)
    for place in (
        "a.conf:2: ",
        "a.conf:4: ",
        "b.json:2: Subnets[0]: has no SubnetId",
        "c.yaml:2: ",
        "d.json: is nothing",
        "e.json: ",
    ):
        assert place in said
