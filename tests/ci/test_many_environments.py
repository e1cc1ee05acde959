"""The example of many environments: its list, its objects for Pulumi's operator, and its updates with the Automation API."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from ci_cases import EXAMPLE, ROOT
from pulumi_airlock.errors import InputError
from ruamel.yaml import YAML

DEFINITION = ROOT / "tests" / "real" / "operator" / "stacks.yaml"


@pytest.fixture(scope="module")
def example():
    """The example's modules, imported as its programs import them."""
    names = ("environments", "manifests", "updates")
    before = set(sys.modules)
    sys.path.insert(0, str(EXAMPLE))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(EXAMPLE))
        for name in set(names) - before:
            sys.modules.pop(name, None)


def test_the_list_names_every_stack_and_no_other(example: Mapping[str, ModuleType]):
    stacks = {path.name.split(".")[1] for path in EXAMPLE.glob("Pulumi.*.yaml")}
    assert set(example["environments"].load()) == stacks == {path.stem for path in (EXAMPLE / "access").glob("*.yaml")}


def test_everything_wrong_with_the_list_is_told_at_once(example: Mapping[str, ModuleType], tmp_path: Path):
    text = (EXAMPLE / "environments.yaml").read_text()
    (tmp_path / "list.yaml").write_text(
        text.replace("s3://bank-pulumi-state-de", "bank-state").replace("awskms:///alias", "passphrase")
    )
    with pytest.raises(InputError) as told:
        example["environments"].load(tmp_path / "list.yaml")
    assert len(told.value.problems) == 4
    (tmp_path / "list.yaml").write_text(
        text.replace("after: [retail-ch]", "after: [retail-chh]").replace("treasury-ch:", "Treasury_CH:")
    )
    with pytest.raises(InputError) as told:
        example["environments"].load(tmp_path / "list.yaml")
    assert 'did you mean "retail-ch"?' in str(told.value)
    assert "environments.Treasury_CH: is no name" in str(told.value)
    circle = text.replace("  retail-de:\n", "    after: [retail-de]\n  retail-de:\n", 1)
    (tmp_path / "list.yaml").write_text(circle)
    with pytest.raises(InputError, match="wait for each other: retail-"):
        example["environments"].load(tmp_path / "list.yaml")


def _strict(schema: Any) -> Any:
    """A schema of Kubernetes as JSON Schema that allows no property it does not name."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(value) for key, value in schema.items()}
    if "properties" in schema and "type" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found["additionalProperties"] = False
    return found


def test_a_hundred_and_twenty_environments_are_objects_that_the_operator_takes(example: Mapping[str, ModuleType]):
    one = example["environments"].Environment(
        backend="s3://state?region=eu-central-2",
        secretsProvider="awskms:///alias/a",
        role="arn:aws:iam::111122223333:role/deploy",
    )
    many = {f"env-{number:03}": one.model_copy(update={"after": ("env-000",) if number else ()}) for number in range(120)}
    found = list(example["manifests"].objects(many, "https://git.bank.example/a", "main"))
    definition = YAML(typ="safe").load(DEFINITION.read_text())
    schema = _strict(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    validator = jsonschema.Draft202012Validator(schema)
    stacks = [each for each in found if each["kind"] == "Stack"]
    assert len(stacks) == 120
    for stack in stacks:
        validator.validate(stack)
    wrong = {**stacks[0], "spec": {**stacks[0]["spec"], "secretProvider": "x"}}
    assert not validator.is_valid(wrong)
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == len(names)
    accounts = {each["metadata"]["name"] for each in found if each["kind"] == "ServiceAccount"}
    assert {stack["spec"]["serviceAccountName"] for stack in stacks} == accounts
    known = {stack["metadata"]["name"] for stack in stacks}
    assert all(wait["name"] in known for stack in stacks for wait in stack["spec"].get("prerequisites", ()))


STAND_IN = """#!{python}
# Stands in for the Pulumi CLI: notes how it is called, and fails the previews of the stack that it is told to.
import json, os, sys
words = [word for word in sys.argv[1:] if word != "--non-interactive"]
stack = words[words.index("--stack") + 1] if "--stack" in words else ""
with open(os.environ["CALLS"], "a") as calls:
    print(os.environ.get("PULUMI_BACKEND_URL", ""), stack, *words, file=calls)
changes = {{"create": 59}}
match words:
    case ["version", *_]:
        print("v3.200.0")  # the last ones that write events to a file
    case ["preview", *_] if stack == os.environ["FAILING"]:
        sys.exit("error: a policy is violated")
    case ["preview", *_]:
        with open(words[words.index("--event-log") + 1], "a") as events:
            print(json.dumps({{"sequence": 1, "timestamp": 1, "summaryEvent": {{"resourceChanges": changes}}}}), file=events)
    case ["stack", "output", *_]:
        print("{{}}")
    case ["stack", "history", *_]:
        ends = {{"startTime": "2026-11-26T18:00:00.000Z", "endTime": "2026-11-26T18:01:00.000Z", "result": "succeeded"}}
        about = {{"kind": "update", "message": "", "environment": {{}}, "config": {{}}, "version": 1}}
        print(json.dumps([{{**about, **ends, "resourceChanges": changes}}]))
"""


def _updated(folder: Path, failing: str, *stacks: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The example's `up`, with a stand-in for the CLI; and how that was called."""
    tool = folder / "bin" / "pulumi"
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(STAND_IN.format(python=sys.executable))
    tool.chmod(0o755)
    calls = folder / f"calls-{failing or 'none'}"
    variables = os.environ | {"PATH": f"{tool.parent}:{os.environ['PATH']}", "CALLS": str(calls), "FAILING": failing or "-"}
    command = [sys.executable, str(EXAMPLE / "updates.py"), "up", *stacks, "--logs", str(folder / "logs")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    return done, calls.read_text().splitlines() if calls.exists() else []


def test_updates_go_wave_by_wave_each_to_its_own_backend_and_previewed_under_the_packs_first(tmp_path: Path):
    done, calls = _updated(tmp_path, "")
    assert done.returncode == 0, done.stdout + done.stderr
    split = [call.split(maxsplit=3) for call in calls if " preview " in call or " up " in call]
    acts = [(backend, stack, words) for backend, stack, *words in split]
    assert [(stack, words[0]) for _, stack, words in acts[:2]] == [("retail-ch", "preview"), ("retail-ch", "up")]
    assert {stack for _, stack, words in acts[2:] if words[0] == "up"} == {"retail-de", "treasury-ch"}
    assert {backend for backend, stack, _ in acts if stack == "retail-de"} == {"s3://bank-pulumi-state-de?region=eu-central-1"}
    assert all(f"--policy-pack {ROOT / 'policy-packs' / 'access-proof'}" in words[1] for *_, words in acts)
    assert "✓ treasury-ch: 59 create" in done.stdout


def test_what_fails_in_the_first_wave_is_updated_nowhere(tmp_path: Path):
    done, calls = _updated(tmp_path, "retail-ch")
    assert done.returncode == 1
    assert "✗ retail-ch: fails" in done.stdout
    assert "a policy is violated" in (tmp_path / "logs" / "retail-ch.txt").read_text()
    assert not [call for call in calls if " up " in call]
    assert not [call for call in calls if "treasury" in call]


def test_a_pattern_that_means_nothing_updates_nothing(tmp_path: Path):
    done, calls = _updated(tmp_path, "", "retail-*", "treasry-*")
    assert done.returncode == 1
    assert "no environment is meant by treasry-*" in done.stderr
    assert not calls


@pytest.mark.pulumi_cli
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")
def test_the_pulumi_cli_previews_a_stack_of_the_list(example: Mapping[str, ModuleType], tmp_path: Path, monkeypatch):
    sys.path.insert(0, str(ROOT / "tests" / "pulumi_cli"))
    from simulated_provider import Serving

    project = shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__"))
    settings = project / "Pulumi.yaml"
    settings.write_text(settings.read_text().replace("virtualenv: .venv", f"virtualenv: {sys.prefix}"))
    environment = example["environments"].Environment
    local = environment.model_construct(backend=f"file://{tmp_path}", secrets_provider="passphrase", after=())
    monkeypatch.setattr(example["updates"], "HERE", project)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    with Serving(project / "fixtures" / "retail-ch.yaml") as serving:
        monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", f"aws:{serving.port}")
        done = example["updates"].run("preview", "retail-ch", local, [], tmp_path)
    assert done.ok, (tmp_path / "retail-ch.txt").read_text()
    assert "create" in done.said
