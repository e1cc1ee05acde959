"""What a tag would publish: both distributions are whole, each has an SBOM, and the workflow is one that GitHub takes.

Its shell steps run here as they are. What needs GitHub or an index (signing, uploading) does not.
"""

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
JOBS = YAML(typ="safe").load(WORKFLOW.read_text())["jobs"]
CHECKED_OUT = ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "CHANGELOG.md", "LICENSE")


def _step(job: str, begin: str) -> str:
    """The script of the step whose name begins so."""
    (script,) = [step["run"] for step in JOBS[job]["steps"] if step.get("name", "").startswith(begin)]
    return str(script)


def _run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A step as GitHub runs it."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=os.environ | more, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout after the step that builds. Dependencies are left out of the SBOM: no index is asked."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in CHECKED_OUT:
        shutil.copy(ROOT / name, folder)
    for name in ("components", "airflow-provider"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    for name in (".installed", "bin"):
        assert (folder / ".venv" / name).exists(), "make has set nothing up here"
    script = _step("build", "Build").replace("make ", "make --assume-old=.venv/.installed ")
    done = _run(script, folder, PIP_NO_DEPS="1", PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _one(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "dist").glob(pattern)
    return found


WHEELS = {
    "pulumi_airlock": ROOT / "components" / "pulumi_airlock",
    "airlock_provider": ROOT / "airflow-provider" / "src" / "airlock_provider",
}


def _wheel(built: Path, package: str) -> zipfile.ZipFile:
    distribution = "pulumi_airlock" if package == "pulumi_airlock" else "airflow_provider_airlock"
    return zipfile.ZipFile(_one(built, f"release/{distribution}-*.whl"))


@pytest.mark.parametrize("package", WHEELS)
def test_a_wheel_has_every_file_of_its_package_and_its_licence(built: Path, package: str):
    wheel, source = _wheel(built, package), WHEELS[package]
    held = {name.removeprefix(f"{package}/") for name in wheel.namelist() if name.startswith(f"{package}/")}
    files = (one.relative_to(source) for one in source.rglob("*") if one.is_file())
    assert held == {str(one) for one in files if not any(part.startswith((".", "__pycache__")) for part in one.parts)}
    assert "py.typed" in held
    (licence,) = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("package", WHEELS)
def test_what_an_index_is_told_is_complete(built: Path, package: str):
    """What `twine check` looks at, and what an index refuses a file for."""
    wheel = _wheel(built, package)
    (metadata,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    told = email.message_from_bytes(wheel.read(metadata))
    assert told["License-Expression"] == "Apache-2.0"
    assert told["Description-Content-Type"] == "text/markdown"
    assert len(str(told.get_payload())) > 200
    assert told["Requires-Python"]
    sdist = _one(built, f"release/{told['Name'].replace('-', '_')}-{told['Version']}.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"PKG-INFO", "pyproject.toml", "LICENSE", "README.md"} <= names
    assert not any(name.startswith(("tests", "stacks", ".")) and name != ".gitignore" for name in names)


def test_the_installed_wheel_runs(built: Path, tmp_path: Path):
    where = built / "dist" / "sbom" / ".of" / "airlock"
    env = {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one.endswith("site-packages")), "PYTHONSAFEPATH": "1"}
    python, command = where / "bin" / "python", where / "bin" / "airlock"
    found = _run(f"{python} -c 'import pulumi_airlock; print(pulumi_airlock.__path__[0])'", tmp_path, **env)
    assert found.stdout.startswith(str(where)), found.stderr
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert _run(f"{command} --version", tmp_path, **env).stdout == f"airlock {version[1]}\n"
    schema = _run(f"{command} schema", tmp_path, **env)  # a file of the package's
    assert json.loads(schema.stdout)["$schema"], schema.stderr


@pytest.mark.parametrize("name", ["pulumi-airlock", "airflow-provider-airlock"])
def test_each_distribution_has_an_sbom_that_is_valid(built: Path, name: str):
    text = _one(built, f"sbom/{name}.cdx.json").read_text()
    document = json.loads(text)
    version = SchemaVersion.from_version(document["specVersion"])
    assert JsonStrictValidator(version).validate_str(text) is None
    assert document["metadata"]["component"]["name"] == name
    assert str(built) not in text, "a folder of this machine"


# The workflow


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("check-jsonschema", ["--builtin-schema", "vendor.github-workflows"]),
        ("zizmor", ["--offline", "--no-progress", "--config", ROOT / "tests" / "ci" / "zizmor.yml"]),
    ],
)
def test_schema_and_linter_find_no_fault_in_the_workflow(name: str, arguments: list[str | Path]):
    tool = ROOT / ".venv-ci" / "bin" / name
    if not tool.exists():
        pytest.skip(f"no {name} here: `make parts` installs it")
    done = subprocess.run([tool, *arguments, WORKFLOW], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_published_that_was_not_tested_and_attested_and_no_job_may_more_than_it_needs():
    assert YAML(typ="safe").load(WORKFLOW.read_text())["permissions"] == {}
    assert [JOBS[job].get("needs") for job in ("build", "attest", "publish", "announce")] == [None, "build", "attest", "publish"]
    scripts = [step.get("run", "") for step in JOBS["build"]["steps"]]
    assert scripts.index("bash .ci/run") < scripts.index("make sbom")
    assert JOBS["build"]["permissions"] == {"contents": "read"}
    assert JOBS["publish"]["permissions"] == {"id-token": "write"}
    assert JOBS["publish"]["environment"] == "pypi"
    assert "secrets." not in WORKFLOW.read_text()


@pytest.mark.parametrize(
    ("tag", "changed", "said"),
    [
        ("v9.8.7", {}, ""),
        ("v9.8.6", {}, "pyproject.toml is not of version 9.8.6"),
        (
            "v9.8.7",
            {"airflow-provider/pyproject.toml": 'version = "9.8.70"\n'},
            "airflow-provider/pyproject.toml is not of version",
        ),
        ("v9.8.7", {"CHANGELOG.md": "## [9.8]\n"}, "CHANGELOG.md says nothing of 9.8.7"),
    ],
)
def test_a_tag_that_differs_from_what_is_in_it_is_no_release(tmp_path: Path, tag: str, changed: dict[str, str], said: str):
    files = dict.fromkeys(("pyproject.toml", "airflow-provider/pyproject.toml"), 'version = "9.8.7"\n')
    for name, text in (files | {"CHANGELOG.md": "## [9.8.7] - 2030-01-01\n"} | changed).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = _run(_step("build", "The tag"), tmp_path, GITHUB_REF_NAME=tag)
    assert (done.returncode != 0, said in done.stdout) == (bool(said), True), done.stdout + done.stderr


def test_the_notes_are_the_changelogs_own(tmp_path: Path):
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    assert _run(_step("announce", "Notes"), tmp_path, GITHUB_REF_NAME="v0.1.0").returncode == 0
    notes = (tmp_path / "notes.md").read_text()
    assert "offline engine" in notes
    assert "`dialect`" not in notes, "another version's"
    assert _run(_step("announce", "Notes"), tmp_path, GITHUB_REF_NAME="v7.7.7").returncode != 0


def test_the_changelogs_versions_are_in_their_order():
    text = (ROOT / "CHANGELOG.md").read_text()
    found = re.findall(r"^## \[(.*?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert found[0] == ("Unreleased", "")
    assert all(day for _, day in found[1:])
    assert found[1:] == sorted(found[1:], key=lambda one: tuple(map(int, one[0].split("."))), reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds
