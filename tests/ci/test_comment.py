"""`airlock comment` against stand-ins of the two APIs: one comment a pull request, changed in place, and nobody else's."""

import json
from pathlib import Path

import pytest
from forges import FakeForge, running
from pulumi_airlock.cli import app
from pulumi_airlock.cli._forges import forge_of
from pulumi_airlock.errors import InputError
from typer.testing import CliRunner

MARKED = "<!-- airlock-fleet -->"


def variables(forge: FakeForge, folder: Path) -> dict[str, str]:
    """What the CI system sets in a job of pull request 12."""
    if forge.kind == "gitlab":
        names = {"GITLAB_CI": "true", "CI_PROJECT_ID": "4", "CI_MERGE_REQUEST_IID": "12"}
        return {**names, "CI_API_V4_URL": forge.url, "GITLAB_TOKEN": forge.token}
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    names = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "bank/platform", "GITHUB_EVENT_PATH": str(event)}
    return {**names, "GITHUB_API_URL": forge.url, "GITHUB_TOKEN": forge.token}


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest):
    with running(request.param) as found:
        yield found


def test_the_first_run_writes_and_later_ones_change_the_same_comment(forge: FakeForge, tmp_path: Path):
    found = forge_of(variables(forge, tmp_path))
    assert found.post(f"{MARKED}\nfirst") == "written"
    forge.add("looks good to me")
    assert found.post(f"{MARKED}\nsecond") == "changed"
    assert found.post("<!-- airlock-diff:prod -->\nanother") == "written"
    assert forge.bodies == [f"{MARKED}\nsecond", "looks good to me", "<!-- airlock-diff:prod -->\nanother"]


def test_it_is_found_behind_hundreds_of_others(forge: FakeForge, tmp_path: Path):
    for number in range(250):
        forge.add(f"comment {number}")
    forge.add(f"{MARKED}\nbefore", ours=True)
    assert forge_of(variables(forge, tmp_path)).post(f"{MARKED}\nafter") == "changed"
    assert forge.bodies[-1] == f"{MARKED}\nafter"
    assert len(forge.comments) == 251


def test_somebody_elses_comment_with_the_same_first_line_is_left_alone(forge: FakeForge, tmp_path: Path):
    forge.add(f"{MARKED}\nall is well, merge it")
    assert forge_of(variables(forge, tmp_path)).post(f"{MARKED}\n2 excess") == "written"
    assert forge.bodies == [f"{MARKED}\nall is well, merge it", f"{MARKED}\n2 excess"]


def test_a_token_that_may_not_is_told_without_being_shown(forge: FakeForge, tmp_path: Path):
    given = variables(forge, tmp_path)
    key = "GITLAB_TOKEN" if forge.kind == "gitlab" else "GITHUB_TOKEN"
    with pytest.raises(InputError, match="answered 401; the token may not do that") as told:
        forge_of(given | {key: "wrong-secret"}).post(f"{MARKED}\n")
    assert "wrong-secret" not in str(told.value)


def test_everything_that_is_missing_is_told_at_once():
    with pytest.raises(InputError) as told:
        forge_of({"GITLAB_CI": "true", "CI_PROJECT_ID": "4"})
    assert [one.path for one in told.value.problems] == ["GITLAB_TOKEN", "CI_API_V4_URL", "CI_MERGE_REQUEST_IID"]
    with pytest.raises(InputError, match="neither GITHUB_ACTIONS nor GITLAB_CI"):
        forge_of({})


def test_an_event_that_is_no_pull_request_is_told(tmp_path: Path):
    with running("github") as forge:
        given = variables(forge, tmp_path)
        (tmp_path / "event.json").write_text('{"ref": "refs/heads/main"}')
        with pytest.raises(InputError, match="no pull request"):
            forge_of(given)
    assert not forge.asked


def test_only_what_airlock_wrote_is_posted(tmp_path: Path):
    (tmp_path / "notes.md").write_text("# Notes\n")
    done = CliRunner().invoke(app, ["comment", str(tmp_path / "notes.md")])
    assert isinstance(done.exception, InputError)
    assert "does not begin with Airlock's mark" in str(done.exception)
