"""Where a `Stack` comes from: a policy pack's arguments, the offline engine, `pulumi preview --json`, or `pulumi stack export`.

All of them say the same of a resource in a slightly different way; what they differ in ends here.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Problem
from .stack import UNKNOWN, Resource, Stack

if TYPE_CHECKING:
    from pulumi_policy import PolicyResource, StackValidationArgs

UNKNOWN_SENTINELS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for an unknown value on the wire.

One each for bool, number, string, array, asset, archive, object (pulumi sdk, `rpc.py`).
"""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"


def plain(value: Any) -> Any:
    """A wire value as readers see it: sentinels are `UNKNOWN`, secrets and outputs their values, resource references their URNs.

    A secret whose value is encrypted (a state file without its passphrase) is `UNKNOWN`.
    """
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_SENTINELS else value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    match value.get(_SIGNATURE):
        case None:
            return {key: plain(item) for key, item in value.items()}
        case signature if signature == _SECRET:
            return _plain_secret(value)
        case signature if signature == _OUTPUT:
            return plain(value["value"]) if "value" in value else UNKNOWN
        case signature if signature == _REFERENCE:
            return value.get("urn")
        case _:
            return dict(value)


def _plain_secret(value: Mapping[str, Any]) -> Any:
    if "value" in value:
        return plain(value["value"])
    if "plaintext" in value:
        return plain(json.loads(value["plaintext"]))
    return UNKNOWN


def resource_from_wire(
    *,
    urn: str,
    type_: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any] | None = None,
    custom: bool = True,
    parent: str = "",
    provider: str = "",
    dependencies: Iterable[str] = (),
    property_dependencies: Mapping[str, Iterable[str]] | None = None,
) -> Resource:
    """A resource from what the engine knows of it. Outputs win over inputs."""
    seen = dict(inputs)
    for key, value in (outputs or {}).items():
        # A masked or unknown output says less than the input that was given.
        if key not in seen or plain(value) is not UNKNOWN:
            seen[key] = value
    return Resource(
        urn=urn,
        type=type_,
        properties=plain(seen),
        custom=custom,
        parent=parent,
        # A provider reference is `<urn>::<id>`.
        provider=provider.rsplit("::", 1)[0] if provider.count("::") >= 4 else provider,
        dependencies=tuple(dependencies),
        property_dependencies={key: tuple(urns) for key, urns in (property_dependencies or {}).items()},
    )


def stack_from_policy(args: "StackValidationArgs") -> Stack:
    """The stack as a stack policy is given it. Unknown values become `UNKNOWN` instead of raising at the first look."""
    return Stack(map(_from_policy_resource, args.resources))


def _from_policy_resource(one: "PolicyResource") -> Resource:
    return Resource(
        urn=one.urn,
        type=one.resource_type,
        properties=plain(_unwrap(one.props)),
        custom=one.provider is not None or one.resource_type.startswith("pulumi:providers:"),
        parent=one.parent.urn if one.parent else "",
        provider=one.provider.urn if one.provider else "",
        dependencies=tuple(dependency.urn for dependency in one.dependencies),
        property_dependencies={
            key: tuple(dependency.urn for dependency in found) for key, found in one.property_dependencies.items()
        },
    )


def _unwrap(value: Any) -> Any:
    """The values behind pulumi-policy's proxies, which raise at an unknown: `__target` is their own way in."""
    if type(value).__name__ in ("_DictProxy", "_ListProxy", "_DictSecretsProxy", "_ListSecretsProxy"):
        value = value["__target"]
    if type(value).__name__ == "Secret":
        return _unwrap(value.value)
    if isinstance(value, Mapping):
        return {key: _unwrap(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unwrap(item) for item in value]
    return value


def load_stack(path: Path) -> Stack:
    """The stack in a JSON file.

    `pulumi preview --json`, `pulumi stack export`, or an Airlock state or preview. InputError when it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(str(path), "", f"cannot be read: {error}")]) from error
    except json.JSONDecodeError as error:
        raise InputError([Problem(f"{path}:{error.lineno}", "", f"is not JSON: {error.msg}")]) from error
    stack = stack_from_document(document)
    if stack is None:
        expected = "the output of `pulumi preview --json` (`steps`) or `pulumi stack export` (`deployment.resources`)"
        raise InputError([Problem(str(path), "", f"holds no resources: expected {expected}")])
    return stack


def stack_from_document(document: Any) -> Stack | None:
    """The stack that a parsed JSON document describes; None when it has neither form."""
    if not isinstance(document, Mapping):
        return None
    if isinstance(document.get("deployment"), Mapping):
        return Stack(_from_state(one) for one in document["deployment"].get("resources") or () if not one.get("delete"))
    if isinstance(document.get("steps"), list):
        kept = [step["newState"] for step in document["steps"] if step.get("newState") and step.get("op") != "delete"]
        # A replacement shows its resource in several steps; the last one is what there will be.
        return Stack({state["urn"]: _from_state(state) for state in kept}.values())
    return None


def _from_state(state: Mapping[str, Any]) -> Resource:
    return resource_from_wire(
        urn=state["urn"],
        type_=state["type"],
        inputs=state.get("inputs") or {},
        outputs={**(state.get("outputs") or {}), **({"id": state["id"]} if state.get("id") else {})},
        custom=bool(state.get("custom")),
        parent=state.get("parent", ""),
        provider=state.get("provider", ""),
        dependencies=state.get("dependencies") or (),
        property_dependencies=state.get("propertyDependencies"),
    )
