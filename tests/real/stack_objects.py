"""The Kubernetes objects of the project's stacks, as an offline `airlock up` sends them: no value is left unknown."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airlock_command import airlock
from pulumi_airlock.gates.sources import plain
from pulumi_airlock.gates.stack import UNKNOWN
from real_parts import ROOT

_OBJECT = re.compile(r"kubernetes:(?!helm\.sh/)[^:]+/[^:]+:\w+")
_SECRET = "kubernetes:core/v1:Secret"
_PLATFORM = re.compile(r"^\s*airlock:platform:\s*[\"']?kubernetes\b", re.MULTILINE)


def stacks() -> list[str]:
    """The stacks on Kubernetes."""
    files = sorted((ROOT / "stacks").glob("Pulumi.*.yaml"))
    return [file.name.split(".")[1] for file in files if _PLATFORM.search(file.read_text())]


def objects(stack: str, folder: Path) -> dict[str, Mapping[str, Any]]:
    """URN → object, without what only the chart makes: it is one `Release`, and not rendered offline."""
    project = folder / stack
    shutil.copytree(ROOT / "stacks", project / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", project)
    done = airlock("up", "--stack", stack, "--yes", "--no-policy-packs", cwd=project)
    # A proof that fails (3) is for other tests: the state is there all the same.
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stdout + done.stderr)
    (state,) = (project / ".airlock").glob(f"*/{stack}.json")
    resources = json.loads(state.read_text())["deployment"]["resources"]
    return {one["urn"]: _sent(one) for one in resources if one.get("custom") and _OBJECT.fullmatch(one["type"])}


def _sent(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = plain(resource.get("inputs") or {})
    if resource["type"] == _SECRET:
        # What is secret is encrypted in the state; its place in the schema is what is asked here.
        for name, value in (("data", "c2VjcmV0"), ("stringData", "secret")):
            if name in inputs:
                inputs[name] = {"key": value} if inputs[name] is UNKNOWN else dict.fromkeys(inputs[name], value)
    return dict(inputs)


def unknown(value: Any, path: str = "") -> Iterator[str]:
    """The places of an object whose value nobody knows."""
    if value is UNKNOWN:
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknown(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from unknown(item, f"{path}[{position}]")
