"""Pulumi.yaml: which project this is, where its program and its stacks' settings are."""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ..errors import InputError, Problem, Problems
from ..unreadable import why

EVIDENCE_PACK = "audit-evidence"
"""Asks the other packs, for evidence under the Pulumi CLI."""

FILES = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True, slots=True)
class Project:
    """A Pulumi project in Python."""

    name: str
    root: Path
    """The folder of Pulumi.yaml, absolute."""
    program: Path
    """What runs: a folder with `__main__.py`, or a file."""
    settings: Path
    """The folder of `Pulumi.<stack>.yaml` (`stackConfigDir`)."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Configuration with its types and defaults, as Pulumi.yaml has it."""

    @property
    def working_directory(self) -> Path:
        """Where the program runs: its own folder, as under the Pulumi CLI."""
        return self.program if self.program.is_dir() else self.program.parent

    def holds(self, file: str) -> bool:
        """Whether a file is the program's own, and no library's."""
        return file.startswith(f"{self.working_directory}{os.sep}") and "site-packages" not in file

    @property
    def policy_packs(self) -> tuple[Path, ...]:
        """The packs in the project's own `policy-packs` folder, but for the one that asks the others: `airlock evidence` does."""
        found = sorted(found.parent for found in (self.root / "policy-packs").glob("*/PulumiPolicy.yaml"))
        return tuple(one for one in found if one.name != EVIDENCE_PACK)

    def stack_file(self, stack: str) -> Path:
        """The settings file of a stack; it need not exist."""
        return self.settings / f"Pulumi.{stack}.yaml"

    def stacks(self) -> tuple[str, ...]:
        """The stacks that have a settings file."""
        names = (found.name for found in self.settings.glob("Pulumi.*.yaml"))
        return tuple(sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names))

    def require_stack(self, stack: str) -> None:
        """InputError when there is no such stack: neither settings nor a state."""
        if self.stack_file(stack).is_file() or (self.root / ".airlock" / self.name / f"{stack}.json").is_file():
            return
        known = self.stacks()
        near = difflib.get_close_matches(stack, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"stacks here: {', '.join(known) or 'none'}"
        raise InputError([Problem(str(self.stack_file(stack)), "", f"no stack {stack!r}: there is no such file; {hint}")])


def find_project(folder: Path) -> Project:
    """The project of a folder: its Pulumi.yaml, or that of the nearest folder above. InputError where none is usable."""
    start = folder.absolute()
    for above in (start, *start.parents):
        for name in FILES:
            if (above / name).is_file():
                return _load(above / name)
    raise InputError([Problem(str(start), "", "no Pulumi.yaml here or in any folder above")])


def _load(path: Path) -> Project:
    document = read_yaml(path)
    problems = Problems(str(path))
    name = document.get("name")
    if not isinstance(name, str) or not name:
        problems.add("name", f"{name!r} is not a project's name")
    runtime = document.get("runtime")
    language = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    if language != "python":
        problems.add("runtime", f"{language!r} does not run offline: Python programs do; run others with the Pulumi CLI")
    program = (path.parent / str(document.get("main") or ".")).resolve()
    if not (program / "__main__.py").is_file() and not program.is_file():
        problems.add("main", f"no program: neither {program / '__main__.py'} nor a file {program}")
    config = document.get("config") or {}
    settings = document.get("stackConfigDir") or (config if isinstance(config, str) else "") or "."
    problems.raise_any()
    return Project(
        name=str(name),
        root=path.parent,
        program=program,
        settings=(path.parent / str(settings)).resolve(),
        config=config if isinstance(config, Mapping) else {},
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds an object; empty for an empty file. InputError, with the line, where it does not."""
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(str(path), "", why(error))]) from error
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError([Problem(f"{path}{line}", "", f"is not YAML: {error.problem}")]) from error
    except YAMLError as error:
        raise InputError([Problem(str(path), "", f"is not YAML: {' '.join(str(error).split())}")]) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError([Problem(str(path), "", f"expected keys and values, found {type(document).__name__}")])
    return document
