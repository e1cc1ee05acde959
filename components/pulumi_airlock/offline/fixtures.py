"""Answers to what only a cloud could answer: provider functions and other stacks' outputs, from `fixtures/<stack>.yaml`.

functions:
  - token: aws:index/getAvailabilityZones:getAvailabilityZones
    args: {state: available}          # optional; every argument named here must be equal
    result: {names: [eu-central-1a, eu-central-1b], zoneIds: [euc1-az2, euc1-az3]}
stackReferences:
  acme/network/prod: {vpcId: vpc-0a1b2c3d4e5f60718}
  acme/secrets/prod: {token: {secret: hunter2}}     # a secret output
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Problems
from .project import read_yaml
from .wire import has_secret, masked, reveal, secret


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a provider function, for calls with these arguments."""

    token: str
    args: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class Fixtures:
    """Everything that a fixture file answers."""

    path: Path
    functions: tuple[Answer, ...] = ()
    stacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer whose arguments all agree; of several the one with the most. None where there is none."""
        plain = reveal(args)
        fitting = [
            one for one in self.functions if one.token == token and all(plain.get(key) == one.args[key] for key in one.args)
        ]
        if not fitting:
            return None
        result = max(fitting, key=lambda one: len(one.args)).result
        return result if isinstance(result, Mapping) else {"result": result}

    def how_to_answer_call(self, token: str, args: Mapping[str, Any]) -> str:
        """The YAML to add for a call that nothing answers."""
        given = f"\n    args: {_inline(args)}" if args else ""
        return f"add to {self.path}:\n\nfunctions:\n  - token: {token}{given}\n    result: {{}}    # the function's result\n"

    def how_to_answer_stack(self, name: str) -> str:
        """The YAML to add for a stack that nothing answers."""
        return f"add to {self.path}:\n\nstackReferences:\n  {name}: {{}}    # the stack's outputs\n"


def _inline(value: Any) -> str:
    return json.dumps(masked(value) if has_secret(value) else value)


def load_fixtures(path: Path) -> Fixtures:
    """The fixtures of a stack; none where there is no file. InputError with every problem."""
    if not path.is_file():
        return Fixtures(path)
    document = read_yaml(path)
    problems = Problems(str(path))
    for unknown in sorted(document.keys() - {"functions", "stackReferences"}):
        problems.add(str(unknown), "unknown; expected functions, stackReferences")
    functions = []
    listed = document.get("functions") or []
    if not isinstance(listed, list):
        problems.add("functions", f"expected a list of answers, found {listed!r}")
        listed = []
    for position, entry in enumerate(listed):
        at = f"functions[{position}]"
        if not isinstance(entry, Mapping) or not {"token", "result"} <= entry.keys() <= {"token", "args", "result"}:
            problems.add(at, "expected token, result, and optionally args")
            continue
        args = entry.get("args") or {}
        if not isinstance(args, Mapping):
            problems.add(f"{at}.args", f"expected keys and values, found {args!r}")
            continue
        functions.append(Answer(str(entry["token"]), args, _marked(entry["result"])))
    stacks = document.get("stackReferences") or {}
    if not isinstance(stacks, Mapping) or not all(isinstance(outputs, Mapping) for outputs in stacks.values()):
        problems.add("stackReferences", "expected the outputs of each stack by the stack's name (organization/project/stack)")
        stacks = {}
    problems.raise_any()
    return Fixtures(path, tuple(functions), {str(name): _marked(outputs) for name, outputs in stacks.items()})


def _marked(value: Any) -> Any:
    """`{secret: x}` as the secret x."""
    if isinstance(value, Mapping):
        if set(value) == {"secret"}:
            return secret(value["secret"])
        return {str(key): _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value
