"""The configuration of a pack's policies, reconciled as the Pulumi engine does (pulumi `pkg/resource/analyzer/config.go`).

Weakest first: the defaults of each policy's schema and its own level, the pack's initial configuration, what the user gave. `all`
sets a level for every policy; a policy's own entry wins over it.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import Problem, Problems
from ...unreadable import why
from .results import Level, PolicyInfo, PolicyPackError
from .schema import violations

ALL = "all"
"""The entry that sets the level of every policy."""


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """A policy's level, and its properties. No level: the one it has stays."""

    level: Level | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


PackConfig = Mapping[str, Any]
"""As in a `--policy-pack-config` file: policy (or `all`) → level, or → {enforcementLevel, property: value, …}."""


def load_config(path: Path) -> PackConfig:
    """The JSON object in a `--policy-pack-config` file; an empty file configures nothing."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if text.strip() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyPackError([Problem(str(path), "", why(error))]) from error
    except json.JSONDecodeError as error:
        raise PolicyPackError([Problem(f"{path}:{error.lineno}", "", f"is not JSON: {error.msg}")]) from error
    if not isinstance(document, Mapping):
        raise PolicyPackError([Problem(str(path), "", f"{document!r} is not an object: expected policies and their levels")])
    return document


def parse_config(given: PackConfig, problems: Problems) -> dict[str, PolicyConfig]:
    """What the user gave, per policy; what cannot be understood is noted and left out."""
    parsed: dict[str, PolicyConfig] = {}
    for name, value in given.items():
        if name == "environments":
            problems.add(name, "Pulumi ESC environments are not read offline: put their values into the configuration")
        elif isinstance(value, str):
            parsed[name] = PolicyConfig(_level(value, name, problems))
        elif isinstance(value, Mapping):
            properties = {key: item for key, item in value.items() if key != "enforcementLevel"}
            level = (
                _level(value["enforcementLevel"], f"{name}.enforcementLevel", problems) if "enforcementLevel" in value else None
            )
            parsed[name] = PolicyConfig(level, properties)
        else:
            problems.add(name, f"{value!r} is neither a level ({_levels()}) nor an object")
    return parsed


def _levels() -> str:
    return ", ".join(level.value for level in Level)


def _level(value: Any, path: str, problems: Problems) -> Level | None:
    try:
        return Level(value)
    except ValueError:
        problems.add(path, f"{value!r} is not an enforcement level: expected one of {_levels()}")
        return None


def reconcile(
    policies: Mapping[str, PolicyInfo], initial: Mapping[str, PolicyConfig], given: Mapping[str, PolicyConfig], problems: Problems
) -> dict[str, PolicyConfig]:
    """Every policy's final level and properties. Names that no policy has, and values that break a schema, are noted."""
    result = {
        name: PolicyConfig(policy.level, {key: one["default"] for key, one in policy.schema.items() if "default" in one})
        for name, policy in policies.items()
    }
    for layer in (initial, given):
        result = _overlaid(result, layer)
    _note_unknown_names(policies, given, problems)
    for name, policy in policies.items():
        # The engine adds `enforcementLevel` to the schema; here the level was checked when it was parsed.
        schema = {"type": "object", "properties": policy.schema, "required": list(policy.required)}
        for path, message in violations(schema, dict(result[name].properties)):
            problems.add(f"{name}.{path}" if path else name, message)
    return result


def _overlaid(below: Mapping[str, PolicyConfig], layer: Mapping[str, PolicyConfig]) -> dict[str, PolicyConfig]:
    everywhere = layer[ALL].level if ALL in layer else None
    result = {}
    for name, config in below.items():
        own = layer.get(name, PolicyConfig())
        result[name] = PolicyConfig(own.level or everywhere or config.level, {**config.properties, **own.properties})
    return result


def _note_unknown_names(policies: Mapping[str, PolicyInfo], given: Mapping[str, PolicyConfig], problems: Problems) -> None:
    for name, config in given.items():
        if name == ALL:
            if config.properties:
                problems.add(ALL, f"sets levels alone, and cannot take {', '.join(sorted(config.properties))}")
        elif name not in policies:
            near = difflib.get_close_matches(name, policies, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(policies))}"
            problems.add(name, f"no such policy in the pack; {hint}")
