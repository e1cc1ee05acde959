"""Dynamic resources are made for real, by code that the program brings: not when it is previewed, and not when refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.dynamic import DynamicError
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.wire import reveal

Run = Callable[[str], Plan]

# A file is the resource: its text is an input, its folder replaces it.
FILES = """
import os
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

class Files(ResourceProvider):
    serialize_as_secret_always = {sealed}

    def check(self, olds, news):
        return CheckResult(news, [CheckFailure("text", "may not be empty")] if news["text"] == "" else [])

    def diff(self, id_, olds, news):
        moved = olds["folder"] != news["folder"]
        return DiffResult(
            changes=moved or olds["text"] != news["text"] or not os.path.exists(id_),
            replaces=["folder"] if moved or not os.path.exists(id_) else [],
            delete_before_replace=not moved,
        )

    def create(self, props):
        if props["text"] == "fail":
            raise ValueError("the disk is on fire")
        path = os.path.join(props["folder"], "made")
        with open(path, "w") as file:
            file.write(props["text"])
        return CreateResult(path, {{**props, "length": len(props["text"])}})

    def update(self, id_, olds, news):
        with open(id_, "w") as file:
            file.write(news["text"])
        return UpdateResult({{**news, "length": len(news["text"])}})

    def delete(self, id_, props):
        if os.path.exists(id_):
            os.remove(id_)

class File(Resource, module="airlock", name="File"):
    def __init__(self, name, folder, text, opts=None, token=None):
        super().__init__(Files(), name, {{"folder": str(folder), "text": text, "token": token, "length": None}}, opts)

"""


def program(folder: Path, text: str, *, sealed: bool = False, more: str = "") -> str:
    folder.mkdir(exist_ok=True)
    return FILES.format(sealed=sealed) + f'file = File("file", {str(folder)!r}, {text!r})\n' + more


def ops(plan: Plan) -> list[str]:
    return [f"{one.op.value} {one.name}" for one in plan.steps if "dynamic" in one.type]


def test_it_is_made_changed_replaced_and_deleted(update: Run, preview: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    preview(program(first, "one"))
    assert not (first / "made").exists()

    update(program(first, "one"))
    assert (first / "made").read_text() == "one"
    assert ops(update(program(first, "one"))) == ["same file"]

    assert ops(update(program(first, "two"))) == ["update file"]
    assert (first / "made").read_text() == "two"

    assert ops(preview(program(second, "two"))) == ["replace file"]
    update(program(second, "two"))
    assert (second / "made").read_text() == "two"
    assert not (first / "made").exists()

    update("")
    assert not (second / "made").exists()


def test_what_has_gone_meanwhile_is_made_again(update: Run, tmp_path: Path) -> None:
    update(program(tmp_path / "a", "one"))
    (tmp_path / "a" / "made").unlink()
    assert ops(update(program(tmp_path / "a", "one"))) == ["replace file"]
    assert (tmp_path / "a" / "made").exists()


def test_what_it_answers_is_in_the_state_and_seen_by_the_next_run(update: Run, tmp_path: Path) -> None:
    shown = 'pulumi.export("length", file.length)\n'
    update(program(tmp_path / "a", "four", more=shown))
    assert update(program(tmp_path / "a", "four", more=shown)).outputs["length"] == 4


def test_its_provider_refuses_inputs_before_anything_is_done(preview: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file: text: may not be empty"):
        preview(program(tmp_path / "a", ""))


def test_one_that_fails_stops_the_update_and_keeps_what_was_done(update: Run, tmp_path: Path) -> None:
    more = f'File("second", {str(tmp_path / "b")!r}, "fail", pulumi.ResourceOptions(depends_on=[file]))\n'
    (tmp_path / "b").mkdir()
    with pytest.raises(DynamicError, match="second: ValueError: the disk is on fire"):
        update(program(tmp_path / "a", "one", more=more))
    plan = update(program(tmp_path / "a", "one", more=more.replace('"fail"', '"well"')))
    assert ops(plan) == ["same file", "create second"]


def test_a_provider_that_is_a_secret_cannot_be_kept(preview: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="serialize_as_secret_always = False"):
        preview(program(tmp_path / "a", "one", sealed=True))


def test_destroy_deletes_it(tmp_path: Path, update: Run, tiny: Project) -> None:
    update(program(tmp_path / "a", "one"))
    with Session(tiny, "dev") as session, session.locked("test"):
        session.apply(session.destruction())
    assert not (tmp_path / "a" / "made").exists()
    assert not session.state_file.path.exists()


def test_a_secret_input_is_the_programs_again_in_a_run_that_changes_nothing(update: Run, tmp_path: Path) -> None:
    source = program(tmp_path / "a", "one").replace("'one')", "'one', token=pulumi.Output.secret('hush hush'))")
    source += "pulumi.export('token', file.token)\n"
    update(source)
    plan = update(source)
    assert ops(plan) == ["same file"]
    assert reveal(plan.outputs["token"]) == "hush hush"
