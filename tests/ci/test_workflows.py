"""The files for GitHub Actions and GitLab CI: judged by the services' own schemas and by linters, and their shell steps run.

Each step's script runs as the service runs it, in a clone at the commit that it would check out, with the variables that it would
set. Not run: the services' own actions, which check out, install Python and upload.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ci_cases import ROOT, environment, git, needed_tool
from forges import FakeForge, running
from ruamel.yaml import YAML
from test_comment import variables

GITHUB = ROOT / "ci" / "github" / "airlock.yml"
GITLAB = ROOT / "ci" / "gitlab" / "airlock.gitlab-ci.yml"
SETTINGS = {"PROJECT": "platform", "ACCESS": "platform/access", "OPTIONS": "--no-policy-packs"}


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


@pytest.fixture(scope="module")
def change(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone at the merge of `topic` into a `main` that has moved on, with a lock that names no packages."""
    clone = tmp_path_factory.mktemp("merge") / "clone"
    git(repository, "clone", "-q", str(repository.parent), str(clone))
    git(clone, "checkout", "-q", "-b", "main", "origin/main")
    (clone / "requirements.lock").write_text("# nothing\n")
    git(clone, "add", "requirements.lock")
    git(clone, "commit", "-qm", "a lock")
    git(clone, "merge", "-q", "--no-ff", "-m", "merge", "origin/topic")
    return clone


def run(script: str, folder: Path, shell: list[str], **given: str) -> subprocess.CompletedProcess[str]:
    """A script as a runner runs it, with the commands of this environment on PATH."""
    path = folder.parent / "step.sh"
    path.write_text(script)
    search = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    known = environment(PATH=search, PIP_DISABLE_PIP_VERSION_CHECK="1", **given)
    return subprocess.run([*shell, str(path)], cwd=folder, env=known, capture_output=True, text=True, timeout=300, check=False)


def steps(job: str, event: str, folder: Path, **given: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """The scripts of a job of GitHub's, by name, until one fails; those that the event leaves out are not run."""
    workflow, values = _load(GITHUB), {"github.event_name == 'pull_request'": str(event == "pull_request").lower()}
    values["github.token"] = given.get("GITHUB_TOKEN", "")
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    for step in workflow["jobs"][job]["steps"]:
        if "run" not in step or _value(step.get("if", "true"), values) == "false":
            continue
        variables = {key: _value(str(value), values) for key, value in (workflow["env"] | step.get("env", {})).items()}
        options = ["-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
        found = run(step["run"], folder, ["bash", "--noprofile", "--norc", *options], **(variables | SETTINGS | given))
        done[step.get("name", step["run"])] = found
        if found.returncode:
            break
    return done


def _value(text: str, values: dict[str, str]) -> str:
    """Text with its expressions, which must be among those that are known."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], text)


def test_github_fails_on_excess_and_comments_once(change: Path, tmp_path: Path):
    summary = tmp_path / "summary.md"
    given = {"STACKS": "retail-de treasury-*", "GITHUB_STEP_SUMMARY": str(summary)}
    previewed = steps("preview", "pull_request", change, **given)
    assert list(previewed) == ["Install", "Check, preview and prove"]
    last = previewed["Check, preview and prove"]
    assert last.returncode == 3, last.stdout + last.stderr
    base = git(change, "rev-parse", "--short", "HEAD^1")
    assert f"access since <code>{base}</code>" in summary.read_text()
    assert "**1 of 2 stacks fail**" in summary.read_text()
    assert {one.name for one in (change / "reports").glob("*.sarif")} == {"access.sarif", "retail-de.sarif", "treasury-ch.sarif"}
    with running("github") as forge:
        for _ in range(2):
            done = steps("report", "pull_request", change, **variables(forge, tmp_path))
            assert done["Comment"].returncode == 0, done["Comment"].stderr
        assert len(forge.bodies) == 1
        assert "hand-written" in forge.bodies[0]


def test_github_passes_a_change_without_excess_and_compares_nothing_on_the_branch_itself(change: Path, tmp_path: Path):
    given = {"STACKS": "treasury-ch", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    previewed = steps("preview", "push", change, **given)
    assert previewed["Check, preview and prove"].returncode == 0, previewed["Check, preview and prove"].stderr
    assert "1 stack: all well" in (tmp_path / "summary.md").read_text()
    assert "access since" not in (tmp_path / "summary.md").read_text()
    assert "Comment" not in steps("report", "push", change)


def _gitlab(change: Path, folder: Path, forge: FakeForge | None, stacks: str) -> subprocess.CompletedProcess[str]:
    job = _load(GITLAB)["airlock"]
    given = job["variables"] | SETTINGS | {"STACKS": stacks, "CI_MERGE_REQUEST_IID": "12"}
    given["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = git(change, "rev-parse", "HEAD^1")
    given |= variables(forge, folder) if forge else {}
    return run("\n".join(job["script"]), change, ["bash", "-eo", "pipefail"], **given)


def test_gitlab_fails_on_excess_and_comments_once(change: Path, tmp_path: Path):
    with running("gitlab") as forge:
        done = _gitlab(change, tmp_path, forge, "retail-de")
        assert done.returncode == 3, done.stdout + done.stderr
        assert len(forge.bodies) == 1
        assert "1 excess: 1 added" in forge.bodies[0]
    assert list(change.glob(_load(GITLAB)["airlock"]["artifacts"]["reports"]["junit"]))


def test_gitlab_runs_without_a_token_as_in_a_fork(change: Path, tmp_path: Path):
    done = _gitlab(change, tmp_path, None, "treasury-*")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_that_runs_the_program_may_write_nothing_and_has_no_secret():
    workflow = _load(GITHUB)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["preview"]["permissions"] == {"contents": "read"}
    assert "secrets." not in GITHUB.read_text()
    assert set(workflow["on"]) == {"pull_request", "push"}  # never pull_request_target, whose token may write


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("check-jsonschema", ["--builtin-schema", "vendor.github-workflows", GITHUB]),
        ("check-jsonschema", ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", GITLAB]),
        ("zizmor", ["--offline", "--no-progress", "--config", ROOT / "tests" / "ci" / "zizmor.yml", GITHUB]),
        ("hadolint", [ROOT / "Containerfile"]),
    ],
    ids=["github-workflow", "gitlab-ci", "zizmor", "hadolint"],
)
def test_schemas_and_linters_find_no_fault(tool: str, arguments: list[str | Path]):
    done = subprocess.run([needed_tool(tool), *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_finds_no_fault_in_any_script(tmp_path: Path):
    workflow = _load(GITHUB)
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    for number, script in enumerate([*scripts, "\n".join(_load(GITLAB)["airlock"]["script"])]):
        path = tmp_path / f"{number}.sh"
        path.write_text(f"#!/bin/bash\n{script}")
        done = subprocess.run([needed_tool("shellcheck"), path], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout


def test_the_container_gets_every_dependency_in_the_version_that_is_tested():
    def pinned(lock: str) -> dict[str, str]:
        found = re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
        return {name.replace(".", "-"): version for name, version in found}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["all"],
        *project["build-system"]["requires"],
    ]
    names = {re.match(r"[\w.-]+", one)[0].lower().replace(".", "-") for one in wanted}
    ours, tested = pinned("ci/container-requirements.lock"), pinned("requirements.lock")
    assert names <= ours.keys(), "make lock"
    assert {name: ours[name] for name in names} == {name: tested[name] for name in names}, "make lock"


def test_the_hook_of_pre_commit_refuses_a_wrong_access_file(tmp_path: Path):
    """The hook as its file says, but for the environment that pre-commit would install: the one of this test is taken."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / ".pre-commit-hooks.yaml").write_text((ROOT / ".pre-commit-hooks.yaml").read_text())
    work = tmp_path / "work"
    (work / "stacks" / "access").mkdir(parents=True)
    for folder in (hook, work):
        git(folder, "init", "-q")
    git(hook, "add", "-A")
    git(hook, "commit", "-qm", "hook")
    (work / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hook}\n  rev: {git(hook, 'rev-parse', 'HEAD')}\n  hooks: [{{id: airlock-check, language: system}}]\n"
    )
    text = (ROOT / "examples" / "many-environments" / "access" / "retail-ch.yaml").read_text()
    access = work / "stacks" / "access" / "prod.yaml"
    for content, status in ((text, 0), (text.replace("to: [warehouse]", "to: [warehose]"), 1)):
        access.write_text(content)
        (work / "other.yaml").write_text("no: access file\n")
        git(work, "add", "-A")
        command = f"exec '{needed_tool('pre-commit')}' run --all-files --verbose"
        done = run(command, work, ["bash"], PRE_COMMIT_HOME=str(tmp_path / "cache"))
        assert done.returncode == status, done.stdout + done.stderr
    assert 'no destination "warehose"; did you mean "warehouse"?' in done.stdout
    assert "stacks/access/prod.yaml:" in done.stdout
    assert "other.yaml" not in done.stdout
