"""JSON files that are given as a stack: what they are, whether they are whole, and what to give instead where they are not.

A file that leaves something out would be proven as if it were not there. So it is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from ..unreadable import why

VERSIONS = (3, 4)
"""Versions of a deployment that are read: what a resource is did not change between them (pulumi `sdk/go/common/apitype`)."""

EXPECTED = "the output of `pulumi preview --json` (`steps`) or `pulumi stack export` (`deployment.resources`)"

GONE = frozenset({"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"})
"""Operations of a preview after which the resource, or this version of it, is no more (pulumi `pkg/resource/deploy`, steps)."""

_OTHERS = (
    ({"checkpoint"}, "is a checkpoint of a self-managed backend: give the output of `pulumi stack export`"),
    ({"resourcePlans"}, "is an update plan (`--save-plan`), which has no resources: give the output of `pulumi preview --json`"),
    ({"sequence", "timestamp"}, "is an engine event log: give the output of `pulumi preview --json`"),
    ({"ok", "excess", "blocked"}, "is a proof (`airlock prove --json`): give the stack that was proven"),
    ({"old", "new", "findings"}, "is a difference (`airlock diff --json`): give the stacks that were compared"),
    ({"planned_values"}, f"is a Terraform plan: expected {EXPECTED}"),
    ({"apiVersion", "routes"}, f"is an access file, which has no resources: expected {EXPECTED}"),
)
"""Keys that tell other files, and what to say of them."""

_SPOKEN = ("Previewing update", "Updating (", "Previewing ", "View in Browser")
"""How the CLI begins what it prints for people."""


def read_document(path: Path) -> Any:
    """The JSON in a file. InputError where it cannot be read, or is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), "", why(error))]) from error
    return parse_document(content, str(path))


def parse_document(content: bytes, name: str) -> Any:
    """JSON in UTF-8, or in the UTF-16 that PowerShell writes. InputError, with the line, where it is none."""
    try:
        # Python finds out the encoding.
        return json.loads(content)
    except UnicodeDecodeError as error:
        raise InputError([Problem(name, "", why(error))]) from error
    except json.JSONDecodeError as error:
        raise InputError([_not_json(error, name)]) from error
    except RecursionError:
        raise InputError([Problem(name, "", "cannot be read: it is nested too deeply")]) from None


def _not_json(error: json.JSONDecodeError, name: str) -> Problem:
    text = error.doc.strip()
    if not text:
        return Problem(name, "", "is empty: the command that wrote it failed; look at what it printed")
    if conflict := re.search(r"^<{7} ", error.doc, re.MULTILINE):
        line = error.doc.count("\n", 0, conflict.start()) + 1
        return Problem(
            f"{name}:{line}", "", "has the marks of a merge conflict: resolve it, or run the command that wrote it again"
        )
    if error.msg == "Extra data" and _is_event(text.splitlines()[0]):
        say = "is an engine event log (`--event-log`, or PULUMI_ENABLE_STREAMING_JSON_PREVIEW)"
        return Problem(name, "", f"{say}: give the output of `pulumi preview --json` without it")
    if text.startswith(_SPOKEN):
        return Problem(name, "", "is not JSON but what `pulumi` prints for people: add `--json`")
    if error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return Problem(f"{name}:{error.lineno}", "", "is not JSON: it ends in the middle; run the command that wrote it again")
    return Problem(f"{name}:{error.lineno}", "", f"is not JSON: {error.msg}")


def _is_event(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, Mapping) and {"sequence", "timestamp"} <= found.keys()


def require_whole(document: Any, name: str) -> None:
    """InputError unless a document has a stack's resources, all of them, in a form that is known."""
    problem = _problem(document)
    if problem:
        raise InputError([Problem(name, "", problem)])


def _problem(document: Any) -> str:
    if isinstance(document, Mapping):
        if isinstance(document.get("deployment"), Mapping):
            return _state_problem(document)
        if isinstance(document.get("steps"), list):
            return next(_preview_problems(document), "")
        if "changeSummary" in document:
            return "is a preview without steps: its program failed, or nothing was to be shown; give one with `--show-sames`"
        for keys, message in _OTHERS:
            if keys <= document.keys():
                return message
    return f"holds no resources: expected {EXPECTED}"


def _state_problem(document: Mapping[str, Any]) -> str:
    version = document.get("version", VERSIONS[0])
    if version not in VERSIONS:
        known = " and ".join(map(str, VERSIONS))
        return f"is a state of version {version!r}, and versions {known} are read: export it with a current Pulumi CLI"
    resources = document["deployment"].get("resources") or ()
    if not isinstance(resources, list | tuple):
        return "is no state: its `deployment.resources` are no list"
    wrong = ((number, misshapen(one)) for number, one in enumerate(resources))
    number, what = next(((number, what) for number, what in wrong if what), (0, ""))
    if not what:
        return ""
    return f"is no state: `deployment.resources[{number}]` {what}; give the output of `pulumi stack export` as it is"


def _preview_problems(document: Mapping[str, Any]) -> Iterator[str]:
    steps = document["steps"]
    if not all(isinstance(step, Mapping) and isinstance(step.get("op"), str) for step in steps):
        yield "is no preview: not all of its steps have an operation (`op`)"
        return
    errors = [one for one in document.get("diagnostics") or () if isinstance(one, Mapping) and one.get("severity") == "error"]
    if errors:
        first = " ".join(str(errors[0].get("message", "")).split())[:200]
        yield f"is the preview of a run that failed, so that resources may be missing: {first}"
    bare = [step for step in steps if step["op"] not in GONE and not _is_resource(step.get("newState"))]
    if bare and len(bare) == sum(step["op"] not in GONE for step in steps):
        yield "lists operations without their resources (`newState`): give the output of `pulumi preview --json` itself"
    elif bare:
        # A refresh that finds a resource gone has no new state either.
        lacking = [step for step in bare if step["op"] != "refresh"]
        if lacking:
            yield f"has no properties for {len(lacking)} of its steps, the first {lacking[0].get('urn', '')}: run it again"
    same = (document.get("changeSummary") or {}).get("same", 0)
    shown = sum(step["op"] == "same" for step in steps)
    if isinstance(same, int) and shown < same:
        yield f"leaves out {same - shown} resources that do not change: run `pulumi preview --json --show-sames`"


def _is_resource(state: Any) -> bool:
    return not misshapen(state)


def misshapen(state: Any) -> str:
    """What of a resource has not its form; empty where all has."""
    if not isinstance(state, Mapping):
        return "is no resource"
    for key in ("urn", "type"):
        if not isinstance(state.get(key), str):
            return f"has no {key}"
    for key in ("inputs", "outputs"):
        if not isinstance(state.get(key) or {}, Mapping):
            return f"has {key} that are no object"
    for key in ("parent", "provider"):
        if not isinstance(state.get(key) or "", str):
            return f"has a {key} that is no URN"
    links = state.get("propertyDependencies") or {}
    lists = [state.get("dependencies") or [], *(links.values() if isinstance(links, Mapping) else [None])]
    if not all(isinstance(one, list) and all(isinstance(urn, str) for urn in one) for one in lists):
        return "has dependencies that are no URNs"
    return ""


def pending(document: Any) -> str:
    """What an interrupted update left open in a state, in one sentence; empty where there is nothing."""
    deployment = document.get("deployment") if isinstance(document, Mapping) else None
    found = deployment.get("pending_operations") if isinstance(deployment, Mapping) else None
    names = [
        f"{one['resource'].get('urn', '').rsplit('::', 1)[-1]} ({one.get('type', '')})"
        for one in found or ()
        if isinstance(one, Mapping) and isinstance(one.get("resource"), Mapping)
    ]
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"an update was interrupted, and what became of {', '.join(names[:3])}{more} is not known: `pulumi refresh` finds out"
