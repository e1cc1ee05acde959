"""Where a `Stack` comes from: a policy pack's arguments, the offline engine, `pulumi preview --json`, or `pulumi stack export`.

All of them say the same of a resource in a slightly different way; what they differ in ends here.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .documents import GONE, read_document, require_whole
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

UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The one of them that stands for any value."""

MASK = "[secret]"
"""What the Pulumi CLI, and Airlock, write in a preview in the place of a secret."""

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
    try:
        return plain(json.loads(value["plaintext"]))
    except (KeyError, TypeError, ValueError):
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
    place: str = "",
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
        place=place,
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
    return stack_of_document(read_document(path), str(path))


def stack_of_document(document: Any, name: str) -> Stack:
    """The stack that a parsed JSON document describes. InputError, with what to give instead, when it is none or not whole."""
    require_whole(document, name)
    stack = stack_from_document(document)
    assert stack is not None  # noqa: S101  # what is whole has one of the two forms
    return stack


def stack_from_document(document: Any) -> Stack | None:
    """The stack that a parsed JSON document describes; None when it has neither form. Nothing else is checked."""
    if not isinstance(document, Mapping):
        return None
    if isinstance(document.get("deployment"), Mapping):
        states = document["deployment"].get("resources") or ()
        # What is replaced and not deleted yet goes; what is deleted and not replaced yet is not there.
        return _stack(_from_state(one) for one in states if not one.get("delete") and not one.get("pendingReplacement"))
    if isinstance(document.get("steps"), list):
        kept = [step for step in document["steps"] if step.get("newState") and step.get("op") not in GONE]
        # A replacement shows its resource in several steps; the last one is what there will be.
        return _stack({step["newState"]["urn"]: _from_step(step) for step in kept}.values())
    return None


def _stack(resources: Iterable[Resource]) -> Stack:
    """The resources under the names of their stack and project, as their URNs have them."""
    found = list(resources)
    parts = found[0].urn.split("::") if found else []
    named = len(parts) > 1 and parts[0].startswith("urn:pulumi:")
    return Stack(found, name=parts[0].removeprefix("urn:pulumi:") if named else "", project=parts[1] if named else "")


def _from_step(step: Mapping[str, Any]) -> Resource:
    """A resource as it will be. The CLI tells outputs and id of what stays in its old state only, if it was asked too early."""
    state, old = dict(step["newState"]), step.get("oldState") or {}
    if step.get("op") == "same":
        state["outputs"] = state.get("outputs") or old.get("outputs")
    if step.get("op") in ("same", "update"):
        state["id"] = state.get("id") or old.get("id")
    for key in ("inputs", "outputs"):
        state[key] = _unmasked(state.get(key) or {})
    return _from_state(state)


def _unmasked(value: Any) -> Any:
    """A preview's value with the sentinel of an unknown for every secret: what is masked is not known here."""
    if isinstance(value, Mapping):
        return {key: _unmasked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmasked(item) for item in value]
    return UNKNOWN_STRING if value == MASK else value


def _from_state(state: Mapping[str, Any]) -> Resource:
    return resource_from_wire(
        urn=state["urn"],
        type_=state["type"],
        inputs=state.get("inputs") or {},
        outputs={**(state.get("outputs") or {}), **({"id": state["id"]} if state.get("id") else {})},
        custom=bool(state.get("custom")),
        parent=state.get("parent") or "",
        provider=state.get("provider") or "",
        dependencies=state.get("dependencies") or (),
        property_dependencies=state.get("propertyDependencies"),
    )
