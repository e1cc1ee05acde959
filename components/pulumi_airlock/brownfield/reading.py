"""All sources as one stack: each file is known by what is in it, and read by its module."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..access import Access, load
from ..access.errors import nearest, quoted
from ..environments import read_environments
from ..errors import InputError, Problem, Problems
from ..gates.documents import parse_document
from ..gates.sources import UNKNOWN_STRING
from ..gates.stack import UNKNOWN, Resource, Stack
from ..tokens import ACCESS, IMPORTED_ENVIRONMENT
from ..unreadable import why
from . import aws, fortios, gcp, manifests, states, zpa
from .fortios_text import is_backup
from .making import NAME, Made, Options, Source

MODULES: Sequence[ModuleType] = (states, manifests, aws, gcp, zpa, fortios)
"""Those that may tell of environments come first: a FortiGate is read with these in mind."""
_ENDINGS = (".json", ".yaml", ".yml", ".conf", ".cfg", ".txt")
"""What is taken of a folder."""
_EXPECTED = (
    "a FortiGate's backup, Kubernetes manifests, the output of `aws ec2 describe-…` or `aws mwaa get-environment`, "
    "of `gcloud … --format=json`, answers of ZPA's API, a Pulumi state or preview, or an access file"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What the sources say."""

    stack: Stack
    """Without a declared access, unless a source has one."""
    access: Access | None
    """The access file among the sources."""
    notes: tuple[str, ...]


def read_sources(paths: Iterable[Path], options: Options) -> Imported:
    """All of them as one stack. InputError with every problem of every file."""
    problems, made = Problems(""), Made(options)
    found: list[tuple[ModuleType, Source]] = []
    accesses: list[tuple[Path, Access]] = []
    for path in _files(paths, problems):
        source = _load(path, problems)
        if source is None:
            continue
        if any(isinstance(one, dict) and str(one.get("apiVersion", "")).startswith("airlock/") for one in source.documents):
            with _collected(problems):
                accesses.append((path, load(path)))
            continue
        module = next((one for one in MODULES if one.recognizes(source)), None)
        if source.documents == ([],):
            made.notes.append(f"{source.name}: an empty list, which does not say of what")
        elif module is None:
            problems.add("", f"is nothing that is read: give {_EXPECTED}", place=source.name)
        else:
            found.append((module, source))
    _read_each(found, made, problems)
    for name in sorted(set(options.interfaces) - made.interfaces):
        problems.add("--interface", f"no FortiGate has an interface or zone {quoted(name)}{nearest(name, made.interfaces)}")
    for path, _ in accesses[1:]:
        problems.add("", f"is an access file, as {accesses[0][0]} is: one can be declared", place=str(path))
    problems.raise_any()
    return Imported(made.stack(), next((one for _, one in accesses), None), tuple(dict.fromkeys(made.notes)))


def _read_each(found: Sequence[tuple[ModuleType, Source]], made: Made, problems: Problems) -> None:
    for module in MODULES:
        for mine, source in found:
            if mine is module:
                with _collected(problems):
                    module.read(source, made)
        if module in (aws, gcp):
            module.link(made)
        if module is gcp:
            _told(made, made.options)


@contextmanager
def _collected(problems: Problems) -> Iterator[None]:
    """What is raised in here is noted with all other problems."""
    try:
        yield
    except InputError as error:
        for one in error.problems:
            problems.add(one.path, one.message, place=one.place)


def _told(made: Made, options: Options) -> None:
    """The environments that somebody named, and no source has."""
    known = {one.name for one in read_environments(made.stack())}
    for one in options.environments:
        if one.name in known:
            made.notes.append(f"environment {one.name} is in the sources: its networks are taken from there")
            continue
        properties = {"cidrs": list(one.cidrs), "workload": one.workload}
        made.add(IMPORTED_ENVIRONMENT, one.name, properties, custom=False)


# Files


def _files(paths: Iterable[Path], problems: Problems) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file() and one.suffix in _ENDINGS)
            found += inside
            if not inside:
                problems.add("", f"holds no files that end in {', '.join(_ENDINGS)}", place=str(path))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _load(path: Path, problems: Problems) -> Source | None:
    try:
        content = path.read_bytes()
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        problems.add("", why(error), place=str(path))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.add("", f"cannot be read: {error.reason}; write it as UTF-8", place=f"{path}:{line}")
    else:
        with _collected(problems):
            return Source(path, text, tuple(_documents(text, content, str(path))), problems)
    return None


def _documents(text: str, content: bytes, name: str) -> list[Any]:
    if is_backup(text):
        return []
    if text.lstrip()[:1] in ("{", "["):
        return [parse_document(content, name)]
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return list(YAML(typ="safe", pure=True).load_all(text))
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        place = f"{name}:{mark.line + 1}" if mark is not None else name
        said = error.problem if isinstance(error, MarkedYAMLError) and error.problem else str(error)
        raise InputError([Problem(place, "", f"is neither YAML nor JSON: {' '.join(said.split())}")]) from None


# Written down


def document_of(stack: Stack, access: Access) -> dict[str, Any]:
    """A stack with the access that is declared for it, in the form of `pulumi stack export`."""
    resources = [_state(one) for one in with_access(stack, access).resources]
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


def with_access(stack: Stack, access: Access) -> Stack:
    """The same stack, declaring this access and no other."""
    document = access.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    declared = Resource(f"urn:pulumi:{NAME}::{NAME}::{ACCESS}::access", ACCESS, {"document": document}, custom=False)
    return Stack([declared, *(one for one in stack.resources if one.type != ACCESS)], name=NAME, project=NAME)


def text_of(document: Any) -> str:
    """JSON as it is written to a file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _state(one: Resource) -> dict[str, Any]:
    return {
        "urn": one.urn,
        "type": one.type,
        "custom": one.custom,
        "inputs": _wire(one.properties),
        **({"parent": one.parent} if one.parent else {}),
        **({"provider": one.provider} if one.provider else {}),
        **({"dependencies": list(one.dependencies)} if one.dependencies else {}),
        **({"propertyDependencies": _wire(one.property_dependencies)} if one.property_dependencies else {}),
    }


def _wire(value: Any) -> Any:
    """A value as a state has it: what is not known as its sentinel."""
    if value is UNKNOWN:
        return UNKNOWN_STRING
    if isinstance(value, dict):
        return {str(key): _wire(item) for key, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, list | tuple) else value
