"""PulumiPolicy.yaml: what a policy pack is, and the Python that runs it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError, Problem, Problems
from ..project import read_yaml
from .results import PolicyPackError

FILE = "PulumiPolicy.yaml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A pack's folder, and how to run it."""

    path: Path
    """The pack's folder, absolute."""
    python: Path
    """The interpreter: this process's, or that of the pack's own virtual environment."""
    virtualenv: Path | None = None
    version: str = ""
    description: str = ""


def load_manifest(folder: Path) -> Manifest:
    """Reads a pack's PulumiPolicy.yaml. PolicyPackError where it is missing, or the pack cannot run here."""
    folder = folder.absolute()
    document = _document(folder)
    problems = Problems(str(folder / FILE), PolicyPackError)
    runtime = document.get("runtime")
    name, options = (runtime.get("name"), runtime.get("options") or {}) if isinstance(runtime, Mapping) else (runtime, {})
    if name != "python":
        problems.add("runtime", f"{name!r} does not run offline: Python packs do; run others with the Pulumi CLI")
    virtualenv = _virtualenv(folder, options, problems)
    if not (folder / "__main__.py").is_file():
        problems.add("", "the folder has no __main__.py, which builds the pack", place=str(folder))
    problems.raise_any()
    return Manifest(
        path=folder,
        python=_interpreter(virtualenv) if virtualenv else Path(sys.executable),
        virtualenv=virtualenv,
        version=str(document.get("version") or ""),
        description=str(document.get("description") or ""),
    )


def _document(folder: Path) -> Mapping[str, Any]:
    path = folder / FILE
    if not path.exists():
        raise PolicyPackError([Problem(str(folder), "", f"is not a policy pack: it has no {FILE}")])
    try:
        document = read_yaml(path)
    except InputError as error:
        raise PolicyPackError(error.problems) from None
    if not document:
        raise PolicyPackError([Problem(str(path), "", "holds no settings: expected at least `runtime: python`")])
    return document


def _virtualenv(folder: Path, options: Any, problems: Problems) -> Path | None:
    """The pack's own virtual environment.

    The option `virtualenv`, from the pack's folder; `.venv` for the toolchain uv, as the Python language host has it
    (pulumi `sdk/python/toolchain`).
    """
    if not isinstance(options, Mapping):
        problems.add("runtime.options", f"{options!r} is not an object")
        return None
    toolchain = options.get("toolchain", "pip")
    given = options.get("virtualenv") or (".venv" if toolchain == "uv" else None)
    if given is None:
        if toolchain not in ("pip", "auto"):
            problems.add("runtime.options.toolchain", f"{toolchain!r} is not run offline: name the environment with `virtualenv`")
        return None
    virtualenv = folder / str(given)
    if not _interpreter(virtualenv).exists():
        hint = f"python -m venv {virtualenv} && {_interpreter(virtualenv)} -m pip install -r {folder / 'requirements.txt'}"
        problems.add("runtime.options.virtualenv", f"{str(given)!r} is not there; make it: {hint}")
    return virtualenv


def _interpreter(virtualenv: Path) -> Path:
    return virtualenv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
