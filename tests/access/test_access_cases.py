"""Every finding that a check of an access file can make: a sound file (base.yaml), one change, and what is said about it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import AccessError, Severity, load, loads, read
from pulumi_airlock.access.load import read_content
from ruamel.yaml import YAML

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
TODAY = date(2026, 11, 21)
BY_THE_CALENDAR = ("route-expired", "exception-expired")


def cases() -> list[Any]:
    found = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        for case in YAML(typ="safe").load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(case, id=f"{path.stem}: {case['says']}"))
    return found


def changed(case: dict[str, Any]) -> str:
    if "file" in case:
        return case["file"]
    text = BASE
    for old, new in case["change"]:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in base.yaml"
        text = text.replace(old, new)
    return text


def said(text: str) -> list[str]:
    reading = read_content(text, "access.yaml", TODAY)
    return [f"{one.line}: {one.severity}[{one.code}] {one.path}: {one.message}" for one in reading.findings]


@pytest.mark.parametrize("case", cases())
def test_what_a_change_of_a_sound_file_makes_the_check_say(case: dict[str, Any]) -> None:
    assert said(changed(case)) == case["finds"]


@pytest.mark.parametrize("case", cases())
def test_loading_refuses_what_the_check_calls_an_error_whatever_the_day(case: dict[str, Any]) -> None:
    errors = [one for one in case["finds"] if "error[" in one and not any(f"[{code}]" in one for code in BY_THE_CALENDAR)]
    if not errors:
        loads(changed(case))
        return
    with pytest.raises(AccessError) as caught:
        loads(changed(case), "access.yaml")
    assert len(caught.value.problems) == len(errors)
    assert all(str(one).startswith("access.yaml") for one in caught.value.problems)


def test_the_base_is_sound() -> None:
    assert said(BASE) == []


def test_the_message_of_the_design(tmp_path: Path) -> None:
    path = tmp_path / "prod.yaml"
    path.write_text(BASE.replace("to: [api]", "to: [warehose]"), encoding="utf-8")
    with pytest.raises(AccessError) as caught:
        load(path)
    assert str(caught.value) == f'{path}:25: routes[1].to[0]: no destination "warehose"; did you mean "warehouse"?'


def test_every_problem_of_a_file_comes_at_once() -> None:
    text = (
        BASE.replace("[5432/tcp]", "[5432/tpc]")
        .replace("to: [api]", "to: [apo]")
        .replace("session: 1h", "session: 9h")
        .replace("group: airflow-finance", "grup: airflow-finance")
        .replace("markets_daily.*", "marketing_daily.*")
        + "expect: []\n"
    )
    codes = {one.code for one in read_content(text, "access.yaml", TODAY).findings}
    assert codes >= {"value", "unknown-name", "session-over-window", "unknown-key", "duplicate-key"}


def test_the_stacks_of_the_repository_are_sound() -> None:
    for path in sorted((HERE.parents[1] / "stacks" / "access").glob("*.yaml")):
        assert [one for one in read(path, TODAY).findings if one.severity is not Severity.NOTICE] == [], path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "access.yaml: is empty: an access file begins with apiVersion: airlock/v1"),
        (b"# nothing\n", "access.yaml: is empty: an access file begins with apiVersion: airlock/v1"),
        (b"name: caf\xe9\n", "access.yaml:1: is not UTF-8 (byte 0xe9): save it as UTF-8"),
        ("apiVersion: airlock/v1".encode("utf-16"), "access.yaml: is UTF-16: save it as UTF-8"),
        (b"a: b\nc: \x07\n", "access.yaml:2: no valid YAML: a control character (0x07)"),
        (b"x" * (8 * 1024 * 1024 + 1), "access.yaml: is larger than 8 MiB: no access file"),
    ],
)
def test_what_is_no_text_of_an_access_file(content: bytes, message: str) -> None:
    with pytest.raises(AccessError) as caught:
        loads(content)
    assert str(caught.value) == message


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    assert loads(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode()) == loads(BASE)


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"gone\.yaml: cannot be read: no such file or directory"):
        load(tmp_path / "gone.yaml")
    with pytest.raises(AccessError, match="cannot be read: is a directory"):
        load(tmp_path)
