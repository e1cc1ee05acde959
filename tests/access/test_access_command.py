"""`airlock check` and `airlock schema` as a user runs them."""

import json
from pathlib import Path

import pytest
from pulumi_airlock.access import loads
from pulumi_airlock.access.schema import schema_text
from pulumi_airlock.cli import main

BASE = (Path(__file__).parent / "base.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["airlock", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_sound_file(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "prod.yaml").write_text(BASE, encoding="utf-8")
    assert run(monkeypatch, "check", "prod.yaml") == 0
    assert capsys.readouterr().out == "prod.yaml: 3 principals, 2 destinations, 3 routes, 2 expectations: all well\n"


def test_an_error_shows_its_line_with_a_caret_and_the_fix(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "prod.yaml").write_text(BASE.replace("    to: [warehouse]", "    to: [warehose]"), encoding="utf-8")
    assert run(monkeypatch, "check", str(folder / "prod.yaml")) == 1
    assert capsys.readouterr().out.splitlines() == [
        'prod.yaml:18:10: error[unknown-name] routes[0].to[0]: no destination "warehose"; did you mean "warehouse"?',
        "   |",
        "18 |     to: [warehose]",
        "   |          ^^^^^^^^",
        "",
        "1 error in 1 file",
    ]


def test_the_caret_stands_under_the_value_in_a_long_line_and_behind_wide_characters(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "経理" * 4 + "x" * 300
    (folder / "prod.yaml").write_text(
        BASE.replace("reason: MKT-1}", f'reason: "{long}", session: soon}}').replace("to: [api], ", 'to: ["経", apl], '),
        encoding="utf-8",
    )
    assert run(monkeypatch, "check", "prod.yaml") == 1
    lines = capsys.readouterr().out.splitlines()
    carets = [index for index, line in enumerate(lines) if line.strip("| ").startswith("^")]
    assert len(carets) == 3
    for index in carets:
        before, _, marked = lines[index].partition("^")
        cells = "".join(char * (2 if ord(char) > 0x2E80 else 1) for char in lines[index - 1])
        assert cells[len(before) :].startswith(("経" * 2, "apl", "soon", '"経'))
        assert marked.strip("^") == ""


def test_warnings_alone_pass_unless_strict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "prod.yaml").write_text(BASE.replace("zones:", "  - {name: idle, group: g}\nzones:"), encoding="utf-8")
    assert run(monkeypatch, "check", "prod.yaml") == 0
    assert "warning[unused-principal]" in capsys.readouterr().out
    assert run(monkeypatch, "check", "--strict", "prod.yaml") == 1


def test_json_says_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.yaml").write_text(BASE, encoding="utf-8")
    (folder / "bad.yaml").write_text(BASE.replace("session: 8h", "session: 8"), encoding="utf-8")
    assert run(monkeypatch, "check", "--json", "good.yaml", "bad.yaml") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == [{"path": "good.yaml", "valid": True}, {"path": "bad.yaml", "valid": False}]
    assert said["errors"] == 1
    (finding,) = said["findings"]
    assert (finding["file"], finding["line"], finding["severity"], finding["code"]) == ("bad.yaml", 26, "error", "value")
    assert finding["path"] == "routes[2].session"


EXCEPTED = (
    BASE.replace("trust: medium", "trust: high")
    .replace('"2001:db8:60::/64"]}', '"2001:db8:60::/64"], clearance: high}')
    .replace("requires: [tunnel-up]", "exception: {reason: SEC-7, approvedBy: ciso@bank.example, expires: 2097-01-31}")
)


def test_a_notice_passes_even_where_warnings_do_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "prod.yaml").write_text(EXCEPTED, encoding="utf-8")
    assert run(monkeypatch, "check", "--strict", "prod.yaml") == 0
    said = capsys.readouterr().out
    assert "prod.yaml:22:72: notice[exception-in-force] routes[0].exception.expires: until 2097-01-31" in said
    assert said.splitlines()[-2:] == [
        "prod.yaml: 3 principals, 2 destinations, 3 routes, 2 expectations: all well",
        "1 notice in 1 file",
    ]
    assert run(monkeypatch, "check", "--json", "prod.yaml") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["errors"], document["warnings"], document["notices"]) == (0, 0, 1)
    assert "rbac" not in document


def test_who_is_cleared_how_far(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "prod.yaml").write_text(EXCEPTED, encoding="utf-8")
    assert run(monkeypatch, "check", "--rbac", "prod.yaml") == 0
    table = [line.split("  ") for line in capsys.readouterr().out.partition("cleared how far\n")[2].splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in table] == [
        ["principal", "who", "role", "clearance", "from", "most sensitive route into"],
        [
            "finance-etl",
            "tasks: finance_*",
            "–",
            "medium",
            "default",
            "datacenter (high), by finance-warehouse: by exception until 2097-01-31",
        ],
        ["markets-etl", "tasks: markets_*", "–", "medium", "default", "partners (medium), by markets-api"],
        ["analysts", "people: airflow-finance", "–", "high", "itself", "datacenter (high), by analysts-warehouse"],
    ]
    assert run(monkeypatch, "check", "--rbac", "--json", "prod.yaml") == 0
    rows = json.loads(capsys.readouterr().out)["rbac"]["prod.yaml"]
    assert rows[0] == {
        "principal": "finance-etl",
        "kind": "tasks",
        "who": ["finance_*"],
        "role": None,
        "clearance": "medium",
        "from": "default",
        "mostSensitive": {"zone": "datacenter", "trust": "high", "route": "finance-warehouse"},
        "above": True,
        "exception": {"reason": "SEC-7", "approvedBy": "ciso@bank.example", "expires": "2097-01-31"},
    }


def test_without_files_the_stacks_are_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check") == 1
    assert "no access files in stacks/access" in capsys.readouterr().err
    (folder / "stacks" / "access").mkdir(parents=True)
    (folder / "stacks" / "access" / "dev.yaml").write_text(BASE, encoding="utf-8")
    assert run(monkeypatch, "check") == 0


def test_a_day_to_check_for(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "prod.yaml").write_text(BASE, encoding="utf-8")
    assert run(monkeypatch, "check", "prod.yaml", "--today", "2099-06-25") == 0
    assert "expires in 5 days" in capsys.readouterr().out
    assert run(monkeypatch, "check", "prod.yaml", "--today", "2099-07-01") == 1
    assert "expired on 2099-06-30, 1 day ago" in capsys.readouterr().out
    assert run(monkeypatch, "check", "prod.yaml", "--today", "tomorrow") == 1
    assert 'error: --today: "tomorrow" is no day' in capsys.readouterr().err


def test_a_file_that_is_not_there_is_one_finding_among_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "prod.yaml").write_text(BASE, encoding="utf-8")
    assert run(monkeypatch, "check", "gone.yaml", "prod.yaml") == 1
    out = capsys.readouterr().out
    assert "gone.yaml: error[syntax] cannot be read: no such file or directory" in out
    assert "prod.yaml: 3 principals" in out


def test_schema_prints_and_writes(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "schema") == 0
    assert capsys.readouterr().out == schema_text()
    assert run(monkeypatch, "schema", "--output", "airlock.schema.json") == 0
    assert (folder / "airlock.schema.json").read_text(encoding="utf-8") == schema_text()
    assert run(monkeypatch, "schema", "--output", "no/such/folder.json") == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_every_whole_file_in_the_documentation_is_sound() -> None:
    text = (Path(__file__).parents[2] / "docs" / "access-file.md").read_text(encoding="utf-8")
    snippets = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    whole = [one for one in snippets if one.lstrip().startswith(("apiVersion", "# yaml-language-server"))]
    assert whole
    for one in whole:
        assert loads(one).routes
